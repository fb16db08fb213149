"""One image or several, many questions: the images are read once, and every question continues from there.

Imports torch, so it has the underscore that keeps the registry from importing it while looking for backends.
"""

from __future__ import annotations

import copy
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from .checkpoint import Checkpoint
from .decoding.constraint import Constraint, likeliest
from .local.wording import Turn, alternating

_MARK = "@question{}@"
_KEPT = 2


@dataclass(frozen=True)
class Prefix:
    """A prompt up to the question, read by the model.

    Attributes:
        cache: Keys and values of all layers; never changed once made.
        length: Number of tokens in it.
        offset: What is added to an index of the sequence to get a rotary position: an image takes fewer positions than
            it has tokens (``rope_deltas`` of the model).
        image_size: Width and height of the last image, resized, [px]; (0, 0) without one.
    """

    cache: Any
    length: int
    offset: int
    image_size: tuple[int, int]


@dataclass(frozen=True)
class Written:
    """Text that the model wrote.

    Attributes:
        ids: Its tokens without the final one.
        chances: Their probabilities among all tokens, also where only some were allowed.
        complete: It came to an end.
        problem: Why it could not go on as it had to; empty otherwise.
    """

    ids: tuple[int, ...]
    chances: tuple[float, ...]
    complete: bool
    problem: str = ""


Hearing = Callable[[Sequence[int]], bool]
"""Gets the tokens of a text so far, after each one; False when nobody listens, and the text ends there."""


