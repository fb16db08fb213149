"""Any checkpoint of the Qwen-VL family as a backend: Qwen2-VL, Qwen2.5-VL, Qwen3-VL, through transformers.

Yes/no, choice and score are read from the probabilities of the next token, never from written text. All questions of a
request share one reading of the image, or of the images: earlier pictures of a frame come before it, oldest first.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .calibration import Calibration, Case, fit
from .contract import BackendError, BackendOptions, Hearing, backend
from .decoding.enforcing import Enforcer
from .grounding_format import COORDINATES, UnreadableError, distinct, read_boxes
from .letterbox import Letterbox
from .local.written import said, telling_of
from .questions import Answer, Frame, Kind, Question, Region
from .qwen_settings import QwenSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ._vision_model import Prefix, VisionModel, Written

PROMPT_VERSION = "1"
GROUND_PROMPT = "Locate {text}, output the bbox coordinates in JSON format."
PLAN_PROMPT = "Answer with JSON only."
_BOX_TOKENS = ("qwen2_vl",)
"""Families that write boxes with tokens of their own."""
_TYPED: tuple[Kind, ...] = ("yes_no", "choice", "score")
_WRITTEN: tuple[Kind, ...] = ("ground", "describe", "plan", "chat")


def plan_prompt(instruction: str) -> str:
    """Return the short prompt of a plan: for a model that knows skills and schema by heart."""
    return f"{instruction}\n\n{PLAN_PROMPT}"


def instruction_of(prompt: str) -> str:
    """Return the instruction of a short prompt, the opposite of ``plan_prompt``."""
    return prompt.removesuffix(f"\n\n{PLAN_PROMPT}")


class QwenBackend:
    """Answer questions with a vision-language model.

    Args:
        model: The model, ready to continue prompts.
        settings: How it is asked.
        name: Registry name.
        kinds: Kinds of question it can answer.
        calibration: Temperatures per kind, checked against this very model.

    Raises:
        BackendError: The tokenizer has no single token for yes or no, or the calibration is another model's.
    """

    remote = False

    def __init__(
        self,
        model: VisionModel,
        settings: QwenSettings,
        name: str = "qwen",
        kinds: frozenset[Kind] = frozenset(_TYPED + _WRITTEN),
        calibration: Calibration | None = None,
    ) -> None:
        self.name, self.kinds, self.settings = name, kinds, settings
        self.vision: VisionModel | None = model
        self.model = model.checkpoint.name
        self._yes, self._no = (self._variants(word) for word in ("yes", "no"))
        if not self._yes or not self._no:
            raise BackendError(f"the tokenizer of {self.model} has no single token for yes and for no")
        if calibration is not None:
            calibration.check(self.model, PROMPT_VERSION, model.checkpoint.image_size)
        self._calibration = calibration
        family = model.checkpoint.family
        boxes = "" if family in _BOX_TOKENS else COORDINATES[family]
        self._enforcer = Enforcer(model.tokenizer, model.ends, boxes, settings.constrained)

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Answer all questions about one frame from one reading of it."""
        return self._asked(frame, questions, None)

    def write(self, frame: Frame | None, question: Question, hearing: Hearing) -> Answer:
        """Answer one question and tell of it meanwhile; see ``Writer``."""
        return self._asked(frame, [question], hearing)[0]

    def _asked(self, frame: Frame | None, questions: Sequence[Question], hearing: Hearing | None) -> list[Answer]:
        vision = self._open()
        answers: dict[int, Answer] = {}
        able = []
        for i, question in enumerate(questions):
            problem = _unfit(question, frame) or self._enforcer.fault(question)
            if problem:
                answers[i] = Answer(question.kind, problem=problem)
            else:
                able.append(i)
        if able:
            box = Letterbox(frame.rgb.shape[1], frame.rgb.shape[0]) if frame is not None else None
            prefix = vision.read(self._images(frame), frame.digest() if frame is not None else "")
            asked = [(i, questions[i]) for i in able]
            answers |= self._typed(vision, prefix, [(i, q) for i, q in asked if q.kind in _TYPED], frame is not None)
            written = [(i, q) for i, q in asked if q.kind in _WRITTEN]
            answers |= self._written(vision, prefix, written, box, hearing)
        return [replace(answers[i], model=self.model) for i in range(len(questions))]

    def calibrate(self, cases: Iterable[Case]) -> Path:
        """Fit temperatures to what this model said without any, and keep them beside its weights; return the file.

        Raises:
            OSError: It cannot be written.
            BackendError: There are too few cases.
        """
        checkpoint = self._open().checkpoint
        return Calibration(self.model, PROMPT_VERSION, checkpoint.image_size, fit(cases)).write(checkpoint.folder)

    def capability_facts(self) -> dict[str, object]:
        """Return what a probe cannot find out by asking: the tokens of yes and no, that all probabilities are there."""
        vision = self._open()
        yes, no = (tuple(dict.fromkeys(vision.decode([token]) for token in ids)) for ids in (self._yes, self._no))
        return {"yes": yes, "no": no, "logprobs": len(vision.tokenizer)}

    def close(self) -> None:
        """Let the model go."""
        self.vision = None

    def prompt(self, question: Question) -> str:
        """Return the words the model gets for a question; what was said before in a chat goes as turns of its own."""
        before = f"{question.context}\n\n" if question.context else ""
        if question.kind == "yes_no":
            return f"{before}{question.text} {self.settings.yes_no_suffix}".rstrip()
        if question.kind in ("choice", "score"):
            if self.settings.choices == "words":
                return before + question.text
            lines = (f"{letter}. {c}" for letter, c in zip(string.ascii_uppercase, question.choices, strict=False))
            return "\n".join([before + question.text, *lines, "Answer with the letter only."])
        if question.kind == "ground":
            return before + GROUND_PROMPT.format(text=question.text)
        if question.kind == "plan" and self.settings.plan_prompt == "short":
            return plan_prompt(question.text)
        parts = [question.text, question.context]
        if question.kind == "plan":
            schema = f" It obeys this schema:\n{question.schema}" if question.schema else ""
            parts.append(PLAN_PROMPT + schema)
        return "\n\n".join(part for part in parts if part)

    def _images(self, frame: Frame | None) -> list[NDArray[np.uint8]]:
        """Return the pictures of a frame, oldest first, each padded as the settings say."""
        shown = [] if frame is None else [one.rgb for one in (*frame.earlier, frame)]
        return [Letterbox(rgb.shape[1], rgb.shape[0]).pad(rgb) for rgb in shown] if self.settings.square else shown

    def _typed(
        self, vision: VisionModel, prefix: Prefix, asked: list[tuple[int, Question]], with_image: bool
    ) -> dict[int, Answer]:
        ids = {i: vision.question_ids(self.prompt(q), with_image) for i, q in asked}
        by_words = [(i, q) for i, q in asked if q.kind != "yes_no" and self.settings.choices == "words"]
        by_token = [(i, q) for i, q in asked if (i, q) not in by_words]
        chances: dict[int, dict[str, float]] = {}
        if by_token:
            rows = vision.next_chances(prefix, [ids[i] for i, _ in by_token])
            for (i, q), row in zip(by_token, rows, strict=True):
                groups = {"yes": self._yes, "no": self._no} if q.kind == "yes_no" else self._letters(q)
                chances[i] = {key: float(row[tokens].sum()) for key, tokens in groups.items()}
        if by_words:
            end = vision.text_ids("<|im_end|>")
            pairs = [(ids[i], vision.text_ids(choice) + end) for i, q in by_words for choice in q.choices]
            found = iter(vision.text_chances(prefix, pairs))
            for i, q in by_words:
                chances[i] = {choice: next(found) for choice in q.choices}
        return {i: replace(self._decided(q, chances[i]), tokens=len(ids[i])) for i, q in asked}

    def _decided(self, question: Question, chances: Mapping[str, float]) -> Answer:
        if self._calibration is not None:
            chances = self._calibration.apply(question, chances)
        return Answer(
            question.kind, probabilities=dict(chances), neither=min(1.0, max(0.0, 1.0 - sum(chances.values())))
        )

    def _written(
        self,
        vision: VisionModel,
        prefix: Prefix,
        asked: list[tuple[int, Question]],
        box: Letterbox | None,
        hearing: Hearing | None,
    ) -> dict[int, Answer]:
        if not asked:
            return {}
        rows = {
            i: vision.question_ids(self.prompt(q), box is not None, q.history if q.kind == "chat" else ())
            for i, q in asked
        }
        written = {i: self._another(vision, prefix, q, rows[i]) for i, q in asked if q.refused}
        if self.settings.beams > 1:
            written |= {i: self._told(vision, prefix, rows[i]) for i, q in asked if q.kind == "describe"}
        first = [(i, q) for i, q in asked if written.get(i) is None]
        if first:
            limits = [self.settings.box_tokens if q.kind == "ground" else self.settings.max_tokens for _, q in first]
            rules = [self._enforcer.constraint(q) for _, q in first]
            telling = None if hearing is None else telling_of(first[0][1], hearing, lambda ids: _plain(vision, ids))
            made = vision.write(prefix, [rows[i] for i, _ in first], limits, rules, telling)
            written |= {i: one for (i, _), one in zip(first, made, strict=True)}
        answers = {}
        for i, q in asked:
            w = written[i]
            assert w is not None
            if q.kind == "ground" and box is not None and not w.problem:
                answer = self._ground(vision, prefix, q, w, box)
            else:
                answer = said(q, _plain(vision, w.ids), w.complete, w.problem)
            answers[i] = replace(answer, tokens=len(rows[i]) + len(w.ids))
        return answers

    def _told(self, vision: VisionModel, prefix: Prefix, row: Sequence[int]) -> Written:
        """Write a description: the likeliest text of all that are looked at."""
        from .decoding.beams import likeliest_text

        return likeliest_text(vision, prefix, row, self.settings.max_tokens, self.settings.beams)

    def _another(self, vision: VisionModel, prefix: Prefix, question: Question, row: Sequence[int]) -> Written | None:
        """Write another answer than the refused ones; None where there is none."""
        from .decoding.rivals import write_another

        most = self.settings.max_tokens
        return write_another(vision, prefix, row, most, question.refused, lambda: self._enforcer.constraint(question))

    def _ground(self, vision: VisionModel, prefix: Prefix, question: Question, w: Written, box: Letterbox) -> Answer:
        text = vision.decode(w.ids)
        try:
            found = read_boxes(text, COORDINATES[vision.checkpoint.family], prefix.image_size)
        except UnreadableError as error:
            return Answer("ground", text=text, problem=f"{error}: {text!r}")
        ends = [len(vision.decode(w.ids[: i + 1])) for i in range(len(w.ids))]
        regions = []
        for one in found:
            place = box.to_image(one.box_xyxy) if self.settings.square else one.box_xyxy
            inside = [p for p, end in zip(w.chances, ends, strict=True) if one.start < end <= one.stop]
            confidence = sum(inside) / len(inside) if inside else sum(w.chances) / len(w.chances)
            if place[2] > place[0] and place[3] > place[1]:
                point = None if self.settings.square else one.point_uv
                regions.append(Region(place, one.label or question.text, min(1.0, confidence), point))
        if found and not regions:
            return Answer("ground", text=text, problem=f"every box lies outside the image: {text!r}")
        regions = distinct(sorted(regions, key=lambda region: -region.confidence))
        return Answer("ground", regions=tuple(regions if question.all else regions[:1]), text=text)

    def _variants(self, word: str) -> list[int]:
        vision = self._open()
        spellings = [space + form for space in ("", " ") for form in (word, word.capitalize(), word.upper())]
        single = [ids[0] for ids in map(vision.text_ids, spellings) if len(ids) == 1]
        return sorted(set(single))

    def _letters(self, question: Question) -> dict[str, list[int]]:
        vision = self._open()
        return {
            choice: sorted({ids[0] for ids in map(vision.text_ids, (letter, " " + letter)) if len(ids) == 1})
            for letter, choice in zip(string.ascii_uppercase, question.choices, strict=False)
        }

    def _open(self) -> VisionModel:
        if self.vision is None:
            raise BackendError(f"backend {self.name!r} is closed")
        return self.vision


