"""What a case expects, each with the place it stands at, and how it is compared with what came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from ..._base import KnotholeError, near_misses
from ...trees.formulas.expressions import Expression
from ...trees.reading.document import Item, Scalar, Source
from ...trees.values import Scope, as_text
from .failure import Failure, blamed, described, failure, last_status
from .play import Played
from .recorder import Noted


@dataclass(frozen=True)
class Picked:
    """Nodes that an expectation speaks of: as written, and their paths."""

    at: Scalar
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Expected:
    """One expectation.

    Attributes:
        key: Its key in the file.
        at: Where it stands.
        source: The file.
        value: What is expected; its form depends on the key.
    """

    key: str
    at: Item
    source: Source
    value: object

    def failed(
        self, message: str, expected: str, got: str, nodes: list[str] | None = None, at: Item | None = None
    ) -> Failure:
        """Make a failure of this expectation."""
        return failure(self.source, at or self.at, message, expected, got, nodes or ())


def check_status(this: Expected, played: Played) -> Iterator[Failure]:
    """Compare the status of the root."""
    if played.status.lower() == this.value:
        return
    expected = str(this.value).upper()
    got = played.status + (f": {played.reason}" if played.reason else "")
    message = f"the tree ended with {played.status}, not {expected}"
    lines = described(played, blamed(played))
    if played.status == "RUNNING":
        message = f"still RUNNING after {played.ticks} ticks, when it was stopped (max_ticks)"
        lines += [f"no answer: {problem}" for problem in played.unanswered[:3]]
    yield this.failed(message, expected, got, lines)


def check_ticks(this: Expected, played: Played) -> Iterator[Failure]:
    """Compare the number of ticks."""
    low, high = cast(tuple[int | None, int | None], this.value)
    if (low is None or played.ticks >= low) and (high is None or played.ticks <= high):
        return
    if low == high:
        wanted = f"exactly {low}"
    else:
        wanted = f"at least {low}" if high is None else f"at most {high}" if low is None else f"{low} to {high}"
    yield this.failed(
        f"it took {played.ticks} ticks", wanted, f"{played.ticks} ({played.status})", described(played, blamed(played))
    )


def check_within(this: Expected, played: Played) -> Iterator[Failure]:
    """Compare the time on the run clock."""
    assert isinstance(this.value, float)
    if played.time > this.value + 1e-9:
        yield this.failed(f"it took {played.time:g}s of the run clock", f"at most {this.value:g}s", f"{played.time:g}s")


def check_order(this: Expected, played: Played) -> Iterator[Failure]:
    """Look whether nodes start in an order; others may start between them."""
    wanted = cast(tuple[Picked, ...], this.value)
    starts = played.recorder.starts
    at = 0
    for number, picked in enumerate(wanted):
        found = next((i for i in range(at, len(starts)) if starts[i][1] in picked.paths), None)
        if found is None:
            before = f" after {wanted[number - 1].at.text!r}" if number else ""
            concerned = {path for each in wanted for path in each.paths}
            yield this.failed(
                f"{picked.at.text!r} does not start{before}",
                " → ".join(each.at.text for each in wanted),
                _starts([(tick, path) for tick, path in starts if path in concerned]),
                described(played, list(picked.paths)),
                picked.at,
            )
            return
        at = found + 1


def _starts(starts: list[tuple[int, str]]) -> str:
    shown = [f"{path.rpartition('/')[2]} (tick {tick})" for tick, path in starts[:12]]
    return " → ".join(shown) + (" → …" if len(starts) > 12 else "") if shown else "none of them starts"


def check_never(this: Expected, played: Played) -> Iterator[Failure]:
    """Look whether nodes stayed untouched."""
    for picked in cast(tuple[Picked, ...], this.value):
        ran = [path for path in picked.paths if any(path == each for _, each in played.recorder.starts)]
        if ran:
            tick = next(tick for tick, path in played.recorder.starts if path in ran)
            yield this.failed(
                f"{picked.at.text!r} ran", "never", f"started in tick {tick}", described(played, ran), picked.at
            )


def check_nodes(this: Expected, played: Played) -> Iterator[Failure]:
    """Compare how nodes went last."""
    for picked, at, wanted, reason in cast(tuple[tuple[Picked, Item, str, str], ...], this.value):
        wrong = [path for path in picked.paths if not _is_last(played, path, wanted, reason)]
        if wrong:
            because = f" because of {reason!r}" if reason else ""
            yield this.failed(
                f"{picked.at.text!r} is not {wanted}{because}",
                wanted + because,
                last_status(played, wrong[0]),
                described(played, wrong),
                at,
            )


def _is_last(played: Played, path: str, wanted: str, reason: str) -> bool:
    note = played.recorder.last(path) if path in played.recorder.notes else None
    if note is None:
        return wanted == "never"
    halted = played.recorder.halted(path)
    word = "halted" if halted else note.status.lower()
    return word == wanted and reason in note.reason


def check_at(this: Expected, played: Played) -> Iterator[Failure]:
    """Compare statuses after single ticks."""
    for tick, picked, at, wanted in cast(tuple[tuple[int, Picked, Item, str], ...], this.value):
        if tick > played.ticks:
            yield this.failed(
                f"there is no tick {tick}", f"{picked.at.text} is {wanted}", f"the run had {played.ticks} ticks", at=at
            )
            continue
        for path in picked.paths:
            status = played.recorder.status_at(path, tick) if path in played.recorder.notes else "INVALID"
            word = {"INVALID": "idle"}.get(status, status.lower())
            if word != wanted:
                lines = [
                    f"tick {each.tick}: {each.status} {each.reason}".rstrip() for each in _around(played, path, tick)
                ]
                yield this.failed(f"after tick {tick}, {path!r} is {word}, not {wanted}", wanted, word, lines, at)


def _around(played: Played, path: str, tick: int) -> list[Noted]:
    notes = played.recorder.notes.get(path, [])
    before = [note for note in notes if note.tick <= tick][-3:]
    return before + [note for note in notes if note.tick > tick][:2]


def check_entries(this: Expected, played: Played) -> Iterator[Failure]:
    """Compare blackboard entries with constants."""
    for key, at, wanted in cast(tuple[tuple[Scalar, Item, object], ...], this.value):
        name = key.text.removeprefix("$").removeprefix("@")
        if name not in played.blackboard:
            known = [cell.name for cell in played.blackboard if cell.name in played.blackboard]
            near = near_misses(name, known)
            hint = f"; did you mean {', '.join(near)}" if near else ""
            yield this.failed(f"${name} is not set", _shown(wanted), f"nothing{hint}", at=key)
        elif _plain(played.blackboard[name]) != _plain(wanted):
            writer = played.blackboard.cell(name).writer
            lines = [f"written by {writer}"] if writer else []
            value = _shown(played.blackboard[name])
            yield this.failed(f"${name} is {value}, not {_shown(wanted)}", _shown(wanted), value, lines, at)


def check_holds(this: Expected, played: Played) -> Iterator[Failure]:
    """Evaluate expressions over the blackboard."""
    scope = Scope(played.blackboard)
    for at, expression in cast(tuple[tuple[Item, Expression], ...], this.value):
        try:
            value = expression.bind(scope.entry)()
        except KnotholeError as error:
            yield this.failed(f"{expression.source} cannot be computed", "true", str(error), at=at)
            continue
        if value is not True:
            reads = dict.fromkeys(str(entry) for entry in expression.references)
            got = {str(entry): scope.entry(entry)() for entry in expression.references}
            lines = [f"{name} is {_shown(got[name])}" for name in reads]
            yield this.failed(f"{expression.source} does not hold", "true", as_text(value), lines, at)


def check_reason(this: Expected, played: Played) -> Iterator[Failure]:
    """Look for a text in the reason of the root."""
    if str(this.value) not in played.reason:
        yield this.failed(
            "the reason is another one",
            f"a reason with {str(this.value)!r}",
            repr(played.reason) if played.reason else "no reason",
            described(played, blamed(played)),
        )


def check_said(this: Expected, played: Played) -> Iterator[Failure]:
    """Look for texts in what was said, in order; an empty list wants silence."""
    wanted = cast(tuple[Scalar, ...], this.value)
    got = " | ".join(map(repr, played.said)) or "nothing"
    if not wanted and played.said:
        yield this.failed("something was said", "silence", got)
    at = 0
    for text in wanted:
        found = next((i for i in range(at, len(played.said)) if text.text in played.said[i]), None)
        if found is None:
            again = " again or later" if any(text.text in each for each in played.said) else ""
            yield this.failed(f"{text.text!r} was not said{again}", repr(text.text), got, at=text)
            return
        at = found + 1


CHECKS: Mapping[str, Callable[[Expected, Played], Iterator[Failure]]] = {
    "status": check_status,
    "ticks": check_ticks,
    "within": check_within,
    "order": check_order,
    "never": check_never,
    "nodes": check_nodes,
    "at": check_at,
    "entries": check_entries,
    "holds": check_holds,
    "reason": check_reason,
    "said": check_said,
}
"""Kind of expectation → how it is checked."""


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return (type(value), value) if isinstance(value, bool) else value


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        text = "[" + ", ".join(map(_shown, value)) + "]"
    else:
        text = repr(value) if isinstance(value, str) else as_text(value)
    return text if len(text) <= 100 else text[:97] + "…"
