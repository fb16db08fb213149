"""The loop and what follows a run: clock, signals, changes, digest."""
