"""What a plan may not do: skills that it may not name, facts that it may not bring about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..._base import KnotholeError, near_misses
from ..means.effects import ANY, FACTS, Fact, FactError, parse_fact
from ..node import NODES


class NeverError(KnotholeError):
    """A text that forbids nothing that is known."""


@dataclass(frozen=True)
class Never:
    """One thing that may not happen.

    Attributes:
        text: As the author wrote it.
        skill: The skill that may not be named; empty where a fact is forbidden.
        fact: The fact that no step may bring about; None where a skill is forbidden.
    """

    text: str
    skill: str = ""
    fact: Fact | None = None

    @property
    def things(self) -> tuple[str, ...]:
        """The things that it names, in words."""
        return () if self.fact is None else tuple(arg for arg in self.fact.args if arg != ANY)


def read_never(texts: Iterable[object], skills: Iterable[str] = ()) -> tuple[Never, ...]:
    """Read what is forbidden: names of skills, and facts such as ``inside(_, red bowl)``.

    Args:
        texts: What the author wrote.
        skills: Names that are skills though no node has them, such as those of trees.

    Raises:
        NeverError: One of them is neither.
    """
    known = {*skills}
    found = []
    for each in texts:
        text = str(each).strip()
        if text in known or text in NODES:
            found.append(Never(text, skill=text))
            continue
        try:
            found.append(Never(text, fact=parse_fact(text)))
        except FactError as error:
            near = near_misses(text.partition("(")[0], [*FACTS, *sorted(known), *NODES])
            hint = f"\n  did you mean:  {near[0]}" if near else ""
            raise NeverError(
                f"{text!r} forbids nothing: it is no skill, and no fact{hint}\n"
                "  fix:  write the name of a skill, or a fact such as `inside(_, red bowl)`"
            ) from error
    return tuple(found)
