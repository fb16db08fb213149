"""Writing YAML: comments found and kept, the canonical form, scripts made modern."""
