"""What leaves with a yes/no question share: the expected answer, two thresholds, and a human who says yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from ...vlm.questions import Answer
from ..ports import Port
from .deciding import Deciding, Ruling
from .verdict import read

YES: Final = "yes"
NO: Final = "no"
YES_NO_PORTS = (
    Port("expect", "text", "the answer that means SUCCESS", default=YES, choices=(YES, NO)),
    Port("accept", "number", "probability that suffices", default=0.8, minimum=0.0, maximum=1.0),
    Port("reject", "number", "probability that refutes", default=0.2, minimum=0.0, maximum=1.0),
)
_YES_NO_PORTS = """\
        expect (in, text, default yes): The answer that means SUCCESS, ``yes`` or ``no``.
        accept (in, number, default 0.8): Probability of the expected answer that suffices.
        reject (in, number, default 0.2): Probability of the expected answer that refutes it.
"""


class YesNo(Deciding):
    """Decide a yes/no question.

    A leaf declares ``YES_NO_PORTS`` and ``DECIDING_PORTS`` with its ports and writes ``question``. A line
    ``*YES_NO_PORTS`` in its docstring becomes what these ports mean.
    """

    documents: ClassVar[Mapping[str, str]] = {**Deciding.documents, "*YES_NO_PORTS": _YES_NO_PORTS}

    def offers(self) -> tuple[str, ...]:
        """Return yes and no."""
        return YES, NO

    def told(self, words: str) -> Ruling:
        """Take the answer of a human."""
        return Ruling("yes" if words == self.get("expect") else "no", words)

    def rule(self, answer: Answer) -> Ruling:
        """Judge the answer."""
        return Ruling(*read(answer, str(self.get("expect")), self.number("accept"), self.number("reject")))
