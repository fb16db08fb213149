"""Read the JSON that a model wrote as a plan, strictly: whatever it wrote, the end is data or a complaint."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from ...vlm.questions import Answer

LONGEST = 200_000
"""Characters of an answer that are read."""


_DEEP = "the answer is nested too deep"


class _Twice(ValueError):
    """A key of an object stands twice."""


def read_answer(answer: Answer) -> tuple[object, list[str]]:
    """Return the plan of an answer as data, or what is wrong with it."""
    data, wrong = _read(answer)
    return (None, wrong) if (wrong := wrong or _no_text(data)) else (data, [])


def _read(answer: Answer) -> tuple[object, list[str]]:
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
        return None, [_DEEP if isinstance(error, RecursionError) else "the answer is not JSON"]
    return read if answer.data is None else answer.data, []


def _no_text(data: object) -> list[str]:
    """Say that halves of surrogate pairs, which JSON can write, are no text: nobody could say or keep them."""
    try:
        json.dumps(data, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        return ["the answer has half a surrogate pair, which is no text"]
    except (ValueError, RecursionError):
        return [_DEEP]
    return []


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
