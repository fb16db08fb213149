"""The suite of instructions: drawn over random scenes, planned by a backend, carried out, judged on truth."""
