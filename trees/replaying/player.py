"""Gives the leaves of a tree what a tape holds for them: in its exact order, or by tick in a run that went another way.

A first replay of a recorded run follows the tape to the letter (``Player``) and writes down each call of a leaf in a
``Log``. With that a run that may part from the recorded one (``Follower``) knows what was recorded for a call, and when
nothing was.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ..._base import KnotholeError
from ...behaviors.blackboard import UNSET, Blackboard
from ...behaviors.step import INVALID
from ..changing.encoding import CannotKeepError, decode
from ..tracing.changes import HALTING, Changes
from ..tracing.summary import summary
from .calls import Call, Calls, Log, Said
from .noting import OUTSIDE
from .tape import LeafNote, Mark, Segment, Tape

if TYPE_CHECKING:
    from .surroundings import PlayedBroker


class UnrecordedError(KnotholeError):
    """A leaf needs something that was never recorded.

    Attributes:
        path: The leaf.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(why)
        self.path = path


class Lost:
    """Stands for a value that a trace does not keep; says of itself what the trace says."""

    def __init__(self, why: str, shown: object) -> None:
        self._why, self._shown = why, shown

    def to_json(self) -> object:
        """Return the summary that was recorded."""
        return self._shown

    def __str__(self) -> str:
        return f"a value that was not recorded ({self._why})"


class Gives(Protocol):
    """What played leaves ask."""

    board: Blackboard
    broker: PlayedBroker | None

    def note_of(self, path: str) -> LeafNote:
        """Return what the trace says of a leaf."""
        ...

    def ticked(self, leaf: Any, starts: bool, inputs: Mapping[str, str]) -> Said:
        """Do what a leaf did when it was ticked, and return what it said."""
        ...

    def looked(self, leaf: Any) -> tuple[Mark, ...] | None:
        """Return what a leaf that decides asked and saw in this look; None when no such look is known."""
        ...

    def halted(self, leaf: Any, dropping: bool = False) -> None:
        """Do what a leaf did when it was halted, or dropped a question."""
        ...

    def rests(self, leaf: Any) -> bool:
        """Tell whether a leaf that was halted is at rest."""
        ...

    def paused(self, leaf: Any, resumed: bool) -> None:
        """A guard pauses a leaf, or lets it go on."""
        ...


