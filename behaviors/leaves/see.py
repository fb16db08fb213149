"""The leaf that asks a yes/no question about what the robot sees now."""

from __future__ import annotations

from py_trees.common import Status

from ...robots.contract import CameraFrame
from ...vlm.broking.change import changed
from ...vlm.questions import Question
from ..means.asking import Asking, ask
from ..means.verdict import MARGIN, Verdict, read
from ..node import SUCCESS, Leaf, NodeFault, behavior
from ..ports import Port

GLANCE = 0.5
"""How often an unsure answer is looked at again when neither ``max_age`` nor ``rate`` says so, [s]."""
HASTE = 0.1
"""How long before a verdict becomes too old its successor shall be there, [s]."""
STANDS = 10.0
"""How many times ``max_age`` an answer may stand on a picture that does not change before it is asked for again."""


@behavior("see")
class See(Leaf):
    """Decide a yes/no question about the picture, with three outcomes: yes, no, unsure.

    The verdict is ``yes`` when the expected answer has probability ``accept`` or more, ``no`` at ``reject`` or less,
    else unsure; a standing verdict is sticky by ``margin`` (``verdict.judge``).

    While the leaf is ticked without a gap, as by a guard, this is one watch: the verdict is repeated each tick, and a
    new picture is taken in the background when the last one is half of ``max_age`` old, or earlier where answers are
    slow (``rate`` allowing). A picture in which no block changed only renews the age of the verdict and costs no model
    call. Older than ``max_age`` on a changed scene, the verdict is unsure until the next answer. Ticked anew after a
    gap, or right after FAILURE without ``max_age`` and ``rate``, it looks at the scene as it is now; a verdict younger
    than ``max_age`` is still good.

    Ports:
        question (in, text, main): The question, in quotes.
        expect (in, text, default yes): The answer that means SUCCESS, ``yes`` or ``no``.
        accept (in, number, default 0.8): Probability of the expected answer that suffices.
        reject (in, number, default 0.2): Probability of the expected answer that refutes it.
        max_age (in, duration, default none): Oldest picture a repeated verdict may rest on, [s].
        rate (in, number, default none): Most questions a second.
        margin (in, number, default 0.1): How far p must fall back behind its threshold before a standing verdict
            becomes unsure; 1 keeps it until p reaches the other threshold.
        confirm (in, int, default 1): How many answers in a row it takes to overturn a verdict of a watch. 2 keeps one
            wrong answer from pausing a robot and delays a right one by half of ``max_age``.
        on_unsure (in, text, default hold): ``hold`` (RUNNING until there is news), ``failure``, or ``look_again``
            (RUNNING, asks about a new picture at once).
        camera (in, text, default the robot's): Camera to look through.

    Status:
        RUNNING: No answer yet, or unsure with ``hold`` or ``look_again``.
        SUCCESS: The expected answer holds.
        FAILURE: It does not, or unsure with ``on_unsure: failure``.

    Halt:
        Drops the question on its way; nothing moves.
    """

    recovers = "anew"
    visual = True
    ports = (
        Port("question", "text", "a yes/no question about the picture", main=True),
        Port("expect", "text", "the answer that means SUCCESS", default="yes", choices=("yes", "no")),
        Port("accept", "number", "probability that suffices", default=0.8, minimum=0.0, maximum=1.0),
        Port("reject", "number", "probability that refutes", default=0.2, minimum=0.0, maximum=1.0),
        Port("max_age", "duration", "oldest picture a repeated verdict may rest on", default=None, minimum=0.0),
        Port("rate", "number", "most questions a second", default=None, minimum=0.001),
        Port(
            "margin",
            "number",
            "how far p falls back before a standing verdict is unsure",
            default=MARGIN,
            minimum=0.0,
            maximum=1.0,
        ),
        Port("confirm", "int", "answers in a row that overturn a verdict", default=1, minimum=1),
        Port(
            "on_unsure",
            "text",
            "what an unsure verdict means: RUNNING until news, FAILURE, or RUNNING and a new question at once",
            default="hold",
            choices=("hold", "failure", "look_again"),
        ),
        Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
    )

    _asking: Asking | None = None
    _verdict: Verdict | None = None
    _note = ""
    _text = ""
    _judged: CameraFrame | None = None
    _problem = False
    _doubts = 0
    _seen = float("-inf")
    _latency = 0.0
    _last_tick = -2
    _last_status: Status | None = None

    def start(self) -> None:
        """Go on with a watch, or begin a new one."""
        accept, reject = self._number("accept"), self._number("reject")
        if accept is None or reject is None or reject >= accept:
            raise NodeFault(f"{self.path}: reject ({reject}) must be below accept ({accept})")
        max_age, rate = self._number("max_age"), self._number("rate")
        going_on = self.context.tick - self._last_tick <= 1 and (
            self._last_status is SUCCESS or max_age is not None or rate is not None
        )
        still_good = max_age is not None and self.context.now - self._seen <= max_age
        if not going_on and not still_good:
            self._forget()

    def step(self) -> Status:
        """Read the answer if it came, look again if it is time, and say the verdict."""
        self._last_tick = self.context.tick
        text = str(self.get("question"))
        if text != self._text:
            self._forget()
            self._text = text
        self._collect()
        if self._asking is None:
            self._look()
        self._last_status = self._say()
        return self._last_status

    def halt(self) -> None:
        """Drop the question on its way."""
        self._asking = None

    def _forget(self) -> None:
        self._asking = self._judged = self._verdict = None
        self._seen = float("-inf")
        self._problem, self._doubts = False, 0

    def _number(self, port: str) -> float | None:
        value = self.get(port)
        return None if value is None else float(value)  # type: ignore[arg-type]

    def _collect(self) -> None:
        """Turn an answer that came into the verdict."""
        asking = self._asking
        if asking is None or asking.answer is None:
            return
        self._asking = None
        accept, reject = self._number("accept") or 0.0, self._number("reject") or 0.0
        last = self._verdict or "unsure"
        margin = self._number("margin") or 0.0
        verdict, note = read(asking.answer, str(self.get("expect")), accept, reject, last, margin)
        against = self._verdict is not None and self._verdict != "unsure" and verdict != self._verdict
        self._doubts = self._doubts + 1 if against else 0
        if not against or self._doubts >= int(str(self.get("confirm"))):
            self._verdict, self._note, self._doubts = verdict, note, 0
        self._problem = bool(asking.answer.problem)
        self._judged, self._seen = asking.frame, asking.frame.stamp
        self._latency = self.context.now - asking.frame.stamp

    def _look(self) -> None:
        """Take a picture when one is due, and ask about it unless it shows nothing new."""
        if self._verdict is None or self._judged is None:
            self._ask(None)
            return
        period = self._period()
        now = self.context.now
        if period is None or now - self._seen < period - 1e-9:
            return
        frame = self.context.look(str(self.get("camera")))
        again = self._verdict == "unsure" and (self._problem or self.get("on_unsure") == "look_again")
        again |= self._doubts > 0
        if again or self._outdated(now) or changed(self._judged.rgb, frame.rgb):
            self._ask(frame)
        else:
            self._seen = frame.stamp

    def _period(self) -> float | None:
        """Return the time between two pictures, [s]; None when the verdict needs no other."""
        max_age, rate = self._number("max_age"), self._number("rate")
        shortest = 0.0 if rate is None else 1.0 / rate
        if self._verdict == "unsure" and self.get("on_unsure") == "look_again":
            return shortest
        if max_age is not None:  # early enough for the next answer to arrive in time
            return max(min(max_age / 2, max_age - self._latency - HASTE), shortest)
        if rate is not None:
            return shortest
        return GLANCE if self._verdict == "unsure" else None

    def _outdated(self, now: float) -> bool:
        """Tell whether the answer must be asked for again although nothing seems to have changed."""
        assert self._judged is not None
        moved = self.context.notes.get("motion_ended", float("-inf"))
        assert isinstance(moved, float)
        max_age = self._number("max_age")
        return moved > self._judged.stamp or (max_age is not None and now - self._judged.stamp > STANDS * max_age)

    def _ask(self, frame: CameraFrame | None) -> None:
        self._asking = ask(self, Question("yes_no", self._text), str(self.get("camera")), frame)

    def _say(self) -> Status:
        if self._verdict is None:
            return self.running("waiting for the first answer")
        max_age = self._number("max_age")
        stale = max_age is not None and self.context.now - self._seen > max_age + 1e-9
        if self._verdict == "yes" and not stale:
            return self.succeed(self._note)
        if self._verdict == "no" and not stale:
            return self.fail(f"{self._text!r}: {self._note}")
        why = f"the picture is older than {max_age:g} s" if stale else self._note
        if self.get("on_unsure") == "failure":
            return self.fail(f"unsure about {self._text!r}: {why}")
        return self.running(f"unsure: {why}")
