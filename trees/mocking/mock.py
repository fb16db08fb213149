"""What a profile says about some nodes: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ..reading.document import Item, Scalar, Source
from .sites import Selector

STATUSES: Final = ("success", "failure", "running", "skipped")


@dataclass(frozen=True)
class Mock:
    """What the nodes that a selector picks do instead of their own work.

    Two are equal when a node that has one does the same with the other: what it writes stands in the node as well, and
    where the mock was written does not count.

    Attributes:
        selector: Which nodes.
        at: Where the selector stands.
        source: The file it stands in.
        statuses: One status a tick; empty when ``success`` decides, or the children do.
        again: True when the sequence starts over at its end; else its last status repeats.
        after: Time from the start of an execution before which it is RUNNING, [s].
        success: Probability of SUCCESS, else FAILURE; None when ``statuses`` decide.
        writes: What is written when an execution ends with SUCCESS or FAILURE: name of a port or ``$entry``, value.
        reason: Reason of a FAILURE.
        children: True when the children are run first, in order.
    """

    selector: Selector = field(repr=False, compare=False)
    at: Scalar = field(repr=False, compare=False)
    source: Source = field(repr=False, compare=False)
    statuses: tuple[str, ...] = ()
    again: bool = False
    after: float = 0.0
    success: float | None = None
    writes: tuple[tuple[Scalar, Item], ...] = field(default=(), repr=False, compare=False)
    reason: str = ""
    children: bool = False

    def __str__(self) -> str:
        """Say in a few words what it does, for drawings and traces."""
        parts = []
        if not self.statuses and self.success is None and not self.children:
            parts.append("success")
        if self.statuses:
            parts.append(", ".join(self.statuses) + (" again and again" if self.again else ""))
        if self.success is not None:
            parts.append(f"success with probability {self.success:g}")
        if self.after:
            parts.append(f"after {self.after:g}s")
        if self.children:
            parts.append("children run")
        return "; ".join(parts)
