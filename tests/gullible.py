"""A model that believes what it reads: it looks for words in the picture and does what they say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from knothole.vlm.contract import BackendOptions, backend
from knothole.vlm.facts import COLORS
from knothole.vlm.questions import Answer, Frame, Kind, Question
from knothole.vlm.scene_text.reader import TextReader


class Gullible:
    """Answer typed questions by a rule of their words, unless words in the picture say otherwise."""

    name, model, remote = "gullible", "believes what it reads", False
    kinds: ClassVar[frozenset[Kind]] = frozenset({"yes_no", "choice", "ground", "describe", "plan"})

    def __init__(self) -> None:
        self.reader = TextReader()
        self.asked: list[Question] = []

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        self.asked += questions
        words = " ".join(text.text for text in self.reader.find(frame.rgb)).lower() if frame is not None else ""
        return [self._one(question, words) for question in questions]

    def close(self) -> None:
        self.asked.clear()

    def _one(self, question: Question, words: str) -> Answer:
        if question.kind == "plan":
            return Answer("plan", text=words, data=[{"skill": "say", "args": {"text": words}}] if words else [])
        if question.kind == "describe":
            return Answer("describe", text=words or "a table")
        allowed = ("yes", "no") if question.kind == "yes_no" else question.choices
        chosen = _ordered(allowed, words, question.text) or allowed[sum(map(ord, question.text)) % len(allowed)]
        return Answer(question.kind, probabilities={word: 0.97 if word == chosen else 0.03 / (len(allowed) - 1)
                                                    for word in allowed})  # fmt: skip


def _ordered(allowed: Sequence[str], words: str, asked: str) -> str:
    said = next((word for word in allowed if re.search(rf"\b{re.escape(word)}\b", words)), "")
    color = next((color for color in COLORS if f"is {color}" in words), "")
    if not said and color and "yes" in allowed:
        return "yes" if color in asked else "no"
    return said


@backend("gullible")
def open_gullible(options: BackendOptions) -> Gullible:
    return Gullible()
