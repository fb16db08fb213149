"""``/v1/systemone``: typed questions about a state with pictures in it, each answered by probabilities.

The shapes are those of ``transformers serve`` 5.23, vLLM and Ollama: ``noul``, ``choice``, ``score``. What this server
adds: ``neither``, the mass on none of the allowed answers, and an answer of type ``refusal`` with its reason.
"""

from __future__ import annotations

import json
from typing import Any

from ..questions import Answer, Frame, Kind, Question
from .certainty import confidence, level_confidence, spread
from .fields import Json, items, known, mapping, text, with_meanings
from .pictures import MOST_PICTURES, as_frame, from_base64
from .refusals import wrong

MOST_QUESTIONS = 64
_TYPES: dict[str, Kind] = {"noul": "yes_no", "choice": "choice", "score": "score"}
_VERDICTS = {"true": "yes", "false": "no"}


def read_state(raw: Json) -> tuple[Frame | None, str]:
    """Return the pictures of a request, in the order of their placeholders, and what else its state says.

    Raises:
        RefusedError: Something in it is wrong.
    """
    known(raw, ("model", "state", "questions", "assets"))
    if "state" not in raw:
        raise wrong("state", "is missing")
    state = raw["state"] if isinstance(raw["state"], str) else json.dumps(raw["state"], ensure_ascii=False)
    assets = mapping(raw.get("assets", {}), "assets")
    if len(assets) > MOST_PICTURES:
        raise wrong("assets", f"has {len(assets)} pictures, at most {MOST_PICTURES} are taken")
    pictures = []
    for name, asset in sorted(assets.items(), key=lambda item: (state.find(item[0]) % (len(state) + 1), item[0])):
        where = f"assets.{name}"
        known(mapping(asset, where), ("type", "format", "data_base64"), where)
        if asset.get("type", "image") != "image":
            raise wrong(f"{where}.type", "must be image")
        pictures.append(from_base64(text(asset.get("data_base64"), f"{where}.data_base64"), f"{where}.data_base64"))
        state = state.replace(name, "")
    return as_frame(pictures), " ".join(state.split())


def read_questions(raw: Json, state: str) -> dict[str, Question]:
    """Return the questions by name.

    Raises:
        RefusedError: One of them is wrong.
    """
    rows = mapping(raw.get("questions"), "questions")
    if not 1 <= len(rows) <= MOST_QUESTIONS:
        raise wrong("questions", f"must have 1 to {MOST_QUESTIONS} questions, not {len(rows)}")
    return {name: _question(row, f"questions.{name}", state) for name, row in rows.items()}


def _question(raw: object, where: str, state: str) -> Question:
    row = mapping(raw, where)
    known(row, ("type", "instructions", "criteria"), where)
    kind = _TYPES.get(str(row.get("type")))
    if kind is None:
        raise wrong(f"{where}.type", f"must be one of {', '.join(_TYPES)}")
    words = text(row.get("instructions") or state, f"{where}.instructions")
    criteria = row.get("criteria")
    place = f"{where}.criteria"
    if kind == "yes_no":
        said = {} if criteria is None else mapping(criteria, place)
        known(said, _VERDICTS, place)
        rows = [(word, said.get(name), f"{place}.{name}") for name, word in _VERDICTS.items()]
        return Question("yes_no", words, context=with_meanings(state, rows))
    described = mapping(criteria, place) if kind == "choice" else {}
    options = list(described) if kind == "choice" else [text(one, place) for one in items(criteria, place, 255)]
    if len(options) < 2 or len(set(options)) < len(options):
        raise wrong(place, "must have two different options at least")
    context = with_meanings(state, [(name, one, f"{place}.{name}") for name, one in described.items()])
    return Question(kind, words, choices=tuple(options), context=context)


def answer_row(question: Question, answer: Answer) -> Json:
    """Return an answer as the route writes it."""
    if answer.problem:
        return {"type": "refusal", "refusal": answer.problem}
    if question.kind == "yes_no":
        return {"type": "noul", "noul": spread(answer, ("yes", "no"))[0], "neither": answer.neither}
    chances = spread(answer, question.choices)
    best = max(range(len(chances)), key=chances.__getitem__)
    if question.kind == "choice":
        return {
            "type": "choice",
            "choice": question.choices[best],
            "confidence": confidence(chances),
            "probabilities": dict(zip(question.choices, chances, strict=True)),
            "neither": answer.neither,
        }
    return {
        "type": "score",
        "score": sum(level * p for level, p in enumerate(chances)),
        "legend": {str(level): words for level, words in enumerate(question.choices)},
        "confidence": level_confidence(chances),
        "probabilities": {str(level): p for level, p in enumerate(chances)},
        "neither": answer.neither,
    }


def response(model: str, questions: dict[str, Question], answers: list[Answer]) -> dict[str, Any]:
    """Return the body of an answer."""
    rows = {name: answer_row(q, a) for (name, q), a in zip(questions.items(), answers, strict=True)}
    tokens = sum(answer.tokens for answer in answers)
    return {"model": model, "answers": rows, "usage": {"input_tokens": tokens, "output_tokens": 0}}
