"""What several leaves need: asking, motion, what was seen, what stands around, how a thing is put down."""
