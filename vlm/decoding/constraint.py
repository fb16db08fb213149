"""Hold a text to a grammar, token by token. Imports torch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import Any

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer

from .grammar import SchemaError, json_grammar

_KEPT = 32
"""Grammars of a vocabulary that are kept."""


class Vocabulary:
    """The tokens of a model, as texts: made once for a model, since it takes a second for a large one.

    Args:
        tokenizer: A fast tokenizer of transformers.
        ends: Tokens that end a text.

    Raises:
        SchemaError: The tokenizer is of a kind whose tokens cannot be read.
    """

    def __init__(self, tokenizer: Any, ends: Collection[int]) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None or not hasattr(backend, "to_str"):
            raise SchemaError(f"the tokens of a {type(tokenizer).__name__} cannot be read")
        try:
            self.tokens = LLTokenizer(backend.to_str(), eos_token=sorted(ends))
        except Exception as error:  # whatever the library finds wrong with its file
            raise SchemaError(f"the tokens of a {type(tokenizer).__name__} cannot be read: {error}") from error
        self._matchers: OrderedDict[str, LLMatcher] = OrderedDict()

    def matcher(self, grammar: str) -> LLMatcher:
        """Return a matcher at the beginning of a text: a copy, since a grammar takes longer to prepare than a plan.

        Raises:
            SchemaError: The grammar is none, or too large.
        """
        if grammar not in self._matchers:
            made = LLMatcher(self.tokens, grammar, log_level=0)
            if made.is_error():
                raise SchemaError(_why(made))
            self._matchers[grammar] = made
            if len(self._matchers) > _KEPT:
                self._matchers.popitem(last=False)
        self._matchers.move_to_end(grammar)
        return self._matchers[grammar].deep_copy()


class Constraint:
    """One text in the making, and which tokens may come next. A logits processor of transformers as well.

    Args:
        vocabulary: Of the model that writes.
        grammar: What the text obeys; see ``grammar``.

    Attributes:
        problem: Why no token may come next though the text is not at its end; empty while one may.

    Raises:
        SchemaError: The grammar is none, or too large.
    """

    def __init__(self, vocabulary: Vocabulary, grammar: str) -> None:
        self._matcher = vocabulary.matcher(grammar)
        self._size = vocabulary.tokens.vocab_size
        self._seen = 0
        self.problem = ""

    def allow(self, logits: torch.Tensor) -> torch.Tensor:
        """Return logits, shape (vocabulary,), with minus infinity for each token that may not come next.

        Where none may, ``problem`` says why, and the logits are returned as they are.
        """
        raw = self._matcher.compute_bitmask()
        if self._matcher.is_error():
            self.problem = self.problem or _why(self._matcher)
            return logits
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")[: self._size]
        allowed = np.zeros(logits.shape[-1], np.bool_)
        count = min(self._size, allowed.size)
        allowed[:count] = bits[:count]
        if not allowed.any():
            self.problem = self.problem or "the model has no token with which the answer could go on"
            return logits
        return logits.masked_fill(~torch.from_numpy(allowed).to(logits.device), float("-inf"))

    def take(self, token: int) -> None:
        """Go on by one token."""
        if not self._matcher.consume_token(token):
            self.problem = self.problem or _why(self._matcher)

    def after(self, opening: int) -> Constraint:
        """Return itself as a logits processor for a text behind so many tokens of a prompt."""
        self._seen = opening
        return self

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Mask the scores of the next token as a logits processor does: of one text, shapes (1, length), (1, V)."""
        if input_ids.shape[-1] < self._seen:
            return scores
        for token in input_ids[0, self._seen :].tolist():
            self.take(token)
        self._seen = input_ids.shape[-1]
        return self.allow(scores[0])[None] if not self.problem else scores


def _why(matcher: LLMatcher) -> str:
    first = str(matcher.get_error()).strip().partition("\n")[0][:200]
    return f"the answer cannot be held to its JSON Schema: {first or 'nothing may come next'}"


def likeliest(logits: torch.Tensor, rule: Constraint | None) -> tuple[int, float]:
    """Return the likeliest token, and its probability among all of them; with a rule, of those that may come next.

    The rule goes on by that token.
    """
    chances = logits.float().softmax(-1)
    if rule is None:
        best, token = chances.max(-1)
        return int(token), float(best)
    chosen = int(rule.allow(logits).argmax())
    if not rule.problem:
        rule.take(chosen)
    return chosen, float(chances[chosen])


def json_processor(schema: str, tokenizer: Any, ends: Collection[int], opening: int = 0) -> Constraint:
    """Return a logits processor that lets a model write nothing but JSON that obeys a schema.

    Args:
        schema: JSON Schema as text; empty for any JSON.
        tokenizer: A fast tokenizer of transformers.
        ends: Tokens that end a text.
        opening: Tokens of the prompt.

    Raises:
        SchemaError: The schema cannot be enforced, or the tokens cannot be read.
    """
    return Constraint(Vocabulary(tokenizer, ends), json_grammar(schema)).after(opening)
