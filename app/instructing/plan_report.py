"""What a backend made of the instructions of the suite, before anything moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .drawing import KINDS, Kind
from .plans import Planned
from .tally import Rate, by, rate, table

_TITLES: dict[Kind, str] = {
    "steps": "plan accepted and right",
    "ask": "ambiguous: right question",
    "cannot": "impossible: refused",
}
_WORDS = {False: "training", True: "held apart"}


@dataclass(frozen=True)
class PlanReport:
    """Answers of one backend to the instructions of many seeds."""

    vlm: str
    checked: bool
    planned: tuple[Planned, ...]

    def of(self, kind: Kind) -> Sequence[Planned]:
        """Return the answers to one kind of instruction."""
        return [one for one in self.planned if one.task.kind == kind]

    def right(self, kind: Kind) -> Rate:
        """Count the right ones of a kind."""
        return rate(self.of(kind), lambda one: one.judged.right)

    def to_json(self) -> dict[str, object]:
        """Return plain data, one entry per answer in ``answers``."""
        return {
            "suite": "instructions",
            "vlm": self.vlm,
            "checked": self.checked,
            "rates": {kind: self.right(kind).to_json() for kind in KINDS},
            "words": {
                kind: {k: r.to_json() for k, r in _by_words(self.of(kind)).items()} for kind in KINDS if self.of(kind)
            },
            "answers": [one.to_json() for one in self.planned],
        }

    def __str__(self) -> str:
        what = "plans, checked as in a run," if self.checked else "first answers"
        lines = [f"{what} of {self.vlm} to instructions over random scenes; nothing was moved"]
        for kind in KINDS:
            mine = self.of(kind)
            if not mine:
                continue
            lines.append(f"  {_TITLES[kind]:<27} {self.right(kind)}")
            lines += table(_by_words(mine))
            lines += table(by(mine, lambda one: one.task.act, lambda one: one.judged.right))
            exact = rate([one for one in mine if one.judged.right], lambda one: one.judged.exact)
            if exact.hits < exact.total:
                what = "for the right reason" if kind == "cannot" else "and nothing needless"
                lines.append(f"    of those {what}: {exact.hits}/{exact.total}")
        if wrong := [one for one in self.planned if not one.judged.right]:
            lines += ["  wrong:", *(f"    {str(one)[7:]}" for one in wrong)]
        return "\n".join(lines)


def _by_words(planned: Sequence[Planned]) -> dict[str, Rate]:
    return by(planned, lambda one: f"{_WORDS[one.task.apart]} words", lambda one: one.judged.right)
