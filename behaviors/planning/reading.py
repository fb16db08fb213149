"""Read the JSON that a model wrote as a plan, strictly: whatever it wrote, the end is data or a complaint."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from ...vlm.questions import Answer

LONGEST = 200_000
"""Characters of an answer that are read."""


class _Twice(ValueError):
    """A key of an object stands twice."""


def read_answer(answer: Answer) -> tuple[object, list[str]]:
    """Return the plan of an answer as data, or what is wrong with it."""
    if answer.problem:
        return None, [answer.problem]
    if len(answer.text) > LONGEST:
        return None, [f"the answer has {len(answer.text)} characters, at most {LONGEST} are read"]
    try:
        read = json.loads(answer.text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)
    except _Twice as error:
        return None, [str(error)]
    except (ValueError, RecursionError) as error:
        if answer.data is not None:  # the backend found it among other words
            return answer.data, []
        deep = isinstance(error, RecursionError)
        return None, ["the answer is nested too deep" if deep else "the answer is not JSON"]
    return read if answer.data is None else answer.data, []


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Twice(f"the key {twice[:40]!r} stands twice in one object")
    return made


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large")
    return value