class Base:
    """What both have in common.

    Args:
        tape: The tape.

    Attributes:
        number: Number of the present segment.
        tree: Number of the tree that is being ticked, or built.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.number, self.tree = -1, 0
        self.changes: Changes
        self.board: Blackboard
        self.broker: PlayedBroker | None = None
        self._looks: dict[tuple[int, str], int] = defaultdict(int)

    @property
    def segment(self) -> Segment:
        """The present segment."""
        return self.tape.segments[self.number]

    def enter(self, number: int) -> None:
        """Go on to a segment."""
        raise NotImplementedError

    def refused(self, path: str) -> str:
        """Return why invariants refuse this tick of a node; empty when they do not."""
        raise NotImplementedError

    def note_of(self, path: str) -> LeafNote:
        """Return what the trace says of a leaf."""
        return self.tape.trees[self.tree].leaves.get(path, LeafNote("recorded", "light"))

    def is_ruled(self, path: str) -> bool:
        """Tell whether invariants are about a node."""
        return path in self.tape.trees[self.tree].ruled

    def outside(self, path: str) -> object:
        """Return what an inner node saw outside of the tree.

        Raises:
            UnrecordedError: It did not look there in the recorded run, or what it saw is not in the trace.
        """
        paths = self.tape.trees[self.segment.tree].paths
        seen = [kept for node, kept in self.segment.seen if node != OUTSIDE and paths[node] == path]
        number = self._looks[self.number, path]
        self._looks[self.number, path] += 1
        if number >= len(seen):
            raise UnrecordedError(path, "it looks outside of the tree here, and what it saw was not recorded")
        if "lost" in seen[number]:
            raise UnrecordedError(path, f"what it saw outside of the tree is not in the trace: {seen[number]['lost']}")
        return decode(seen[number]["of"], lambda path: None, self.board)

    def apply(self, mark: Mark, path: str) -> None:
        """Let a mark happen."""
        if mark.what == "w":
            name, kept, writer = mark.data
            value = self._value(kept, name)
            cell = self.board.cell(name)
            if value is UNSET:
                cell.declared = False
            cell.set(value, writer)
        elif mark.what in ("q", "c") and self.broker is not None:
            self.broker.happened(mark.data, mark.what)

    def _value(self, kept: Mapping[str, Any], name: str) -> object:
        if "lost" not in kept:
            try:
                return decode(kept["of"], lambda path: None, self.board)
            except CannotKeepError as error:
                return Lost(str(error), self._shown(name))
        return Lost(kept["lost"], self._shown(name))

    def _shown(self, name: str) -> object:
        """Return the summary of the next write of an entry, as recorded in this tick."""
        version = self.board.cell(name).version + 1
        for message in self.tape.recording.topic("/blackboard"):
            if message.data["name"] == name and message.data["version"] == version:
                return message.data["value"]
        return None


class Player(Base):
    """Follows the tape to the letter; what does not fit it is an ``UnrecordedError``.

    Attributes:
        log: What was called, for ``Follower``.
    """

    def __init__(self, tape: Tape) -> None:
        super().__init__(tape)
        self.log = Log()
        self._at = 0
        self._refused: dict[str, deque[tuple[int, str]]] = {}

    def enter(self, number: int) -> None:
        """Go on to a segment."""
        self.number, self._at = number, 0
        paths = self.tape.trees[self.segment.tree].paths
        self._refused = {}
        for moment, node, why in self.segment.refused:
            self._refused.setdefault(paths[node], deque()).append((moment, why))
        self._outside()

    def refused(self, path: str) -> str:
        """Return why invariants refuse this tick of a node; empty when they do not."""
        waiting = self._refused.get(path)
        why = waiting.popleft()[1] if waiting and waiting[0][0] == self.changes.moment else ""
        self.log[path, self.number].refusals.append(why)
        return why

    def ticked(self, leaf: Any, starts: bool, inputs: Mapping[str, str]) -> Said:
        """Do what a leaf did when it was ticked, and return what it said."""
        marks = self._mine(leaf)
        event = self._event(leaf)
        if event is not None and event.status != "INVALID":
            said = event
        elif leaf._noted is INVALID:
            raise UnrecordedError(leaf.path, "it was not ticked here in the recorded run")
        else:
            said = Said("SKIPPED" if leaf._noted is None else leaf._noted.value, leaf._said)
        self._calls(leaf).steps.append(Call(starts, inputs, said, marks))
        return said

    def looked(self, leaf: Any) -> tuple[Mark, ...] | None:
        """Return what a leaf that decides asked and saw in this look."""
        marks = self._mine(leaf, apply=False)
        self._calls(leaf).looks.append(marks)
        return marks

    def halted(self, leaf: Any, dropping: bool = False) -> None:
        """Do what a leaf did when it was halted, or dropped a question."""
        self._calls(leaf).halts.append(self._mine(leaf, only="c" if dropping else ""))

    def rests(self, leaf: Any) -> bool:
        """Tell whether a leaf that was halted is at rest."""
        event = self._event(leaf)
        if leaf in leaf.context.halting:
            rests = event == Said("INVALID", "")
        else:
            rests = event != Said("INVALID", HALTING)
        self._calls(leaf).rests.append(rests)
        return rests

    def paused(self, leaf: Any, resumed: bool) -> None:
        """A guard pauses a leaf, or lets it go on."""
        calls = self._calls(leaf)
        (calls.resumes if resumed else calls.pauses).append(self._mine(leaf))

    def _calls(self, leaf: Any) -> Calls:
        return self.log[leaf.path, self.number]

    def _event(self, leaf: Any) -> Said | None:
        """Return what the next change of a leaf is, if it is one of this leaf at this moment."""
        events, count = self.segment.events, len(self.changes.moments)
        if count >= len(events):
            return None
        event = events[count]
        if event.node != leaf.index or event.moment != self.changes.moment:
            return None
        return Said(event.status, event.reason)

    def _mine(self, leaf: Any, apply: bool = True, only: str = "") -> tuple[Mark, ...]:
        """Take what comes next as long as it is this leaf's at this moment, and of one kind where that is said."""
        found: list[Mark] = []
        marks, moment = self.segment.marks, self.changes.moment
        while self._at < len(marks):
            mark = marks[self._at]
            if mark.node != leaf.index or mark.moment != moment:
                if not self._outside():
                    break
                continue
            if only and mark.what != only:
                break
            self._at += 1
            found.append(mark)
            if apply:
                self.apply(mark, leaf.path)
        return tuple(found)

    def _outside(self) -> bool:
        """Take what comes next as long as nobody in the tree did it; tell whether there was any."""
        marks, before = self.segment.marks, self._at
        while self._at < len(marks) and marks[self._at].node == OUTSIDE:
            self.apply(marks[self._at], "")
            self._at += 1
        return self._at > before


