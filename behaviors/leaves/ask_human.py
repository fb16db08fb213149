"""The leaf that asks the human."""

from __future__ import annotations

from collections.abc import Sequence

from py_trees.common import Status

from ..human import Asked
from ..node import Leaf, NodeFault, behavior
from ..ports import Port
from .which import all_words, words_of


@behavior("ask_human")
class AskHuman(Leaf):
    """Ask the human a question, with options, a default and a deadline; the robot does nothing meanwhile.

    Without a human (nobody types at a terminal, and the run got no other one) the default counts at once.

    Ports:
        question (in, text, main): The question.
        options (in, list, default none): Answers to choose from: words, numbers, or objects from ``ground``, which are
            called by their labels; those of one label get a number. Free text if left out.
        default (in, text, default none): What counts when no answer comes in time, or nobody is there to give one.
        deadline (in, duration, default none): How long there is to answer, run clock, [s]; no limit if left out.
        expect (in, any, default none): The answer, or list of answers, that means SUCCESS; any of them if left out.
        answer (out, text): What the human said, or the default.
        chosen (out, any): The chosen element of ``options``; without options the answer.

    Status:
        RUNNING: Until there is an answer. Time spent paused by a guard does not count.
        SUCCESS: The answer is written, and it is an expected one.
        FAILURE: It is another one; or no answer came in time, or nobody is there, and there is no default.

    Halt:
        Takes the question back; nothing moves.
    """

    recovers = "anew"
    replays = "answers"
    rehearses = False
    ports = (
        Port("question", "text", "what to ask", main=True),
        Port("options", "list", "answers to choose from; free text if left out", default=()),
        Port("default", "text", "what counts when no answer comes in time", default=""),
        Port("deadline", "duration", "how long there is to answer; no limit if left out", default=None, minimum=0.0),
        Port(
            "expect",
            "any",
            "the answers that mean SUCCESS; any if left out",
            default=None,
            takes=("text", "number", "int", "list"),
        ),
        Port("answer", "text", "what the human said", direction="out", default=None),
        Port("chosen", "any", "the chosen element of options", direction="out", default=None),
    )

    _asked: Asked | None = None
    _paused = 0.0

    def start(self) -> None:
        """Put the question."""
        options = self.get("options")
        self._options = list(options) if isinstance(options, Sequence) and not isinstance(options, str) else []
        self._words = words = _names(self._options)
        default, limit = self._default(), self.get("deadline")
        if len(set(words)) < len(words):
            raise NodeFault(f"{self.path}: two options are the same: {', '.join(words)}")
        if default and words and default not in words:
            raise NodeFault(
                f"{self.path}: the default {default!r} is none of the options\n  fix:  write one of {', '.join(words)}"
            )
        deadline = None if limit is None else float(str(limit))
        self._asked = Asked(self, str(self.get("question")), words, default, deadline)

    def step(self) -> Status:
        """Read the answer if it is there."""
        asked = self._asked
        assert asked is not None
        words = asked.answer
        if words is None:
            if not asked.late:
                return self.running(f"asks the human: {self.get('question')}")
            return self.fail(
                f"{self.get('question')!r}: there is no human to ask, and no default"
                if asked.absent
                else f"{self.get('question')!r}: no answer within {self.get('deadline')} s, and no default"
            )
        self.put("answer", words)
        self.put("chosen", self._options[self._words.index(words)] if words in self._words else words)
        expected = all_words(self.get("expect"))
        said = f"{words}, by default" if asked.late else words
        if expected and words not in expected:
            return self.fail(f"{self.get('question')!r}: {said}, not {' or '.join(expected)}")
        return self.succeed(said)

    def halt(self) -> None:
        """Take the question back."""
        if self._asked is not None:
            self._asked.withdraw()

    def pause(self) -> None:
        """Stop the clock of the deadline."""
        self._paused = self.context.now

    def resume(self) -> None:
        """Let the clock of the deadline go on."""
        if self._asked is not None:
            self._asked.postpone(self.context.now - self._paused)

    def _default(self) -> str:
        value = self.get("default")
        return "" if value is None else str(value)


def _names(options: Sequence[object]) -> list[str]:
    """Return what options are called; objects of one label are numbered from the second on."""
    names: list[str] = []
    for option in options:
        name = words_of(option)
        if hasattr(option, "label") and name in names:
            name = next(each for n in range(2, len(options) + 2) if (each := f"{name} {n}") not in names)
        names.append(name)
    return names
