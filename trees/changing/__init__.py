"""Changing a tree while it runs: what an edit leaves as it is, and how the rest is replaced."""
