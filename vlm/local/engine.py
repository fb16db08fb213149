"""What every way to ask a loaded model offers: chances of the next token and of whole answers, and written text.

Imports torch.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from .._vision_model import Hearing, Written
from ..checkpoint import Checkpoint
from ..decoding.constraint import Constraint
from ..questions import Frame
from .wording import Wording

_ENDS = ("<|im_end|>", "<end_of_utterance>", "<end_of_turn>", "<|eot_id|>", "<|end|>")
Tokens = Sequence[int]


@dataclass(frozen=True)
class Row:
    """A prompt: its text up to the last image, and the rest."""

    head: str
    rest: str


@dataclass(frozen=True)
class Sight:
    """Pictures as the model is shown them.

    Attributes:
        pictures: Oldest first; none for words alone.
        key: Tells these pictures from others.
    """

    pictures: tuple[Image.Image, ...] = ()
    key: str = ""


class Engine(ABC):
    """Continue prompts about pictures.

    Args:
        checkpoint: The loaded model.
        wording: Makes prompts.
        batch: Most questions in one pass; more are split.
    """

    shares = False

    def __init__(self, checkpoint: Checkpoint, wording: Wording, batch: int) -> None:
        self.checkpoint, self.wording, self.batch = checkpoint, wording, batch
        self.model, self.processor = checkpoint.model, checkpoint.processor
        self.tokenizer = checkpoint.processor.tokenizer
        self.device = next(self.model.parameters()).device
        self.reads = 0
        self._sizes: dict[str, tuple[int, int]] = {}
        self.three_axes = hasattr(getattr(self.model, "model", None), "rope_deltas")
        self._takes = set(inspect.signature(self.model.forward).parameters) - {"labels"}
        ends = self.model.generation_config.eos_token_id
        known = set(ends if isinstance(ends, list) else [ends]) | {self.tokenizer.eos_token_id}
        vocabulary = self.tokenizer.get_added_vocab()
        known |= {vocabulary[token] for token in _ENDS if token in vocabulary}
        self.ends: frozenset[int] = frozenset(known - {None})

    def see(self, frame: Frame | None) -> Sight:
        """Return the pictures of a frame, its earlier ones before it, as the model is shown them."""
        if frame is None:
            return Sight()
        shown = (*frame.earlier, frame)
        return Sight(tuple(Image.fromarray(np.ascontiguousarray(one.rgb)) for one in shown), frame.digest())

    def row(self, sight: Sight, prompt: str, history: Sequence[tuple[str, str]] = ()) -> Row:
        """Return the prompt of safe words about pictures."""
        return Row(*self.wording.split(prompt, len(sight.pictures), history))

    def text_ids(self, text: str) -> list[int]:
        """Return the tokens of a text as it is."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def decode(self, ids: Tokens, special: bool = True) -> str:
        """Return tokens as text, special ones included or left out."""
        return str(
            self.tokenizer.decode(list(ids), skip_special_tokens=not special, clean_up_tokenization_spaces=False)
        )

    def length(self, row: Row) -> int:
        """Return how many tokens a prompt has, without those of images."""
        return len(self.text_ids(row.head + row.rest))

    @abstractmethod
    def next_chances(self, sight: Sight, rows: Sequence[Row]) -> torch.Tensor:
        """Return the distribution of the token after each row, shape (rows, vocabulary), summing to 1."""

    @abstractmethod
    def text_chances(self, sight: Sight, rows: Sequence[Row], answers: Sequence[Sequence[Tokens]]) -> list[list[float]]:
        """Return for each row the probability of each of its answers, each followed by an end, as whole texts."""

    def write(
        self,
        sight: Sight,
        rows: Sequence[Row],
        limits: Sequence[int],
        rules: Sequence[Constraint | None] = (),
        hearing: Hearing | None = None,
    ) -> list[Written]:
        """Continue each row with the likeliest token until its end or its limit of tokens.

        Args:
            sight: What the rows are about.
            rows: Prompts.
            limits: Most tokens to write for each.
            rules: What holds each of them; none for no rules.
            hearing: Hears of the first row.
        """
        asked = zip(rows, limits, rules or [None] * len(rows), strict=True)
        return [self._written(sight, *one, hearing if i == 0 else None) for i, one in enumerate(asked)]

    @abstractmethod
    def _written(self, sight: Sight, row: Row, limit: int, rule: Constraint | None, hearing: Hearing | None) -> Written:
        """Continue one row; see ``write``."""

    def inputs(self, sight: Sight, text: str) -> dict[str, Any]:
        """Return what the processor makes of one prompt, on the model's device."""
        begin = self.tokenizer.bos_token
        more = {"add_special_tokens": False} if begin and text.startswith(begin) else {}
        images = {"images": [list(sight.pictures)]} if sight.pictures else {}
        with warnings.catch_warnings():  # the processor of PaliGemma hands tensors to numpy in an outdated way
            warnings.simplefilter("ignore", DeprecationWarning)
            made = self.processor(text=[text], return_tensors="pt", **images, **more)
        if not sight.pictures:
            made.pop("mm_token_type_ids", None)
        elif "image_grid_thw" in made:
            _, rows, columns = made["image_grid_thw"][-1].tolist()
            patch = self.processor.image_processor.patch_size
            self._sizes = {sight.key: (columns * patch, rows * patch)}
        return {key: value.to(self.device) for key, value in made.items() if key in self._takes}

    def seen_size(self, sight: Sight) -> tuple[int, int]:
        """Return width and height of the last picture as it was read, [px]: resized, where its family tells that."""
        return self._sizes.get(sight.key, sight.pictures[-1].size if sight.pictures else (0, 0))

    def forget_positions(self) -> None:
        """Forget what an earlier picture did to positions: the Qwen-VL family keeps it in the model."""
        if self.three_axes:
            self.model.model.rope_deltas = None

    def offset(self) -> int:
        """Return what is added to an index to get a rotary position after the prompt that was read last."""
        deltas = self.model.model.rope_deltas if self.three_axes else None
        return 0 if deltas is None else int(deltas.reshape(-1)[0])

    def positions(self, start: int, count: int, rows: int) -> torch.Tensor:
        """Return the positions of rows that go on from a prompt: left to itself the Qwen-VL family miscounts them."""
        steps = torch.arange(start, start + count, device=self.device)
        return steps.expand(3, rows, count) if self.three_axes else steps.expand(rows, count)

    def _products(self, logs: torch.Tensor, first: torch.Tensor, answers: Sequence[Tokens]) -> list[float]:
        """Return the probability of answers with their end.

        Args:
            logs: Log-probabilities after each token of each answer, shape (answers, longest, vocabulary).
            first: Those of the first token, shape (vocabulary,).
            answers: Their tokens.
        """
        ends = torch.tensor(sorted(self.ends), device=logs.device)
        chances = []
        for i, answer in enumerate(answers):
            total = first[answer[0]] + sum(logs[i, at, token] for at, token in enumerate(answer[1:]))
            chances.append(float((total + torch.logsumexp(logs[i, len(answer) - 1, ends], -1)).exp()))
        return chances

    def _padded(self, rows: Sequence[Tokens]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return tokens padded at their right, shape (rows, longest), and 1 where they are no padding."""
        width, pad = max(map(len, rows)), self.tokenizer.pad_token_id or 0
        ids = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=self.device)
        return ids, mask


def shared(cache: Any, rows: int) -> Any:
    """Return a cache of several rows on the memory of a cache of one; each layer gets its own when it grows."""
    made = copy.copy(cache)
    made.layers = [copy.copy(layer) for layer in cache.layers]
    for layer in made.layers:
        layer.keys, layer.values = (part.expand(rows, -1, -1, -1) for part in (layer.keys, layer.values))
    return made


def batches(rows: Sequence[Any], size: int) -> list[list[Any]]:
    """Return the rows in parts of at most ``size``."""
    return [list(rows[i : i + size]) for i in range(0, len(rows), size)]


def spellings(engine: Engine, words: Sequence[str]) -> list[int]:
    """Return the single tokens that are one of the words, with or without a blank before it, in any capitals."""
    forms = {space + form for word in words for space in ("", " ") for form in (word, word.capitalize(), word.upper())}
    return sorted({ids[0] for ids in map(engine.text_ids, sorted(forms)) if len(ids) == 1})


def answer_ids(engine: Engine, words: str) -> list[list[int]]:
    """Return the ways in which an answer may be written: with or without a blank before it, as it is or capitalised."""
    forms = {space + form for space in ("", " ") for form in (words, words[:1].upper() + words[1:])}
    tokens: Mapping[tuple[int, ...], None] = {tuple(ids): None for ids in map(engine.text_ids, sorted(forms)) if ids}
    return [list(ids) for ids in tokens]
