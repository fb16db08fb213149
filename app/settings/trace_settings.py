"""Read what ``knothole.toml`` says of traces: the block ``[trace]``.

```toml
[trace]
pictures = "png"                 # each pixel as it was; "jpeg" (the usual) is a tenth of the size
pictures_hz = 2                  # most pictures of a camera in a second of the run; of others only the hash is kept
joints_hz = 10                   # most joint states in a second
keep = "60s"                     # only the end of a run: a time, or a size such as "200MB"; what --keep says
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ..._base import near_misses
from ...trees.tracing.amount import PICTURES, Amount, read_keep
from .limits import Refuse

_KEYS: Final = ("pictures", "pictures_hz", "joints_hz", "keep")


def read_trace_block(block: object, refuse: Refuse) -> Amount:
    """Read ``[trace]``; ``refuse`` gets the key that is wrong and says so.

    Raises:
        Exception: What ``refuse`` makes.
    """
    if not isinstance(block, Mapping):
        raise refuse("trace", "'trace' must be a block\n  fix:  write [trace] and its keys below")
    for key in block:
        if key not in _KEYS:
            near = near_misses(key, _KEYS)
            hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
            raise refuse(key, f"[trace] has no key {key!r}{hint}\n  fix:  known keys are {', '.join(_KEYS)}")
    pictures = block.get("pictures", "jpeg")
    if pictures not in PICTURES:
        raise refuse("pictures", f"'pictures' is {pictures!r}\n  fix:  write one of {', '.join(PICTURES)}")
    rates: dict[str, Any] = {name: _rate(name, block[name], refuse) for name in _KEYS[1:3] if name in block}
    if "keep" not in block:
        return Amount(pictures, **rates)
    try:
        return Amount(pictures, **rates, **kept(str(block["keep"])))
    except ValueError as error:
        raise refuse("keep", f"'keep' is {error}") from error


def kept(text: str) -> dict[str, Any]:
    """Return the fields of ``Amount`` that say how much of the end of a run is kept.

    Raises:
        ValueError: It is no time and no size.
    """
    return dict(read_keep(text))


def amount_of(configured: Amount, keep: str, pictures: str) -> Amount:
    """Return how much a trace keeps: as configured, unless the command line says otherwise; ``all`` keeps everything.

    Raises:
        ValueError: A value is none that can be kept.
    """
    chosen = replace(configured, pictures=pictures) if pictures else configured  # type: ignore[arg-type]
    if not keep:
        return chosen
    fields = {} if keep == "all" else kept(keep)
    return replace(chosen, **{"seconds": None, "size": None, **fields})


def _rate(name: str, value: object, refuse: Refuse) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise refuse(name, f"{name!r} is {value!r}\n  fix:  give a number above 0, in a second of the run")
    return float(value)
