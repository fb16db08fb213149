"""What a first replay writes down: each call of a leaf, for replays that may part from the recorded run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from .tape import Mark, Tape


@dataclass(frozen=True)
class Said:
    """What a leaf said when it was ticked."""

    status: str
    reason: str


@dataclass(frozen=True)
class Call:
    """One tick of a leaf in the first replay.

    Attributes:
        starts: Whether an execution began.
        inputs: What its ports read then, as text; empty when no execution began.
        said: What it said.
        marks: What it wrote and asked.
    """

    starts: bool
    inputs: Mapping[str, str]
    said: Said
    marks: tuple[Mark, ...]


@dataclass
class Calls:
    """What was called of one node in one segment, in order of each kind."""

    steps: list[Call] = field(default_factory=list)
    looks: list[tuple[Mark, ...]] = field(default_factory=list)
    halts: list[tuple[Mark, ...]] = field(default_factory=list)
    rests: list[bool] = field(default_factory=list)
    pauses: list[tuple[Mark, ...]] = field(default_factory=list)
    resumes: list[tuple[Mark, ...]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """For each tick of a node that invariants are about why it was refused; empty where it was not."""


class Log(defaultdict[tuple[str, int], Calls]):
    """Path of a node and number of a segment → its calls."""

    def __init__(self) -> None:
        super().__init__(Calls)

    def ticks_of(self, path: str, tape: Tape) -> list[int]:
        """Return the numbers of the ticks in which a leaf was ticked."""
        found = (number for (where, number), calls in self.items() if where == path and (calls.steps or calls.looks))
        return sorted({tape.segments[number].tick for number in found})
