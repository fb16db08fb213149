"""The leaf that asks a yes/no question about what the robot sees now."""

from __future__ import annotations

from py_trees.common import Status

from ...vlm.questions import Answer, Question
from ..human import Asked
from ..means.verdict import MARGIN, Verdict, read
from ..means.watching import WATCH_PORTS, Watching
from ..node import SUCCESS, Leaf, NodeFault, Wiring, behavior
from ..ports import Port

YES, NO = "yes", "no"


@behavior("see")
class See(Leaf):
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
        expect (in, text, default yes): The answer that means SUCCESS, ``yes`` or ``no``.
        accept (in, number, default 0.8): Probability of the expected answer that suffices.
        reject (in, number, default 0.2): Probability of the expected answer that refutes it.
        margin (in, number, default 0.1): How far p must fall back behind its threshold before a standing verdict
            becomes unsure; 1 keeps it until p reaches the other threshold.
        confirm (in, int, default 1): How many answers in a row it takes to overturn a verdict of a watch. 2 keeps one
            wrong answer from pausing a robot and delays a right one by half of ``max_age``.
        debounce (in, int, default 1): How many answers in a row must agree before the first verdict is given.
        on_unsure (in, text, default hold): ``hold`` (RUNNING until there is news), ``failure``, ``look_again``
            (RUNNING, asks about a new picture at once), or ``ask_human`` (RUNNING until the human answers yes or no;
            that then stands until the model says the opposite).
        ask_deadline (in, duration, default 60s): How long the human has to answer, [s]; afterwards it is ``hold``.
        max_age (in, duration, default none): Oldest picture a repeated verdict may rest on, [s].
        rate (in, number, default none): Most questions a second.
        deadline (in, duration, default none): Longest wait for an answer, [s]; then it is unsure.
        budget (in, int, default none): Most questions of this node that may reach a model in a run; then it is unsure.
        roi (in, any, default none): An object from ``ground``, or a box relative to the image: what changes elsewhere
            in the picture is no reason to ask again.
        camera (in, text, default the robot's): Camera to look through.

    Status:
        RUNNING: No answer yet, or unsure with ``hold``, ``look_again`` or ``ask_human``.
        SUCCESS: The expected answer holds.
        FAILURE: It does not, or unsure with ``on_unsure: failure``.

    Halt:
        Drops the question on its way; nothing moves.
    """

    recovers = "anew"
    replays = "answers"
    visual = True
    ports = (
        Port("question", "text", "a yes/no question about the picture", main=True),
        Port("expect", "text", "the answer that means SUCCESS", default=YES, choices=(YES, NO)),
        Port("accept", "number", "probability that suffices", default=0.8, minimum=0.0, maximum=1.0),
        Port("reject", "number", "probability that refutes", default=0.2, minimum=0.0, maximum=1.0),
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
        Port(
            "on_unsure",
            "text",
            "what an unsure verdict means: RUNNING until news, FAILURE, RUNNING and a new question at once, or RUNNING "
            "until the human answers",
            default="hold",
            choices=("hold", "failure", "look_again", "ask_human"),
        ),
        Port("ask_deadline", "duration", "how long the human has to answer", default=60.0, minimum=0.0),
        *WATCH_PORTS,
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._watching = Watching(self)
        self._asked: Asked | None = None
        self._last_status: Status | None = None
        self._forget()

    def start(self) -> None:
        """Go on with a watch, or begin a new one."""
        accept, reject = self._number("accept"), self._number("reject")
        if reject >= accept:
            raise NodeFault(f"{self.path}: reject ({reject}) must be below accept ({accept})")
        self._watching.begin(self._last_status is SUCCESS)
        if self._watching.answer is None:
            self._forget()

    def step(self) -> Status:
        """Read the answer if it came, look again if it is time, and say the verdict."""
        question = Question("yes_no", str(self.get("question")))
        if question != self._watching.question:
            self._forget()
        answer = self._watching.news(question)
        if answer is not None:
            self._judge(answer)
        unsure = self._watching.answer is not None and self._verdict in (None, "unsure")
        hasty = unsure and self._on_unsure == "look_again"
        again = self._doubts > 0 or self._agreed > 0 or (unsure and (self._problem or hasty))
        self._watching.look(unsure=unsure, hasty=hasty, again=again)
        self._last_status = self._say(question.text)
        return self._last_status

    def halt(self) -> None:
        """Drop the question on its way, and that to the human."""
        self._watching.drop()
        self._leave_human()

    def _forget(self) -> None:
        self._verdict: Verdict | None = None
        self._note, self._problem = "", False
        self._doubts, self._agreed = 0, 0
        self._tending: Verdict | None = None
        self._by_human = False
        self._leave_human()

    def _leave_human(self) -> None:
        if self._asked is not None:
            self._asked.withdraw()
            self._asked = None

    def _number(self, port: str) -> float:
        return float(str(self.get(port)))

    @property
    def _on_unsure(self) -> str:
        return str(self.get("on_unsure"))

    def _judge(self, answer: Answer) -> None:
        """Turn an answer that came into the verdict."""
        accept, reject, margin = (self._number(port) for port in ("accept", "reject", "margin"))
        last = self._verdict or "unsure"
        verdict, note = read(answer, str(self.get("expect")), accept, reject, last, margin)
        self._problem = bool(answer.problem)
        if self._verdict in (None, "unsure"):
            self._settle(verdict, note)
            return
        if self._by_human and verdict == "unsure":
            return
        self._doubts = self._doubts + 1 if verdict != self._verdict else 0
        if not self._doubts or self._doubts >= self._number("confirm"):
            self._verdict, self._note, self._doubts, self._by_human = verdict, note, 0, False

    def _settle(self, verdict: Verdict, note: str) -> None:
        """Take a verdict where none stands, once enough answers in a row agree."""
        if verdict == "unsure":
            self._tending, self._agreed = None, 0
            self._verdict, self._note = verdict, note
            return
        self._agreed = self._agreed + 1 if verdict == self._tending else 1
        self._tending = verdict
        wanted = int(self._number("debounce"))
        if self._agreed >= wanted:
            self._verdict, self._note, self._agreed, self._tending = verdict, note, 0, None
            self._leave_human()
        else:
            self._note = f"{note}, {self._agreed} of {wanted} answers agree"

    def _say(self, text: str) -> Status:
        if self._watching.answer is None:
            return self.running("waiting for the first answer")
        if self._verdict is None:
            return self.running(f"waiting for more answers: {self._note}")
        stale = self._watching.stale
        if self._verdict == "yes" and not stale:
            return self.succeed(self._note)
        if self._verdict == "no" and not stale:
            return self.fail(f"{text!r}: {self._note}")
        why = f"the picture is older than {self._watching.max_age:g} s" if stale else self._note
        if self._on_unsure == "failure":
            return self.fail(f"unsure about {text!r}: {why}")
        if self._on_unsure == "ask_human" and not stale:
            return self._ask_human(text, why)
        return self.running(f"unsure: {why}")

    def _ask_human(self, text: str, why: str) -> Status:
        """Let the human decide; the verdict then stands like one of the model."""
        if self._asked is None:
            self._asked = Asked(self, text, (YES, NO), "", self._number("ask_deadline"))
        said = self._asked.answer
        if said is not None:
            self._verdict, self._note = ("yes" if said == self.get("expect") else "no"), f"the human says {said}"
            self._asked, self._by_human = None, True
            return self._say(text)
        if self._asked.absent:
            return self.running(f"unsure, and there is no human to ask: {why}")
        return self.running(f"unsure, {'the human did not answer' if self._asked.late else 'asked the human'}: {why}")
