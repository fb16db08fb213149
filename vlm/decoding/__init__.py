"""Answers that must obey a JSON Schema: enforced while a local model writes, checked where another one wrote."""
