"""What several leaves need: asking, motion, what was seen, what is carried."""
