"""Train, measure and export the embedded model: a tiny Qwen3-VL that answers questions about a table.

The heavy modules are imported by name (``knothole.vlm.training.train``), so that this package costs nothing to import.
"""
