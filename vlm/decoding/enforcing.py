"""Which questions are answered in JSON, and what holds a local model to it."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..questions import Question
from .grammar import SchemaError, boxes_grammar, json_grammar

if TYPE_CHECKING:
    from .constraint import Constraint, Vocabulary

_grammar = lru_cache(maxsize=64)(json_grammar)


class Enforcer:
    """Make constraints for the questions to one model: plans obey their schema, boxes their form.

    A model whose tokens cannot be read writes without; its answers are checked when they are there.

    Args:
        tokenizer: Of the model.
        ends: Tokens that end a text.
        form: Form of the boxes; empty for one that is not enforced.
        enabled: False makes none.
    """

    def __init__(self, tokenizer: Any, ends: Collection[int], form: str = "", enabled: bool = True) -> None:
        self._tokenizer, self._ends, self._enabled = tokenizer, ends, enabled
        self._boxes = boxes_grammar(form)
        self._vocabulary: Vocabulary | None = None

    def fault(self, question: Question) -> str:
        """Return why no answer can be held to the schema of a question; empty where it can."""
        try:
            self.constraint(question)
        except SchemaError as error:
            return str(error)
        return ""

    def constraint(self, question: Question) -> Constraint | None:
        """Return what holds the answer to a question; None where nothing does.

        Raises:
            SchemaError: No answer can be held to its schema.
        """
        if question.kind not in ("plan", "ground") or not self._readable():
            return None
        from .constraint import Constraint

        assert self._vocabulary is not None
        grammar = _grammar(question.schema) if question.kind == "plan" else self._boxes
        return None if grammar is None else Constraint(self._vocabulary, grammar)

    def _readable(self) -> bool:
        if self._enabled and self._vocabulary is None:
            from .constraint import Vocabulary

            try:
                self._vocabulary = Vocabulary(self._tokenizer, self._ends)
            except SchemaError:
                self._enabled = False
        return self._enabled
