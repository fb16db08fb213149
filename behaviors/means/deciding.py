"""The base of leaves that decide by what is seen: a verdict that stands while they are ticked, and a human's word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from py_trees.common import Status

from ...vlm.questions import Answer, Question
from ..human import Asked
from ..node import RUNNING, SUCCESS, Leaf, NodeFault, Wiring
from ..ports import Port
from .several import Several
from .verdict import Verdict
from .watching import WATCH_PORTS

ON_UNSURE = Port(
    "on_unsure",
    "text",
    "what unsure means: RUNNING until news, FAILURE, RUNNING and a new question at once, RUNNING until the human "
    "answers, or a node that does something about it",
    default="hold",
    choices=("hold", "failure", "look_again", "ask_human"),
    or_node=True,
)
ASK_DEADLINE = Port("ask_deadline", "duration", "how long the human has to answer", default=60.0, minimum=0.0)
DECIDING_PORTS = (ON_UNSURE, ASK_DEADLINE, *WATCH_PORTS)
"""The ports that every leaf of this kind has, beside its own."""
_DECIDING_PORTS = """\
        on_unsure (in, text or node, default hold): ``hold`` (RUNNING until there is news), ``failure``, ``look_again``
            (RUNNING, asks about a new picture at once), ``ask_human`` (RUNNING until the human answers; that then
            stands until the model says something else for sure), or a node: it is ticked while the leaf is unsure.
            Its SUCCESS makes the leaf look again, its FAILURE is that of the leaf.
        ask_deadline (in, duration, default 60s): How long the human has to answer, [s]; afterwards it is ``hold``.
        max_age (in, duration, default none): Oldest picture a repeated verdict may rest on, [s].
        rate (in, number, default none): Most questions a second.
        deadline (in, duration, default none): Longest wait for an answer, [s]; then it is unsure.
        budget (in, int, default none): Most questions of this node that may reach a model in a run; then it is unsure.
        roi (in, any, default none): An object from ``ground``, or a box relative to the image: what changes elsewhere
            in the picture is no reason to ask again.
        camera (in, text, default the robot's): Camera to look through.
"""
_FIRST = "waiting for the first answer"
_TIE = 1e-9


@dataclass(frozen=True)
class Ruling:
    """What an answer means: whether it holds, and that in words."""

    verdict: Verdict
    note: str


class Deciding(Leaf):
    """Decide something by asking about pictures, as ``see`` does.

    A leaf declares ``DECIDING_PORTS`` with its ports and writes ``question``, ``rule``, and for a human who decides
    instead of the model ``offers`` and ``told``. When pictures are taken and when the model is asked about them says
    ``Watching``. A line ``*DECIDING_PORTS`` in its docstring becomes what these ports mean.

    A node on the port ``on_unsure`` is not the leaf's business: ``Unsure``, which stands around both, asks it for its
    ``doubt`` and tells it to ``look_anew``.
    """

    recovers = "anew"
    visual: ClassVar[bool] = True
    documents: ClassVar[Mapping[str, str]] = {"*DECIDING_PORTS": _DECIDING_PORTS}
    """Lines of docstrings → what stands there in their place."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.watching = Several(self)
        self._last_status: Status | None = None
        self._asked: Asked | None = None
        self._paused = 0.0
        self._terms: object = None
        self._anew = float("-inf")
        self._forget()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, text in cls.documents.items() if cls.__doc__ else ():
            cls.__doc__ = str(cls.__doc__).replace(f"        {name}\n", text)

    def question(self) -> Question:
        """Return what is asked with the present values of the ports; another one ends a watch."""
        raise NotImplementedError

    def rule(self, answer: Answer) -> Ruling:
        """Say what a usable answer means, and write the outputs when it decides."""
        raise NotImplementedError

    def offers(self) -> tuple[str, ...]:
        """Return what a human can choose from."""
        raise NotImplementedError

    def told(self, words: str) -> Ruling:
        """Say what a human's choice means, and write the outputs; never unsure."""
        raise NotImplementedError

    def terms(self) -> object:
        """Return the values beside the question that a verdict depends on; others end a watch."""
        return None

    def refusal(self) -> str:
        """Say why nothing can be asked now; empty when it can."""
        return ""

    def ready(self) -> bool:
        """Tell whether there is enough to ask about."""
        return True

    def again(self) -> bool:
        """Tell whether to ask also about a picture that shows nothing new."""
        return False

    def number(self, port: str) -> float:
        """Return the value of a number port."""
        return float(str(self.get(port)))

    @classmethod
    def mistake_in_plan(cls, args: Mapping[str, object]) -> str:
        """Say what is wrong with the thresholds of a planned step."""
        default = {port.name: port.default for port in cls.ports}
        accept, reject = (
            float(str(args.get(name, default.get(name, edge)))) for name, edge in (("accept", 1), ("reject", 0))
        )
        return "" if reject < accept else f"reject ({reject:g}) must be below accept ({accept:g})"

    def start(self) -> None:
        """Check the thresholds, and go on with a watch or begin a new one."""
        ports = {port.name for port in self.ports}
        if {"accept", "reject"} <= ports and self.number("reject") >= self.number("accept"):
            accept, reject = self.number("accept"), self.number("reject")
            raise NodeFault(f"{self.path}: reject ({reject}) must be below accept ({accept})")
        self.watching.begin(self._last_status is SUCCESS)
        if self.watching.answer is None:
            self._forget()

    def step(self) -> Status:
        """Read the answer if it came, look again if it is time, and say the verdict."""
        self._last_status = self._decide()
        return self._last_status

    def _decide(self) -> Status:
        why_not = self.refusal()
        if why_not:
            return self.fail(why_not)
        question = self.question()
        terms = self.terms()
        if question != self.watching.question or terms != self._terms:
            self.watching.forget()
            self._forget()
            self._terms = terms
        answer = self.watching.news(question)
        if answer is not None:
            self._judge(answer)
        if self.ready():
            unsure = self._verdict in (None, "unsure")
            hasty = unsure and (self.get("on_unsure") == "look_again" or self._looks_anew)
            again = self.again() or (unsure and (self._problem or hasty))
            self.watching.look(unsure=unsure, hasty=hasty, again=again)
        return self._say(question.text)

    @property
    def doubt(self) -> str:
        """Why it is unsure about the newest picture, with the question; empty while it is not, or looks already."""
        if self._verdict != "unsure" or self.watching.stale or self._looks_anew:
            return ""
        assert self.watching.question is not None
        return f"unsure about {self.watching.question.text!r}: {self._note}"

    @property
    def undecided(self) -> bool:
        """True from a doubt on until an answer decides or another question is asked."""
        return self.status is RUNNING and self._verdict is not None

    def look_anew(self) -> None:
        """Ask about a picture that is taken after this moment; until its answer there is no ``doubt``."""
        self._anew = self.context.now

    @property
    def _looks_anew(self) -> bool:
        frame = self.watching.frame
        return frame is None or frame.stamp <= self._anew + _TIE

    def halt(self) -> None:
        """Drop the question on its way, and that to the human."""
        self.watching.drop()
        self._leave_human()

    def pause(self) -> None:
        """Stop the clock of a human who is asked."""
        self._paused = self.context.now

    def resume(self) -> None:
        """Let the clock of a human go on."""
        if self._asked is not None:
            self._asked.postpone(self.context.now - self._paused)

    def _forget(self) -> None:
        self._verdict: Verdict | None = None
        self._note, self._problem, self._by_human = "", False, False
        self._anew = float("-inf")
        self._leave_human()

    def _leave_human(self) -> None:
        if self._asked is not None:
            self._asked.withdraw()
            self._asked = None

    def _judge(self, answer: Answer) -> None:
        """Turn an answer that came into the verdict; what a human said stands until the model is sure."""
        self._problem = bool(answer.problem)
        ruling = Ruling("unsure", answer.problem) if self._problem else self.rule(answer)
        if self._by_human and ruling.verdict == "unsure":
            return
        self.take(ruling)

    def take(self, ruling: Ruling) -> None:
        """Let an answer count. A leaf that wants more than one of a kind writes it anew."""
        self._verdict, self._note, self._by_human = ruling.verdict, ruling.note, False
        if ruling.verdict != "unsure":
            self._leave_human()

    def _say(self, text: str) -> Status:
        if self._verdict is None:
            return self.running(f"waiting for more answers: {self._note}" if self._note else _FIRST)
        stale, way = self.watching.stale, self.get("on_unsure")
        if self._verdict == "yes" and not stale:
            return self.succeed(self._note)
        if self._verdict == "no" and not stale:
            return self.fail(f"{text!r}: {self._note}")
        why = f"the picture is older than {self.watching.max_age:g} s" if stale else self._note
        if way == "failure":
            return self.fail(f"unsure about {text!r}: {why}")
        if way == "ask_human" and not stale:
            return self._ask_human(text, why)
        return self.running(f"unsure: {why}")

    def _ask_human(self, text: str, why: str) -> Status:
        """Let the human decide; the verdict then stands like one of the model."""
        if self._asked is None:
            self._asked = Asked(self, text, self.offers(), "", self.number("ask_deadline"))
        said = self._asked.answer
        if said is not None:
            ruling = self.told(said)
            self._verdict, self._note = ruling.verdict, f"{ruling.note}, says the human"
            self._asked, self._by_human = None, True
            return self._say(text)
        if self._asked.absent:
            return self.running(f"unsure, and there is no human to ask: {why}")
        return self.running(f"unsure, {'the human did not answer' if self._asked.late else 'asked the human'}: {why}")
