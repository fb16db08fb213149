"""From text to documents with places, nothing typed; and how mistakes there are told."""
