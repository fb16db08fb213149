"""The alarms of a guard: what is asked for each, when an answer counts as alarm, and what is heard instead of seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from ..._base import KnotholeError, near_misses
from ...robots.contract import CameraFrame
from ...vlm.questions import Answer, Frame, Question
from ..context import as_question_frame
from ..node import Leaf
from .recent import Recent
from .several import Several
from .verdict import read
from .watching import Watching

QUESTIONS: Final[Mapping[str, str]] = {
    "hand": "Is a hand inside the workspace?",
    "person": "Is a person near the table?",
    "falling": "Did anything move?",
}
"""Alarm → the question that is asked; its yes is the alarm."""
STOP_WORD: Final = "stop_word"
"""The alarm that is heard, not seen."""
ALARMS: Final = (*QUESTIONS, STOP_WORD)
AGO, KEPT = 0.4, 3
"""How far back the picture is that ``falling`` compares with [s], and how many pictures cover that."""

Verdict = Literal["clear", "alarm", "waiting"]


class AlarmError(KnotholeError):
    """What an author wrote is no alarm."""


def alarms_of(given: object) -> list[str]:
    """Return the alarms that an author wrote: names with commas between them, one question, or a list of such.

    Raises:
        AlarmError: There is none, or one that nobody knows.

    >>> alarms_of("hand, stop_word"), alarms_of("Is a cat on the table, or a dog?")
    (['hand', 'stop_word'], ['Is a cat on the table, or a dog?'])
    """
    if isinstance(given, list | tuple):
        names = [str(name).strip() for name in given]
    else:
        text = str(given).strip()
        names = [name.strip() for name in text.split(",")]
        if text.endswith("?") and names[0] not in ALARMS:
            names = [text]
    if not names:
        raise AlarmError(f"there are no alarms, so nothing is guarded\n  fix:  write some of {', '.join(ALARMS)}")
    for name in names:
        if name not in ALARMS and not name.endswith("?"):
            near = near_misses(name, ALARMS)
            hint = f"\n  did you mean:  {near[0]}" if near else ""
            raise AlarmError(
                f"there is no alarm {name!r}{hint}\n"
                f"  fix:  write one of {', '.join(ALARMS)}, or a yes/no question that ends with a question mark"
            )
    return names


class SeenAlarm:
    """One question of a guard, watched.

    A sure answer is a verdict. One that is unsure, unusable or not there changes nothing, but a verdict is good only as
    long as its picture is no older than ``max_age`` (or still shows the same): after that the alarm is on. ``falling``
    is clear while the robot itself moves things, and its age counts from the moment that there are pictures to compare.

    Args:
        leaf: Who asks; its ports say how often.
        name: One of ``QUESTIONS``, else the question itself.
    """

    def __init__(self, leaf: Leaf, name: str) -> None:
        self.name, self._leaf = name, leaf
        self._question = Question("yes_no", QUESTIONS.get(name, name))
        self._falls = name == "falling"
        self._ring = Recent(AGO, KEPT) if self._falls else None
        self.watching: Watching = Several(leaf, self._before) if self._falls else Watching(leaf)
        self.begin()

    def begin(self) -> None:
        """Forget everything, as at the start of a watch after a gap."""
        self.watching.forget()
        self._verdict: Verdict = "waiting"
        self._rested = False
        self._since = self._leaf.context.now + (AGO if self._falls else 0.0)  # before, there is nothing to compare with
        self._doubts = 0
        self.note = ""

    def judge(self, accept: float, confirm: int) -> Verdict:
        """Take in what was answered, look again when it is time, and say how things stand.

        Args:
            accept: Probability of no that means clear; as much of yes means alarm.
            confirm: How many alarms in a row it takes while the verdict is clear.
        """
        now = self._leaf.context.now
        if self._ring is not None and self._rests():
            self.begin()
            self._ring, self._verdict, self._rested = Recent(AGO, KEPT), "clear", True
            self.note = "not looked at while the robot handles something"
            return "clear"
        if self._rested:
            self._rested, self.note = False, ""
        if self._ring is not None and self._ring.due(now):
            self._ring.add(self._leaf.context.look(str(self._leaf.get("camera"))))
        answer = self.watching.news(self._question)
        if answer is not None:
            self._take(answer, accept, confirm)
        if self._ring is None or self._ring.full:
            unsure = self.note != ""
            lively = self._ring is not None and (self._ring.lively or self._verdict == "alarm")
            self.watching.look(unsure=unsure, hasty=unsure, again=unsure or lively or self._doubts > 0)
        return self._aged(now)

    def drop(self) -> None:
        """Take back the question on its way."""
        self.watching.drop()

    def _take(self, answer: Answer, accept: float, confirm: int) -> None:
        verdict, note = read(answer, "no", accept, 1.0 - accept)
        if verdict == "unsure":
            self.note = note
            return
        self.note = ""
        self._doubts = self._doubts + 1 if verdict == "no" and self._verdict == "clear" else 0
        if verdict == "yes":
            self._verdict = "clear"
        elif not 0 < self._doubts < confirm:
            self._verdict, self._doubts = "alarm", 0
        self._since = self.watching.seen

    def _aged(self, now: float) -> Verdict:
        """Return the verdict, or alarm when what it rests on is too old."""
        max_age = self.watching.max_age
        assert max_age is not None
        if not self.note and self._verdict != "waiting":
            self._since = max(self._since, self.watching.seen)
        if self._verdict == "alarm" or now - self._since <= max_age + 1e-9:
            return self._verdict
        self._verdict = "waiting"
        return "alarm"

    def why(self) -> str:
        """Say why the alarm is on, in words."""
        asked = f"{self.name}: {self._question.text!r}" if self.name in QUESTIONS else repr(self._question.text)
        if self._verdict == "alarm":
            return f"{asked} yes"
        return f"{asked} not answered for sure for {self.watching.max_age:g} s{f' ({self.note})' if self.note else ''}"

    def _rests(self) -> bool:
        """Tell whether the robot itself moves things: then a picture in which something moved says nothing."""
        context = self._leaf.context
        if context.robot is None or "gripper" not in context.robot.capabilities.skills:
            return context.notes.get("held") is not None
        state = context.robot.state()  # the note outlasts a thing that slipped out
        return state.gripper_moving or state.holding

    def _before(self, frame: CameraFrame) -> list[Frame]:
        assert self._ring is not None
        return [as_question_frame(each) for each in self._ring.frames[:1] if each.stamp < frame.stamp]
