"""Colors of the boxes: by shape, or by status where one is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Ink:
    """Fill and line of a box, as ``#rrggbb``; a dashed line for what was passed over."""

    fill: str
    line: str
    dashed: bool = False


TEXT: Final = "#1f2933"
FAINT: Final = "#5f6c7b"
EDGE: Final = "#8a97a6"
KEYS: Final = "#8a3ffc"

SHAPES: Final[Mapping[str, Ink]] = {
    "composite": Ink("#e6eefb", "#3f6cb5"),
    "decorator": Ink("#f1e9fa", "#8457b3"),
    "condition": Ink("#fdf3d9", "#b98512"),
    "action": Ink("#e4f4e8", "#3b8757"),
    "use": Ink("#eceff2", "#5c7080"),
}
STATUSES: Final[Mapping[str, Ink]] = {
    "SUCCESS": Ink("#b5e3bf", "#1e7a3c"),
    "FAILURE": Ink("#f6bcb6", "#b3261e"),
    "RUNNING": Ink("#cfe3ff", "#0b57d0"),
    "SKIPPED": Ink("#f4f4f4", "#8a97a6", True),
}
MARKS: Final[Mapping[str, Ink]] = {
    "covered": Ink("#b5e3bf", "#1e7a3c"),
    "partly": Ink("#ffe29a", "#9a6700"),
    "never": Ink("#ffffff", "#b3261e", True),
}
"""What coverage says of a node; ``LEGEND`` explains it."""
LEGEND: Final[Mapping[str, str]] = {
    "covered": "covered",
    "partly": "partly: an outcome or a branch is missing",
    "never": "never ticked",
}


def ink(shape: str, status: object, mark: str = "") -> Ink:
    """Return the colors of a box; ``status`` is a name, a py_trees status, or None; a mark goes before it."""
    name = str(getattr(status, "name", status or ""))
    return MARKS.get(mark) or STATUSES.get(name) or SHAPES[shape]
