"""What a language server knows of a tree file: where the cursor is, what fits there, who mentions what."""
