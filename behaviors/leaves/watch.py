"""The leaf that asks about what happens: a question over the last seconds of video."""

from __future__ import annotations

from py_trees.common import Status

from ...robots.contract import CameraFrame
from ...vlm.questions import Answer, Frame, Question
from ..context import as_question_frame
from ..means.deciding import DECIDING_PORTS, Deciding, Ruling
from ..means.recent import Recent
from ..means.several import Several
from ..means.verdict import read
from ..node import Wiring, behavior
from ..ports import Port


@behavior("watch")
class Watch(Deciding):
    """Decide a yes/no question about what happened in the last seconds.

    While the leaf is ticked it samples the camera into a ring of ``frames`` pictures that covers ``span``. Once it is
    full the question goes out with all of them, oldest first, and with their times. A ring in which nothing changed
    since the last question costs no model call. Verdict, thresholds and freshness are those of ``see``; a gap between
    two ticks of more than two samples begins the ring anew.

    Ports:
        question (in, text, main): The question, such as ``"Did somebody put something on the table?"``.
        span (in, duration, default 2s): How many seconds the pictures cover, [s].
        frames (in, int, default 4): How many pictures the model is shown.
        expect (in, text, default yes): The answer that means SUCCESS, ``yes`` or ``no``.
        accept (in, number, default 0.8): Probability of the expected answer that suffices.
        reject (in, number, default 0.2): Probability of the expected answer that refutes it.
        on_unsure (in, text, default hold): ``hold`` (RUNNING until there is news), ``failure``, ``look_again``
            (RUNNING, asks about a new picture at once), or ``ask_human`` (RUNNING until the human answers; that then
            stands until the model says something else for sure).
        ask_deadline (in, duration, default 60s): How long the human has to answer, [s]; afterwards it is ``hold``.
        max_age (in, duration, default none): Oldest picture a repeated verdict may rest on, [s].
        rate (in, number, default none): Most questions a second.
        deadline (in, duration, default none): Longest wait for an answer, [s]; then it is unsure.
        budget (in, int, default none): Most questions of this node that may reach a model in a run; then it is unsure.
        roi (in, any, default none): An object from ``ground``, or a box relative to the image: what changes elsewhere
            in the picture is no reason to ask again.
        camera (in, text, default the robot's): Camera to look through.

    Status:
        RUNNING: The ring is not full, no answer yet, unsure with ``hold`` or ``look_again``, or the human is asked.
        SUCCESS: The expected answer holds.
        FAILURE: It does not, or unsure with ``failure``.

    Halt:
        Drops the question on its way; nothing moves.
    """

    ports = (
        Port("question", "text", "a yes/no question about the last seconds", main=True),
        Port("span", "duration", "how many seconds the pictures cover", default=2.0, minimum=0.1),
        Port("frames", "int", "how many pictures the model is shown", default=4, minimum=2, maximum=32),
        Port("expect", "text", "the answer that means SUCCESS", default="yes", choices=("yes", "no")),
        Port("accept", "number", "probability that suffices", default=0.8, minimum=0.0, maximum=1.0),
        Port("reject", "number", "probability that refutes", default=0.2, minimum=0.0, maximum=1.0),
        *DECIDING_PORTS,
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.watching = Several(self, self._before)
        self._ring: Recent | None = None
        self._lively = False

    def step(self) -> Status:
        """Take the next picture if it is time, then decide."""
        ring = self._present()
        if ring.due(self.context.now):
            ring.add(self.context.look(str(self.get("camera"))))
        status = super().step()
        if self.watching.answer is None and not self.watching.waiting and not ring.full:
            return self.running(f"watching: {ring.covered:.1f} of {ring.span:g} s")
        return status

    def question(self) -> Question:
        """Return the question, with what the model has to know about the pictures."""
        ring = self._present()
        context = f"The {ring.count} pictures were taken {ring.every:.2f} s after one another, the last one now."
        return Question("yes_no", str(self.get("question")), context=context)

    def offers(self) -> tuple[str, ...]:
        """Return yes and no."""
        return "yes", "no"

    def told(self, words: str) -> Ruling:
        """Take the answer of a human."""
        return Ruling("yes" if words == self.get("expect") else "no", words)

    def ready(self) -> bool:
        """Tell whether the ring is full, and its newest picture is of this moment."""
        ring = self._present()
        return ring.full and ring.frames[-1].stamp >= self.context.now - 1e-6

    def again(self) -> bool:
        """Tell whether anything moved in the pictures that were judged, or moves in those of now."""
        return self._lively or self._present().lively

    def rule(self, answer: Answer) -> Ruling:
        """Judge the answer."""
        return Ruling(*read(answer, str(self.get("expect")), self.number("accept"), self.number("reject")))

    def _before(self, frame: CameraFrame) -> list[Frame]:
        """Return the pictures of the ring before the present one."""
        ring = self._present()
        self._lively = ring.lively
        return [as_question_frame(each) for each in ring.frames if each.stamp < frame.stamp][1 - ring.count :]

    def _present(self) -> Recent:
        """Return the ring; another span or number of pictures begins a new one."""
        span, count = self.number("span"), int(str(self.get("frames")))
        if self._ring is None or (self._ring.span, self._ring.count) != (span, count):
            self._ring = Recent(span, count)
        return self._ring
