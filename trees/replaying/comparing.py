"""Where two runs part, and what follows from it: by their stories, line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .replay import Played
    from .tape import Tape

Line = tuple[Any, ...]
_WHERE: Final = {"status": 2, "write": 3, "question": 2, "cancelled": 3, "answer": 3}
"""What a line is about → which part of it names the node, the entry's writer, or the question."""


@dataclass(frozen=True)
class Difference:
    """The first thing that is not as it was.

    Attributes:
        tick: Number of the tick; that of the last one before it where only the end differs.
        node: Path of the node; of a write the one that wrote; empty where there is none.
        recorded: What was recorded there, in words; empty for nothing.
        now: What came now.
    """

    tick: int
    node: str
    recorded: str
    now: str

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {"tick": self.tick, "node": self.node, "recorded": self.recorded, "now": self.now}

    def __str__(self) -> str:
        where = f" at {self.node}" if self.node else ""
        then, now = self.recorded or "nothing of the kind", self.now or "nothing of the kind"
        return f"tick {self.tick}{where}\n  recorded  {then}\n  now       {now}"


@dataclass(frozen=True)
class Parted:
    """A node whose status at the end of a tick is another one than recorded.

    Attributes:
        tick: From which tick on.
        node: Its path.
        recorded: Its recorded status, ``INVALID`` for halted, reset or not ticked yet.
        now: Its status now.
        reason: Why, or what it is doing.
    """

    tick: int
    node: str
    recorded: str
    now: str
    reason: str

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return dict(vars(self))


def compare(tape: Tape, played: Played) -> tuple[Difference | None, bool]:
    """Return where a replay and its recording part, and whether only a part of the recording could be compared.

    A part is left where the trace is cut, and where the last tick was broken off by something outside of the tree: a
    backend, a robot, code of a leaf that told nobody.
    """
    recorded, now, cut = tape.story.lines, played.story.lines, tape.cut
    last, stopped = tape.last_tick, played.stopped
    if tape.outcome == "FAULT" and (not played.broke or (stopped is not None and stopped.tick == last)):
        cut = True
        recorded, now = ([line for line in lines if tick_of_line(line) < last] for lines in (recorded, now))
        recorded, now = ([line for line in lines if line[0] not in _ENDS] for lines in (recorded, now))
    elif cut:
        now = now[: played.told]
    found = first_difference(recorded, now, open_end=cut)
    if tape.altered and (found is None or found.tick > tape.altered):
        found = Difference(
            tape.altered, "", "other statuses, writes or answers, by the check sum", "what the trace says"
        )
    return found, cut


_ENDS: Final = ("pose", "outcome")


def first_difference(
    recorded: Sequence[Line], now: Sequence[Line], open_end: bool = False, prefer: Sequence[str] = ()
) -> Difference | None:
    """Return where two stories part first; None where they do not.

    Args:
        recorded: Lines of the recorded run.
        now: Lines of the other one.
        open_end: The recording is cut: what comes after its end counts as nothing.
        prefer: Paths of nodes that are named first where more than one differ in that tick.
    """
    last = 0
    for number, (then, here) in enumerate(zip_longest(recorded, now)):
        if then is None and open_end:
            return None
        if not _same(then, here):
            found = _difference(recorded, now, number, last)
            return _preferred(recorded, now, number, found, prefer)
        last = tick_of_line(then) or last
    return None


def _same(then: Line | None, here: Line | None) -> bool:
    if then is None or here is None:
        return False
    return then == here or _text(then) == _text(here)


def _text(line: Line) -> str:
    return json.dumps(line, sort_keys=True)


def _difference(recorded: Sequence[Line], now: Sequence[Line], at: int, last: int) -> Difference:
    """Say what differs from one line on: of a node that changed in both runs how, of any other what it was before."""
    before, old, new = recorded[:at], recorded[at:], now[at:]
    then, here = next(iter(old), None), next(iter(new), None)
    tick = min((tick for tick in (tick_of_line(then), tick_of_line(here)) if tick), default=last)
    then = then if tick_of_line(then) in (tick, 0) else None
    here = here if tick_of_line(here) in (tick, 0) else None
    if then is not None and here is not None and _key(then) != _key(here):
        moved = _find(new, tick, then)
        if moved is not None and not _same(then, moved):
            here = moved  # the node said something else, in another place of the order
        else:
            then = _find(old, tick, here)
    about = then if here is None else here
    if about is None:
        return Difference(tick, "", "", "")
    standing = _standing(before, about)
    return Difference(tick, _node(about), _words(then) or standing, _words(here) or standing)


