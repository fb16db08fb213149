"""The leaf that asks a yes/no question about what the robot sees now."""

from __future__ import annotations

from ...vlm.questions import Answer, Question
from ..means.deciding import DECIDING_PORTS, Ruling
from ..means.verdict import MARGIN, Verdict, read
from ..means.yes_no import YES_NO_PORTS, YesNo
from ..node import behavior
from ..ports import Port


@behavior("see")
class See(YesNo):
    """Decide a yes/no question about the picture, with three outcomes: yes, no, unsure.

    The verdict is ``yes`` when the expected answer has probability ``accept`` or more, ``no`` at ``reject`` or less,
    else unsure; a standing verdict is sticky by ``margin`` (``verdict.judge``).

    While the leaf is ticked without a gap, as by a guard, this is one watch: the verdict is repeated each tick, and a
    new picture is taken in the background when the last one is half of ``max_age`` old, or earlier where answers are
    slow (``rate`` allowing). A picture in which no block changed only renews the age of the verdict and costs no model
    call; where the robot itself moves in it is left out of account. Older than ``max_age`` on a changed scene, the
    verdict is unsure until the next answer. Ticked anew after a gap, or right after FAILURE without ``max_age`` and
    ``rate``, it looks at the scene as it is now; a verdict younger than ``max_age`` is still good.

    Ports:
        question (in, text, main): The question, in quotes.
        *YES_NO_PORTS
        margin (in, number, default 0.1): How far p must fall back behind its threshold before a standing verdict
            becomes unsure; 1 keeps it until p reaches the other threshold.
        confirm (in, int, default 1): How many answers in a row it takes to overturn a verdict of a watch. 2 keeps one
            wrong answer from pausing a robot and delays a right one by half of ``max_age``.
        debounce (in, int, default 1): How many answers in a row must agree before the first verdict is given.
        *DECIDING_PORTS

    Status:
        RUNNING: No answer yet, or unsure with anything but ``failure``.
        SUCCESS: The expected answer holds.
        FAILURE: It does not, or unsure with ``failure``.

    Halt:
        Drops the question on its way; nothing moves.
    """

    replays = "answers"
    ports = (
        Port("question", "text", "a yes/no question about the picture", main=True),
        *YES_NO_PORTS,
        Port(
            "margin",
            "number",
            "how far p falls back before a standing verdict is unsure",
            default=MARGIN,
            minimum=0.0,
            maximum=1.0,
        ),
        Port("confirm", "int", "answers in a row that overturn a verdict", default=1, minimum=1),
        Port("debounce", "int", "answers in a row that must agree before the first verdict", default=1, minimum=1),
        *DECIDING_PORTS,
    )

    _doubts: int
    _agreed: int
    _tending: Verdict | None

    def question(self) -> Question:
        """Return the question."""
        return Question("yes_no", str(self.get("question")))

    def again(self) -> bool:
        """Tell whether answers in a row are wanted and there are some."""
        return self._doubts > 0 or self._agreed > 0

    def rule(self, answer: Answer) -> Ruling:
        """Judge the answer; a verdict that stands is sticky."""
        accept, reject, margin = (self.number(port) for port in ("accept", "reject", "margin"))
        return Ruling(*read(answer, str(self.get("expect")), accept, reject, self._verdict or "unsure", margin))

    def take(self, ruling: Ruling) -> None:
        """Let an answer count once enough of them agree."""
        if self._verdict in (None, "unsure"):
            self._settle(ruling)
            return
        self._doubts = self._doubts + 1 if ruling.verdict != self._verdict else 0
        if not self._doubts or self._doubts >= self.number("confirm"):
            self._doubts = 0
            super().take(ruling)

    def _settle(self, ruling: Ruling) -> None:
        """Take a verdict where none stands."""
        if ruling.verdict == "unsure":
            self._tending, self._agreed = None, 0
            super().take(ruling)
            return
        self._agreed = self._agreed + 1 if ruling.verdict == self._tending else 1
        self._tending = ruling.verdict
        wanted = int(self.number("debounce"))
        if self._agreed >= wanted:
            self._agreed, self._tending = 0, None
            super().take(ruling)
        else:
            self._note = f"{ruling.note}, {self._agreed} of {wanted} answers agree"

    def _forget(self) -> None:
        super()._forget()
        self._doubts, self._agreed = 0, 0
        self._tending = None
