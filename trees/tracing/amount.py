"""How much of a run a trace keeps: form and rate of pictures and joints, and for how long."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

Pictures = Literal["jpeg", "png"]
PICTURES: Final[tuple[Pictures, ...]] = get_args(Pictures)
"""Forms of pictures: JPEG is small, PNG keeps each pixel as it was."""
SMALLEST: Final = 1_000_000
"""Least size that a trace may be held to, [bytes]."""
_UNITS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}
_TIMES: Final = ("ms", "s", "min", "h")


@dataclass(frozen=True)
class Amount:
    """How much of a run a trace keeps; the usual is everything.

    Attributes:
        pictures: Form of pictures.
        pictures_hz: Most pictures of a camera in a second of the run clock; of others only the hash is kept. None for
            no limit.
        joints_hz: The same for joint states; others are left out.
        seconds: Keep so much of the end of a run, [s] on its clock. While the run goes on up to twice that is there.
            Tree, start, and what still holds from before stay. None for everything.
        size: Keep the file below this, [bytes], by giving up the older half when it is reached. None for no limit.
    """

    pictures: Pictures = "jpeg"
    pictures_hz: float | None = None
    joints_hz: float | None = None
    seconds: float | None = None
    size: int | None = None

    def __post_init__(self) -> None:
        if self.pictures not in PICTURES:
            raise ValueError(f"pictures is {self.pictures!r}, must be one of {', '.join(PICTURES)}")
        for name in ("pictures_hz", "joints_hz", "seconds"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value!r}, must be a number above 0")
        if self.size is not None and self.size < SMALLEST:
            raise ValueError(f"size is {self.size}, must be at least {SMALLEST} bytes")


def read_keep(text: str) -> dict[str, float | int]:
    """Read how much of the end of a run is kept: a time or a size; return the fields of ``Amount``.

    >>> read_keep("2min"), read_keep("200MB")
    ({'seconds': 120.0}, {'size': 200000000})

    Raises:
        ValueError: It is neither; the text says what to write.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|min|h|kB|MB|GB)", text)
    value = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not match or not value > 0:
        raise ValueError(f"{text!r} is no time or size to keep; write a number with s, min, h, MB or GB, such as 60s")
    if match[2] in _TIMES:
        return {"seconds": value}
    if value < SMALLEST:
        raise ValueError(f"{text!r} is too small for a trace; write at least {SMALLEST / 1e6:g}MB")
    return {"size": int(value)}