def _unfit(question: Question, frame: Frame | None) -> str:
    if frame is None and question.kind != "chat":
        return f"a question of kind {question.kind} needs a frame"
    if question.kind in ("choice", "score"):
        if not 2 <= len(question.choices) <= len(string.ascii_uppercase):
            return f"a question of kind {question.kind} needs 2 to 26 choices, not {len(question.choices)}"
        if len(set(question.choices)) < len(question.choices):
            return "two choices are the same"
    return ""


def _plain(vision: VisionModel, ids: Sequence[int]) -> str:
    return str(vision.tokenizer.decode(list(ids), skip_special_tokens=True)).strip()


def open_checkpoint(
    source: str, settings: QwenSettings, name: str, kinds: frozenset[Kind] = frozenset(_TYPED + _WRITTEN)
) -> QwenBackend:
    """Load a checkpoint and its calibration and return the backend on it.

    Raises:
        BackendError: There is no complete checkpoint of a known family, or its calibration is another model's.
    """
    from ._vision_model import VisionModel
    from .checkpoint import load_checkpoint

    pixels = (settings.min_pixels or 4 * 28 * 28, settings.max_pixels) if settings.max_pixels else None
    checkpoint = load_checkpoint(
        source, dtype=settings.dtype, device=settings.device, pixels=pixels, download=settings.download
    )
    calibration = Calibration.read(checkpoint.folder) if settings.calibrated else None
    return QwenBackend(VisionModel(checkpoint, settings.batch), settings, name, kinds, calibration)


def _check(options: BackendOptions) -> None:
    from .checkpoint import check_source

    QwenSettings().updated(options.settings, "qwen")
    check_source(options.argument, "qwen")


@backend("qwen", latency=0.5, check=_check)
def open_qwen(options: BackendOptions) -> QwenBackend:
    """Open ``qwen:DIRECTORY`` or ``qwen:ORGANISATION/NAME``. For the settings see ``QwenSettings``."""
    _check(options)
    return open_checkpoint(options.argument, QwenSettings().updated(options.settings, "qwen"), "qwen")
