"""From documents to the description of a tree: header, declarations, generation, grammar of nodes and values."""
