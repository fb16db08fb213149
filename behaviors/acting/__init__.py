"""What acts: steps that are run, what they should bring about, and whether it is so."""
