"""The leaf that asks the human."""

from __future__ import annotations

from collections.abc import Sequence

from py_trees.common import Status

from ..human import Asked
from ..means.differences import differences
from ..means.grounded import GroundedObject
from ..means.known import things_of
from ..means.understanding import understand
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
            called by their labels; where two have one label all are called by what tells them apart, such as "the left
            one" or "the one in the bowl". Free text if left out.
        default (in, text, default none): What counts when no answer comes in time, or nobody is there to give one.
        tries (in, int, default 3): After so many answers that are none of the options the default counts.
        deadline (in, duration, default none): How long there is to answer, run clock, [s]; no limit if left out.
        expect (in, any, default none): The answer, or list of answers, that means SUCCESS; any of them if left out.
        answer (out, text): What the human said, or the default.
        chosen (out, any): The chosen element of ``options``; without options the answer.

    Status:
        RUNNING: Until there is an answer. Time spent paused by a guard does not count.
        SUCCESS: The answer is written, and it is an expected one.
        FAILURE: It is another one; or no answer came in time, none of ``tries`` was an option, or nobody is there, and
            there is no default; or the human said stop, and no guard with ``stop_word`` hears it.

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
        Port("tries", "int", "so many answers may be none of the options", default=3, minimum=1),
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
        self._words = words = option_names(self._options, self._around())
        default, limit = self._default(), self.get("deadline")
        if len(set(words)) < len(words):
            raise NodeFault(f"{self.path}: two options are the same: {', '.join(words)}")
        if default and words:
            default = understand(default, words) or default
        if default and words and default not in words:
            raise NodeFault(
                f"{self.path}: the default {default!r} is none of the options\n  fix:  write one of {', '.join(words)}"
            )
        deadline = None if limit is None else float(str(limit))
        self._asked = Asked(self, str(self.get("question")), words, default, deadline, int(str(self.get("tries"))))

    def step(self) -> Status:
        """Read the answer if it is there."""
        asked = self._asked
        assert asked is not None
        words = asked.answer
        if words is None:
            if not asked.late:
                return self.running(f"asks the human: {self.get('question')}")
            rest = "" if asked.stopped else ", and no default"
            return self.fail(f"{self.get('question')!r}: {asked.over}{rest}")
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

    def _around(self) -> list[GroundedObject]:
        """Return the things of the run, which names of the options may speak of."""
        return [each.thing for each in things_of(self.context) if each.there]

    def _default(self) -> str:
        value = self.get("default")
        return "" if value is None else str(value)


def option_names(options: Sequence[object], around: Sequence[GroundedObject] = ()) -> list[str]:
    """Return what options are called.

    Grounded things of one label are called by what tells all of them apart; other objects of one label are numbered
    from the second on.

    Args:
        options: Words, numbers, objects.
        around: Further things of the scene.
    """
    names = [words_of(option) for option in options]
    things = [option for option in options if isinstance(option, GroundedObject)]
    if len(things) == len(options) and len(set(names)) < len(names):
        return differences(things, around)
    numbered: list[str] = []
    for option, name in zip(options, names, strict=True):
        if hasattr(option, "label") and name in numbered:
            name = next(each for n in range(2, len(options) + 2) if (each := f"{name} {n}") not in numbered)
        numbered.append(name)
    return numbered
