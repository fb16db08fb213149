"""Image-text-to-text checkpoints of any family through transformers: loading, prompts, and one way to ask them all."""
