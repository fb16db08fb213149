"""What decided and what would have had to be different: answers with their frames, expressions, limits, halts."""
