"""Whether a step may begin: by what the hand feels, and where that matters by a fresh picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..means.effects import ANY, Fact
from ..node import Leaf
from .finding import ALL, Finding, Found
from .telling import untrue

SHOWN: Final = ("clear",)
"""Facts that are looked for in a picture before a step: skills look for the things themselves, not for what lies on
them."""


class Ready:
    """Look whether anything speaks against a step, without waiting: poll ``verdict`` once a tick.

    The hand is asked first; where it says no, no picture is taken. What a picture cannot show, because there is no
    camera with depth or no backend that finds things, is not known, and so is nothing against it.

    Args:
        leaf: Who wants to begin.
        needs: What the step needs.
        look: Whether a picture is looked at.
    """

    def __init__(self, leaf: Leaf, needs: Sequence[Fact], look: bool = True) -> None:
        self._leaf, self._needs = leaf, tuple(needs)
        self._finding: Finding | None = None
        things = [fact.args[0] for fact in needs if fact.name in SHOWN and ANY not in fact.args]
        if look and things and _sees(leaf) and not untrue(leaf, needs):
            self._finding = Finding(leaf, [*things, ALL])

    @property
    def verdict(self) -> str | None:
        """What is untrue and what is so instead, in words; empty where nothing is known to be; None before that."""
        found = Found()
        if self._finding is not None:
            looked = self._finding.found
            if looked is None:
                return untrue(self._leaf, self._needs) or None
            found = looked
        return untrue(self._leaf, self._needs, found)

    def drop(self) -> None:
        """Stop waiting. Idempotent."""
        if self._finding is not None:
            self._finding.drop()
            self._finding = None


def _sees(leaf: Leaf) -> bool:
    """Tell whether there is a default camera with depth, and somebody to ask about its picture."""
    robot, broker = leaf.context.robot, leaf.context.broker
    if robot is None or broker is None or not robot.capabilities.cameras:
        return False
    return robot.capabilities.cameras[0] in robot.capabilities.depth
