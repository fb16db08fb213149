"""Budgets: how much a run, and each node in it, may ask, and what happens once that is spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, Protocol

from ..contract import BackendError

WhenSpent = Literal["unsure", "fail", "fallback"]
WHEN_SPENT: tuple[WhenSpent, ...] = ("unsure", "fail", "fallback")
UNITS: Mapping[str, str] = {"calls": "model calls", "tokens": "tokens", "money": "USD", "seconds": "s of model time"}


class BudgetSpentError(BackendError):
    """The budget is spent, and the configuration says that the run fails then."""


class Spending(Protocol):
    """What a budget looks at."""

    @property
    def calls(self) -> int:
        """Model calls."""
        ...

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        ...

    @property
    def cost(self) -> float:
        """Money, [USD]."""
        ...

    @property
    def seconds(self) -> float:
        """Time the model worked, [s]."""
        ...


@dataclass(frozen=True)
class Limits:
    """The most that may be spent; None for no limit.

    Attributes:
        calls: Model calls.
        tokens: Tokens read and written, where the backend counts them.
        money: USD.
        seconds: Time the model works, [s]: wall time, its latency on a stepped clock.

    Raises:
        ValueError: A limit is not above 0.
    """

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise ValueError(f"the limit of {field.name} is {value!r}, must be > 0")

    def reached(self, spent: Spending) -> str:
        """Return the limit that is reached, in words; empty while there is something left."""
        have = {"calls": spent.calls, "tokens": spent.tokens, "money": spent.cost, "seconds": spent.seconds}
        for name, used in have.items():
            limit = getattr(self, name)
            if limit is not None and used >= limit - 1e-9:
                return f"{limit:g} {UNITS[name]}"
        return ""


@dataclass(frozen=True)
class Budget:
    """What a run may spend on questions.

    A request that is on its way when a limit is reached is still paid for: tokens, money and seconds are known only
    when its answers are there.

    Attributes:
        run: Limits of the whole run; with ``fallback`` of each backend of the chain by itself.
        node: Limits of each node by itself. Shared questions cost a node nothing.
        when_spent: ``unsure``: questions are answered with a problem that says so. ``fail``: the run ends with a fault
            that says so. ``fallback``: questions go to the next backend of the chain, and once that of the last one is
            spent they are unsure. What a single node has spent always makes its questions unsure.
    """

    run: Limits = Limits()
    node: Limits = Limits()
    when_spent: WhenSpent = "unsure"

    def __post_init__(self) -> None:
        if self.when_spent not in WHEN_SPENT:
            raise ValueError(f"when_spent is {self.when_spent!r}, must be one of {', '.join(WHEN_SPENT)}")
