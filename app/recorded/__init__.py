"""Recorded runs: the folder of them, look into them, replay them, ask why."""
