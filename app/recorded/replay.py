"""Replay a recorded run: say whether it does the same again, or what happens when something is otherwise."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

from ..._base import KnotholeError
from ...behaviors.context import Context
from ...trees.replaying.calls import Log
from ...trees.replaying.changing import Wish, Wishes, wish_of
from ...trees.replaying.comparing import Difference, Line, Parted, compare, first_difference, parted
from ...trees.replaying.leaves import FAULT
from ...trees.replaying.replay import Played, Stopped, follow, replay
from ...trees.replaying.surroundings import PlayedHuman
from ...trees.replaying.tape import ReplayError, Story, Tape
from ...trees.spec import TreeSpec
from ...trees.ticking.outcome import LoopResult
from ...trees.tracing.recording import TraceError, read_trace
from ...trees.tracing.trace import TraceWriter
from ..authoring.inspect import load_tree, project
from ..running.about import picture_beside
from ..running.resume import kept_options
from ..running.run import RunOptions
from ..running.session import Session
from .placing import placed

_SIMULATED: Final = ("panda", "kinematic", "none")
_MOST: Final = 20
"""Lines on what follows that are shown."""


@dataclass(frozen=True)
class ReplayOptions:
    """What to replay.

    Attributes:
        trace: The trace.
        answers: ``NODE=ANSWER@MOMENT`` each.
        statuses: ``NODE=STATUS@MOMENT`` each.
        tree: Edited tree that is ticked instead, file or name; empty for none.
        output: Where the replayed run is recorded; None for nowhere.
        force: Replace a file that is there.
        go_on: Run the simulated world again, so that nothing ends where the recording knows no more.
    """

    trace: Path
    answers: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    tree: str = ""
    output: Path | None = None
    force: bool = False
    go_on: bool = False


@dataclass(frozen=True)
class Report:
    """What a replay found.

    Attributes:
        trace: The trace.
        tree: Name of the recorded tree.
        ticks: How many ticks were made.
        asked: What should be otherwise, as given; empty for a plain replay.
        recorded: Digest of the recorded run, empty when the trace has none.
        digest: Digest of the replayed one.
        cut: True when the trace has no end, so that only what is there was compared.
        difference: Where both part first; None where they do not.
        follows: Statuses that are others from there on.
        stopped: Where the recording could not say more.
        ended: How the recorded run ended: outcome and reason.
        ends: How the replayed one ended.
        continued: True when the world ran again.
        output: Trace of the replayed run.
    """

    trace: Path
    tree: str
    ticks: int
    asked: tuple[str, ...]
    recorded: str
    digest: str
    cut: bool
    difference: Difference | None
    follows: tuple[Parted, ...] = ()
    stopped: Stopped | None = None
    ended: tuple[str, str] = ("", "")
    ends: tuple[str, str] = ("", "")
    continued: bool = False
    output: Path | None = field(default=None)

    @property
    def exit_code(self) -> int:
        """0 when both runs are equal, 1 when they part."""
        return 0 if self.difference is None and self.stopped is None else 1

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {
            "trace": str(self.trace),
            "tree": self.tree,
            "ticks": self.ticks,
            "asked": list(self.asked),
            "equal": self.exit_code == 0,
            "recorded_digest": self.recorded,
            "digest": self.digest,
            "cut": self.cut,
            "difference": None if self.difference is None else self.difference.to_json(),
            "follows": [each.to_json() for each in self.follows],
            "stopped": None if self.stopped is None else dict(vars(self.stopped)),
            "ended": {"outcome": self.ended[0], "reason": self.ended[1]},
            "ends": {"outcome": self.ends[0], "reason": self.ends[1]},
            "continued": self.continued,
            "output": None if self.output is None else str(self.output),
        }

    def __str__(self) -> str:
        lines = [f"{self.tree}: {self._verdict()}"]
        if self.difference is not None:
            lines += ["", f"first difference in {self.difference}"]
        if self.follows:
            lines += ["", "what follows (recorded → now):"]
            lines += [
                f"  tick {each.tick:>5}  {each.node}  {each.recorded} → {each.now}"
                + (f": {each.reason}" if each.reason else "")
                for each in self.follows[:_MOST]
            ]
            more = len(self.follows) - _MOST
            lines += [f"  … and {more} more, see --json"] if more > 0 else []
        if self.stopped is not None:
            lines += ["", f"the recording says no more at tick {self.stopped.tick}: {self.stopped.node}"]
            lines += [f"  why:  {self.stopped.why}"]
        if self.difference is not None and (self.ended[0] or self.ends[0]):
            now = _ending(self.ends) if self.stopped is None else "not known"
            lines += ["", f"ended  {_ending(self.ended)}", f"now    {now}"]
        if self.output is not None:
            lines += ["", f"trace  {self.output}"]
        return "\n".join(lines)

    def _verdict(self) -> str:
        if self.asked:
            how = "in the simulated world, run again" if self.continued else "on the recording"
            what = "the same run" if self.exit_code == 0 else "another run"
            return f"{what} with {' '.join(self.asked)}, {self.ticks} ticks {how}"
        if self.exit_code:
            return f"not equal, {self.ticks} ticks replayed"
        if self.cut:
            return f"equal as far as the trace goes, {self.ticks} ticks; it has no end"
        return f"equal, {self.ticks} ticks, digest {self.digest}"


def _ending(how: tuple[str, str]) -> str:
    return f"{how[0] or 'the trace does not say'}{': ' + how[1] if how[1] else ''}"


def replay_run(options: ReplayOptions) -> Report:
    """Replay a recorded run.

    Raises:
        TraceError: The trace cannot be read.
        ReplayError: It cannot be replayed, or what was asked makes no sense for it.
        UnknownNameError: A node does not exist.
        TreeError: The edited tree has mistakes.
        ExportError: The output is there already, or cannot be written.
    """
    config = project()
    tape = _tape(options.trace)
    wishes = tuple(
        wish_of(what, text, tape)
        for what, texts in (("answer", options.answers), ("status", options.statuses))
        for text in texts
    )
    if options.output is not None and options.output.resolve() == options.trace.resolve():
        raise ReplayError(f"the replayed run would replace {options.trace}\n  fix:  name another file with -o")
    if options.go_on and not (wishes or options.tree):
        raise ReplayError("nothing is otherwise, so nothing goes on\n  fix:  add --answer, --status or --tree")
    edited = load_tree(options.tree, config) if options.tree else None
    with _recorded(options, tape) as output:
        return _report(options, tape, wishes, edited, output)


@contextmanager
def _recorded(options: ReplayOptions, tape: Tape) -> Iterator[Path | None]:
    """Give the file to record in, and put it, and the picture beside it, in their place once all is done.

    Raises:
        ReplayError: Its name does not end in .mcap.
        ExportError: There is a file already, or it cannot be written.
        TraceError: The picture would replace another file.
    """
    wanted = options.output
    if wanted is None:
        yield None
        return
    if wanted.suffix != ".mcap":
        raise ReplayError(f"{wanted} does not end in .mcap\n  fix:  write {wanted.with_suffix('.mcap')}")
    pictured = picture_beside(wanted) if options.go_on and tape.recording.start.get("scene") else None
    with placed(options.trace, wanted, options.force) as part:
        made = part.with_suffix(".png")
        try:
            yield part
            if pictured is not None and made.exists():
                os.replace(made, pictured)
        finally:
            made.unlink(missing_ok=True)


def _report(
    options: ReplayOptions, tape: Tape, wishes: tuple[Wish, ...], edited: TreeSpec | None, output: Path | None
) -> Report:
    noted = Wishes(wishes, play=False)
    plain = not wishes and edited is None
    first, log = replay(tape, _writer(output) if plain else None, noted)
    own, cut = compare(tape, first)
    asked = (*map(str, wishes), *([f"--tree {options.tree}"] if options.tree else []))
    report = Report(
        options.trace,
        tape.trees[0].spec.name,
        tape.last_tick,
        () if own is not None else asked,
        str(tape.recording.end.get("digest", "")) if not cut else "",
        first.result.digest,
        cut,
        own,
        ended=(tape.outcome, str(tape.recording.end.get("reason", ""))),
        ends=_ends(first.result),
        output=options.output if plain else None,
    )
    if own is not None or plain:
        return replace(report, stopped=first.stopped)
    noted.check()
    return _otherwise(options, tape, first, log, Wishes(wishes), edited, report, output)


def _tape(path: Path) -> Tape:
    if not path.exists():
        raise TraceError(f"there is no trace {path}\n  fix:  name one that `knothole runs list` shows")
    try:
        return Tape.of(read_trace(path))
    except TraceError as error:
        raise TraceError(f"{error}\n  fix:  name a file that `knothole run` wrote, ….mcap") from error


def _writer(output: Path | None) -> TraceWriter | None:
    return TraceWriter(output) if output is not None else None


def _ends(result: LoopResult) -> tuple[str, str]:
    return result.outcome.name, result.reason


def _otherwise(
    options: ReplayOptions,
    tape: Tape,
    first: Played,
    log: Log,
    wishes: Wishes,
    edited: TreeSpec | None,
    report: Report,
    output: Path | None,
) -> Report:
    """Do it otherwise, on the recording or in the simulated world."""
    if options.go_on:
        story, result = _live(options, tape, wishes, output)
        stopped, lines = None, story.lines
    else:
        played = follow(tape, log, _writer(output), wishes, edited)
        story, result, stopped = played.story, played.result, played.stopped
        lines = story.lines if stopped is None else _up_to(played, stopped)
    recorded, now = _without_answers(first.story.lines), _without_answers(lines)
    if edited is not None:
        recorded, now = _common(recorded, now)
    prefer = [wish.node for wish in wishes.granted]
    there = recorded[: len(now)] if stopped is not None else recorded
    difference = first_difference(there, now, prefer=prefer)
    if options.go_on and difference is not None:
        _check_before(difference, wishes, edited)
    follows: list[Parted] = []
    last = stopped.tick - 1 if stopped is not None else result.ticks
    if difference is not None:
        follows = parted(recorded, now, difference.tick, max(difference.tick, min(last, tape.last_tick)))
    ends = ("", "") if stopped is not None else _ends(result)
    return replace(
        report,
        ticks=last,
        digest=story.hexdigest(),
        difference=difference,
        follows=tuple(follows),
        stopped=stopped,
        ends=ends,
        continued=options.go_on,
        output=options.output,
    )


def _up_to(played: Played, stopped: Stopped) -> list[Line]:
    """Return the lines before a replay was stopped."""
    lines = played.story.lines
    for number, line in enumerate(lines):
        if line[0] == "status" and line[1] == stopped.tick and line[4] == f"{FAULT}{stopped.why}":
            return lines[:number]
    return lines[: played.told]


def _without_answers(lines: list[Line]) -> list[Line]:
    """Return what follows from answers, without them."""
    return [line for line in lines if line[0] != "answer"]


def _common(recorded: list[Line], now: list[Line]) -> tuple[list[Line], list[Line]]:
    """Return what two runs of different trees have in common: the statuses of nodes that both have, writes, the end."""
    there = [set(next((line[2] for line in lines if line[0] == "tree"), ())) for lines in (recorded, now)]
    both = there[0] & there[1]

    def kept(lines: list[Line]) -> list[Line]:
        return [
            line for line in lines if line[0] not in ("tree", "reload") and (line[0] != "status" or line[2] in both)
        ]

    return kept(recorded), kept(now)


def _check_before(difference: Difference, wishes: Wishes, edited: TreeSpec | None) -> None:
    """Make sure that the world did the same again up to where something was otherwise."""
    since = min((wish.tick for wish in wishes.wishes), default=0)
    if edited is None and difference.tick < since:
        raise ReplayError(
            f"the world did not do the same again: it parted in {difference}\n"
            "  why:  another version, another model or machine, or a world that is not deterministic\n"
            "  fix:  leave out --continue"
        )


def _live(options: ReplayOptions, tape: Tape, wishes: Wishes, output: Path | None) -> tuple[Story, LoopResult]:
    """Run the simulated world again from its seed, with something otherwise."""
    start = tape.recording.start
    given: Mapping[str, Any] = start.get("given", {})
    robot = str(start.get("robot", ""))
    if robot.partition(":")[0] not in _SIMULATED:
        raise ReplayError(
            f"the run was on {robot or 'an unknown robot'}, and only a simulated world can run again\n"
            "  fix:  leave out --continue"
        )
    if tape.checkpoint is not None:
        raise ReplayError(
            "the run was resumed, and the world then stood as at its beginning\n  fix:  leave out --continue"
        )
    if len(tape.trees) > 1:
        raise ReplayError(
            "the recorded run changed its tree on the way, which --continue does not do again\n"
            "  fix:  leave out --continue"
        )
    run_options = RunOptions(
        tree=options.tree or str(given.get("tree") or start.get("tree", "")),
        scene=str(given.get("scene", "")),
        seed=int(start.get("seed", 0)),
        vlm=str(given.get("vlm") or start.get("vlm", "")),
        robot=str(given.get("robot") or robot),
        inputs=dict(given.get("inputs", {})),
        rate=float(start.get("rate", 20.0)),
        max_time=cast("float | None", start.get("max_time", 600.0)),
        mock=Path(start["mock"]) if start.get("mock") else None,
        params=Path(start["params"]) if start.get("params") else None,
        frames=start.get("frames", ""),
        firewall=start.get("firewall"),
        disturb=int(given.get("disturb", 0)),
        **kept_options(given),
        trace=output,
        record=output is not None,
    )
    clock = SimpleNamespace(tick=0)
    human = PlayedHuman(tape, cast(Context, clock)) if tape.human else None
    with Session(run_options) as session:
        run = session.bind(run_options.seed, human=human)
        try:
            if human is not None:
                human.follow(run.tree.context)
            story = Story(run.tree)
            run.loop.record.digest = story
            again = Wishes(wishes.over(tape.wishes), trace=run.loop.trace)
            wishes.trace = run.loop.trace
            again.plant(run.tree)
            wishes.plant(run.tree)
            result = run.loop.run()
        except KnotholeError:
            run.close()
            raise
        run.close()
    return story, result
