"""From YAML text to a checked description: reader, grammar, and the rules of the checker."""
