"""Finds the recorded answer to a question about a picture, and says what is nearest where there is none."""

from __future__ import annotations

from collections import Counter, defaultdict

from .._base import near_misses
from .cassette import Cassette, Entry
from .questions import Answer, Question
from .recorded import question_data, question_key

_SHORT = 8


class RecordedAnswers:
    """Finds recorded answers.

    Args:
        cassette: What was recorded.
        problems: Whether answers with a problem count.

    Attributes:
        model: What answered, for the backend's own ``model``.
        kinds: Kinds of question with an answer.
        latency: Time from asking to the answer on the run clock, [s]: the one that most answers took.
    """

    def __init__(self, cassette: Cassette, problems: bool = True) -> None:
        self.path = cassette.path
        self._by_key: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._entries = cassette.entries
        for entry in cassette.entries if problems else (one for one in cassette.entries if not one.answer.problem):
            self._by_key[entry.frame, entry.key].append(entry)
        for key, found in self._by_key.items():
            newest = max(entry.run for entry in found)
            self._by_key[key] = [entry for entry in found if entry.run == newest]
        self._served: Counter[tuple[str, str]] = Counter()
        models = Counter(entry.answer.model for entry in cassette.entries if entry.answer.model)
        delays = Counter(round(entry.delay, 6) for entry in cassette.entries if entry.delay is not None)
        self.model = models.most_common(1)[0][0] if models else "recording"
        self.latency = delays.most_common(1)[0][0] if delays else 0.0

    def find(self, frame: str, question: Question) -> Answer | None:
        """Return the next recorded answer to a question about a picture, None where there is none.

        Args:
            frame: Hash of the picture, empty for none.
            question: The question.
        """
        key = (frame, question_key(question_data(question)))
        found = self._by_key.get(key)
        if not found:
            return None
        at = min(self._served[key], len(found) - 1)
        self._served[key] += 1
        return found[at].answer

    def missing(self, frame: str, question: Question) -> str:
        """Say that a question has no recorded answer, and what is nearest."""
        what = f"no answer to {question.kind} {question.text!r} is recorded in {self.path}"
        key = question_key(question_data(question))
        others = {entry.frame for entry in self._entries if entry.key == key}
        if others:
            shown = "no picture" if not frame else f"this picture ({frame[:_SHORT]}…)"
            many = f"{len(others)} other picture{'' if len(others) == 1 else 's'}"
            return f"{what} for {shown}: the picture differs, it was asked about {many}"
        same_text = sorted({e.kind for e in self._entries if e.text == question.text and e.kind != question.kind})
        if same_text:
            return f"{what}; these words were asked as {', '.join(same_text)}"
        if any(entry.text == question.text and entry.kind == question.kind for entry in self._entries):
            return f"{what}; it was asked with other choices, context or schema"
        here = [entry.text for entry in self._entries if entry.frame == frame and entry.kind == question.kind]
        near = near_misses(question.text, here or [entry.text for entry in self._entries], limit=1, cutoff=0.3)
        return f"{what}; the nearest recorded question is {near[0]!r}" if near else what
