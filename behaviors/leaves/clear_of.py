"""The leaf that a guard rests on: the workspace is clear of hands, people, falling things and a human's stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from py_trees.common import Status

from ..human import overhear
from ..means.alarms import ALARMS, STOP_WORD, AlarmError, SeenAlarm, alarms_of
from ..means.watching import WATCH_PORTS
from ..node import Leaf, NodeFault, Wiring, behavior
from ..ports import Port

_OWN = ("max_age", "roi")
_LISTED = ("text", "list")


@behavior("clear_of")
class ClearOf(Leaf):
    """Succeed while none of some alarms is on; the check of a guard.

    An alarm is one of these, or a yes/no question in quotes whose yes is the alarm, such as ``"Is a person near the
    stove?"``. ``hand``: a hand is inside the workspace. ``person``: a person is near the table. ``falling``: something
    moved within the last 0.4 s though the robot neither holds nor grips anything (a thing that falls while the robot
    carries another is not seen). ``stop_word``: a human said stop, at the terminal or in any other way, and nobody said
    go on since.

    The questions of a tick are asked together, before those of other leaves. What is not known counts as alarm: a
    verdict whose picture is older than ``max_age`` on a scene that changed, because no answer came or the answers are
    unsure, or because the terminal, the file or the microphone that a stop came from is gone. An alarm that is seen
    ends with the first sure no.

    Ports:
        alarms (in, any, main): The alarms, with commas between them, or as a list; one question, or a list with some.
        max_age (in, duration, default 500ms): Oldest picture that a verdict may rest on, [s].
        accept (in, number, default 0.8): Probability from which on an answer is sure.
        confirm (in, int, default 1): How many answers in a row it takes to raise an alarm. 2 keeps one wrong answer
            from stopping the robot and delays a right one by half of ``max_age``.
        rate (in, number, default none): Most looks a second.
        deadline (in, duration, default none): Longest wait for an answer, [s].
        budget (in, int, default none): Most questions of this node that may reach a model in a run; afterwards the
            alarm is on.
        camera (in, text, default the robot's): Camera to look through.

    Status:
        RUNNING: Something is not answered yet, for no longer than ``max_age``.
        SUCCESS: No alarm is on.
        FAILURE: One is, and the reason says which.

    Halt:
        Drops the questions on their way; nothing moves.
    """

    recovers = "anew"
    visual: ClassVar[bool] = True
    ports = (
        Port(
            "alarms",
            "any",
            f"alarms: {', '.join(ALARMS)}, or questions whose yes is one",
            main=True,
            takes=_LISTED,
            lists="alarms",
        ),
        Port("max_age", "duration", "oldest picture that a verdict may rest on", default=0.5, minimum=0.0),
        Port("accept", "number", "probability of a sure answer", default=0.8, minimum=0.5, maximum=1.0),
        Port("confirm", "int", "answers in a row that raise an alarm", default=1, minimum=1),
        *(port for port in WATCH_PORTS if port.name not in _OWN),
    )

    @classmethod
    def mistake_in_plan(cls, args: Mapping[str, object]) -> str:
        """Say what is wrong with the arguments of a planned step."""
        try:
            alarms_of(args.get("alarms", ""))
        except AlarmError as error:
            return f"argument 'alarms' of clear_of: {'; '.join(line.strip() for line in str(error).splitlines())}"
        return ""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self._names: list[str] = []
        self._seen: list[SeenAlarm] = []
        self._last_tick = -2
        self.only_said = False
        """True when nothing but a human's stop is against going on."""

    def start(self) -> None:
        """Begin to watch anew after a gap, or with other alarms."""
        try:
            names = alarms_of(self.get("alarms"))
        except AlarmError as error:
            raise NodeFault(f"{self.path}: {error}") from error
        if names != self._names or self.context.tick - self._last_tick > 1:
            for one in self._seen:
                one.drop()
            self._names = names
            self._seen = [SeenAlarm(self, name) for name in names if name != STOP_WORD]

    def step(self) -> Status:
        """Look at every alarm."""
        self._last_tick = self.context.tick
        accept, confirm = float(str(self.get("accept"))), int(str(self.get("confirm")))
        verdicts = [(one, one.judge(accept, confirm)) for one in self._seen]
        on = [one.why() for one, verdict in verdicts if verdict == "alarm"]
        waits = [one.name for one, verdict in verdicts if verdict == "waiting"]
        said = STOP_WORD in self._names and self._heard()
        lost = str(getattr(self.context.human, "lost", "")) if STOP_WORD in self._names else ""
        if lost:
            on.append(f"{STOP_WORD}: {lost}")
        self.only_said = said and not on and not waits
        if said:
            on.insert(0, f"the human said {self.context.stop_sign.said}")
        if on:
            return self.fail("; ".join(on))
        if waits:
            return self.running(f"waiting for the first answer about {', '.join(waits)}")
        return self.succeed("; ".join(f"{one.name}: {one.note}" for one, _ in verdicts if one.note))

    def halt(self) -> None:
        """Drop the questions on their way."""
        for one in self._seen:
            one.drop()

    def _heard(self) -> bool:
        """Hear what was said without being asked, and tell whether the robot shall stand still."""
        self.context.stop_sign.watched = self.context.tick
        overhear(self.context)
        return bool(self.context.stop_sign.said)
