"""The leaf that asks about what happens: a question over the last seconds of video."""

from __future__ import annotations

from py_trees.common import Status

from ...robots.contract import CameraFrame
from ...vlm.questions import Frame, Question
from ..context import as_question_frame
from ..means.deciding import DECIDING_PORTS
from ..means.recent import Recent
from ..means.several import Several
from ..means.yes_no import YES_NO_PORTS, YesNo
from ..node import Wiring, behavior
from ..ports import Port


@behavior("watch")
class Watch(YesNo):
    """Decide a yes/no question about what happened in the last seconds.

    While the leaf is ticked it samples the camera into a ring of ``frames`` pictures that covers ``span``. Once it is
    full the question goes out with all of them, oldest first, and with their times. A ring in which nothing changed
    since the last question costs no model call. Verdict, thresholds and freshness are those of ``see``; a gap between
    two ticks of more than two samples begins the ring anew.

    Ports:
        question (in, text, main): The question, such as ``"Did somebody put something on the table?"``.
        span (in, duration, default 2s): How many seconds the pictures cover, [s].
        frames (in, int, default 4): How many pictures the model is shown.
        *YES_NO_PORTS
        *DECIDING_PORTS

    Status:
        RUNNING: The ring is not full, no answer yet, or unsure with anything but ``failure``.
        SUCCESS: The expected answer holds.
        FAILURE: It does not, or unsure with ``failure``.

    Halt:
        Drops the question on its way; nothing moves.
    """

    ports = (
        Port("question", "text", "a yes/no question about the last seconds", main=True),
        Port("span", "duration", "how many seconds the pictures cover", default=2.0, minimum=0.1),
        Port("frames", "int", "how many pictures the model is shown", default=4, minimum=2, maximum=32),
        *YES_NO_PORTS,
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

    def ready(self) -> bool:
        """Tell whether the ring is full, and its newest picture is of this moment."""
        ring = self._present()
        return ring.full and ring.frames[-1].stamp >= self.context.now - 1e-6

    def again(self) -> bool:
        """Tell whether anything moved in the pictures that were judged, or moves in those of now."""
        return self._lively or self._present().lively

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
