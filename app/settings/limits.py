"""Read what ``knothole.toml`` says of money and patience: the blocks ``[budget]`` and ``[failover]``.

```toml
[budget]                         # of the whole run
calls = 500                      # model calls
tokens = 200000                  # where the backend counts them
money = 2.0                      # USD
seconds = 120                    # that models work
when_spent = "unsure"            # or "fail", or "fallback" to the next backend of the chain

[budget.node]                    # of each node by itself
calls = 100

[failover]                       # of chains such as vlm = "openai:gpt-4o,embedded"
failures = 5                     # requests in a row without a usable answer after which a backend rests
rest = 5                         # for so many seconds
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields

from ..._base import near_misses
from ...vlm.broking.breaker import Rest
from ...vlm.broking.budget import WHEN_SPENT, Budget, Limits

LIMITS = tuple(field.name for field in fields(Limits))
_WHOLE = ("calls", "tokens", "failures")
Refuse = Callable[[str, str], Exception]
"""Makes the error for a key and what is wrong with it."""


def read_budget(block: object, refuse: Refuse) -> Budget:
    """Read ``[budget]``; ``refuse`` gets the key that is wrong and says so.

    Raises:
        Exception: What ``refuse`` makes.
    """
    table = _table(block, "budget", (*LIMITS, "when_spent", "node"), refuse)
    node = _table(table.get("node", {}), "budget.node", LIMITS, refuse)
    when = table.get("when_spent", Budget.when_spent)
    if when not in WHEN_SPENT:
        words = " or ".join(f'"{word}"' for word in WHEN_SPENT)
        raise refuse("when_spent", f"'when_spent' is {when!r}\n  fix:  write {words}")
    return Budget(_limits(table, refuse), _limits(node, refuse), when)


def read_rest(block: object, refuse: Refuse) -> Rest:
    """Read ``[failover]``; arguments as for ``read_budget``.

    Raises:
        Exception: What ``refuse`` makes.
    """
    table = _table(block, "failover", ("failures", "rest"), refuse)
    numbers = {key: _number(key, value, refuse) for key, value in table.items()}
    usual = Rest()
    return Rest(int(numbers.get("failures", usual.failures)), numbers.get("rest", usual.seconds))


def _limits(table: Mapping[str, object], refuse: Refuse) -> Limits:
    numbers = {name: _number(name, table[name], refuse) for name in LIMITS if name in table}
    return Limits(
        calls=int(numbers["calls"]) if "calls" in numbers else None,
        tokens=int(numbers["tokens"]) if "tokens" in numbers else None,
        money=numbers.get("money"),
        seconds=numbers.get("seconds"),
    )


def _table(block: object, name: str, known: tuple[str, ...], refuse: Refuse) -> Mapping[str, object]:
    if not isinstance(block, Mapping):
        raise refuse(name, f"{name!r} must be a block\n  fix:  write [{name}] and its keys below")
    for key in block:
        if key not in known:
            near = near_misses(key, known)
            hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
            raise refuse(key, f"[{name}] has no key {key!r}{hint}\n  fix:  known keys are {', '.join(known)}")
    return block


def _number(key: str, value: object, refuse: Refuse) -> float:
    whole = key in _WHOLE
    fits = isinstance(value, int) if whole else isinstance(value, int | float)
    if isinstance(value, bool) or not fits or not 0 < float(str(value)) < float("inf"):
        raise refuse(key, f"{key!r} is {value!r}\n  fix:  give a {'whole ' if whole else ''}number above 0")
    return float(str(value))
