"""Answers made of what a server says: probabilities, samples, JSON, boxes, words, and what they cost."""
