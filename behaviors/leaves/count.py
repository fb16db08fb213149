"""The leaf that counts things."""

from __future__ import annotations

from collections.abc import Sequence

from ...robots.seeing import View
from ...vlm.questions import Answer, Question
from ..means.deciding import DECIDING_PORTS, Deciding, Ruling
from ..means.grounded import lift
from ..means.verdict import judge
from ..node import NodeFault, behavior
from ..ports import Port

LIMIT = 25
"""Largest ``most``: a choice has at most 26 answers."""


@behavior("count")
class Count(Deciding):
    """Count the things that words name.

    By ``question`` the model chooses a number from 0 to ``most``. By ``grounding`` it marks every thing, and those that
    can be measured in the picture are counted, each once; this takes a camera with depth, counts what stands above the
    table only, and tells where the things are. With ``at_least``, ``at_most`` or ``equals`` the leaf is a condition on
    the probability of all numbers that fit: SUCCESS at ``accept`` or more, FAILURE at ``reject`` or less, else unsure.
    Without them a number is taken when its own probability is ``accept`` or more. Freshness is that of ``see``.

    Ports:
        things (in, text, main): What to count, in the plural and without an article, such as ``"red cubes"``.
        by (in, text, default question): ``question`` or ``grounding``.
        at_least (in, int, default none): Fewer are FAILURE.
        at_most (in, int, default none): More are FAILURE.
        equals (in, int, default none): Any other number is FAILURE.
        most (in, int, default 10): Largest number that the model can choose; it also stands for more.
        accept (in, number, default 0.6): Probability that suffices.
        reject (in, number, default 0.2): Probability that refutes.
        count (out, int): How many there are.
        probability (out, number): Probability of that number; 1 by grounding.
        objects (out, objects): By grounding, the things.
        *DECIDING_PORTS

    Status:
        RUNNING: No answer yet, or unsure with anything but ``failure``.
        SUCCESS: The number is written, and fits.
        FAILURE: It does not fit, or unsure with ``failure``.

    Halt:
        Drops the question on its way; nothing moves.
    """

    ports = (
        Port("things", "text", "what to count, in the plural", main=True),
        Port("by", "text", "how to count", default="question", choices=("question", "grounding")),
        Port("at_least", "int", "fewer are FAILURE", default=None, minimum=0),
        Port("at_most", "int", "more are FAILURE", default=None, minimum=0),
        Port("equals", "int", "any other number is FAILURE", default=None, minimum=0),
        Port("most", "int", "largest number to choose, also for more", default=10, minimum=1, maximum=LIMIT),
        Port("accept", "number", "probability that suffices", default=0.6, minimum=0.0, maximum=1.0),
        Port("reject", "number", "probability that refutes", default=0.2, minimum=0.0, maximum=1.0),
        Port("count", "int", "how many there are", direction="out", default=None),
        Port("probability", "number", "probability of that number", direction="out", default=None),
        Port("objects", "objects", "by grounding, the things", direction="out", default=None),
        *DECIDING_PORTS,
    )

    def start(self) -> None:
        """Check the ports, and go on with a watch or begin a new one."""
        wanted = self._wanted()
        most = self._most()
        if self.get("by") == "question" and any(bound is not None and bound > most for bound in wanted):
            raise NodeFault(
                f"{self.path}: {max(bound or 0 for bound in wanted)} is more than can be told from {most}\n"
                f"  fix:  raise `most` (up to {LIMIT}), or count by grounding"
            )
        super().start()

    def question(self) -> Question:
        """Return the number, or the boxes, that are asked for."""
        if self.get("by") == "grounding":
            return Question("ground", str(self.get("things")), all=True)
        return Question("choice", f"How many {self.get('things')} are there?", choices=self.offers())

    def terms(self) -> object:
        """Return the bounds."""
        return self._wanted()

    def offers(self) -> tuple[str, ...]:
        """Return the numbers to choose from."""
        return tuple(str(number) for number in range(self._most() + 1))

    def rule(self, answer: Answer) -> Ruling:
        """Read the number, and judge whether it fits."""
        if answer.kind == "choice":
            return self._fitting([answer.p(number) for number in self.offers()])
        frame = self.watching.frame
        assert self.context.robot is not None
        assert frame is not None
        if frame.depth is None:
            raise NodeFault(
                f"{self.path}: camera {frame.camera!r} measures no depth, which counting by grounding needs\n"
                "  fix:  count by question, or name a camera with depth"
            )
        view = View(frame, self.context.robot.arm, self.watching.q)
        pairs, dropped = lift(answer, view, str(self.get("things")))
        self.put("objects", [thing for thing, _ in pairs])
        ruling = self._fitting([*([0.0] * len(pairs)), 1.0])
        return Ruling(ruling.verdict, f"{ruling.note}; dropped {'; '.join(dropped)}") if dropped else ruling

    def told(self, words: str) -> Ruling:
        """Take the number that a human said."""
        return self._fitting([*([0.0] * int(words)), 1.0])

    def _fitting(self, chances: Sequence[float]) -> Ruling:
        """Judge a distribution: probability of 0, 1, 2 … things."""
        best = max(range(len(chances)), key=lambda n: chances[n])
        accept, reject = self.number("accept"), self.number("reject")
        at_least, at_most, equals = self._wanted()
        note = f"{best} {self.get('things')} (p = {chances[best]:.2f})"
        if (at_least, at_most, equals) == (None, None, None):
            verdict = judge(chances[best], accept, -1.0)
        else:
            fits = sum(p for n, p in enumerate(chances) if _fits(n, at_least, at_most, equals))
            verdict = judge(fits, accept, reject)
            note += f", p({_words(at_least, at_most, equals)}) = {fits:.2f}"
        if verdict != "unsure":
            self.put("count", best)
            self.put("probability", chances[best])
        return Ruling(verdict, note)

    def _most(self) -> int:
        return int(str(self.get("most")))

    def _wanted(self) -> tuple[int | None, int | None, int | None]:
        bounds = (self.get(port) for port in ("at_least", "at_most", "equals"))
        at_least, at_most, equals = (None if bound is None else int(str(bound)) for bound in bounds)
        return at_least, at_most, equals


def _fits(number: int, at_least: int | None, at_most: int | None, equals: int | None) -> bool:
    if equals is not None and number != equals:
        return False
    return (at_least is None or number >= at_least) and (at_most is None or number <= at_most)


def _words(at_least: int | None, at_most: int | None, equals: int | None) -> str:
    named = (("at least", at_least), ("at most", at_most), ("exactly", equals))
    return " and ".join(f"{word} {bound}" for word, bound in named if bound is not None)
