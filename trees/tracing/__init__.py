"""What is recorded of a run: changes by tick, the channels of the file, and how it is read again."""
