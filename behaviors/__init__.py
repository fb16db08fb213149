"""The nodes of a tree: composites, decorators and leaves, with their ports. They translate words into motion."""
