"""Watching a run and looking at recorded ones: what other programs and people see of a tree."""
