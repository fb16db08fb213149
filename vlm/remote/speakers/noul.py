"""Typed questions and answers in the words that ``/v1/systemone`` and Gemini's decisions share: noul, choice, score."""

from __future__ import annotations

from collections.abc import Mapping

from ...questions import Answer, Question
from ..answers.typed import decided, told
from ..failures import Failure, Unreadable, field
from ..prompts import with_context


def decision_question(question: Question) -> dict[str, object]:
    """Return a typed question."""
    asked: dict[str, object] = {"instructions": with_context(question)}
    if question.kind == "yes_no":
        return {**asked, "type": "noul"}
    if question.kind == "choice":
        return {**asked, "type": "choice", "criteria": {choice: choice for choice in question.choices}}
    return {**asked, "type": "score", "criteria": list(question.choices)}


def decision(question: Question, row: object) -> Answer:
    """Return the answer to one question of a request; what cannot be read has a problem."""
    try:
        chances = _chances(question, row)
        return (
            yes_or_no(question, chances["yes"])
            if question.kind == "yes_no"
            else decided(question, told(question, chances))
        )
    except Failure as failure:
        return Answer(question.kind, problem=failure.reason)


def yes_or_no(question: Question, raw: object) -> Answer:
    """Return the answer to a yes/no question whose probability of yes a server told.

    Raises:
        Unreadable: That is no probability.
    """
    p = told(Question("choice", "", ("yes",)), {"yes": raw})["yes"]
    return decided(question, {"yes": p, "no": 1.0 - p})


def refusal(row: object) -> Failure:
    """Return what an answer of the type ``refusal`` says, with its reason where the server tells one."""
    why = field(row, "refusal")
    return Failure(f"the model refused: {why[:200]}" if isinstance(why, str) and why else "the model refused to answer")


def _chances(question: Question, raw: object) -> dict[object, object]:
    """Return the probabilities as they were sent, unchecked."""
    wanted = "noul" if question.kind == "yes_no" else question.kind
    if raw is None:
        raise Unreadable("there is no answer to this question")
    if field(raw, "type") == "refusal":
        raise refusal(raw)
    if field(raw, "type") != wanted:
        raise Unreadable(f"the answer is of type {str(field(raw, 'type'))[:40]!r}, not {wanted}")
    if question.kind == "yes_no":
        return {"yes": field(raw, "noul")}
    rows = field(raw, "probabilities")
    if isinstance(rows, list):
        rows = {str(number): each for number, each in enumerate(rows)}
    if not isinstance(rows, Mapping):
        raise Unreadable("the answer has no probabilities")
    if question.kind == "choice":
        return dict(rows)
    return {choice: rows[str(level)] for level, choice in enumerate(question.choices) if str(level) in rows}
