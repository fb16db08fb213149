"""``/v1/decisions``: the typed decisions of the ``openai`` package, ``predicate``, ``choice`` and ``score``."""

from __future__ import annotations

from typing import Any

from ..questions import Answer, Frame, Question
from .certainty import confidence, level_confidence, spread
from .conversation import read_conversation
from .fields import Json, items, known, mapping, text, with_meanings
from .refusals import wrong

MOST_QUESTIONS = 400
_IGNORED = ("prompt_cache_key", "prompt_cache_options", "safety_identifier")


def read_input(raw: Json) -> tuple[Frame | None, str]:
    """Return the pictures of a request, and its words.

    Raises:
        RefusedError: Something in it is wrong.
    """
    known(raw, ("model", "input", "questions", *_IGNORED))
    given = raw.get("input")
    if isinstance(given, str):
        return None, text(given, "input")
    said = read_conversation(given, "input")
    return said.frame, "\n\n".join(part for part in (*(words for _, words in said.history), said.words) if part)


def read_questions(raw: Json, context: str) -> list[tuple[str | None, Question]]:
    """Return the questions with their names.

    Raises:
        RefusedError: One of them is wrong.
    """
    rows = items(raw.get("questions"), "questions", MOST_QUESTIONS)
    return [_question(row, f"questions[{i}]", context) for i, row in enumerate(rows)]


def _question(raw: object, where: str, context: str) -> tuple[str | None, Question]:
    row = mapping(raw, where)
    known(row, ("type", "name", "instructions", "choices", "levels"), where)
    name = None if row.get("name") is None else text(row["name"], f"{where}.name")
    words = text(row.get("instructions"), f"{where}.instructions")
    if row.get("type") == "predicate":
        return name, Question("yes_no", words, context=context)
    if row.get("type") not in ("choice", "score"):
        raise wrong(f"{where}.type", "must be one of predicate, choice, score")
    key, label = ("choices", "value") if row["type"] == "choice" else ("levels", "label")
    options, meanings = [], []
    for i, one in enumerate(items(row.get(key), f"{where}.{key}", 255)):
        place = f"{where}.{key}[{i}]"
        known(mapping(one, place), (label, "description"), place)
        options.append(text(one.get(label), f"{place}.{label}"))
        meanings.append((options[-1], one.get("description"), f"{place}.description"))
    if len(options) < 2 or len(set(options)) < len(options):
        raise wrong(f"{where}.{key}", "must have two different members at least")
    return name, Question(row["type"], words, choices=tuple(options), context=with_meanings(context, meanings))


def _row(name: str | None, question: Question, answer: Answer) -> Json:
    if answer.problem:
        return {"type": "refusal", "name": name, "refusal": answer.problem}
    if question.kind == "yes_no":
        return {"type": "predicate", "name": name, "probability": spread(answer, ("yes", "no"))[0]}
    chances = spread(answer, question.choices)
    if question.kind == "choice":
        rows = [{"value": value, "probability": p} for value, p in zip(question.choices, chances, strict=True)]
        best = question.choices[max(range(len(chances)), key=chances.__getitem__)]
        return {
            "type": "choice",
            "name": name,
            "choice": best,
            "confidence": confidence(chances),
            "probabilities": rows,
        }
    levels = [
        {"label": words, "value": level, "probability": p}
        for level, (words, p) in enumerate(zip(question.choices, chances, strict=True))
    ]
    mean = sum(level * p for level, p in enumerate(chances))
    return {
        "type": "score",
        "name": name,
        "score": mean,
        "confidence": level_confidence(chances),
        "probabilities": levels,
    }


def response(model: str, questions: list[tuple[str | None, Question]], answers: list[Answer]) -> dict[str, Any]:
    """Return the body of an answer."""
    tokens = sum(answer.tokens for answer in answers)
    usage = {
        "input_tokens": tokens,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens,
    }
    rows = [_row(name, q, a) for (name, q), a in zip(questions, answers, strict=True)]
    return {"model": model, "answers": rows, "usage": usage}
