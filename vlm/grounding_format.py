"""Read the boxes and points that vision-language models write: each family has its own form and coordinates.

Boxes may drift outside the image (QwenLM/Qwen3-VL issue 1035) and are clamped. The forms stand in ``grounding/``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from .grounding.found import FoundBox, UnreadableError
from .grounding.json_form import JsonForm
from .grounding.token_form import (
    is_absent,
    is_empty,
    read_florence,
    read_molmo,
    read_paligemma,
    read_qwen_tokens,
)
from .questions import Region

__all__ = ["COORDINATES", "Coordinates", "FoundBox", "UnreadableError", "distinct", "overlap", "read_boxes"]

Coordinates = Literal[
    "thousandths", "pixels", "relative", "gemini", "paligemma", "florence", "molmo", "moondream", "any_json"
]
"""Forms of an answer.

``thousandths``, ``pixels`` (of the resized image) and ``relative`` (0 to 1) are JSON, x first, or box tokens of
Qwen2-VL; ``gemini`` is JSON in thousandths, y first; ``moondream`` JSON with named edges from 0 to 1; ``any_json`` JSON
of a model that was never trained to write boxes: thousandths, or 0 to 1 where all numbers of a box lie there. What is
written in fractions of 1 where thousandths are wanted is taken for that.
"""

COORDINATES: dict[str, Coordinates] = {
    "qwen2_vl": "thousandths",
    "qwen2_5_vl": "pixels",
    "qwen3_vl": "thousandths",
    "qwen3_vl_moe": "thousandths",
}
_THOUSAND, _ONE = (1000.0, 1000.0), (1.0, 1.0)
_TOKENS = {"paligemma": read_paligemma, "florence": read_florence, "molmo": read_molmo}
_JSON = {
    "thousandths": JsonForm(_THOUSAND, fractions=True),
    "relative": JsonForm(_ONE, bare=True),
    "gemini": JsonForm(_THOUSAND, y_first=True, fractions=True),
    "moondream": JsonForm(_ONE, bare=True),
    "any_json": JsonForm(None, bare=True),
}
_MOST = 200_000
"""Characters of an answer that are read."""


def read_boxes(
    text: str, coordinates: Coordinates, image_size: tuple[int, int] = (0, 0), exact: bool = False
) -> list[FoundBox]:
    """Return the boxes and points of an answer, in its order; an empty list when it says that there are none.

    Corners in the wrong order are swapped, boxes clamped to the image, boxes without area left out. A bare point comes
    with a small box around it. An answer cut off by a token limit gives what is complete.

    Args:
        text: What the model wrote, special tokens included.
        coordinates: The family's form, for the Qwen-VL family from ``COORDINATES``.
        image_size: Width and height of the resized image the model saw, [px]; only ``pixels`` needs it.
        exact: Take the form at its word, also where thousandths are below 1.

    Raises:
        UnreadableError: There is no box or point in it, or no box with an area.
    """
    text = text[:_MOST]
    written = list(_written(text, coordinates, image_size, exact))
    if not written:
        if _says_nothing(text, coordinates):
            return []
        raise UnreadableError("no box in the answer")
    found = [one for one in written if one is not None]
    if not found:
        raise UnreadableError("no box with an area in the answer")
    return found


def _written(
    text: str, coordinates: Coordinates, image_size: tuple[int, int], exact: bool
) -> Iterator[FoundBox | None]:
    if coordinates in _TOKENS:
        yield from _TOKENS[coordinates](text)
        return
    if coordinates in ("thousandths", "pixels"):
        yield from read_qwen_tokens(text)
    form = _json_form(coordinates, image_size)
    yield from (replace(form, fractions=False) if exact else form).read(text)


def _json_form(coordinates: Coordinates, image_size: tuple[int, int]) -> JsonForm:
    if coordinates == "pixels":
        if min(image_size) < 1:
            raise ValueError(f"pixels of an image of {image_size} cannot be placed")
        return JsonForm((float(image_size[0]), float(image_size[1])))
    return _JSON[coordinates]


def _says_nothing(text: str, coordinates: Coordinates) -> bool:
    if coordinates == "molmo":
        return is_absent(text)
    if coordinates in _TOKENS:
        return is_empty(text)
    return _JSON["thousandths"].says_nothing(text)


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
