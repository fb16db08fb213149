"""Colors by name and by number: what a port of type ``color`` takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

Color = tuple[float, float, float]
"""Red, green and blue, each from 0 to 1."""

COLORS: Final[Mapping[str, str]] = {
    "black": "#000000", "white": "#ffffff", "gray": "#808080", "grey": "#808080", "silver": "#c0c0c0",
    "red": "#ff0000", "green": "#008000", "blue": "#0000ff", "lime": "#00ff00", "yellow": "#ffff00",
    "orange": "#ffa500", "brown": "#a52a2a", "pink": "#ffc0cb", "purple": "#800080", "violet": "#ee82ee",
    "magenta": "#ff00ff", "cyan": "#00ffff", "turquoise": "#40e0d0", "teal": "#008080", "navy": "#000080",
    "olive": "#808000", "maroon": "#800000", "gold": "#ffd700", "beige": "#f5f5dc",
}  # fmt: skip
"""Name → what it is by number, as in CSS."""
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z")


def read_color(text: str) -> Color | None:
    """Return the color that a text names, None when it names none.

    >>> read_color("#ff8000"), read_color("white")
    ((1.0, 0.5019607843137255, 0.0), (1.0, 1.0, 1.0))
    """
    digits = COLORS.get(text.lower(), text)
    if not _HEX.match(digits):
        return None
    wide = digits[1:] if len(digits) == 7 else "".join(digit * 2 for digit in digits[1:])
    red, green, blue = (int(wide[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue
