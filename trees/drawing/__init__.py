"""Pictures of a tree: what stands in each box, where the boxes go, and how they become SVG, PNG, dot and text."""
