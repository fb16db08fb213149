"""What is done with a recorded run: told, cut, compared, verified, written in other forms."""
