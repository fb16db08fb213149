"""The leaf that places what it sees on a scale."""

from __future__ import annotations

from collections.abc import Sequence

from ...vlm.questions import Answer, Question
from ..means.deciding import DECIDING_PORTS, Deciding, Ruling
from ..means.verdict import judge
from ..node import NodeFault, behavior
from ..ports import Port
from .which import words_of


@behavior("score")
class Score(Deciding):
    """Place what the model sees on a scale of ordered levels.

    Without ``at_least`` and ``at_most`` the leaf measures: it succeeds when the model sees something on the scale. With
    them it is a condition on the probability of all levels in that range: SUCCESS at ``accept`` or more, FAILURE at
    ``reject`` or less, else unsure. Freshness is that of ``see``.

    Ports:
        question (in, text, main): The question, such as ``"How full is the glass?"``.
        levels (in, list): At least two levels from low to high, such as ``[empty, half full, full]``.
        at_least (in, text, default none): Lowest level, by its words or its number from 1, that means SUCCESS.
        at_most (in, text, default none): Highest level that means SUCCESS.
        accept (in, number, default 0.7): Probability that suffices; of the range, else of the scale as a whole.
        reject (in, number, default 0.3): Probability of the range that refutes it.
        level (out, text): The likeliest level.
        number (out, int): Its number, from 1.
        value (out, number): Expected number of the level, between 1 and the number of levels.
        probability (out, number): Probability of the likeliest level.
        on_unsure (in, text, default hold): ``hold`` (RUNNING until there is news), ``failure``, ``look_again``
            (RUNNING, asks about a new picture at once), or ``ask_human`` (RUNNING until the human answers; that then
            stands until the model says something else for sure).
        ask_deadline (in, duration, default 60s): How long the human has to answer, [s]; afterwards it is ``hold``.
        max_age (in, duration, default none): Oldest picture a repeated verdict may rest on, [s].
        rate (in, number, default none): Most questions a second.
        deadline (in, duration, default none): Longest wait for an answer, [s]; then it is unsure.
        budget (in, int, default none): Most questions of this node that may reach a model in a run; then it is unsure.
        roi (in, any, default none): An object from ``ground``, or a box relative to the image: what changes elsewhere
            in the picture is no reason to ask again.
        camera (in, text, default the robot's): Camera to look through.

    Status:
        RUNNING: No answer yet, or unsure with ``hold`` or ``look_again``, or the human is asked.
        SUCCESS: The level is written, and lies in the range.
        FAILURE: It lies outside, nothing is on the scale, there are fewer than two levels, or unsure with ``failure``.

    Halt:
        Drops the question on its way; nothing moves.
    """

    replays = "answers"
    ports = (
        Port("question", "text", "what to judge", main=True),
        Port("levels", "list", "the levels, from low to high"),
        Port("at_least", "text", "lowest level that means SUCCESS, in words or by number from 1", default=""),
        Port("at_most", "text", "highest level that means SUCCESS, in words or by number from 1", default=""),
        Port("accept", "number", "probability that suffices", default=0.7, minimum=0.0, maximum=1.0),
        Port("reject", "number", "probability that refutes", default=0.3, minimum=0.0, maximum=1.0),
        Port("level", "text", "the likeliest level", direction="out", default=None),
        Port("number", "int", "its number, from 1", direction="out", default=None),
        Port("value", "number", "expected number of the level", direction="out", default=None),
        Port("probability", "number", "probability of the likeliest level", direction="out", default=None),
        *DECIDING_PORTS,
    )

    def question(self) -> Question:
        """Return the level that is asked for."""
        return Question("score", str(self.get("question")), choices=self.offers())

    def offers(self) -> tuple[str, ...]:
        """Return the levels."""
        levels = self.get("levels")
        listed = isinstance(levels, Sequence) and not isinstance(levels, str)
        return tuple(words_of(level) for level in levels) if listed else ()  # type: ignore[attr-defined]

    def terms(self) -> object:
        """Return the range."""
        return None if self.refusal() else self._range()

    def refusal(self) -> str:
        """Say that there is no scale."""
        levels = self.offers()
        if len(levels) < 2 or len(set(levels)) < len(levels):
            return f"score needs at least two different levels, there are {len(set(levels))}"
        return ""

    def rule(self, answer: Answer) -> Ruling:
        """Write the level, and judge the probability of the range."""
        return self._place([answer.p(level) for level in self.offers()])

    def told(self, words: str) -> Ruling:
        """Take the level that a human named."""
        return self._place([float(level == words) for level in self.offers()])

    def _place(self, chances: list[float]) -> Ruling:
        levels, total = self.offers(), sum(chances)
        low, high = self._range()
        accept, reject = self.number("accept"), self.number("reject")
        if total <= reject:
            return Ruling("no", f"it is on none of the levels (p = {1 - total:.2f})")
        best = max(range(len(levels)), key=lambda i: chances[i])
        value = sum((i + 1) * p for i, p in enumerate(chances)) / total
        self.put("level", levels[best])
        self.put("number", best + 1)
        self.put("value", value)
        self.put("probability", chances[best])
        inside = sum(chances[low : high + 1])
        verdict = judge(inside, accept, reject)
        note = f"{levels[best]} ({value:.1f} of {len(levels)})"
        if (low, high) != (0, len(levels) - 1):
            note += f", p({levels[low]} to {levels[high]}) = {inside:.2f}"
        return Ruling(verdict, note)

    def _range(self) -> tuple[int, int]:
        levels = self.offers()
        low, high = self._index("at_least", 0), self._index("at_most", len(levels) - 1)
        if low > high:
            raise NodeFault(f"{self.path}: at_least ({levels[low]}) lies above at_most ({levels[high]})")
        return low, high

    def _index(self, port: str, otherwise: int) -> int:
        """Return the index of the level that a port names.

        Raises:
            NodeFault: There is no such level.
        """
        value = self.get(port)
        if value is None or not str(value).strip():
            return otherwise
        levels, words = self.offers(), str(value).strip()
        if words in levels:
            return levels.index(words)
        if words.isdecimal() and 1 <= int(words) <= len(levels):
            return int(words) - 1
        raise NodeFault(
            f"{self.path}: {port} names no level: {words!r}\n"
            f"  fix:  write one of {', '.join(levels)}, or a number from 1 to {len(levels)}"
        )
