"""The words of each kind of server: what is asked of it and how its answers are read."""
