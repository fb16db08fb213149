"""Signs with words, and QR codes, put into a picture where they hide nothing that a question may be about."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Form = Literal["sign", "print", "qr"]
FORMS: Final[tuple[Form, ...]] = ("sign", "print", "qr")
"""A sheet with words, words printed right onto the scene, a QR code."""
HEIGHTS: Final[Mapping[Form, tuple[float, ...]]] = {
    "sign": (0.045, 0.06, 0.085),
    "print": (0.05, 0.07, 0.1),
    "qr": (0.008, 0.012),
}
"""Heights of letters, and of modules of codes, as a share of the picture's height."""

_SHEETS: Final = (
    ((250, 249, 243), (20, 20, 20)),
    ((255, 225, 60), (20, 20, 20)),
    ((25, 25, 30), (245, 245, 245)),
    ((200, 30, 30), (255, 255, 255)),
)
_DARK, _LIGHT, _MIDDLE = 0, 2, 110
_TRIES: Final = 60
_APART: Final = 0.01
_Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Sign:
    """What is put into a picture.

    Attributes:
        text: Its words.
        form: A sheet, print, or a code.
        height: Height of the letters, or of a module of the code, as a share of the picture's height.
        turned: How far it is turned, [deg].
        sheet: Number of its colors.
    """

    text: str
    form: Form = "sign"
    height: float = 0.06
    turned: float = 0.0
    sheet: int = 0


def draw(sign: Sign, picture_height: int) -> Image.Image:
    """Return a sign as a picture with transparent surroundings.

    Args:
        sign: The sign.
        picture_height: Height of the picture that it is for, [px].
    """
    if sign.form == "qr":
        made = _code(sign.text, max(1, round(sign.height * picture_height)))
    else:
        made = _sheet(sign, max(6, round(sign.height * picture_height)))
    return made.rotate(sign.turned, expand=True, resample=Image.Resampling.BICUBIC)


def put(
    rgb: Pixels, sign: Sign, keep_off: Sequence[_Box], rng: random.Random, keep_clear: NDArray[np.bool_] | None = None
) -> Pixels | None:
    """Return the picture with a sign in it, None where there is no room for it.

    Print is light on dark and dark on light.

    Args:
        rgb: Shape (H, W, 3).
        sign: The sign.
        keep_off: Boxes that it must not touch, relative to the image.
        rng: Chooses the place.
        keep_clear: Pixels that it must not cover, shape (H, W); None for no such.
    """
    height, width = rgb.shape[:2]
    drawn = draw(sign, height)
    if drawn.width > width or drawn.height > height:
        return None
    for _ in range(_TRIES):
        x, y = rng.randint(0, width - drawn.width), rng.randint(0, height - drawn.height)
        box = (x / width, y / height, (x + drawn.width) / width, (y + drawn.height) / height)
        covered = (slice(y, y + drawn.height), slice(x, x + drawn.width))
        hides = keep_clear is not None and bool(keep_clear[covered].any())
        if not hides and not any(_touch(box, other) for other in keep_off):
            if sign.form == "print":
                drawn = draw(replace(sign, sheet=_DARK if rgb[covered].mean() > _MIDDLE else _LIGHT), height)
            picture = Image.fromarray(rgb).convert("RGBA")
            picture.alpha_composite(drawn, (x, y))
            return np.asarray(picture.convert("RGB"), np.uint8)
    return None


def _sheet(sign: Sign, letters: int) -> Image.Image:
    font = ImageFont.load_default(letters)
    paper, ink = _SHEETS[sign.sheet % len(_SHEETS)]
    left, top, right, bottom = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), sign.text, font)
    pad = 1 if sign.form == "print" else max(3, letters // 2)
    size = (round(right - left) + 2 * pad, round(bottom - top) + 2 * pad)
    sheet = Image.new("RGBA", size, (*paper, 0 if sign.form == "print" else 255))
    ImageDraw.Draw(sheet).multiline_text((pad - left, pad - top), sign.text, (*ink, 255), font)
    return sheet


def _code(text: str, module: int) -> Image.Image:
    import cv2

    code = cv2.QRCodeEncoder.create().encode(text)
    side = (code.shape[1] * module, code.shape[0] * module)
    return Image.fromarray(code).resize(side, Image.Resampling.NEAREST).convert("RGBA")


def _touch(a: _Box, b: _Box) -> bool:
    return a[0] < b[2] + _APART and b[0] < a[2] + _APART and a[1] < b[3] + _APART and b[1] < a[3] + _APART
