"""Whether two plans do the same, whatever the order of steps that do not depend on each other."""

from __future__ import annotations

import json
from collections import Counter

from ..facts import FrameFacts
from .matching import HOLDERS
from .phrases import noun_phrase
from .reading import parse_query

Job = tuple[str, str, str, str]
"""Skill and argument of a step, and of the one that puts down what it picked; empty where there is none."""


def jobs(steps: object) -> list[Job] | None:
    """Return the steps of a plan in pairs: what is picked and where it goes; None when they are not of that form."""
    if not isinstance(steps, list):
        return None
    found: list[Job] = []
    for step in steps:
        if not isinstance(step, dict) or not isinstance(step.get("args", {}), dict):
            return None
        skill, args = str(step.get("skill")), step.get("args", {})
        words = ";".join(f"{name}={_same_words(value)}" for name, value in sorted(args.items()))
        if skill == "place" and found and found[-1][0] == "pick" and not found[-1][2]:
            found[-1] = (*found[-1][:2], skill, words)
        else:
            found.append((skill, words, "", ""))
    return found


def _same_words(value: object) -> str:
    """Write the same thing in the same words, whatever its article."""
    thing = parse_query(value) if isinstance(value, str) else None
    return json.dumps(value, sort_keys=True) if thing is None else noun_phrase(thing)


def equivalent(one: object, other: object, facts: FrameFacts | None = None) -> bool:
    """Tell whether two plans, as data, do the same: the order of steps that do not depend on each other is free.

    A step depends on an earlier one when they name a thing in common other than a tray, bowl or plate, or, where
    ``facts`` are given, when the earlier one takes away what lies on the thing of the later one.
    """
    if isinstance(one, dict) or isinstance(other, dict):
        return one == other
    a, b = jobs(one), jobs(other)
    if a is None or b is None or Counter(a) != Counter(b):
        return False
    if len(set(a)) < len(a):
        return a == b
    at = {job: k for k, job in enumerate(b)}
    return all(at[first] < at[then] for k, then in enumerate(a) for first in a[:k] if _depends(first, then, facts))


def _depends(first: Job, then: Job, facts: FrameFacts | None) -> bool:
    if first[0] != "pick" or then[0] != "pick":
        return True
    mine, its = _things(first), _things(then)
    if mine & its:
        return True
    if facts is None:
        return False
    names = [o.name for o in facts.objects]
    covers = {(names[i], names[o.support]) for i, o in enumerate(facts.objects) if o.support >= 0}
    return any((a, b) in covers or (b, a) in covers for a in mine for b in its)


def _things(job: Job) -> set[str]:
    """Return the names of what a job is about, without trays, bowls and plates."""
    found = (parse_query(part.partition("=")[2]) for part in (job[1], job[3]))
    return {f"{thing.color} {thing.shape}" for thing in found if thing is not None and thing.shape not in HOLDERS}
