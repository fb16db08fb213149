"""Hearing: from sound to words, and which words can be expected."""

EARS = ("pocketsphinx", "whisper")
"""Backends that hear and do nothing else: in a chain they are asked what was said, and nothing besides."""
NOBODY_SPOKE = "nobody spoke"
"""The problem of an answer to a sound without speech."""
