"""The humans of a run: at the terminal, behind a file, a script or a microphone."""
