"""Joins a tree, a world or driver, a backend and a trace: what the command line and the Python API call."""
