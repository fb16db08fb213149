"""The leaves of a tree on a tape: some say what was recorded of them, some decide anew on the answers that came."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, cast

from ..._base import KnotholeError
from ...behaviors.context import Context, Glance
from ...behaviors.means.asking import Asking
from ...behaviors.means.several import Several
from ...behaviors.means.watching import Watching
from ...behaviors.node import Leaf, Wiring
from ...behaviors.step import FAILURE, INVALID, RUNNING, SUCCESS, Status
from ...robots.contract import CameraFrame
from ...vlm.questions import Answer, Question
from ...vlm.tickets import Ticket
from ..node_types import NodeType
from .calls import Said
from .player import Gives, UnrecordedError, shown
from .surroundings import PlayedBroker, PlayedContext
from .tape import LeafNote

FAULT: Final = "fault: "
"""How the reason of a leaf begins that raised."""


class PlayedLeaf(Leaf):
    """Stand for a leaf: say what was recorded, write what it wrote, tell what it asked.

    Status:
        RUNNING, SUCCESS, FAILURE: As recorded.

    Halt:
        Tells what was asked no more.
    """

    recovers = "state"
    read: tuple[str, ...] = ()
    """Ports whose values are compared with those of the recorded run."""

    def __init__(self, wiring: Wiring) -> None:
        Leaf.__init__(self, wiring)
        self.gives: Gives = cast(PlayedContext, wiring.context).gives
        self.limb = self.gives.note_of(wiring.path).limb  # type: ignore[misc]

    def _play(self) -> Status:
        starts = self.status is not RUNNING
        said = self.gives.ticked(self, starts, self._inputs() if starts else {})
        return self._say(said)

    def _say(self, said: Said) -> Status:
        if said.status == "RUNNING" and said.reason.startswith(FAULT):
            raise KnotholeError(said.reason.removeprefix(FAULT))
        if said.status == "SKIPPED":
            return self.skip(said.reason)
        self.feedback_message = said.reason
        return {"SUCCESS": SUCCESS, "FAILURE": FAILURE}.get(said.status, RUNNING)

    def _inputs(self) -> dict[str, str]:
        found = {}
        for name in self.read:
            get = self.wiring.inputs.get(name)
            if get is not None:
                try:
                    found[name] = shown(get())
                except KnotholeError as error:
                    found[name] = f"not there ({error})"
        return found

    def step(self) -> Status:
        """Say what was recorded."""
        return self._play()

    def halt(self) -> None:
        """Do what it did when it was halted."""
        self.gives.halted(self)

    def pause(self) -> None:
        """Note the pause."""
        self.gives.paused(self, resumed=False)

    def resume(self) -> None:
        """Note that it goes on."""
        self.gives.paused(self, resumed=True)


class _Queued(PlayedLeaf):
    """One that may wait for its limb, or come to rest slowly."""

    def halting(self) -> bool:
        """Tell whether it was still coming to rest."""
        return not self.gives.rests(self)


class _Hooked(PlayedLeaf):
    """One that overrides py_trees' hooks."""

    def initialise(self) -> None:
        """Begin an execution (py_trees' hook)."""
        self._starts = True

    def update(self) -> Status:
        """Say what was recorded (py_trees' hook)."""
        starts, self._starts = self._starts, False
        try:
            return self._say(self.gives.ticked(self, starts, self._inputs() if starts else {}))
        except KnotholeError as error:
            self._broke(error)

    _starts = False

    def terminate(self, new_status: Status) -> None:
        """Tell that it was halted (py_trees' hook)."""
        if new_status is INVALID and self.status is RUNNING:
            self.gives.halted(self)


_SHAPES: Final[dict[str, type[PlayedLeaf]]] = {"light": PlayedLeaf, "queued": _Queued, "hooked": _Hooked}


def class_for(kind: NodeType, note: LeafNote, read: tuple[str, ...]) -> type | None:
    """Return the class that stands for a leaf; None where it is ticked as it is."""
    if note.way == "ticked" and not note.overridden:
        return None
    if note.way == "answers" and kind.cls is not None:
        return _deciding(kind.cls)
    return _played(kind.cls, kind.name, note.shape, read)


@cache
def _played(cls: type | None, name: str, shape: str, read: tuple[str, ...]) -> type:
    base = _SHAPES.get(shape, PlayedLeaf)
    body = {"__module__": getattr(cls, "__module__", __name__), "read": read, "__doc__": base.__doc__}
    body["grows"] = bool(getattr(cls, "grows", False))  # what grew below it is ticked
    body["__qualname__"] = getattr(cls, "__qualname__", name)  # so that the node counts as the same one
    return type(getattr(cls, "__name__", name), (base,), body)


