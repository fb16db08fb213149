"""What is kept of the pictures of a run: all of them, a blur that hides faces and words, or only their hashes."""

from __future__ import annotations

from typing import Final, Literal, get_args

Frames = Literal["keep", "blur", "drop"]
FRAMES: Final[tuple[Frames, ...]] = get_args(Frames)
"""What may be done with pictures: keep them, blur them strongly, or drop them and keep only their hashes."""
