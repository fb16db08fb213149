"""Boxes and points in JSON: lists of four or two numbers under a key, or one number under each of four or two keys.

Sources: Qwen2.5-VL writes ``bbox_2d`` and ``point_2d`` in pixels of the resized image (QwenLM/Qwen3-VL issues 721 and
676), Qwen3-VL in thousandths (issue 1741); Gemini writes ``box_2d`` and ``point`` in thousandths, y first (vendor's
documentation of spatial understanding); Moondream writes ``x_min`` to ``y_max``, or ``x`` and ``y``, from 0 to 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from .found import FoundBox, Span, box_at, point_at, scaled

_BOX_KEYS = ("bbox_2d", "bbox", "box_2d", "box", "bounding_box")
_POINT_KEYS = ("point_2d", "point")
_EDGES, _SPOT = ("x_min", "y_min", "x_max", "y_max"), ("x", "y")
_LABELS = ("label", "name", "object", "text_content")
_NOTHING = re.compile(r"\s*(?:```(?:json)?)?\s*(?:\[\s*\]|\{\s*(?:\"\w+\"\s*:\s*\[\s*\]\s*)?\})\s*(?:```)?\s*")
_BARE = re.compile(r"\[\s*(-?\d[\d.]{0,8})\s*,\s*(-?\d[\d.]{0,8})\s*,\s*(-?\d[\d.]{0,8})\s*,\s*(-?\d[\d.]{0,8})\s*\]")
_FAILURES = 300


@dataclass(frozen=True)
class JsonForm:
    """How the numbers are meant.

    Attributes:
        scale: What x and y are divided by; None where each entry tells by itself (``_scale_of``).
        y_first: The order is y, x.
        bare: Four numbers in brackets, without a key, are a box.
        fractions: An entry whose numbers all lie in 0..1, and are not all whole, is meant so: divided by the scale it
            would be a speck in the corner.
    """

    scale: tuple[float, float] | None
    y_first: bool = False
    bare: bool = False
    fractions: bool = False

    def read(self, text: str) -> Iterator[FoundBox | None]:
        """Yield what is written, in its order; None for a box without an area."""
        nothing = True
        for entry, start, stop in _objects(text):
            box, point = self._numbers(entry)
            if box or point:
                nothing = False
                yield self._found(box, point, Span(_label_of(entry), start, stop))
        if nothing and self.bare:
            for match in _BARE.finditer(text):
                try:
                    values = [float(group) for group in match.groups()]
                except ValueError:  # such as 1.2.3
                    continue
                yield self._found(values, [], Span("", match.start(), match.end()))

    def says_nothing(self, text: str) -> bool:
        """Tell whether an answer says that there is none."""
        return _NOTHING.fullmatch(text) is not None

    def _numbers(self, entry: Mapping[str, object]) -> tuple[list[float], list[float]]:
        """Return the box and the point of an entry, each empty where there is none."""
        box, point = (
            self._listed(entry, keys, len(names)) or self._named(entry, names)
            for keys, names in ((_BOX_KEYS, _EDGES), (_POINT_KEYS, _SPOT))
        )
        return box, point

    def _listed(self, entry: Mapping[str, object], keys: tuple[str, ...], count: int) -> list[float]:
        value = next((entry[key] for key in keys if key in entry), None)
        fits = isinstance(value, list) and len(value) == count and all(is_number(v) for v in value)
        return [float(v) for v in value] if fits else []  # type: ignore[attr-defined]

    def _named(self, entry: Mapping[str, object], names: tuple[str, ...]) -> list[float]:
        values = [entry.get(name) for name in names]
        if not all(is_number(v) for v in values):
            return []
        numbers = [float(v) for v in values]  # type: ignore[arg-type]
        return _swapped(numbers) if self.y_first else numbers  # the names tell which is which

    def _found(self, box: list[float], point: list[float], span: Span) -> FoundBox | None:
        """Place a box, a point, or a box with a point in it, all in the same measure."""
        written = [*box, *point]
        placed = _swapped(written) if self.y_first else written
        placed = scaled(placed, self._scale(placed))
        found = box_at(placed[:4], span) if box else None
        if not point:
            return found
        spot = point_at(placed[-2], placed[-1], span)
        return replace(found, point_uv=spot.point_uv) if found is not None else spot

    def _scale(self, values: list[float]) -> tuple[float, float]:
        if self.scale is None:
            return _scale_of(values)
        parts = self.fractions and any(value != int(value) for value in values)
        return _scale_of(values) if parts else self.scale


def is_number(value: object) -> bool:
    """Tell whether a value of JSON is a coordinate: a number, no truth value, not beyond all measure."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _objects(text: str) -> Iterator[tuple[Mapping[str, object], int, int]]:
    """Yield JSON objects with their place, also those inside of others and in broken or cut off text."""
    decoder, at, failures = json.JSONDecoder(), 0, 0
    while (at := text.find("{", at)) >= 0 and failures < _FAILURES:  # nested text that never closes would take forever
        try:
            entry, stop = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at, failures = at + 1, failures + 1
            continue
        yield entry, at, stop
        at = at + 1 if any(map(_holds_objects, entry.values())) else stop


def _holds_objects(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value))


def _label_of(entry: Mapping[str, object]) -> str:
    value = next((entry[key] for key in _LABELS if key in entry), "")
    return value.strip() if isinstance(value, str) else ""


def _swapped(values: list[float]) -> list[float]:
    return [value for i in range(0, len(values), 2) for value in (values[i + 1], values[i])]


def _scale_of(values: list[float]) -> tuple[float, float]:
    """Return 1 for numbers that all lie in 0..1, else 1000: as thousandths the former had no extent to speak of."""
    return (1.0, 1.0) if all(0.0 <= value <= 1.0 for value in values) else (1000.0, 1000.0)
