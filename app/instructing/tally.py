"""Count what was reached: rates with their intervals, by group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..running.evaluate import wilson

T = TypeVar("T")


@dataclass(frozen=True)
class Rate:
    """So many of so many.

    Attributes:
        hits: How many were as they should be.
        total: Of how many.
    """

    hits: int
    total: int

    @property
    def share(self) -> float:
        """The rate, 0 where there was nothing."""
        return self.hits / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval."""
        return wilson(self.hits, self.total)

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {"hits": self.hits, "total": self.total, "rate": self.share, "wilson_95": list(self.interval)}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.hits}/{self.total}  {self.share:4.0%}  (95 % interval: {low:.0%} to {high:.0%})"


def rate(items: Iterable[T], good: Callable[[T], bool]) -> Rate:
    """Count the items that are good."""
    marks = [good(item) for item in items]
    return Rate(sum(marks), len(marks))


def by(items: Sequence[T], key: Callable[[T], str], good: Callable[[T], bool]) -> dict[str, Rate]:
    """Count the good ones for each value of a key, in the order of the keys."""
    return {name: rate((i for i in items if key(i) == name), good) for name in sorted({key(i) for i in items})}


def table(rates: dict[str, Rate], indent: str = "    ") -> list[str]:
    """Return one line for each group, short."""
    return [f"{indent}{name:<14} {one.hits}/{one.total}" for name, one in rates.items()]
