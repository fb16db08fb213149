"""Rules of an invariants file, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from ..._base import Place
from ...behaviors.invariants import may_be
from ...behaviors.means.effects import Fact
from ..literals import LiteralError, read_literal
from ..mocking.sites import Selector
from ..spec import Computed

ANY_LIMB: Final = "any"
GIVES: Final = ("SUCCESS", "FAILURE", "RUNNING", "SKIPPED")
Given = Literal["SUCCESS", "FAILURE", "RUNNING", "SKIPPED"]
_WORDS: Final = ("text", "any", "object", "objects")


@dataclass(frozen=True)
class Target:
    """What must not happen. A node is meant when everything that is said here fits it.

    Attributes:
        skill: Type key of a node, or the name of a tree that it uses; empty for any.
        name: The author's ``name``; empty for any.
        moves: The limb that it commands, ``any`` for any limb; empty for also none.
        ports: Input port → what it holds, as written.
    """

    skill: str = ""
    name: str = ""
    moves: str = ""
    ports: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def means(self, names: Sequence[str], name: str, limb: str) -> bool:
        """Tell whether a node is meant, its ports aside."""
        return (
            (not self.skill or self.skill in names)
            and (not self.name or self.name == name)
            and (not self.moves or (self.moves == limb or (self.moves == ANY_LIMB and limb != "")))
        )

    def __str__(self) -> str:
        if self.skill and not (self.name or self.moves or self.ports):
            return self.skill
        said = {"skill": self.skill, "name": self.name, "moves": self.moves}
        return f"{{{', '.join(f'{key}: {value}' for key, value in {**said, **self.ports}.items() if value)}}}"


def fits(written: str, type: str, value: object) -> bool:
    """Tell whether a port holds what a rule says.

    Args:
        written: What the rule says, as text.
        type: Type of the port.
        value: What the port holds.
    """
    if value is None:
        return False
    if type in _WORDS or isinstance(value, str):
        values = value if isinstance(value, list | tuple) else [value]
        return any(may_be(written, each) for each in values)
    try:
        return bool(read_literal(written, type) == value)
    except LiteralError:
        return str(value) == written


@dataclass(frozen=True)
class Gave:
    """A node gave this when it was last ticked."""

    node: Selector
    status: Given

    def __str__(self) -> str:
        return f"{self.node.text} gave {self.status}"


@dataclass(frozen=True)
class Known:
    """A fact holds, as far as the leaves that were ticked brought it about, such as ``holding(red cube)``."""

    fact: Fact

    def __str__(self) -> str:
        return str(self.fact)


Condition = Computed | Gave | Known


@dataclass(frozen=True)
class Rule:
    """One rule: none of the targets is ticked while ``during`` is true, unless ``unless`` is.

    Attributes:
        targets: What must not happen.
        place: Where the rule stands.
        during: When it must not; None for ever.
        unless: When it may all the same; None for never.
        about: Why, in the author's words.
        snippet: The line of the file.
    """

    targets: tuple[Target, ...]
    place: Place
    during: Condition | None = None
    unless: Condition | None = None
    about: str = ""
    snippet: str = ""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What it depends on."""
        return tuple(each for each in (self.during, self.unless) if each is not None)

    def __str__(self) -> str:
        words = [f"never {' or '.join(str(target) for target in self.targets)}"]
        for key, condition in (("while", self.during), ("unless", self.unless)):
            if condition is not None:
                words.append(f"{key} {condition.expression.source if isinstance(condition, Computed) else condition}")
        return " ".join(words)
