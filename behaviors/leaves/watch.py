"""The leaf that asks about what happens: a question over the last seconds of video."""

from __future__ import annotations

from py_trees.common import Status

from ...robots.contract import CameraFrame
from ...vlm.questions import Answer, Question
from ..context import as_question_frame
from ..means.asking import Asking
from ..means.deciding import FRESHNESS, Deciding, Ruling
from ..means.picture import ask_showing
from ..means.recent import Recent
from ..means.verdict import read
from ..node import NodeFault, behavior
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
        max_age (in, duration, default none): Oldest picture a repeated verdict may rest on, [s].
        rate (in, number, default none): Most questions a second.
        on_unsure (in, text, default hold): ``hold`` (RUNNING until there is news), ``failure``, ``look_again``
            (RUNNING, asks about new pictures at once) or ``ask_human``.
        deadline (in, duration, default 60s): How long a human has to answer, [s]; then it is FAILURE.
        camera (in, text, default the robot's): Camera to look through.

    Status:
        RUNNING: The ring is not full, no answer yet, unsure with ``hold`` or ``look_again``, or a human is asked.
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
        *FRESHNESS,
    )

    _ring: Recent | None = None
    _lively = False

    def start(self) -> None:
        """Check the thresholds, and go on with a watch or begin a new one."""
        accept, reject = self.number("accept"), self.number("reject")
        if accept is None or reject is None or reject >= accept:
            raise NodeFault(f"{self.path}: reject ({reject}) must be below accept ({accept})")
        super().start()

    def step(self) -> Status:
        """Take the next picture if it is time, then decide."""
        ring = self._present()
        if ring.due(self.context.now):
            ring.add(self.context.look(str(self.get("camera"))))
        status = super().step()
        if self.unanswered and not ring.full:
            return self.running(f"watching: {ring.covered:.1f} of {ring.span:g} s")
        return status

    def prompt(self) -> str:
        """Return the question."""
        return str(self.get("question"))

    def offers(self) -> tuple[str, ...]:
        """Return yes and no."""
        return "yes", "no"

    def told(self, words: str) -> Ruling:
        """Take the answer of a human."""
        return Ruling("yes" if words == self.get("expect") else "no", words)

    def take(self) -> CameraFrame:
        """Return the newest picture of the ring."""
        return self._present().frames[-1]

    def put_question(self, frame: CameraFrame) -> Asking | None:
        """Ask about all pictures of a full ring."""
        ring = self._present()
        if not ring.full:
            return None
        self._lively = ring.lively
        before = [as_question_frame(each) for each in ring.frames[:-1]]
        ages = ", ".join(f"{frame.stamp - each.stamp:.2f} s" for each in ring.frames)
        context = f"The {len(ring.frames)} pictures were taken, in this order, {ages} before the last one."
        return ask_showing(self, Question("yes_no", self.prompt(), context=context), frame, before)

    def rule(self, asking: Asking, answer: Answer) -> Ruling:
        """Judge the answer."""
        accept, reject = self.number("accept") or 0.0, self.number("reject") or 0.0
        return Ruling(*read(answer, str(self.get("expect")), accept, reject))

    def is_news(self, judged: CameraFrame, frame: CameraFrame) -> bool:
        """Tell whether anything moved, in the pictures that were judged, in those of now, or between them."""
        return self._lively or self._present().lively or super().is_news(judged, frame)

    def _present(self) -> Recent:
        """Return the ring; another span or number of pictures begins a new one."""
        span, count = self.number("span") or 0.1, int(str(self.get("frames")))
        if self._ring is None or (self._ring.span, self._ring.count) != (span, count):
            self._ring = Recent(span, count)
        return self._ring
