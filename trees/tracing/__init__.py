"""A run on disk: what is recorded, on which channels, and how it is read again."""
