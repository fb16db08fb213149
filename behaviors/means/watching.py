"""A question that is asked again and again: how old its answer may be, when to look, when a look is worth a call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from ...robots.contract import CameraFrame
from ...robots.silhouette import silhouette
from ...vlm.broking.gate import Box, Gate, Mask, Shown, grown
from ...vlm.questions import Answer, Question
from ..context import Glance
from ..node import Leaf, NodeFault
from ..ports import Port
from .asking import Asking, ask, broker_of
from .grounded import GroundedObject
from .surroundings import Held

GLANCE = 0.5
"""How often an unsure answer is looked at again when neither ``max_age`` nor ``rate`` says so, [s]."""
HASTE = 0.1
"""How long before a verdict becomes too old its successor shall be there, [s]."""
STANDS = 10.0
"""How many times ``max_age`` an answer may stand on a picture that does not change before it is asked for again."""
_TIE = 1e-9
_REMEMBERED = 8

WATCH_PORTS = (
    Port("max_age", "duration", "oldest picture a repeated verdict may rest on", default=None, minimum=0.0),
    Port("rate", "number", "most questions a second", default=None, minimum=0.001),
    Port("deadline", "duration", "longest wait for an answer, then it is unsure", default=None, minimum=0.0),
    Port("budget", "int", "most questions of this node that may reach a model in a run", default=None, minimum=1),
    Port(
        "roi",
        "any",
        "a grounded object or a box: what changes elsewhere in the picture is no reason to ask again",
        default=None,
        takes=("object", "box", "list"),
    ),
    Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
)
"""Ports of leaves that watch; one that has no use for some declares the others."""


class Watching:
    """Keep the answer to one question fresh.

    A leaf calls ``begin`` when it starts, then in each step ``news`` and ``look``; ``drop`` when it is halted. While it
    is ticked without a gap this is one watch: a new picture is taken in the background when the last one is half of
    ``max_age`` old, or earlier where answers are slow (``rate`` allowing). A picture that shows nothing new renews the
    age of the answer and costs no model call; see ``Gate``. After a finished motion, and when the answer is ``STANDS``
    times ``max_age`` old, it is asked for in any case. While its question waits for a busy backend, that is about the
    newest picture.

    Args:
        leaf: Who watches; its ports say how, as far as it declares those of ``WATCH_PORTS``.

    Attributes:
        question: What is asked; None before the first ``news``.
        answer: The last answer, None before the first.
        frame: The picture it is about.
        seen: When a picture was last known to show the same, run clock, [s].
    """

    def __init__(self, leaf: Leaf) -> None:
        self._leaf, self._context = leaf, leaf.context
        self._ports = frozenset(port.name for port in leaf.ports)
        self._asking: Asking | None = None
        self._shown: Shown | None = None
        self._latency = 0.0
        self._last_tick = -2
        self._hidden: Mask | None = None
        """Where the robot is in the picture that is asked about."""
        self.question: Question | None = None
        self.answer: Answer | None = None
        self.frame: CameraFrame | None = None
        self.seen = float("-inf")

    @property
    def max_age(self) -> float | None:
        """Port ``max_age``, [s]."""
        return self._number("max_age")

    @property
    def stale(self) -> bool:
        """True when the picture behind the answer is older than ``max_age`` on a scene that changed."""
        return self.max_age is not None and self._context.now - self.seen > self.max_age + _TIE

    @property
    def waiting(self) -> bool:
        """True while a question is on its way."""
        return self._asking is not None

    def begin(self, stands: bool) -> None:
        """Go on with a watch, or begin a new one.

        Args:
            stands: Whether the last status may be repeated without ``max_age`` and ``rate``, as SUCCESS may.
        """
        max_age = self.max_age
        going_on = self._context.tick - self._last_tick <= 1 and (
            stands or max_age is not None or self._number("rate") is not None
        )
        still_good = max_age is not None and self._context.now - self.seen <= max_age
        if not going_on and not still_good:
            self.forget()

    def news(self, question: Question) -> Answer | None:
        """Return an answer once, in the step in which it came; another question than before drops the watch."""
        self._last_tick = self._context.tick
        if question != self.question:
            self.forget()
            self.question = question
        asking = self._asking
        if asking is None or asking.answer is None:
            return None
        self._asking = None
        self.answer, self.frame = asking.answer, asking.frame
        self.seen = asking.frame.stamp
        self._latency = self._context.now - asking.frame.stamp
        assert self._hidden is not None
        gate = gate_of(self._leaf, asking.frame.camera)
        self._shown = gate.show(self._shown, asking.frame.id, asking.frame.rgb, self._hidden)
        return self.answer

    def look(self, *, unsure: bool = False, hasty: bool = False, again: bool = False) -> None:
        """Take a picture when one is due, and ask about it unless it shows nothing new.

        Args:
            unsure: The answer decides nothing: look again after ``GLANCE`` where the ports do not say when.
            hasty: Look again as soon as ``rate`` allows.
            again: Ask also about a picture that shows nothing new.
        """
        if self._asking is not None:
            self._renew()
            return
        if self.answer is None or self.frame is None:
            self._ask(None)
            return
        period = self._period(unsure, hasty)
        if period is None or not self._is_due(period):
            return
        frame = self._context.look(self._camera)
        hidden = own_pixels(self._leaf, frame)
        if again or self._outdated() or self._differs(frame, hidden):
            self._ask(frame)
        else:
            self.seen = frame.stamp
            broker_of(self._leaf).spared(self._leaf.path)
            self._tell(frame, False)

    def drop(self) -> None:
        """Stop waiting for the question on its way."""
        if self._asking is not None:
            self._asking.drop()
            self._asking = None

    def forget(self) -> None:
        """Drop the answer, too: the next ``look`` asks anew."""
        self.drop()
        self.answer = self.frame = self._shown = None
        self.seen = float("-inf")

    def _number(self, port: str) -> float | None:
        value = self._leaf.get(port) if port in self._ports else None
        return None if value is None else float(value)  # type: ignore[arg-type]

    @property
    def _camera(self) -> str:
        return str(self._leaf.get("camera")) if "camera" in self._ports else ""

    def _period(self, unsure: bool, hasty: bool) -> float | None:
        """Return the time between two pictures, [s]; None when the answer needs no other."""
        max_age, shortest = self.max_age, self._shortest
        if hasty:
            return shortest
        if max_age is not None:  # early enough for the next answer to arrive in time
            return max(min(max_age / 2, max_age - self._latency - HASTE), shortest)
        if self._number("rate") is not None:
            return shortest
        return GLANCE if unsure else None

    @property
    def _shortest(self) -> float:
        rate = self._number("rate")
        return 0.0 if rate is None else 1.0 / rate

    def _is_due(self, period: float) -> bool:
        """Tell whether it is time to look: after the period, or a little earlier with all others.

        Looks fall on a grid of powers of two seconds, so that the questions of many watches are about one picture.
        """
        now, age = self._context.now, self._context.now - self.seen
        if age >= period - _TIE or period <= 0.0:
            return True
        grid = 2.0 ** math.floor(math.log2(period))
        begun = math.floor((now + _TIE) / grid) > math.floor((self.seen + _TIE) / grid)
        return begun and age >= max(grid / 2, self._shortest) - _TIE

    def _outdated(self) -> bool:
        """Tell whether the answer must be asked for again although nothing seems to have changed."""
        assert self.frame is not None
        moved = cast("float", self._context.notes.get("motion_ended", float("-inf")))
        age = self._context.now - self.frame.stamp
        return moved > self.frame.stamp or (self.max_age is not None and age > STANDS * self.max_age)

    def _differs(self, frame: CameraFrame, hidden: Mask) -> bool:
        """Tell whether a picture shows news; what only came into view again can wait until the answer is old."""
        assert self._shown is not None
        assert self.frame is not None
        roi = region_of(self._leaf, self._leaf.get("roi"), frame.camera) if "roi" in self._ports else None
        news = gate_of(self._leaf, frame.camera).news(self._shown, frame.id, frame.rgb, hidden, roi)
        if news == "revealed" and self.max_age is not None:
            return frame.stamp - self.frame.stamp >= self.max_age - _TIE
        return bool(news)

    def _renew(self) -> None:
        """Let a question that waits for a busy backend be about the scene as it is now."""
        asking = self._asking
        assert asking is not None
        if asking.ticket.sent or asking.ticket.done:
            return
        wait = max(self._shortest, GLANCE if self.max_age is None else min(GLANCE, self.max_age / 2))
        if self._context.now - asking.frame.stamp >= wait - _TIE:
            frame = self._context.look(self._camera)
            self._hidden = own_pixels(self._leaf, frame)
            self._asking = asking.renewed(frame)
            self._tell(frame, True)

    def _ask(self, frame: CameraFrame | None) -> None:
        assert self.question is not None
        deadline, budget = self._number("deadline"), self._number("budget")
        most = None if budget is None else int(budget)
        self._asking = ask(self._leaf, self.question, self._camera, frame, deadline=deadline, budget=most)
        self._hidden = own_pixels(self._leaf, self._asking.frame)
        self._tell(self._asking.frame, True)

    def _tell(self, frame: CameraFrame, asked: bool) -> None:
        assert self.question is not None
        judged = self.frame.id if self.frame is not None else ""
        self._context.glances(Glance(self._leaf.path, self.question, frame, judged, asked, self.max_age))


def gate_of(leaf: Leaf, camera: str) -> Gate:
    """Return the gate of a camera, which all watches of a run share."""
    found = leaf.context.sight.get(f"gate of {camera}")
    if not isinstance(found, Gate):
        found = leaf.context.sight[f"gate of {camera}"] = Gate()
    return found


def own_pixels(leaf: Leaf, frame: CameraFrame) -> Mask:
    """Return where the robot, and the thing in its hand, is in a picture, shape (H, W).

    Call it first in the tick in which the picture is taken.
    """
    known = cast("dict[str, Mask]", leaf.context.sight.setdefault("own pixels", {}))
    if frame.id not in known:
        assert leaf.context.robot is not None
        thing = leaf.context.notes.get("held")
        held = thing.balls if isinstance(thing, Held) else None
        known[frame.id] = silhouette(leaf.context.robot, frame, held)
        if len(known) > _REMEMBERED:
            del known[next(iter(known))]
    return known[frame.id]


def region_of(leaf: Leaf, value: object, camera: str) -> Box | None:
    """Return the part of the image that a value names, with a margin around it; None for all of it.

    An object that another camera saw names no part of this one's picture.

    Raises:
        NodeFault: The value is neither a grounded object nor a box.
    """
    if value is None:
        return None
    if isinstance(value, GroundedObject):
        return grown(value.box_xyxy) if value.camera == camera else None
    numbers = tuple(value.values()) if isinstance(value, Mapping) else value
    if isinstance(numbers, list | tuple) and len(numbers) == 4 and all(_is_share(v) for v in numbers):
        x1, y1, x2, y2 = (float(v) for v in numbers)
        if x1 < x2 and y1 < y2:
            return grown((x1, y1, x2, y2))
    raise NodeFault(
        f"{leaf.path}: roi is {value!r}\n"
        "  fix:  give an object from ground, or a box [x1, y1, x2, y2] relative to the image, each from 0 to 1"
    )


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 1.0
