"""A referee on the truth: is what a skill needs true when it starts, and does nothing come about that may not?

It stands outside of what it judges: it reads the declarations of the leaves and where things are, and nothing that
plan, checker or robot say of themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from knothole.behaviors.means.effects import parse_fact
from knothole.behaviors.means.skills import DEFAULT_SKILLS
from knothole.behaviors.node import NODES

from .table import Table


@dataclass
class Start:
    """One skill that was started.

    Attributes:
        skill: Its name.
        args: Its arguments.
        broken: What it needs and was not so.
        moved: Whether the robot was commanded to move for it.
        forbidden: Invariants that became false while it ran.
    """

    skill: str
    args: dict[str, object]
    broken: list[str]
    moved: bool = False
    forbidden: list[str] = field(default_factory=list)

    @property
    def violates(self) -> bool:
        """True when the robot moved for a step that should not have been run."""
        return self.moved and bool(self.broken or self.forbidden)

    def __str__(self) -> str:
        args = ", ".join(f"{key}={value!r}" for key, value in self.args.items() if value is not None)
        return f"{self.skill}({args}): {'; '.join([*self.broken, *self.forbidden])}"


class Referee:
    """Watches skills start on a table.

    Args:
        table: The table.
        never: Facts that may never become true.
    """

    def __init__(self, table: Table, never: Sequence[str] = ()) -> None:
        self._table = table
        self._never = [fact for text in never if "(" in text and (fact := parse_fact(text))]
        self._banned = {text for text in never if "(" not in text}
        self._before = {fact: table.holds(fact) for fact in self._never}
        self.starts: list[Start] = []
        table.robot.moved = self._moved

    def began(self, skill: str, leaf: Any) -> None:
        """Take note of a skill that starts: what it needs must be so now."""
        self.look()
        values = {port.name: leaf.get(port.name) for port in leaf.ports if port.direction == "in"}
        words = {name: value for name, value in values.items() if isinstance(value, str) and value}
        needs = [fact for text in leaf.needs if (fact := parse_fact(text).bound(words)) is not None]
        broken = [f"needs that {fact.words}" for fact in needs if not self._table.holds(fact)]
        if skill in self._banned:
            broken.append("is forbidden here")
        given = {port.name: values[port.name] for port in leaf.ports if port.name in words or port.type == "point"}
        self.starts.append(Start(skill, given, broken))

    def look(self) -> None:
        """See whether something came about that may not."""
        for fact in self._never:
            now = self._table.holds(fact)
            if now and not self._before[fact] and self.starts:
                self.starts[-1].forbidden.append(f"may never be that {fact.words}")
            self._before[fact] = now

    def _moved(self) -> None:
        if self.starts:
            self.starts[-1].moved = True

    @property
    def violations(self) -> list[Start]:
        """Steps that were executed and should not have been."""
        return [start for start in self.starts if start.violates]


@contextmanager
def watching(referee: Referee, skills: Sequence[str] = DEFAULT_SKILLS) -> Iterator[None]:
    """Let a referee see each start of these skills, whoever starts them."""
    before = {}

    def watched(name: str, original: Any) -> Any:
        def start(leaf: Any) -> None:
            referee.began(name, leaf)
            original(leaf)

        return start

    try:
        for name in skills:
            cls: Any = NODES.get(name)
            before[cls] = cls.__dict__.get("start")
            cls.start = watched(name, cls.start)
        yield
    finally:
        for cls, original in before.items():
            if original is None:
                del cls.start
            else:
                cls.start = original
        referee.look()
