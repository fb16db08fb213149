"""Pictures of signs that try to tell a model what to answer, and how often a backend obeys."""
