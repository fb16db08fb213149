"""Compare a recorded answer with what was true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...vlm.measuring import ACCEPT, pairs

TYPED: Final = ("yes_no", "choice", "score")
Data = Mapping[str, Any]


def best(data: Data) -> tuple[str, float]:
    """Return the likeliest answer and its probability; empty and 0 where there is none."""
    chances = data.get("probabilities") or {}
    if data.get("problem") or not chances:
        return "", 0.0
    word = max(chances, key=lambda each: chances[each])
    return str(word), min(1.0, float(chances[word]))


def is_unsure(data: Data) -> bool:
    """Tell whether an answer decides nothing: it has a problem, or is typed and no answer has 0.8 or more."""
    return bool(data.get("problem")) or (data["kind"] in TYPED and best(data)[1] < ACCEPT)


def is_right(data: Data, truth: Data) -> bool | None:
    """Tell whether an answer is right; None where that cannot be told, or where there is none.

    Args:
        data: The answer.
        truth: What is true, as an answer.
    """
    kind = data["kind"]
    if data.get("problem"):
        return None
    if kind in TYPED:
        true, p = best(truth)
        return best(data)[0] == true if p > 0 else None
    if kind == "ground":
        wanted, given = ([r["box_xyxy"] for r in each.get("regions") or ()] for each in (truth, data))
        return len(wanted) == len(given) == len(pairs(wanted, given))
    if kind == "plan":
        return bool(data.get("data") == truth.get("data"))
    return None