def _preferred(
    recorded: Sequence[Line], now: Sequence[Line], at: int, found: Difference, prefer: Sequence[str]
) -> Difference:
    """Return the difference of a preferred node in the tick of one that was found, else that."""
    for path in prefer:
        about = "status", found.tick, path
        then, here = ([x for x in lines if x[:3] == about] for lines in (recorded[at:], now[at:]))
        new = [line for line in here if line not in then]
        line = next((each for each in new if each[3] != "INVALID"), next(iter(new), None))
        if line is not None:
            was = _words(next(iter(then), None)) or _standing(recorded[:at], about)
            return Difference(found.tick, path, was, _words(line))
    return found


def _find(lines: Sequence[Line], tick: int, about: Line) -> Line | None:
    """Return the line of a tick that is about what another line is about."""
    return next((line for line in lines if tick_of_line(line) == tick and _key(line) == _key(about)), None)


def _standing(before: Sequence[Line], about: Line) -> str:
    """Say which status a node had that did not change."""
    if about[0] != "status":
        return ""
    last = next((line for line in reversed(before) if line[:1] + line[2:3] == ("status", about[2])), None)
    return f"{last[3] if last is not None else 'INVALID'}, as before"


def _key(line: Line) -> tuple[object, str]:
    return line[0], _node(line)


def tick_of_line(line: Line | None) -> int:
    """Return the number of the tick that a line is of; 0 for the tree and the end."""
    if line is None or line[0] in ("tree", "pose", "outcome"):
        return 0
    return int(line[1])


def _node(line: Line) -> str:
    return str(line[_WHERE[line[0]]]) if line[0] in _WHERE else ""


def _words(line: Line | None) -> str:
    """Say what a line tells."""
    if line is None:
        return ""
    what = line[0]
    if what == "status":
        return f"{line[3]}{': ' + line[4] if line[4] else ''}"
    if what == "write":
        return f"wrote ${line[2]} = {json.dumps(line[4])}"
    if what in ("question", "cancelled"):
        text = line[4] if what == "question" else line[3]
        return f"{'asked' if what == 'question' else 'no longer asked'} {text!r}"
    if what == "answer":
        chances = ", ".join(f"{name} {p:g}" for name, p in line[4].items())
        return f"the answer {chances or line[7] or line[6] or line[9]!r} to {line[3]!r}"
    if what == "outcome":
        return f"the run ended with {line[1]}"
    return f"{what} {json.dumps(line[1:])}"


def parted(recorded: Iterable[Line], now: Iterable[Line], since: int, until: int) -> list[Parted]:
    """Return where statuses differ at the end of ticks, each time that is something new.

    Args:
        recorded: Lines of the recorded run.
        now: Lines of the other one.
        since: First tick that is looked at.
        until: Last one.
    """
    found: list[Parted] = []
    told: dict[str, tuple[str, str]] = {}
    for (tick, then), (_, here) in zip(_states(recorded, since, until), _states(now, since, until), strict=True):
        for path in {**then, **here}:
            before, present = then.get(path, _NEVER)[0], here.get(path, _NEVER)
            if before == present[0]:
                told.pop(path, None)
            elif told.get(path) != (before, present[0]):
                told[path] = before, present[0]
                found.append(Parted(tick, path, before, *present))
    return found


_NEVER: Final = ("INVALID", "")


def _states(lines: Iterable[Line], since: int, until: int) -> Iterator[tuple[int, Mapping[str, tuple[str, str]]]]:
    """Yield the state of all nodes at the end of each tick."""
    by_tick: dict[int, list[Line]] = {}
    for line in lines:
        if line[0] == "status":
            by_tick.setdefault(line[1], []).append(line)
    state: dict[str, tuple[str, str]] = {}
    for tick in range(min(by_tick, default=since), until + 1):
        for _, _, path, status, reason in by_tick.get(tick, ()):
            state[path] = status, reason
        if tick >= since:
            yield tick, state
