"""Pictures of a request: data URIs and base64 alone, of bounded size. Nothing is fetched."""

from __future__ import annotations

import base64
import binascii
import io
import re
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..questions import Frame
from .refusals import wrong

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
MOST_PIXELS = 40_000_000
MOST_PICTURES = 16
_DATA = re.compile(r"data:image/[\w.+-]{1,40};base64,", re.IGNORECASE)


def from_uri(uri: str, where: str) -> NDArray[np.uint8]:
    """Return the pixels of a data URI, shape (H, W, 3).

    Raises:
        RefusedError: It is an address of something else, or no picture.
    """
    match = _DATA.match(uri)
    if match is None:
        raise wrong(where, "must be a data URI, data:image/png;base64,…; this server fetches nothing from elsewhere")
    return from_base64(uri[match.end() :], where)


def from_base64(text: str, where: str) -> NDArray[np.uint8]:
    """Return the pixels of a picture file in base64, shape (H, W, 3).

    Raises:
        RefusedError: It is no base64, no picture of a known format, or too large.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong(where, f"is not base64: {error}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures, which are refused below, and of odd metadata
            with Image.open(io.BytesIO(raw), formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise wrong(where, f"has {picture.width} x {picture.height} pixels, at most {MOST_PIXELS} are read")
                return np.asarray(picture.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise wrong(where, f"is no picture of the formats {', '.join(FORMATS)}: {str(error)[:100]}") from error


def as_frame(pictures: Sequence[NDArray[np.uint8]]) -> Frame | None:
    """Return pictures as one frame, the last one with the others before it; None without any."""
    made = [Frame("", 0.0, rgb) for rgb in pictures]
    if not made:
        return None
    last = Frame("", 0.0, made[-1].rgb, tuple(made[:-1]))
    return Frame(f"sha256:{last.digest()[:16]}", 0.0, last.rgb, last.earlier)
