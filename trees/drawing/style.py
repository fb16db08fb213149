"""Colors of the boxes: by shape, or by status where one is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Ink:
    """Fill and line of a box, as ``#rrggbb``.

    Attributes:
        fill: Inside.
        line: Around it.
        dashed: For what was passed over.
        strong: The fill is so dark that all text in it is written in the color of titles.
    """

    fill: str
    line: str
    dashed: bool = False
    strong: bool = False

    def text(self, role: str) -> str:
        """Return the color of a line of text: ``title``, ``body``, ``keys`` or ``note``."""
        if self.strong or role in ("title", "note"):
            return TEXT
        return KEYS if role == "keys" else FAINT


TEXT: Final = "#1f2933"
FAINT: Final = "#5f6c7b"
EDGE: Final = "#8a97a6"
KEYS: Final = "#8a3ffc"
FRAME: Final = Ink("#f6f8fa", "#c4ccd4")
"""Around the boxes of a tree that is used."""

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
UNTICKED: Final = Ink("#ffffff", "#c4ccd4")
"""For nodes without a status, where others have one."""
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

HEAT: Final[tuple[Ink, ...]] = (
    Ink("#ffffff", "#c4ccd4"),
    Ink("#fff3d6", "#c99a2e"),
    Ink("#ffdc97", "#b9770e"),
    Ink("#ffb066", "#b4560c", strong=True),
    Ink("#f97f51", "#9c2f0b", strong=True),
)
"""From nothing to the most of all; told apart in gray as well."""


def ink(shape: str, status: object) -> Ink:
    """Return the colors of a box; ``status`` is a name, a py_trees status, or None."""
    name = str(getattr(status, "name", status or ""))
    return STATUSES.get(name) or SHAPES[shape]
