"""The loop and what belongs to it: clock, signals, outcome, digest."""
