"""A server for any backend: typed decisions, and chat completions with pictures."""
