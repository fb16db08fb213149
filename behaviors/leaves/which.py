"""The leaf that lets the model choose among options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...vlm.questions import Answer, Question
from ..means.deciding import DECIDING_PORTS, Deciding, Ruling
from ..node import behavior
from ..ports import Port

_NAMES = ("text", "number", "int", "list")


@behavior("which")
class Which(Deciding):
    """Let the model choose one of several options by what it sees.

    An option is chosen when its probability is ``accept`` or more and lies ``lead`` above the next one. With ``expect``
    the leaf is a condition: only that option, or one of those, is SUCCESS. Freshness is that of ``see``.

    Ports:
        question (in, text, main): The question, such as ``"What color is the cube?"``.
        options (in, list): What to choose from, at least two: words, numbers, or objects from ``ground``, which are
            called by their labels.
        expect (in, any, default none): The option, or list of options, that means SUCCESS; any of them if left out.
        accept (in, number, default 0.5): Least probability of the chosen option.
        lead (in, number, default 0.2): How far it must lie above the next one.
        answer (out, text): The chosen option in words.
        chosen (out, any): The chosen element of ``options``.
        index (out, int): Its number in ``options``, from 0.
        probability (out, number): Its probability; 1 when a human chose.
        probabilities (out, mapping): Option → probability, of the last answer, also of one that was unsure.
        *DECIDING_PORTS

    Status:
        RUNNING: No answer yet, or unsure with anything but ``failure``.
        SUCCESS: An option is chosen, and it is an expected one.
        FAILURE: Another one is chosen; none of them fits; there are fewer than two; or unsure with ``failure``.

    Halt:
        Drops the question on its way; nothing moves.
    """

    replays = "answers"
    ports = (
        Port("question", "text", "what to decide", main=True),
        Port("options", "list", "what to choose from"),
        Port("expect", "any", "the options that mean SUCCESS; any if left out", default=None, takes=_NAMES),
        Port("accept", "number", "least probability of the chosen option", default=0.5, minimum=0.0, maximum=1.0),
        Port("lead", "number", "how far it lies above the next one", default=0.2, minimum=0.0, maximum=1.0),
        Port("answer", "text", "the chosen option in words", direction="out", default=None),
        Port("chosen", "any", "the chosen element of options", direction="out", default=None),
        Port("index", "int", "its number, from 0", direction="out", default=None),
        Port("probability", "number", "its probability", direction="out", default=None),
        Port("probabilities", "mapping", "option to probability", direction="out", default=None),
        *DECIDING_PORTS,
    )

    def question(self) -> Question:
        """Return the choice that is asked for."""
        return Question("choice", str(self.get("question")), choices=self.offers())

    def offers(self) -> tuple[str, ...]:
        """Return the options in words, each once."""
        return tuple(dict.fromkeys(words_of(option) for option in self._options()))

    def terms(self) -> object:
        """Return what is expected."""
        return all_words(self.get("expect"))

    def refusal(self) -> str:
        """Say that there is nothing to choose from."""
        count = len(self.offers())
        return "" if count > 1 else f"which needs at least two different options, there are {count}"

    def rule(self, answer: Answer) -> Ruling:
        """Take the likeliest option if it is likely enough and stands out."""
        chances = {option: answer.p(option) for option in self.offers()}
        self.put("probabilities", dict(chances))
        accept, lead = self.number("accept"), self.number("lead")
        first, second = sorted(chances, key=lambda option: -chances[option])[:2]
        best, next_best = chances[first], chances[second]
        if answer.neither >= max(accept, 0.5) and answer.neither - best >= lead:
            return Ruling("no", f"none of {', '.join(chances)} (p = {answer.neither:.2f})")
        if best < accept or best - next_best < lead:
            return Ruling("unsure", f"{first} {best:.2f}, {second} {next_best:.2f}, none of them {answer.neither:.2f}")
        return self._choose(first, best)

    def told(self, words: str) -> Ruling:
        """Take the option that a human chose."""
        return self._choose(words, 1.0)

    def _choose(self, words: str, probability: float) -> Ruling:
        options = self._options()
        index = next(i for i, option in enumerate(options) if words_of(option) == words)
        self.put("answer", words)
        self.put("chosen", options[index])
        self.put("index", index)
        self.put("probability", probability)
        expected = all_words(self.get("expect"))
        fits = not expected or words in expected
        wanted = "" if fits else f", not {' or '.join(expected)}"
        return Ruling("yes" if fits else "no", f"{words}{wanted} (p = {probability:.2f})")

    def _options(self) -> list[object]:
        options = self.get("options")
        return list(options) if isinstance(options, Sequence) and not isinstance(options, str) else []


def words_of(option: object) -> str:
    """Return what an option is called: the label of an object, else its text."""
    label = option.get("label") if isinstance(option, Mapping) else getattr(option, "label", None)
    if isinstance(label, str) and label:
        return label
    return f"{option:.15g}" if isinstance(option, float) else str(option)


def all_words(expect: object) -> tuple[str, ...]:
    """Return what one option, or a list of them, is called; nothing for None."""
    if expect is None:
        return ()
    if isinstance(expect, Sequence) and not isinstance(expect, str):
        return tuple(words_of(each) for each in expect)
    return (words_of(expect),)
