"""The leaves: one file a behavior."""