class Follower(Base):
    """Gives what was recorded for a leaf in the same tick, as long as it was asked the same then.

    Args:
        tape: The tape.
        log: What the first replay wrote down.
        same: Tells of a path whether the node there is the one that was recorded.
    """

    def __init__(self, tape: Tape, log: Log, same: Mapping[str, bool] | None = None) -> None:
        super().__init__(tape)
        self._log, self._same = log, same
        self._counts: dict[tuple[str, str], int] = defaultdict(int)
        self._off: dict[str, str] = {}

    def enter(self, number: int) -> None:
        """Go on to a segment."""
        self.number = number
        self._counts.clear()
        for mark in self.segment.marks:
            if mark.node == OUTSIDE:
                self.apply(mark, "")

    def ticked(self, leaf: Any, starts: bool, inputs: Mapping[str, str]) -> Said:
        """Do what a leaf did when it was ticked, and return what it said.

        Raises:
            UnrecordedError: It was not ticked there, or not asked the same.
        """
        path = leaf.path
        if self._same is not None and not self._same.get(path, False):
            raise UnrecordedError(path, "the recording has no such leaf, so nothing is known of it")
        if starts:
            self._off.pop(path, None)
        elif path in self._off:
            raise UnrecordedError(path, f"it {self._off[path]}, and how it went on from there was not recorded")
        steps = self._calls(leaf).steps
        number = self._next(path, "step")
        if number >= len(steps):
            raise UnrecordedError(path, "it was not ticked here in the recorded run")
        call = steps[number]
        if call.starts != starts:
            then, now = ("began", "went on") if call.starts else ("went on", "begins")
            raise UnrecordedError(path, f"it {now} here, and {then} in the recorded run")
        other = [name for name, value in inputs.items() if call.inputs.get(name, value) != value]
        if other:
            name = other[0]
            raise UnrecordedError(
                path, f"its {name} is {inputs[name]:.80}, and was {call.inputs[name]:.80} in the recorded run"
            )
        for mark in call.marks:
            self.apply(mark, path)
        return call.said

    def refused(self, path: str) -> str:
        """Return why invariants refused this tick of a node; empty when they did not.

        Raises:
            UnrecordedError: It was not ticked there.
        """
        known, number = self._log.get((path, self.number), _NONE).refusals, self._next(path, "rule")
        if number >= len(known):
            raise UnrecordedError(path, "a rule is about it, and whether that allows it here was not recorded")
        return known[number]

    def looked(self, leaf: Any) -> tuple[Mark, ...] | None:
        """Return what a leaf that decides asked and saw in this look; None when it did not look here."""
        if self._same is not None and not self._same.get(leaf.path, False):
            return None
        looks, number = self._calls(leaf).looks, self._next(leaf.path, "look")
        return looks[number] if number < len(looks) else None

    def halted(self, leaf: Any, dropping: bool = False) -> None:
        """Do what a leaf did when it was halted, or dropped a question."""
        halts, number = self._calls(leaf).halts, self._next(leaf.path, "halt")
        if number < len(halts):
            for mark in halts[number]:
                self.apply(mark, leaf.path)

    def rests(self, leaf: Any) -> bool:
        """Tell whether a leaf that was halted is at rest; one that was never halted there is at once."""
        rests, number = self._calls(leaf).rests, self._next(leaf.path, "rest")
        return rests[number] if number < len(rests) else True

    def paused(self, leaf: Any, resumed: bool) -> None:
        """A guard pauses a leaf, or lets it go on."""
        calls, what = self._calls(leaf), "resume" if resumed else "pause"
        known, number = calls.resumes if resumed else calls.pauses, self._next(leaf.path, what)
        if number < len(known):
            for mark in known[number]:
                self.apply(mark, leaf.path)
        else:
            self._off.setdefault(leaf.path, f"{'went on' if resumed else 'was paused'} in tick {self.segment.tick}")

    def _calls(self, leaf: Any) -> Calls:
        return self._log.get((leaf.path, self.number), _NONE)

    def _next(self, path: str, what: str) -> int:
        number = self._counts[path, what]
        self._counts[path, what] += 1
        return number


_NONE = Calls()


def shown(value: object) -> str:
    """Return a value as text, to be compared."""
    return json.dumps(summary(value), sort_keys=True)