class VisionModel:
    """Continue prompts from images that were read once.

    Args:
        checkpoint: The loaded model.
        batch: Most questions in one pass; more are split.
    """

    def __init__(self, checkpoint: Checkpoint, batch: int = 16) -> None:
        self.checkpoint, self.batch = checkpoint, batch
        self.model, self.processor = checkpoint.model, checkpoint.processor
        self.tokenizer = checkpoint.processor.tokenizer
        self.device = next(self.model.parameters()).device
        self.reads = 0
        self._prefixes: OrderedDict[str, Prefix] = OrderedDict()
        self._around: dict[tuple[int, int], list[str]] = {}
        control = sorted((t for t in self.tokenizer.get_added_vocab() if t.startswith("<")), key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, control)) or r"(?!)")
        ends = self.model.generation_config.eos_token_id
        known = {self.tokenizer.eos_token_id, self.tokenizer.convert_tokens_to_ids("<|im_end|>")}
        self.ends = frozenset(known | set(ends if isinstance(ends, list) else [ends])) - {None}

    def frame(self, images: int) -> tuple[str, str]:
        """Return the text of the chat template before and after a question about so many images."""
        head, tail = self._template(images, 1)
        return head, tail

    def question_ids(self, text: str, with_image: bool = True, history: Sequence[Turn] = ()) -> list[int]:
        """Return the tokens of a question and what follows it. Control tokens in the text are words, not commands.

        What was said before goes first: the images stand before all of it, so that they are still read once.

        Raises:
            ValueError: The chat template begins a conversation otherwise than a single question.
        """
        said = [self._safe(words) for words in alternating([*history, ("user", text)])]
        head, *after = self._template(int(with_image), len(said))
        if head != self.frame(int(with_image))[0]:
            raise ValueError("the chat template begins otherwise when something was said before")
        return self.text_ids("".join(words + rest for words, rest in zip(said, after, strict=True)))

    def _safe(self, text: str) -> str:
        return self._control.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)

    def _template(self, images: int, turns: int) -> list[str]:
        """Return the texts of the chat template before, between and after what was said in turns, the user's first."""
        key = (images, turns)
        if key not in self._around:
            marks = [_MARK.format(i) for i in range(turns)]
            contents = [[{"type": "text", "text": mark}] for mark in marks]
            contents[0] = [{"type": "image"}] * images + contents[0]
            messages = [{"role": "assistant" if i % 2 else "user", "content": each} for i, each in enumerate(contents)]
            text = self.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            parts = re.split("|".join(map(re.escape, marks)), text)
            if len(parts) != turns + 1:
                raise ValueError("the chat template leaves out what was said")
            self._around[key] = parts
        return self._around[key]

    def text_ids(self, text: str) -> list[int]:
        """Return the tokens of a text as it is."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def read(self, images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]], key: str) -> Prefix:
        """Read images, each (H, W, 3), oldest first, or a single one, or none; the last few are kept by ``key``."""
        if key in self._prefixes:
            self._prefixes.move_to_end(key)
            return self._prefixes[key]
        self._prefixes[key] = prefix = self.prefill(self.prepare(images))
        if len(self._prefixes) > _KEPT:
            self._prefixes.popitem(last=False)
        return prefix

    def prepare(self, images: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]) -> Any:
        """Return the tensors of a prompt up to the question, as the processor makes them."""
        shown = [images] if isinstance(images, np.ndarray) else list(images)
        head, _ = self.frame(len(shown))
        given = {"images": [Image.fromarray(rgb) for rgb in shown]} if shown else {}
        inputs = self.processor(text=[head], **given, return_tensors="pt")
        if not shown:
            inputs.pop("mm_token_type_ids", None)
        return inputs

    @torch.inference_mode()
    def prefill(self, inputs: Any) -> Prefix:
        """Read what ``prepare`` returned."""
        size = (0, 0)
        if "image_grid_thw" in inputs:
            _, rows, columns = inputs["image_grid_thw"][-1].tolist()
            patch = self.processor.image_processor.patch_size
            size = (columns * patch, rows * patch)
        self.model.model.rope_deltas = None
        cache = self.model(**inputs.to(self.device), use_cache=True, logits_to_keep=1).past_key_values
        deltas = self.model.model.rope_deltas
        offset = 0 if deltas is None else int(deltas.reshape(-1)[0])
        self.reads += 1
        return Prefix(cache, int(inputs["input_ids"].shape[1]), offset, size)

    @torch.inference_mode()
    def next_chances(self, prefix: Prefix, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Return the distribution of the token after each row, shape (rows, vocabulary), summing to 1."""
        parts = []
        for batch in _batches(rows, self.batch):
            lasts = sorted({len(row) - 1 for row in batch})
            logits = Continuation(self, prefix, batch).logits(torch.tensor(lasts).to(self.device))
            picked = [logits[i, lasts.index(len(row) - 1)] for i, row in enumerate(batch)]
            parts.append(torch.stack(picked).float().softmax(-1))
        return torch.cat(parts).cpu()

    @torch.inference_mode()
    def text_chances(self, prefix: Prefix, rows: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[float]:
        """Return the probability of each whole answer (second of a pair) after its question (first)."""
        chances = []
        for batch in _batches(rows, self.batch):
            full = [[*question, *answer[:-1]] for question, answer in batch]
            start = min(len(question) for question, _ in batch) - 1
            span = torch.arange(start, max(map(len, full))).to(self.device)
            logs = Continuation(self, prefix, full).logits(span).float().log_softmax(-1)
            for i, (question, answer) in enumerate(batch):
                at = torch.arange(len(answer), device=self.device) + len(question) - 1 - start
                chances.append(float(logs[i, at, torch.tensor(list(answer), device=self.device)].sum().exp()))
        return chances

    @torch.inference_mode()
    def write(
        self,
        prefix: Prefix,
        rows: Sequence[Sequence[int]],
        limits: Sequence[int],
        rules: Sequence[Constraint | None] = (),
        hearing: Hearing | None = None,
    ) -> list[Written]:
        """Continue each row with the likeliest token until its end or its limit of tokens.

        Args:
            prefix: What was read before.
            rows: Tokens of each row.
            limits: Most tokens to write for each.
            rules: What holds each of them; none for no rules.
            hearing: Hears of the first row.
        """
        written: list[Written] = []
        asked = list(zip(rows, limits, rules or [None] * len(rows), strict=True))
        for batch in _batches(asked, self.batch):
            some, most, held = ([one[part] for one in batch] for part in range(3))
            written += self._write(prefix, some, most, held, None if written else hearing)
        return written

    def continued(self, prefix: Prefix, rows: Sequence[Sequence[int]]) -> Continuation:
        """Return rows of tokens, at least one, that go on from what was read."""
        return Continuation(self, prefix, rows)

    @torch.inference_mode()
    def logits_along(self, prefix: Prefix, row: Sequence[int], text: Sequence[int]) -> torch.Tensor:
        """Return the logits of each token of a text behind a row, and of what follows, shape (tokens + 1, V)."""
        start, full = len(row) - 1, [*row, *text]
        return Continuation(self, prefix, [full]).logits(torch.arange(start, len(full)).to(self.device))[0]

    def decode(self, ids: Sequence[int]) -> str:
        """Return tokens as text, special ones included."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _write(
        self,
        prefix: Prefix,
        rows: list[Sequence[int]],
        limits: list[int],
        rules: list[Constraint | None],
        hearing: Hearing | None,
    ) -> list[Written]:
        run = Continuation(self, prefix, rows)
        lasts = torch.tensor([len(row) - 1 for row in rows], device=self.device)
        unique = torch.unique(lasts)
        logits = run.logits(unique)[torch.arange(len(rows), device=self.device), torch.searchsorted(unique, lasts)]
        ids: list[list[int]] = [[] for _ in rows]
        chances: list[list[float]] = [[] for _ in rows]
        open_rows, complete, problems = set(range(len(rows))), [False] * len(rows), [""] * len(rows)
        while True:
            best, tokens = logits.float().softmax(-1).max(-1)
            for i in sorted(open_rows):
                if rule := rules[i]:
                    tokens[i], best[i] = likeliest(logits[i], rule)
                    problems[i] = rule.problem
                token = int(tokens[i])
                complete[i] = token in self.ends and not problems[i]
                if not (complete[i] or problems[i]):
                    ids[i].append(token)
                    chances[i].append(float(best[i]))
                if complete[i] or problems[i] or len(ids[i]) >= limits[i]:
                    open_rows.discard(i)
            if hearing is not None and 0 in open_rows and not hearing(ids[0]):
                open_rows.discard(0)
            if not open_rows:
                done = zip(ids, chances, complete, problems, strict=True)
                return [Written(tuple(a), tuple(b), c, d) for a, b, c, d in done]
            logits = run.step(tokens)


class Continuation:
    """Several rows of tokens that go on from one prefix, right-padded to one batch.

    Args:
        owner: The model.
        prefix: What was read before; stays as it is.
        rows: Tokens of each row, at least one.
    """

    def __init__(self, owner: VisionModel, prefix: Prefix, rows: Sequence[Sequence[int]]) -> None:
        self.model, device = owner.model, owner.device
        width = max(map(len, rows))
        lengths, steps = torch.tensor([len(row) for row in rows]), torch.arange(width)
        self.ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows]).to(device)
        before = torch.ones((len(rows), prefix.length), dtype=torch.long)
        self.mask = torch.cat([before, (steps < lengths[:, None]).long()], dim=1).to(device)
        start = prefix.length + prefix.offset
        # Left to itself the model counts positions from the attention mask or not at all, silently wrong with a cache.
        self.positions = (start + steps).expand(3, len(rows), width).to(device)
        self.next = (start + lengths).to(device)
        self.cache = _shared(prefix.cache, len(rows))

    def logits(self, keep: torch.Tensor) -> torch.Tensor:
        """Read the rows; return logits at the kept indices, shape (rows, kept, vocabulary)."""
        return self._forward(self.ids, self.positions, keep)

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """Add one token to each row; return logits, shape (rows, vocabulary)."""
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], dim=1)
        positions = self.next[None, :, None].expand(3, -1, 1)
        self.next = self.next + 1
        return self._forward(tokens[:, None], positions, 1)[:, -1]

    def take(self, rows: Sequence[int]) -> None:
        """Go on with these of the rows, in this order; one may be taken several times."""
        index = torch.tensor(list(rows), device=self.mask.device)
        self.mask, self.next = self.mask[index], self.next[index]
        for layer in self.cache.layers:
            layer.keys, layer.values = layer.keys[index], layer.values[index]

    def _forward(self, ids: torch.Tensor, positions: torch.Tensor, keep: torch.Tensor | int) -> torch.Tensor:
        out = self.model(
            input_ids=ids,
            attention_mask=self.mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=keep,
        )
        logits: torch.Tensor = out.logits
        return logits


def _shared(cache: Any, rows: int) -> Any:
    """Return a cache of several rows on the memory of a cache of one; each layer gets its own when it grows."""
    shared = copy.copy(cache)
    shared.layers = [copy.copy(layer) for layer in cache.layers]
    for layer in shared.layers:
        layer.keys, layer.values = (part.expand(rows, -1, -1, -1) for part in (layer.keys, layer.values))
    return shared


def _batches(rows: Sequence[Any], size: int) -> list[list[Any]]:
    return [list(rows[i : i + size]) for i in range(0, len(rows), size)]
