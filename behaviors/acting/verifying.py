"""Whether what a step should have brought about is so: by what the robot feels, and by what a model sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...robots.contract import RobotState
from ..means.asking import Asking, ask
from ..means.effects import Fact
from ..node import Leaf
from .witnesses import Look, Said, at_rest, felt, hand_in_view, look_for, seen

WAYS: Final = ("none", "body", "see", "both")
"""Who is asked: nobody, the robot's own measurements, a model about a picture, both."""
SETTLING: Final = 1.0
"""How long arm and fingers may take to come to rest after a step, [s]."""


@dataclass(frozen=True)
class Verified:
    """What became of a look at facts.

    Attributes:
        contradiction: Which fact is not so, and by whom, in words; empty when nothing speaks against any.
        note: What was agreed on and what is unsure, in words.
        facts: What was looked at.
        said: What each witness said, in words, for the trace.
    """

    contradiction: str
    note: str
    facts: tuple[Fact, ...] = ()
    said: tuple[str, ...] = ()


class Verifying:
    """Look whether facts are true; poll ``verdict`` once a tick. It never waits.

    The robot is asked first: what it feels costs nothing, and where it is against a fact no model is asked. All
    questions about one step are asked about one picture in one tick, so that they are one request.

    Args:
        leaf: Who looks.
        facts: What should be so.
        by: One of ``WAYS``.
        camera: Camera to look through; empty takes the robot's default one.
    """

    def __init__(self, leaf: Leaf, facts: Sequence[Fact], by: str, camera: str = "") -> None:
        self._leaf, self.facts, self._by, self._camera = leaf, tuple(facts), by, camera
        self._since = leaf.context.now
        self._felt: dict[Fact, Said] | None = None
        self._asked: dict[Fact, tuple[Look, Asking, Asking | None]] = {}

    @property
    def verdict(self) -> Verified | None:
        """What was found; None while something moves or an answer is on its way."""
        if self._by == "none" or not self.facts:
            return Verified("", "")
        if self._felt is None:
            state = self._state()
            if state is not None and not at_rest(state):
                if self._leaf.context.now - self._since < SETTLING:
                    return None
                return self._told("the robot still moves, although the step has ended", {}, {})
            self._felt = self._feel(state)
            wrong = next((fact for fact, said in self._felt.items() if said.holds is False), None)
            if wrong is not None:
                return self._told(_against(wrong, self._felt[wrong], None), self._felt, {})
            self._ask()
        views: dict[Fact, Said] = {}
        for fact, (look, asking, given) in self._asked.items():
            if asking.answer is None or (given is not None and given.answer is None):
                return None
            views[fact] = seen(look, asking.answer, given.answer if given is not None else None)
        wrong = next((fact for fact, said in views.items() if said.holds is False), None)
        against = _against(wrong, self._felt.get(wrong), views[wrong]) if wrong is not None else ""
        return self._told(against, self._felt, views)

    def drop(self) -> None:
        """Take back what was asked, as ``halt`` does."""
        for _, asking, given in self._asked.values():
            asking.drop()
            if given is not None:
                given.drop()
        self._asked = {}

    def _state(self) -> RobotState | None:
        robot = self._leaf.context.robot
        return robot.state() if robot is not None else None

    def _feel(self, state: RobotState | None) -> dict[Fact, Said]:
        if state is None or self._by == "see":
            return {}
        return {fact: felt(fact, self._leaf, state) for fact in self.facts}

    def _ask(self) -> None:
        """Ask about one new picture; what the fingers feel of themselves is not asked as well."""
        context = self._leaf.context
        if self._by == "body" or context.broker is None or context.robot is None:
            return
        felt_facts = self._felt or {}
        unfelt = [fact for fact in self.facts if fact.name != "hand_empty" or fact not in felt_facts]
        if not any(look_for(fact) for fact in unfelt):
            return
        frame = context.look(self._camera)
        in_view = hand_in_view(frame, context.robot.state())
        looks = {fact: look for fact in unfelt if (look := look_for(fact, in_view)) is not None}
        for fact, look in looks.items():
            asking = ask(self._leaf, look.question, self._camera, frame)
            given = ask(self._leaf, look.given, self._camera, frame) if look.given is not None else None
            self._asked[fact] = (look, asking, given)

    def _told(self, contradiction: str, felt_facts: dict[Fact, Said], views: dict[Fact, Said]) -> Verified:
        said = [f"{fact}: robot: {each.words}" for fact, each in felt_facts.items() if each.words]
        said += [f"{fact}: camera: {each.words}" for fact, each in views.items()]
        sure = [
            fact.words for fact in self.facts if views.get(fact, _NOBODY).holds or felt_facts.get(fact, _NOBODY).holds
        ]
        unsure = [each.words for each in views.values() if each.holds is None]
        parts = [f"{'; '.join(sure)}: checked" if sure else "", f"unsure: {'; '.join(unsure)}" if unsure else ""]
        return Verified(contradiction, "; ".join(part for part in parts if part), self.facts, tuple(said))


_NOBODY: Final = Said(None, "")


def _against(fact: Fact, body: Said | None, view: Said | None) -> str:
    """Say that a fact is not so, with what both witnesses say."""
    mine = body.words if body is not None and body.words else "the robot feels nothing that speaks for or against it"
    if view is None:
        return f"it should be that {fact.words}, but {mine}"
    return f"it should be that {fact.words}; {mine}, but the camera says no: {view.words}"
