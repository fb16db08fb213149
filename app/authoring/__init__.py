"""What authors do with tree files: check, convert, draw, format, list, start."""
