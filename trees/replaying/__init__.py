"""Tick a recorded run again: what its trace holds for that, the tree on it, and where two runs part."""
