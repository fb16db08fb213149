"""Mock profiles: nodes replaced by scripts, by path."""
