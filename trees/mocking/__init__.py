"""Mocks in the tree's own words: which nodes, what they do instead, and the tree that has them in place."""
