"""What differs between families of models: their prompts, the form of their boxes, what they can be asked.

Sources: PaliGemma tasks (Beyer et al., 2024, section 3.2), Florence-2 task tokens (its processor in transformers),
Molmo pointing (Deitke et al., 2024), Qwen-VL grounding (``grounding_format``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..grounding_format import COORDINATES, Coordinates
from ..questions import Kind, Question

Reading = Literal["shared", "whole"]
"""``shared``: the image is read once and questions go on from it. ``whole``: image and question are read together."""
TALKS: frozenset[Kind] = frozenset(("yes_no", "choice", "score", "ground", "describe", "plan", "chat"))
READS: frozenset[Kind] = frozenset(("yes_no", "choice", "score", "ground", "describe"))


def _before(question: Question) -> str:
    return f"{question.context}\n\n" if question.context else ""


def _any_boxes(question: Question) -> str:
    return (
        f"{_before(question)}Locate {question.text}. Answer with JSON only, as in "
        '[{"bbox_2d": [x1, y1, x2, y2], "label": "name"}], coordinates from 0 to 1000, [] where there is none.'
    )


def _qwen_boxes(question: Question) -> str:
    return f"{_before(question)}Locate {question.text}, output the bbox coordinates in JSON format."


def _as_asked(question: Question) -> str:
    return question.text


def _with_context(question: Question) -> str:
    return "\n\n".join(part for part in (question.text, question.context) if part)


@dataclass(frozen=True)
class Family:
    """How models of one family are asked.

    Attributes:
        form: Form of their boxes and points.
        ground: Prompt that asks for them.
        kinds: Kinds of question they can be asked.
        typed: Prompt of a yes/no question, choice or score; None appends what to answer with.
        describe: Prompt of a description.
        letters: They understand *A, B, C* as answers; else choices are judged by their words.
        reading: ``shared`` is only taken where it gives what ``whole`` does (``opening.open_engine``).
        plain: Text before and after a question where a checkpoint has no chat template; ``{image}`` is its image token.
        many: They take several pictures.
        json_boxes: They write boxes in JSON, if their form has it; Qwen2-VL has tokens of its own for them.
    """

    form: Coordinates = "any_json"
    ground: Callable[[Question], str] = _any_boxes
    kinds: frozenset[Kind] = TALKS
    typed: Callable[[Question], str] | None = None
    describe: Callable[[Question], str] = _with_context
    letters: bool = True
    reading: Reading = "shared"
    plain: tuple[str, str] = ("User: {image}", "\nAssistant:")
    many: bool = True
    json_boxes: bool = True


def _paligemma_describe(question: Question) -> str:
    return f"answer en {question.text}" if question.text.rstrip().endswith("?") else "caption en"


_PALIGEMMA = Family(
    form="paligemma",
    ground=lambda question: f"detect {question.text}",
    kinds=READS,
    typed=lambda question: f"answer en {question.text}",
    describe=_paligemma_describe,
    letters=False,
    reading="whole",
    plain=("{image}", ""),
    many=False,
)
_FLORENCE = Family(
    form="florence",
    ground=lambda question: f"<OPEN_VOCABULARY_DETECTION>{question.text}",
    kinds=READS,
    typed=_as_asked,
    describe=lambda question: "<DETAILED_CAPTION>",
    letters=False,
    reading="whole",
    plain=("", ""),
    many=False,
)
_QWEN = {
    name: Family(form=form, ground=_qwen_boxes, json_boxes=name != "qwen2_vl") for name, form in COORDINATES.items()
}
_QWEN35 = Family(form="thousandths", ground=_qwen_boxes)
_MOLMO = Family(form="molmo", ground=lambda question: f"{_before(question)}Point to {question.text}.")
_LLAVA = Family(plain=("USER: {image}\n", " ASSISTANT:"))

FAMILIES: Mapping[str, Family] = {
    **_QWEN,
    "qwen3_5": _QWEN35,
    "qwen3_5_moe": _QWEN35,
    "paligemma": _PALIGEMMA,
    "florence2": _FLORENCE,
    "molmo": _MOLMO,
    "molmo2": _MOLMO,
    "llava": _LLAVA,
    "llava_next": _LLAVA,
}
"""``model_type`` of a configuration → family; any other one is asked as a model that talks and was not taught boxes."""


def family_of(model_type: str) -> Family:
    """Return the family of a ``model_type``."""
    return FAMILIES.get(model_type, Family())
