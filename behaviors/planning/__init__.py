"""From an instruction to a plan that may be run: what is asked, what is refused and why, what is accepted."""
