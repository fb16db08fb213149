"""Two witnesses of a fact: what the robot feels, and what a model says that the camera shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...robots.contract import CameraFrame, RobotState
from ...robots.pixels import project
from ...vlm.questions import Answer, Question
from ..means.effects import ANY, Fact, named
from ..means.surroundings import Held
from ..means.verdict import read
from ..node import Leaf

ACCEPT: Final = 0.8
REJECT: Final = 0.2
"""As of ``see``: a probability that suffices, and one that refutes."""
REST: Final = 0.05
"""Fastest joint of an arm at rest, [rad/s]."""
_QUESTIONS: Final[Mapping[str, str]] = {
    "hand_empty": "Is the gripper empty?",
    "holding": "Is the gripper holding {0}?",
    "inside": "Is {0} inside {1}?",
    "on": "Is {0} on {1}?",
    "on_table": "Is {0} on the table?",
    "visible": "Is there {0} in the image?",
}
_LIES: Final = ("inside", "on", "on_table", "handed_over")
"""Facts that say where a thing is that the hand let go of."""


@dataclass(frozen=True)
class Said:
    """What a witness says of a fact.

    Attributes:
        holds: Whether it is so; None when the witness cannot tell.
        words: What it goes by, in words.
    """

    holds: bool | None
    words: str


def the(words: str) -> str:
    """Return words for a thing with an article.

    >>> the("Red cube"), the("the bowl"), the("a can")
    ('the red cube', 'the bowl', 'the can')
    """
    return f"the {named(words)}"


def _any(words: str) -> str:
    plain = named(words)
    return f"an {plain}" if plain[0] in "aeiou" else f"a {plain}"


@dataclass(frozen=True)
class Look:
    """What to ask about a picture to learn of a fact.

    Attributes:
        question: The question.
        expected: The answer that speaks for the fact.
        given: What has to be yes for the question to have an answer: a no speaks for the fact. None for nothing.
    """

    question: Question
    expected: str
    given: Question | None = None


def look_for(fact: Fact, hand_in_view: bool = True) -> Look | None:
    """Return what to ask about a picture to learn of a fact; None for one that no picture shows.

    What is in a hand that the camera does not see is asked for where it should not be any more, if it is seen at all.

    >>> look_for(Fact("inside", ("red cube", "the tray"))).question.text
    'Is the red cube inside the tray?'
    >>> look = look_for(Fact("holding", ("red cube",)), hand_in_view=False)
    >>> look.question.text, look.expected, look.given.text
    ('Is the red cube on the table?', 'no', 'Is there a red cube in the image?')
    """
    name, positive = fact.name, fact.positive
    if (not hand_in_view and name == "hand_empty") or name not in _QUESTIONS or ANY in fact.args:
        return None
    if not hand_in_view and name == "holding" and positive:
        return Look(_question("on_table", *fact.args), "no", _question("visible", *fact.args))
    if not hand_in_view and name == "holding":
        return Look(_question("visible", *fact.args), "yes")
    return Look(_question(name, *fact.args), "yes" if positive else "no")


def _question(name: str, *args: str) -> Question:
    things = [_any(arg) if name == "visible" else the(arg) for arg in args]
    return Question("yes_no", _QUESTIONS[name].format(*things))


def seen(look: Look, answer: Answer, given: Answer | None = None) -> Said:
    """Return what a model says of a fact.

    Args:
        look: What was asked.
        answer: The answer to its question.
        given: The answer to what has to be yes for that, where the look has such a question.
    """
    if look.given is not None and given is not None:
        there, note = read(given, "no", ACCEPT, REJECT)
        if there != "no":  # it is not there, or nobody knows
            return Said({"yes": True}.get(there), f"{look.given.text!r}: {note}")
    verdict, note = read(answer, look.expected, ACCEPT, REJECT)
    return Said({"yes": True, "no": False}.get(verdict), f"{look.question.text!r}: {note}")


def hand_in_view(frame: CameraFrame, state: RobotState) -> bool:
    """Tell whether the tool center point lies within a picture."""
    point = frame.world_from_camera.inverse().apply(np.array([state.world_from_tcp.xyz]))
    if point[0, 2] <= 0.0:
        return False
    u, v = project(point, frame.intrinsics)[0]
    return bool(0 <= u < frame.intrinsics.width and 0 <= v < frame.intrinsics.height)


def felt(fact: Fact, leaf: Leaf, state: RobotState) -> Said:
    """Return what the robot feels of a fact: by the width and the force of its fingers, and what it took with them."""
    positive = _felt(fact, leaf, state)
    if positive.holds is None or fact.positive:
        return positive
    return Said(not positive.holds, positive.words)


def _felt(fact: Fact, leaf: Leaf, state: RobotState) -> Said:
    fingers = _fingers(state)
    if fact.name == "hand_empty":
        return Said(not state.holding, fingers)
    held = leaf.context.notes.get("held")
    label = named(held.label) if isinstance(held, Held) else ""
    thing = named(fact.args[0]) if fact.args else ""
    if fact.name == "holding":
        return Said(state.holding, fingers)  # what it is, by one of its many names, is for the camera to say
    if fact.name in _LIES and state.holding and label == thing:
        return Said(False, f"{fingers}, and it took {the(label)}")
    return Said(None, "")


def _fingers(state: RobotState) -> str:
    width = f"{1000 * state.gripper_width:.0f} mm"
    if state.holding:
        return f"the fingers press on something {width} wide"
    return f"the fingers at {width} feel nothing"


def at_rest(state: RobotState) -> bool:
    """Tell whether arm and fingers stand still."""
    return not state.gripper_moving and all(abs(float(speed)) <= REST for speed in state.dq)
