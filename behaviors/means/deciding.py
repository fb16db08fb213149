"""How a leaf decides something by questions about pictures and stays decided while it is ticked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from py_trees.common import Status

from ...robots.contract import CameraFrame
from ...vlm.change import changed
from ...vlm.questions import Answer
from ..human import Asked
from ..node import SUCCESS, Leaf
from ..ports import Port
from .asking import Asking
from .verdict import Verdict

GLANCE = 0.5
"""How often an unsure answer is looked at again when neither ``max_age`` nor ``rate`` says so, [s]."""
HASTE = 0.1
"""How long before a verdict becomes too old its successor shall be there, [s]."""
STANDS = 10.0
"""How many times ``max_age`` an answer may stand on a picture that does not change before it is asked for again."""

MAX_AGE = Port("max_age", "duration", "oldest picture a repeated verdict may rest on", default=None, minimum=0.0)
RATE = Port("rate", "number", "most questions a second", default=None, minimum=0.001)
ON_UNSURE = Port(
    "on_unsure",
    "text",
    "what unsure means: RUNNING until news, FAILURE, RUNNING and a new question at once, or a question to the human",
    default="hold",
    choices=("hold", "failure", "look_again", "ask_human"),
)
DEADLINE = Port("deadline", "duration", "how long a human has to answer", default=60.0, minimum=0.0)
CAMERA = Port("camera", "text", "camera to look through; the robot's default one if left out", default="")
FRESHNESS = (MAX_AGE, RATE, ON_UNSURE, DEADLINE, CAMERA)
"""The ports that every leaf of this kind has, beside its own."""


@dataclass(frozen=True)
class Ruling:
    """What an answer means: whether it holds, and that in words."""

    verdict: Verdict
    note: str


class Deciding(Leaf):
    """Base of leaves that decide something by asking about pictures.

    While such a leaf is ticked without a gap this is one watch: its verdict is repeated each tick, and a new picture is
    taken in the background when the last one is half of ``max_age`` old, ``rate`` allowing. A picture in which no block
    changed renews the age of the verdict and costs no call. A verdict older than ``max_age`` on a changed scene is
    unsure until the next answer. Ticked anew after a gap it looks at the scene as it is now; a verdict younger than
    ``max_age`` is still good.

    A leaf declares ``FRESHNESS`` with its ports and writes ``put_question``, ``rule`` and, where a human can decide
    instead of the model, ``prompt``, ``offers`` and ``told``.
    """

    recovers = "anew"
    visual: ClassVar[bool] = True

    _asking: Asking | None = None
    _human: Asked | None = None
    _verdict: Verdict | None = None
    _note = ""
    _about: object = None
    _judged: CameraFrame | None = None
    _problem = False
    _seen = float("-inf")
    _latency = 0.0
    _last_tick = -2
    _last_status: Status | None = None
    _paused = 0.0

    def put_question(self, frame: CameraFrame) -> Asking | None:
        """Ask about a picture that was just taken; None when nothing can be asked about it yet."""
        raise NotImplementedError

    def rule(self, asking: Asking, answer: Answer) -> Ruling:
        """Say what an answer means, and write the outputs when it decides."""
        raise NotImplementedError

    def about(self) -> object:
        """Return what the present values of the ports ask; another one ends a watch."""
        return self.prompt()

    def refusal(self) -> str:
        """Say why nothing can be asked now; empty when it can."""
        return ""

    def prompt(self) -> str:
        """Return the question as a human reads it."""
        raise NotImplementedError

    def offers(self) -> tuple[str, ...]:
        """Return what a human can choose from; nothing for free text."""
        raise NotImplementedError

    def told(self, words: str) -> Ruling:
        """Say what a human's answer means, and write the outputs; never unsure."""
        raise NotImplementedError

    def number(self, port: str) -> float | None:
        """Return the value of a number port, None when it has none."""
        value = self.get(port)
        return None if value is None else float(value)  # type: ignore[arg-type]

    def start(self) -> None:
        """Go on with a watch, or begin a new one."""
        max_age = self.number("max_age")
        limited = max_age is not None or self.number("rate") is not None
        going_on = self.context.tick - self._last_tick <= 1 and (self._last_status is SUCCESS or limited)
        still_good = max_age is not None and self.context.now - self._seen <= max_age
        if not going_on and not still_good:
            self.forget()

    def step(self) -> Status:
        """Read the answer if it came, look again if it is time, and say the verdict."""
        self._last_tick = self.context.tick
        why_not = self.refusal()
        if why_not:
            self._last_status = self.fail(why_not)
            return self._last_status
        about = self.about()
        if about != self._about:
            self.forget()
            self._about = about
        self._collect()
        if self._asking is None and self._human is None:
            self._look()
        self._last_status = self._say()
        return self._last_status

    def halt(self) -> None:
        """Drop the question on its way, and take one to the human back."""
        self._asking = None
        self._withdraw()

    def pause(self) -> None:
        """Stop the clock of a human who is asked."""
        self._paused = self.context.now

    def resume(self) -> None:
        """Let the clock of a human go on."""
        if self._human is not None:
            self._human.postpone(self.context.now - self._paused)

    def forget(self) -> None:
        """Begin anew, as if nothing had been seen."""
        self._asking = self._judged = self._verdict = None
        self._seen, self._problem = float("-inf"), False
        self._withdraw()

    def _withdraw(self) -> None:
        if self._human is not None:
            self._human.withdraw()
            self._human = None

    def _collect(self) -> None:
        """Turn an answer that came into the verdict."""
        asking = self._asking
        if asking is None or asking.answer is None:
            return
        self._asking = None
        self._problem = bool(asking.answer.problem)
        ruling = Ruling("unsure", asking.answer.problem) if self._problem else self.rule(asking, asking.answer)
        self._verdict, self._note = ruling.verdict, ruling.note
        self._judged, self._seen = asking.frame, asking.frame.stamp
        self._latency = self.context.now - asking.frame.stamp

    def _look(self) -> None:
        """Take a picture when one is due, and ask about it unless it shows nothing new."""
        now = self.context.now
        if self._verdict is None or self._judged is None:
            self._asking = self.put_question(self.take())
            return
        period = self._period()
        if period is None or now - self._seen < period - 1e-9:
            return
        frame = self.take()
        again = self._verdict == "unsure" and (self._problem or self.get("on_unsure") == "look_again")
        if again or self._outdated(now) or self.is_news(self._judged, frame):
            self._asking = self.put_question(frame)
        else:
            self._seen = frame.stamp

    def take(self) -> CameraFrame:
        """Return the picture of this moment."""
        return self.context.look(str(self.get("camera")))

    @property
    def unanswered(self) -> bool:
        """True until the first question of a watch is on its way."""
        return self._verdict is None and self._asking is None

    def is_news(self, judged: CameraFrame, frame: CameraFrame) -> bool:
        """Tell whether a picture shows something else than the one that was judged."""
        return changed(judged.rgb, frame.rgb)

    def _period(self) -> float | None:
        """Return the time between two pictures, [s]; None when the verdict needs no other."""
        max_age, rate = self.number("max_age"), self.number("rate")
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
        max_age = self.number("max_age")
        return moved > self._judged.stamp or (max_age is not None and now - self._judged.stamp > STANDS * max_age)

    def _say(self) -> Status:
        if self._verdict is None:
            return self.running("waiting for the first answer")
        max_age = self.number("max_age")
        stale = max_age is not None and self.context.now - self._seen > max_age + 1e-9
        way = self.get("on_unsure")
        if self._verdict == "unsure" and way == "ask_human":
            return self._ask_human()
        if self._verdict == "yes" and not stale:
            return self.succeed(self._note)
        if self._verdict == "no" and not stale:
            return self.fail(f"{self.prompt()!r}: {self._note}")
        why = f"the picture is older than {max_age:g} s" if stale else self._note
        if way == "failure":
            return self.fail(f"unsure about {self.prompt()!r}: {why}")
        return self.running(f"unsure: {why}")

    def _ask_human(self) -> Status:
        """Put the question to the human, whose answer counts like one of the model."""
        if self._human is None:
            self._human = Asked(self, self.prompt(), self.offers(), deadline=self.number("deadline"))
        words = self._human.answer
        if words is None and not self._human.late:
            return self.running(f"unsure: {self._note}; asks the human")
        human, self._human = self._human, None
        if words is None:
            nobody = "there is no human to ask" if human.absent else "the human did not answer in time"
            return self.fail(f"unsure about {self.prompt()!r}: {self._note}; {nobody}")
        ruling = self.told(words)
        self._verdict, self._note, self._seen = ruling.verdict, f"{ruling.note}, says the human", self.context.now
        return self._say()
