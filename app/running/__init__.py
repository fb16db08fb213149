"""A run from its options to its result, once or over many seeds."""
