"""Read the boxes that vision-language models write: each family has its own coordinates.

Sources, by model: Qwen2-VL box tokens and thousandths (QwenLM/Qwen3-VL issue 866); Qwen2.5-VL JSON with pixels of the
resized image (issues 721 and 676); Qwen3-VL JSON with thousandths (issue 1741). Boxes may drift outside the image
(issue 1035) and are clamped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from .letterbox import Box
from .questions import Region

Coordinates = Literal["thousandths", "pixels"]

COORDINATES: dict[str, Coordinates] = {
    "qwen2_vl": "thousandths",
    "qwen2_5_vl": "pixels",
    "qwen3_vl": "thousandths",
    "qwen3_vl_moe": "thousandths",
}

_TOKENS = re.compile(
    r"(?:<\|object_ref_start\|>(?P<label>.*?)<\|object_ref_end\|>\s*)?<\|box_start\|>\s*"
    r"\(\s*(?P<x1>-?\d+)\s*,\s*(?P<y1>-?\d+)\s*\)\s*,\s*\(\s*(?P<x2>-?\d+)\s*,\s*(?P<y2>-?\d+)\s*\)\s*<\|box_end\|>",
    re.DOTALL,
)
_NOTHING = re.compile(r"\s*(?:```(?:json)?)?\s*\[\s*\]\s*(?:```)?\s*")
_KEYS = ("bbox_2d", "bbox", "box_2d")


class UnreadableError(ValueError):
    """The text has no usable box and does not say that there is none."""


@dataclass(frozen=True)
class FoundBox:
    """One box as written: relative to the image the model saw, with its label and the characters it stands in."""

    box_xyxy: Box
    label: str
    start: int
    stop: int


def read_boxes(text: str, coordinates: Coordinates, image_size: tuple[int, int]) -> list[FoundBox]:
    """Return the boxes of an answer, in its order; an empty list when it says that there are none.

    Corners in the wrong order are swapped, boxes clamped to the image, boxes without area left out. An answer cut off
    by a token limit gives the boxes that are complete.

    Args:
        text: What the model wrote, special tokens included.
        coordinates: The family's convention, from ``COORDINATES``.
        image_size: Width and height of the resized image the model saw, [px].

    Raises:
        UnreadableError: There is no box in it, or none with an area.
    """
    if _NOTHING.fullmatch(text):
        return []
    written = list(_written(text))
    if not written:
        raise UnreadableError("no box in the answer")
    scale = (1000.0, 1000.0) if coordinates == "thousandths" else (float(image_size[0]), float(image_size[1]))
    found = []
    for values, label, start, stop in written:
        x1, x2 = sorted(min(1.0, max(0.0, v / scale[0])) for v in (values[0], values[2]))
        y1, y2 = sorted(min(1.0, max(0.0, v / scale[1])) for v in (values[1], values[3]))
        if x2 > x1 and y2 > y1:
            found.append(FoundBox((x1, y1, x2, y2), label, start, stop))
    if not found:
        raise UnreadableError("no box with an area in the answer")
    return found


def _written(text: str) -> Iterator[tuple[Sequence[float], str, int, int]]:
    for match in _TOKENS.finditer(text):
        values = [float(match[key]) for key in ("x1", "y1", "x2", "y2")]
        yield values, (match["label"] or "").strip(), match.start(), match.end()
    decoder, at = json.JSONDecoder(), 0
    while (start := text.find("{", at)) >= 0:
        try:
            entry, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            at = start + 1
            continue
        box = next((entry[key] for key in _KEYS if key in entry), None)
        if isinstance(box, list) and len(box) == 4 and all(_is_number(v) for v in box):
            yield box, str(entry.get("label", "")).strip(), start, at


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def distinct(regions: Sequence[Region]) -> list[Region]:
    """Return regions without repetitions: models sometimes name one object twice.

    Args:
        regions: Best first; of two that mostly cover each other the first one stays.
    """
    kept: list[Region] = []
    for region in regions:
        if all(overlap(region.box_xyxy, other.box_xyxy) < 0.55 for other in kept):
            kept.append(region)
    return kept


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the intersection over union of two boxes xyxy; 0 where one is empty.

    >>> overlap((0, 0, 2, 1), (1, 0, 3, 1))
    0.3333333333333333
    """
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = (max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]) for box in (a, b))
    union = sum(areas) - width * height
    return width * height / union if union > 0 else 0.0
