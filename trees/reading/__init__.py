"""From YAML text to documents with places, nothing typed; and what is no YAML, in plain words."""
