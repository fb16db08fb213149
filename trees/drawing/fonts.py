"""How wide text is, and the font it is drawn in: Pillow's own, or one of the system where that lacks a letter."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from PIL import ImageFont

Font = ImageFont.FreeTypeFont
_SYSTEM: Final = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "Arial Unicode.ttf",
    "arial.ttf",
)
_INSTEAD: Final = {"→": ">", "−": "-", "–": "-", "—": "-", "µ": "u", "°": "deg", "×": "x", "≤": "<=", "≥": ">="}


@lru_cache(maxsize=64)
def font(size: int) -> Font:
    """Return the font that comes with Pillow, which needs no file."""
    made = ImageFont.load_default(size)
    assert isinstance(made, Font)
    return made


@lru_cache(maxsize=64)
def _system_font(size: int) -> Font | None:
    for name in _SYSTEM:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return None


@lru_cache(maxsize=8192)
def _has(character: str, system: bool = False) -> bool:
    if character.isspace() or " " < character <= "~":
        return True
    chosen = _system_font(24) if system else font(24)
    if chosen is None:
        return False
    return bytes(chosen.getmask(character)) != bytes(chosen.getmask("\uffff"))


def font_for(text: str, size: int) -> tuple[Font, str]:
    """Return a font and the text to draw in it; what no font has is written in its nearest ASCII letters."""
    if all(_has(character) for character in text):
        return font(size), text
    system = _system_font(size)
    if system is not None:
        return system, "".join(c if _has(c, True) else _ascii(c) for c in text)
    return font(size), "".join(c if _has(c) else _ascii(c) for c in text)


def _ascii(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _INSTEAD.get(character) or plain or "?"


def width_of(text: str, size: int) -> float:
    """Return the width of a line of text, [px]."""
    chosen, drawn = font_for(text, size)
    return float(chosen.getlength(drawn))


def wrap(text: str, size: int, width: float) -> list[str]:
    """Break text into lines no wider than ``width`` [px]; a longer word is broken inside."""
    lines: list[str] = []
    most = int(width) + 1  # no letter that is drawn is narrower than a pixel; measuring more would take long
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            while word:
                joined = f"{line} {word}" if line else word
                if len(joined) <= most and width_of(joined, size) <= width:
                    line, word = joined, ""
                elif line:
                    lines.append(line)
                    line = ""
                else:
                    cut = _fits(word[:most], size, width)
                    lines.append(word[:cut])
                    word = word[cut:]
        lines.append(line)
    return lines


def _fits(word: str, size: int, width: float) -> int:
    low, high = 1, len(word)
    while low < high:
        middle = (low + high + 1) // 2
        if width_of(word[:middle], size) <= width:
            low = middle
        else:
            high = middle - 1
    return low
