"""Wishes for where things shall be, and who can show a picture of them come true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .._base import KnotholeError
from .contract import Image


class ArrangementError(KnotholeError):
    """Wishes that cannot be shown: an unknown thing, an unknown camera, no room."""


@dataclass(frozen=True)
class Wish:
    """Where one thing shall be. One of ``at``, ``into`` and ``onto`` is given.

    Attributes:
        thing: What it is called, such as ``red cube``; an article does not matter.
        near: Where it is now, world frame, [m], which tells it from others of its name; None takes the only one.
        at: World x and y, [m]; it stands on whatever is below.
        into: The container it shall be in.
        onto: The thing it shall stand on.
        yaw: Its direction about world z, [rad]; None leaves it as it is.
    """

    thing: str
    near: tuple[float, float, float] | None = None
    at: tuple[float, float] | None = None
    into: str = ""
    onto: str = ""
    yaw: float | None = None


class Arranger(Protocol):
    """Shows how a scene would look; a simulator can, a camera cannot."""

    def picture(self, wishes: Sequence[Wish], camera: str) -> Image:
        """Return a picture of the present scene with wishes come true, in their order; the world itself stays.

        Args:
            wishes: What shall be where. Later ones see what earlier ones did.
            camera: Camera name; the empty string means the default camera.

        Raises:
            ArrangementError: It cannot be shown.
        """
        ...
