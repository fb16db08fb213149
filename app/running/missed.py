"""Measure the gate on the truth of the simulator: did something change that it kept from the model?"""

from __future__ import annotations

from dataclasses import dataclass

from ...behaviors.context import Glance
from ...vlm.language.grammar import Meaning, judge, parse
from ...vlm.questions import Frame
from ..models.truth import SceneTruth

_TIE = 1e-9


@dataclass
class _Watch:
    """What is known of one watch.

    Attributes:
        judged: Picture id → whether the question was true of it, for pictures that a model was asked about.
        wrong_since: Stamp of the first picture whose truth differs from that of the judged one, [s].
        counted: Whether that is counted already.
    """

    judged: dict[str, bool | None]
    wrong_since: float | None = None
    counted: bool = False


class MissedChanges:
    """Follow the looks of all watches of a simulated run.

    A change is missed when the truth of a yes/no question differs from its truth in the picture that its answer is
    about, and looks since then, over ``max_age`` and the latency of the backend, went by without asking.

    Args:
        truth: What is true of the pictures of the run.
        latency: Latency of the backend, [s].

    Attributes:
        judged: Looks without a call that could be judged: the language has the question, and the picture its answer.
        missed: Changes that were missed.
    """

    def __init__(self, truth: SceneTruth, latency: float) -> None:
        self._truth, self._latency = truth, latency
        self._watches: dict[tuple[str, str], _Watch] = {}
        self._meanings: dict[str, Meaning | None] = {}
        self.judged = self.missed = 0

    def glance(self, glance: Glance) -> None:
        """Take note of one look."""
        meaning = self._meaning(glance)
        if meaning is None:
            return
        watch = self._watches.setdefault((glance.path, glance.question.text), _Watch({}))
        now = self._is_true(glance, meaning)
        if glance.asked:
            watch.judged[glance.frame.id] = now
            if len(watch.judged) > 8:
                del watch.judged[next(iter(watch.judged))]
            watch.wrong_since, watch.counted = None, False
            return
        before = watch.judged.get(glance.judged)
        if now is None or before is None:
            return
        self.judged += 1
        if now == before:
            watch.wrong_since, watch.counted = None, False
            return
        if watch.wrong_since is None:
            watch.wrong_since = glance.frame.stamp
        allowed = (glance.max_age or 0.0) + self._latency
        if not watch.counted and glance.frame.stamp - watch.wrong_since > allowed + _TIE:
            watch.counted = True
            self.missed += 1

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {"judged": self.judged, "missed": self.missed}

    def _meaning(self, glance: Glance) -> Meaning | None:
        text = glance.question.text
        if text not in self._meanings:
            self._meanings[text] = parse(text) if glance.question.kind == "yes_no" else None
        return self._meanings[text]

    def _is_true(self, glance: Glance, meaning: Meaning) -> bool | None:
        frame = glance.frame
        facts = self._truth(Frame(frame.id, frame.stamp, frame.rgb))
        verdict = judge(meaning, facts, lenient=True) if facts is not None else None
        return None if verdict is None else verdict.yes
