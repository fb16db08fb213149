"""Answer questions with any image-text-to-text checkpoint."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..calibration import Calibration, Case, fit
from ..contract import BackendError, Hearing
from ..decoding.enforcing import Enforcer
from ..grounding_format import Coordinates
from ..questions import Answer, Frame, Question
from .families import Family
from .settings import LocalSettings
from .written import grounded, said, telling_of

if TYPE_CHECKING:
    from .engine import Engine, Row, Sight

PROMPT_VERSION = "transformers-1"
CALIBRATION = "calibration-transformers.json"
"""Where temperatures lie beside the weights: not where ``qwen`` and ``embedded``, which ask otherwise, have theirs."""
_TYPED = ("yes_no", "choice", "score")
LETTERS = string.ascii_uppercase


class LocalBackend:
    """Answer questions with a checkpoint of any family.

    Yes/no, choice and score are probabilities of the next token, or of whole answers where the words of an answer are
    no single token; never written text.

    Args:
        engine: The loaded model.
        family: How its family is asked.
        settings: How this one is loaded and asked.
        form: Form of its boxes.
        calibration: Temperatures, checked against this very model.

    Raises:
        BackendError: The calibration is another model's.
    """

    name = "transformers"
    remote = False

    def __init__(
        self,
        engine: Engine,
        family: Family,
        settings: LocalSettings,
        form: Coordinates,
        calibration: Calibration | None = None,
    ) -> None:
        from .engine import spellings

        self.engine: Engine | None = engine
        self.family, self.settings, self.form = family, settings, form
        self.model, self.kinds = engine.checkpoint.name, family.kinds
        self._yes, self._no = (spellings(engine, (word,)) for word in ("yes", "no"))
        self._letters = {
            letter: sorted({ids[0] for ids in map(engine.text_ids, (letter, " " + letter)) if len(ids) == 1})
            for letter in LETTERS
        }
        wanted = settings.choices == "letters" or (settings.choices == "auto" and family.letters)
        self._by_letters = wanted and all(self._letters.values())
        boxes = form if family.json_boxes else ""
        self._enforcer = Enforcer(engine.tokenizer, engine.ends, boxes, settings.constrained)
        if calibration is not None:
            calibration.check(self.model, PROMPT_VERSION, engine.checkpoint.image_size)
        self._calibration = calibration

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Answer all questions about one frame."""
        return self._asked(frame, questions, None)

    def write(self, frame: Frame | None, question: Question, hearing: Hearing) -> Answer:
        """Answer one question and tell of it meanwhile; see ``Writer``."""
        return self._asked(frame, [question], hearing)[0]

    def _asked(self, frame: Frame | None, questions: Sequence[Question], hearing: Hearing | None) -> list[Answer]:
        engine = self._open()
        answers = {i: self._unfit(question, frame) for i, question in enumerate(questions)}
        able = [i for i, answer in answers.items() if answer is None]
        if able:
            sight = engine.see(frame)
            rows = [engine.row(sight, self.prompt(questions[i]), self._history(questions[i])) for i in able]
            asked = [(i, questions[i], row) for i, row in zip(able, rows, strict=True)]
            for ask, some in (
                (self._typed, [one for one in asked if one[1].kind in _TYPED]),
                (partial(self._written, hearing=hearing), [one for one in asked if one[1].kind not in _TYPED]),
            ):
                given = ask(engine, sight, [(question, row) for _, question, row in some])
                answers |= {i: answer for (i, _, _), answer in zip(some, given, strict=True)}
        return [replace(answers[i] or Answer(q.kind), model=self.model) for i, q in enumerate(questions)]

    def calibrate(self, cases: Iterable[Case]) -> Path:
        """Fit temperatures to what this model said without any, and keep them beside its weights; return the file.

        Raises:
            OSError: It cannot be written.
            BackendError: There are too few cases.
        """
        checkpoint = self._open().checkpoint
        fitted = Calibration(self.model, PROMPT_VERSION, checkpoint.image_size, fit(cases))
        return fitted.write(checkpoint.folder, CALIBRATION)

    def capability_facts(self) -> dict[str, object]:
        """Return what a probe cannot find out by asking: the tokens of yes and no, that all probabilities are there."""
        engine = self._open()
        yes, no = (tuple(dict.fromkeys(engine.decode([token]) for token in ids)) for ids in (self._yes, self._no))
        return {"yes": yes, "no": no, "logprobs": len(engine.tokenizer)}

    def close(self) -> None:
        """Let the model go."""
        self.engine = None

    def prompt(self, question: Question) -> str:
        """Return the words the model gets for a question, control tokens of the author's words undone."""
        safe = self._open().wording.safe
        asked = replace(question, text=safe(question.text), context=safe(question.context))
        if question.kind == "ground":
            return self.family.ground(asked)
        if question.kind == "describe":
            return self.family.describe(asked)
        if question.kind in _TYPED:
            return self._typed_prompt(asked, [safe(choice) for choice in question.choices])
        parts = [asked.text, asked.context]
        if question.kind == "plan":
            schema = f" It obeys this schema:\n{safe(question.schema)}" if question.schema else ""
            parts.append(f"Answer with JSON only.{schema}")
        return "\n\n".join(part for part in parts if part)

    def _typed_prompt(self, question: Question, choices: Sequence[str]) -> str:
        if self.family.typed is not None:
            return self.family.typed(question)
        before = f"{question.context}\n\n" if question.context else ""
        if question.kind == "yes_no":
            return f"{before}{question.text} {self.settings.yes_no_suffix}".rstrip()
        if self._by_letters:
            lines = (f"{letter}. {choice}" for letter, choice in zip(LETTERS, choices, strict=False))
            return "\n".join([before + question.text, *lines, "Answer with the letter only."])
        return f"{before}{question.text}\nAnswer with one of: {', '.join(choices)}."

    def _history(self, question: Question) -> list[tuple[str, str]]:
        safe = self._open().wording.safe
        return [(who, safe(words)) for who, words in question.history] if question.kind == "chat" else []

    def _unfit(self, question: Question, frame: Frame | None) -> Answer | None:
        """Return an answer with a problem to a question that cannot be asked, else None."""
        if question.kind not in self.kinds:
            return Answer(question.kind, problem=f"{self.model} is not asked to {question.kind}", supported=False)
        if frame is None and question.kind != "chat":
            return Answer(question.kind, problem=f"a question of kind {question.kind} needs a frame")
        if frame is not None and frame.earlier and not self.family.many:
            return Answer(question.kind, problem=f"{self.model} looks at one picture at a time", supported=False)
        if question.kind in ("choice", "score"):
            if not 2 <= len(question.choices) <= len(LETTERS):
                why = f"a question of kind {question.kind} needs 2 to 26 choices, not {len(question.choices)}"
                return Answer(question.kind, problem=why)
            if len({choice.strip().lower() for choice in question.choices} - {""}) < len(question.choices):
                return Answer(question.kind, problem="two choices are the same, or one is empty")
        fault = self._enforcer.fault(question)
        return Answer(question.kind, problem=fault) if fault else None

    def _typed(self, engine: Engine, sight: Sight, asked: Sequence[tuple[Question, Row]]) -> list[Answer]:
        groups = [self._tokens(engine, question) for question, _ in asked]
        by_token = [row for (_, row), tokens in zip(asked, groups, strict=True) if tokens is not None]
        by_words = [one for one, tokens in zip(asked, groups, strict=True) if tokens is None]
        next_tokens = iter(engine.next_chances(sight, by_token) if by_token else ())
        words = iter(self._by_words(engine, sight, by_words))
        answers = []
        for (question, row), tokens in zip(asked, groups, strict=True):
            if tokens is None:
                chances = next(words)
            else:
                given = next(next_tokens)
                chances = {key: float(given[ids].sum()) for key, ids in tokens.items()}
            answers.append(replace(self._decided(question, chances), tokens=engine.length(row)))
        return answers

    def _tokens(self, engine: Engine, question: Question) -> dict[str, list[int]] | None:
        """Return the tokens that begin each allowed answer; None when they do not tell the answers apart."""
        if question.kind == "yes_no":
            return {"yes": self._yes, "no": self._no} if self._yes and self._no else None
        if not self._by_letters:
            return None
        return {choice: self._letters[letter] for letter, choice in zip(LETTERS, question.choices, strict=False)}

    def _by_words(self, engine: Engine, sight: Sight, asked: Sequence[tuple[Question, Row]]) -> list[dict[str, float]]:
        """Return the chances of whole answers, in all ways to write them."""
        from .engine import answer_ids

        if not asked:
            return []
        allowed = [("yes", "no") if question.kind == "yes_no" else question.choices for question, _ in asked]
        ways = [[answer_ids(engine, choice.strip()) for choice in choices] for choices in allowed]
        flat = [[ids for some in each for ids in some] for each in ways]
        found = []
        given = engine.text_chances(sight, [row for _, row in asked], flat)
        for choices, each, chances in zip(allowed, ways, given, strict=True):
            rest = iter(chances)
            found.append({choice: sum(next(rest) for _ in some) for choice, some in zip(choices, each, strict=True)})
        return found

    def _decided(self, question: Question, chances: Mapping[str, float]) -> Answer:
        total = sum(chances.values())
        if total > 1.0:  # by rounding
            chances = {key: p / total for key, p in chances.items()}
        if self._calibration is not None:
            chances = self._calibration.apply(question, chances)
        neither = min(1.0, max(0.0, 1.0 - sum(chances.values())))
        return Answer(question.kind, probabilities=dict(chances), neither=neither)

    def _written(
        self, engine: Engine, sight: Sight, asked: Sequence[tuple[Question, Row]], hearing: Hearing | None
    ) -> list[Answer]:
        if not asked:
            return []
        limits = [
            self.settings.box_tokens if question.kind == "ground" else self.settings.max_tokens for question, _ in asked
        ]
        answers = []
        rules = [self._enforcer.constraint(question) for question, _ in asked]
        telling = None
        if hearing is not None:
            telling = telling_of(asked[0][0], hearing, lambda ids: engine.decode(ids, special=False))
        written = engine.write(sight, [row for _, row in asked], limits, rules, telling)
        for (question, row), one in zip(asked, written, strict=True):
            if question.kind == "ground" and not one.problem:
                answer = grounded(question, one.ids, one.chances, engine.decode, self.form, engine.seen_size(sight))
            else:
                answer = said(question, engine.decode(one.ids, special=False).strip(), one.complete, one.problem)
            answers.append(replace(answer, tokens=engine.length(row) + len(one.ids)))
        return answers

    def _open(self) -> Engine:
        if self.engine is None:
            raise BackendError(f"backend {self.name!r} is closed")
        return self.engine
