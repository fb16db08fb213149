"""Boxes written with tokens of their own, and points written as tags.

Sources: Qwen2-VL box tokens in thousandths (QwenLM/Qwen3-VL issue 866); PaliGemma four ``<loc0000>`` to ``<loc1023>``,
y first, then the label, entries parted by ``;`` (Beyer et al., *PaliGemma*, 2024, section 3.2); Florence-2 the phrase,
then four of ``<loc_0>`` to ``<loc_999>``, x first, each the middle of its bin (Xiao et al., *Florence-2*, 2024, section
3.1, and the post-processing in transformers); Molmo ``<point x= y=>`` and ``<points x1= y1= ...>`` in percent (Deitke
et al., *Molmo and PixMo*, 2024), Molmo2 ``<points coords="IMAGE NUMBER X Y NUMBER X Y ...">`` in thousandths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .found import FoundBox, Span, box_at, point_at

_QWEN = re.compile(
    r"(?:<\|object_ref_start\|>(?P<label>.*?)<\|object_ref_end\|>\s*)?<\|box_start\|>\s*"
    r"\(\s*(?P<x1>-?\d{1,9})\s*,\s*(?P<y1>-?\d{1,9})\s*\)\s*,\s*"
    r"\(\s*(?P<x2>-?\d{1,9})\s*,\s*(?P<y2>-?\d{1,9})\s*\)\s*<\|box_end\|>",
    re.DOTALL,
)
_PALIGEMMA = re.compile(r"((?:<loc\d{4}>){4})(?:<seg\d{3}>)*([^<;]*)")
_FLORENCE = re.compile(r"(?:<loc_\d{1,4}>)+")
_NUMBER = re.compile(r"\d+")
_MOLMO = re.compile(r"<(?:points?)\s([^<>]{1,4000}?)/?>(?:([^<>]*)</points?>)?")
_ATTRIBUTE = re.compile(r"(\w+)\s*=\s*\"([^\"]*)\"")
_CONTROL = re.compile(r"</?(?:s|pad|bos|eos)>|<\|[\w]+\|>")
_ABSENT = re.compile(r"\bthere (?:is|are) (?:none|no(?:thing)?)\b", re.IGNORECASE)


def read_qwen_tokens(text: str) -> Iterator[FoundBox | None]:
    """Yield the boxes between box tokens, thousandths of the image; None for one without an area."""
    for match in _QWEN.finditer(text):
        values = [float(match[key]) / 1000 for key in ("x1", "y1", "x2", "y2")]
        yield box_at(values, Span((match["label"] or "").strip(), match.start(), match.end()))


def read_paligemma(text: str) -> Iterator[FoundBox | None]:
    """Yield the boxes of location tokens: 1024 bins, y first."""
    for match in _PALIGEMMA.finditer(text):
        y1, x1, y2, x2 = (int(number) / 1024 for number in _NUMBER.findall(match[1]))
        yield box_at((x1, y1, x2, y2), Span(match[2].strip(), match.start(), match.end()))


def read_florence(text: str) -> Iterator[FoundBox | None]:
    """Yield the boxes of location tokens: 1000 bins, x first; a phrase goes with all boxes that follow it."""
    before = 0
    for match in _FLORENCE.finditer(text):
        phrase = text[before : match.start()].rpartition(">")[2].strip()
        numbers, before = list(_NUMBER.finditer(text, match.start(), match.end())), match.end()
        for four in (numbers[i : i + 4] for i in range(0, len(numbers) - 3, 4)):
            values = [(int(number[0]) + 0.5) / 1000 for number in four]
            yield box_at(values, Span(phrase, four[0].start(), four[3].end() + 1))


def read_molmo(text: str) -> Iterator[FoundBox | None]:
    """Yield the points of tags: percent in attributes, or thousandths in ``coords``."""
    for match in _MOLMO.finditer(text):
        attributes = dict(_ATTRIBUTE.findall(match[1]))
        span = Span((match[2] or attributes.get("alt", "")).strip(), match.start(), match.end())
        if "coords" in attributes:
            yield from (point_at(x / 1000, y / 1000, span) for x, y in _coords(attributes["coords"]))
            continue
        for key in ("", *(str(i) for i in range(1, len(attributes) // 2 + 1))):
            place = [_percent(attributes.get(axis + key, "")) for axis in "xy"]
            if place[0] is not None and place[1] is not None:
                yield point_at(place[0] / 100, place[1] / 100, span)


def is_empty(text: str) -> bool:
    """Tell whether nothing but control tokens was written: how models of location tokens say that there is none."""
    return not _CONTROL.sub("", text).strip()


def is_absent(text: str) -> bool:
    """Tell whether an answer in words says that there is none."""
    return _ABSENT.search(text) is not None


def _coords(text: str) -> Iterator[tuple[float, float]]:
    """Yield x and y of ``IMAGE NUMBER X Y NUMBER X Y``; several images are parted by a semicolon or a tabulator."""
    for group in re.split(r"[;\t:]", text):
        numbers = [float(n) for n in re.findall(r"\d{1,9}(?:\.\d{1,9})?", group)]
        for i in range(1, len(numbers) - 2, 3):
            yield numbers[i + 1], numbers[i + 2]


def _percent(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*-?\d{1,9}(?:\.\d{1,9})?\s*", text) else None
