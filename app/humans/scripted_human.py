"""A human who answers from a script: for tests of trees, and for runs with nobody at the terminal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...trees.language.constants import text_of
from ...trees.mocking.forms import Forms, entries, single_document
from ...trees.problems import Problem, TreeError, in_order
from ...trees.reading.document import Item, Scalar
from ...trees.reading.raw_text import FileKind
from ...trees.reading.reader import read_file

_ALWAYS = 1_000_000
_FILE = FileKind("a file of human answers", 'write  "QUESTION": ANSWER  a line', "answers.yaml")
_FIX = 'write {"QUESTION": ANSWER}, or a list of answers, one a call'


class ScriptedInquiry:
    """A question that has its answer at once, or none ever.

    Attributes:
        refused: Answers before it that were none of the options.
        gone: Always false: silence is silence.
    """

    gone = False

    def __init__(self, answer: str | None, refused: int = 0) -> None:
        self._answer, self.refused = answer, refused

    @property
    def answer(self) -> str | None:
        """What the script says."""
        return self._answer

    def withdraw(self) -> None:
        """Do nothing."""


class ScriptedHuman:
    """Answer the questions of a tree from a script, at once.

    Args:
        answers: Question → what is said to it each time it is asked, also where it is asked again because that was none
            of the options; the last one repeats, none at all is silence. A
            ``*`` in the question stands for any text; the exact text goes first.

    Attributes:
        unanswered: Questions that the script does not have, and answers that were no option, in words.
    """

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        self._answers = {question: tuple(said) for question, said in answers.items()}
        self._patterns = [
            (re.compile(".*".join(map(re.escape, q.split("*"))), re.DOTALL), q) for q in self._answers if "*" in q
        ]
        self._calls: Counter[str] = Counter()
        self.unanswered: dict[str, None] = {}

    def ask(
        self, prompt: str, options: Sequence[str] = (), default: str = "", deadline: float | None = None
    ) -> ScriptedInquiry:
        """Put a question."""
        key = prompt if prompt in self._answers else next((q for p, q in self._patterns if p.fullmatch(prompt)), None)
        if key is None:
            self.unanswered[f"the human has no answer to {prompt!r}"] = None
            return ScriptedInquiry(None)
        said = self._answers[key]
        if not said:
            return ScriptedInquiry(None)
        refused = 0
        while True:
            answer = said[min(self._calls[prompt], len(said) - 1)]
            self._calls[prompt] += 1
            if not options or answer in options:
                return ScriptedInquiry(answer, refused)
            self.unanswered[f"the human says {answer!r} to {prompt!r}, which is none of {', '.join(options)}"] = None
            refused += 1
            if self._calls[prompt] >= len(said):  # it would be said again and again
                return ScriptedInquiry(None, _ALWAYS)

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Do nothing: what is answered is answered at once."""


def read_human(forms: Forms, item: Item) -> dict[str, tuple[str, ...]]:
    """Return question → answers of a mapping; mistakes go to the forms."""
    found: dict[str, tuple[str, ...]] = {}
    for key, value in entries(forms.pairs(item, "'human'", _FIX)):
        if isinstance(value, Scalar) and value.is_null:
            forms.report(value, "K232", f"no answer to {key.text!r}", fix="write an answer, or [] for silence")
            continue
        found[key.text] = tuple(text_of(each) for each in forms.texts(value, f"the answer to {key.text!r}"))
    return found


def human_of(path: Path) -> ScriptedHuman:
    """Return the human of a file: a mapping of questions to answers.

    Raises:
        TreeError: The file cannot be read, or has mistakes; all of them are in the error.
    """
    documents = read_file(path, _FILE)
    problems: list[Problem] = []
    forms = Forms(documents.source, problems)
    root = single_document(documents, problems, _FILE.what)
    answers = read_human(forms, root) if root is not None else {}
    if problems:
        raise TreeError(in_order(problems))
    return ScriptedHuman(answers)
