"""Pictures the way they may be kept: as they are, or blurred until faces and words are gone."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .privacy import Frames

QUALITY: Final = 90
_QUICK: Final = 3
"""Effort of PNG: higher ones cost a run much more time than they save space."""
_CELLS: Final = 24
"""Cells that a blurred picture is reduced to along its longer side: an object is a stain, a face or a word is gone."""


def blurred(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture of the same size in which only large stains of color are left.

    It is reduced to 24 cells along the longer side, each the mean of its pixels, and these are smoothed: what was
    smaller than a cell cannot be restored.

    Args:
        rgb: Shape (H, W, 3).
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, _CELLS / max(height, width))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(rgb).resize(small, Image.Resampling.BOX).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(max(height, width) / _CELLS / 2)), np.uint8)


def jpeg(rgb: NDArray[np.uint8], frames: Frames) -> bytes:
    """Return a picture as JPEG, the way it may be kept; empty where it may not.

    Args:
        rgb: Shape (H, W, 3).
        frames: What is done with pictures.
    """
    return _encoded(rgb, frames, "JPEG", quality=QUALITY)


def png(rgb: NDArray[np.uint8], frames: Frames) -> bytes:
    """Return a picture as PNG, the way it may be kept; arguments as for ``jpeg``."""
    return _encoded(rgb, frames, "PNG", compress_level=_QUICK)


def _encoded(rgb: NDArray[np.uint8], frames: Frames, form: str, **how: int) -> bytes:
    if frames == "drop":
        return b""
    buffer = io.BytesIO()
    Image.fromarray(blurred(rgb) if frames == "blur" else rgb).save(buffer, format=form, **how)
    return buffer.getvalue()
