"""What the robot has done so far, in words: no model is needed for it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from .differences import bare

if TYPE_CHECKING:
    from ..node import Leaf

NOTE = "doings"
"""Key of ``context.notes``, and the channel of a trace: what motion leaves did."""
_PLACED = re.compile(r"(?P<thing>.+) is (?P<place>(?:in|on) .+)")
_SLIPPED = ("lost ", "closed on ")
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class Doing:
    """One motion that ended.

    Attributes:
        skill: Which, such as ``pick``.
        ok: Whether it did what it should.
        thing: What it was about, in words; empty for none.
        place: ``in`` or ``on`` what that is now; for a place that succeeded.
        reason: Why it failed.
    """

    skill: str
    ok: bool
    thing: str = ""
    place: str = ""
    reason: str = ""


def note(leaf: Leaf, ok: bool, words: str) -> None:
    """Note that a motion leaf has ended, with what it said of it."""
    skill = re.sub(r"(?<!^)(?=[A-Z])", "_", type(leaf).__name__).lower()
    named = leaf.get("object") if any(port.name == "object" for port in leaf.ports) else None
    thing = bare(str(getattr(named, "label", named))) if named is not None else ""
    place = ""
    if skill == "place" and ok and (hit := _PLACED.fullmatch(words)):
        thing, place = bare(hit["thing"]), f"{hit['place'].split()[0]} {_the(hit['place'].split(maxsplit=1)[1])}"
    doing = Doing(skill, ok, thing, place, "" if ok else words)
    cast("list[dict[str, object]]", leaf.context.notes.setdefault(NOTE, [])).append(asdict(doing))
    leaf.context.emit(NOTE, {"path": leaf.path, **asdict(doing)})


def doings_of(messages: Sequence[Mapping[str, Any]]) -> list[Doing]:
    """Return them from plain data, as the notes of a run and the channel of a trace have it."""
    return [Doing(*(data[key] for key in ("skill", "ok", "thing", "place", "reason"))) for data in messages]


def progress(doings: Sequence[Doing], total: int | None = None, now: str = "") -> str:
    """Say what was done, what went wrong, and what is done now.

    Args:
        doings: What was done, oldest first.
        total: How many things are to be put away in all, where that is known.
        now: What is done now, such as "looking for the red can".

    >>> slip = Doing("pick", False, "green ball", reason="lost green ball")
    >>> progress([Doing("place", True, "red cube", "in the blue tray"), slip], 5)
    'I have put 1 of 5 things in the blue tray: the red cube. The green ball slipped once.'
    """
    sentences = [*_puts(doings, total), *_holds(doings), *_troubles(doings)]
    if now:
        sentences.append(f"Now I am {now}.")
    return " ".join(sentences) or "I have not moved anything yet."


def _puts(doings: Sequence[Doing], total: int | None) -> list[str]:
    by_place: dict[str, list[str]] = {}
    for doing in doings:
        if doing.skill == "place" and doing.ok and doing.place:
            by_place.setdefault(doing.place, []).append(doing.thing)
    if not by_place:
        return [f"I have put none of {total} things away yet."] if total else []
    parts = []
    for number, (place, things) in enumerate(by_place.items()):
        of = f" of {total}" if total is not None and number == 0 and len(by_place) == 1 else ""
        many = f"{len(things)}{of} thing{'' if len(things) == 1 and not of else 's'}"
        parts.append(f"{many} {place}: {_list([_the(thing) for thing in things])}")
    return [f"I have put {'; '.join(parts)}."]


def _holds(doings: Sequence[Doing]) -> list[str]:
    moved = [doing for doing in doings if doing.skill in ("pick", "place") and doing.ok]
    return [f"I hold {_the(moved[-1].thing)}."] if moved and moved[-1].skill == "pick" and moved[-1].thing else []


def _troubles(doings: Sequence[Doing]) -> list[str]:
    """Count what slipped, and tell of the rest the last reason."""
    failed = [doing for doing in doings if not doing.ok]
    slipped = Counter(doing.thing for doing in failed if doing.reason.startswith(_SLIPPED))
    told = [f"{_the(thing, True)} slipped {_times(count)}." for thing, count in slipped.items() if thing]
    others: dict[tuple[str, str], list[str]] = {}
    for doing in failed:
        if not (doing.thing and doing.reason.startswith(_SLIPPED)):
            others.setdefault((doing.skill, doing.thing), []).append(doing.reason)
    for (skill, thing), reasons in others.items():
        what = f"{skill.replace('_', ' ')} {_the(thing)}" if thing else skill.replace("_", " ")
        told.append(f"I failed {_times(len(reasons))} to {what}: {reasons[-1]}.")
    return told


def _the(words: str, capital: bool = False) -> str:
    text = words if words.startswith(("the ", "(")) else f"the {words}"
    return text[0].upper() + text[1:] if capital else text


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{_NUMBERS[count] if count < len(_NUMBERS) else count} times")


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