@cache
def _deciding(cls: type) -> type:
    def start_up(self: Any, wiring: Wiring) -> None:
        cls.__init__(self, wiring)  # type: ignore[misc]
        for name, value in list(vars(self).items()):
            if isinstance(value, Watching):
                setattr(self, name, PlayedWatching(self))

    body = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__init__": start_up, "replays": "answers"}
    return type(cls.__name__, (cls,), body)


class Seen:
    """Stands for a picture: which one it was, and when."""

    def __init__(self, id: str, stamp: float) -> None:
        self.id, self.stamp = id, stamp


class PlayedAsking:
    """A recorded question on its way."""

    def __init__(self, leaf: Leaf, ticket: Ticket, gives: Gives) -> None:
        self.leaf, self.ticket, self._gives = leaf, ticket, gives

    @property
    def answer(self) -> Answer | None:
        """The answer, or None while it is on its way."""
        return self.ticket.answer

    def drop(self) -> None:
        """Stop waiting."""
        self._gives.halted(self.leaf, dropping=True)


class PlayedWatching(Several):
    """A watch that looks when it looked in the recorded run, and hears what was answered then.

    Args:
        leaf: Who watches.

    Attributes:
        asked: The last ticket; None before the first question.
    """

    def __init__(self, leaf: Leaf) -> None:
        super().__init__(leaf)
        self._run: Context = leaf.context
        self.gives: Gives = cast(PlayedContext, leaf.context).gives
        self.asked: Ticket | None = None
        self.instead: Answer | None = None
        """An answer that comes in this tick, whatever was recorded."""

    def news(self, question: Question) -> Answer | None:
        """Return an answer once, in the step in which it came."""
        self._last_tick = self._run.tick
        if question != self.question:
            self.forget()
            self.question = question
        answer, stamp, now = self._arrived()
        if answer is not None:
            self.answer = answer
            if stamp is not None:
                self.frame = cast(CameraFrame, Seen(answer.frame_id, stamp))
                self.seen, self._latency = stamp, now - stamp
        return answer

    def _arrived(self) -> tuple[Answer | None, float | None, float]:
        now, instead, asking = self._run.now, self.instead, self._asking
        self.instead = None
        came = asking.answer if asking is not None else None
        stamp = None
        if asking is not None and came is not None:
            self._asking = None
            stamp = asking.ticket.frame_stamp
        if instead is not None:
            return instead, stamp if self.frame is not None or stamp is not None else now, now
        return came, stamp, now

    def look(self, *, unsure: bool = False, hasty: bool = False, again: bool = False) -> None:
        """Ask, or see nothing new, as recorded.

        Raises:
            UnrecordedError: It is time to look, and nothing of that was recorded.
        """
        marks = self.gives.looked(self._leaf)
        if not marks and self._asking is None and self._due(unsure, hasty):
            raise UnrecordedError(
                self._leaf.path, f"it asks about a picture of tick {self._run.tick}, and did not in the recorded run"
            )
        for mark in marks or ():
            if mark.what == "g":
                self.seen = mark.data
                self._tell_glance()
            elif mark.what == "q":
                data, question = mark.data, self.question
                assert question is not None
                if (data["kind"], data["text"], tuple(data["choices"])) != (
                    question.kind,
                    question.text,
                    question.choices,
                ):
                    raise UnrecordedError(self._leaf.path, f"it asks {question.text!r}, and asked {data['text']!r}")
                self.asked = self._broker.happened(data, "q")
                self._asking = cast(Asking, PlayedAsking(self._leaf, self.asked, self.gives))
            elif mark.what == "c":
                self._broker.happened(mark.data, "c")

    @property
    def _broker(self) -> PlayedBroker:
        broker = self.gives.broker
        assert broker is not None
        return broker

    def _due(self, unsure: bool, hasty: bool) -> bool:
        if self.answer is None or self.frame is None:
            return True
        period = self._period(unsure, hasty)
        return period is not None and self._is_due(period)

    def _tell_glance(self) -> None:
        assert self.question is not None
        frame = cast(CameraFrame, Seen("", self.seen))
        judged = self.frame.id if self.frame is not None else ""
        self._run.glances(Glance(self._leaf.path, self.question, frame, judged, False, self.max_age))
