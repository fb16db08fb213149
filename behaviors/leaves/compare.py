"""The leaf that compares what the robot sees now with another picture."""

from __future__ import annotations

from typing import Final

from py_trees.common import Status

from ...robots.contract import CameraFrame
from ...vlm.questions import Answer, Question
from ..means.asking import Asking
from ..means.deciding import FRESHNESS, Deciding, Ruling
from ..means.picture import Picture, PictureError, as_picture, ask_showing, read_picture, taken
from ..means.verdict import read
from ..node import NodeFault, behavior
from ..ports import Port

START, LAST = "start", "last"
MOMENTS: Final = (START, LAST)
"""Pictures of its own that the leaf can compare with: its first one of the run, the one it asked about before."""


@behavior("compare")
class Compare(Deciding):
    """Decide a yes/no question about two pictures: another one, and after it what the robot sees now.

    Verdict, thresholds and freshness are those of ``see``. A model that looks at one picture only gives no usable
    answer, so the leaf is unsure.

    Ports:
        question (in, text, main, default "Has anything moved?"): The question; the first picture is the other one.
        to (in, any, default start): What to compare with: an entry with a picture, from ``photo`` or ``imagine``; the
            path of a picture file, beside the tree or where the run was started; ``start``, the first picture that this
            leaf took in the run; or ``last``, the picture that it asked about before.
        expect (in, text, default yes): The answer that means SUCCESS, ``yes`` or ``no``.
        accept (in, number, default 0.8): Probability of the expected answer that suffices.
        reject (in, number, default 0.2): Probability of the expected answer that refutes it.
        max_age (in, duration, default none): Oldest picture a repeated verdict may rest on, [s].
        rate (in, number, default none): Most questions a second.
        on_unsure (in, text, default hold): ``hold`` (RUNNING until there is news), ``failure``, ``look_again``
            (RUNNING, asks about a new picture at once) or ``ask_human``.
        deadline (in, duration, default 60s): How long a human has to answer, [s]; then it is FAILURE.
        camera (in, text, default the robot's): Camera to look through.

    Status:
        RUNNING: No answer yet, or unsure with ``hold`` or ``look_again``, or a human is asked.
        SUCCESS: The expected answer holds.
        FAILURE: It does not, or unsure with ``failure``.

    Halt:
        Drops the question on its way; nothing moves.
    """

    ports = (
        Port("question", "text", "a yes/no question about both pictures", default="Has anything moved?", main=True),
        Port("to", "any", "a picture, its file, start, or last", default=START, takes=("image", "text")),
        Port("expect", "text", "the answer that means SUCCESS", default="yes", choices=("yes", "no")),
        Port("accept", "number", "probability that suffices", default=0.8, minimum=0.0, maximum=1.0),
        Port("reject", "number", "probability that refutes", default=0.2, minimum=0.0, maximum=1.0),
        *FRESHNESS,
    )

    _first: Picture | None = None
    _last: Picture | None = None
    _file: tuple[str, Picture] | None = None

    def start(self) -> None:
        """Check the thresholds, and go on with a watch or begin a new one."""
        accept, reject = self.number("accept"), self.number("reject")
        if accept is None or reject is None or reject >= accept:
            raise NodeFault(f"{self.path}: reject ({reject}) must be below accept ({accept})")
        super().start()

    def step(self) -> Status:
        """Compare, and turn a picture that is none into a fault of the tree."""
        try:
            return super().step()
        except PictureError as error:
            raise NodeFault(f"{self.path}: port 'to': {error}") from error

    def prompt(self) -> str:
        """Return the question."""
        return str(self.get("question"))

    def about(self) -> object:
        """Return the question and what is compared with."""
        to = self.get("to")
        return self.prompt(), to if isinstance(to, str) else id(to)

    def offers(self) -> tuple[str, ...]:
        """Return yes and no."""
        return "yes", "no"

    def told(self, words: str) -> Ruling:
        """Take the answer of a human."""
        return Ruling("yes" if words == self.get("expect") else "no", words)

    def put_question(self, frame: CameraFrame) -> Asking:
        """Ask about the other picture and this one."""
        now = taken(frame)
        self._first = self._first or now
        other = self._other(now)
        self._last = now
        return ask_showing(self, Question("yes_no", self.prompt()), frame, [other.frame])

    def rule(self, asking: Asking, answer: Answer) -> Ruling:
        """Judge the answer."""
        accept, reject = self.number("accept") or 0.0, self.number("reject") or 0.0
        return Ruling(*read(answer, str(self.get("expect")), accept, reject))

    def is_news(self, judged: CameraFrame, frame: CameraFrame) -> bool:
        """Tell whether a new picture can change the verdict: after ``last`` the same one can, it shows no change."""
        return self.get("to") == LAST or super().is_news(judged, frame)

    def _other(self, now: Picture) -> Picture:
        to = self.get("to")
        if to == START:
            return self._first or now
        if to == LAST:
            return self._last or now
        if not isinstance(to, str):
            return as_picture(to)
        if self._file is None or self._file[0] != to:
            self._file = (to, read_picture(self, to))
        return self._file[1]
