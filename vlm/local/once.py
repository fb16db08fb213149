"""Read pictures once for all questions about them. Imports torch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .._vision_model import Hearing, Written
from ..checkpoint import Checkpoint
from ..decoding.constraint import Constraint, likeliest
from .engine import Engine, Row, Sight, Tokens, batches, shared
from .wording import Wording

_KEPT = 2


@dataclass(frozen=True)
class Read:
    """A prompt up to its last image, read by the model.

    Attributes:
        cache: Keys and values of all layers, never changed once made; None where nothing was read.
        length: Number of tokens in it.
        offset: What is added to an index of the sequence to get a rotary position, where an image takes fewer positions
            than it has tokens.
        size: Width and height of the last picture in it as it was read, [px].
    """

    cache: Any
    length: int
    offset: int
    size: tuple[int, int] = (0, 0)


class SharedEngine(Engine):
    """Read pictures once; every question goes on from the keys and values of what was read."""

    shares = True

    def __init__(self, checkpoint: Checkpoint, wording: Wording, batch: int) -> None:
        super().__init__(checkpoint, wording, batch)
        self._read: OrderedDict[tuple[str, str], Read] = OrderedDict()

    @torch.inference_mode()
    def next_chances(self, sight: Sight, rows: Sequence[Row]) -> torch.Tensor:
        """See ``Engine``."""
        parts = []
        for some in batches(rows, self.batch):
            ids = [self._ids(row) for row in some]
            lasts = sorted({len(one) - 1 for one in ids})
            logits = self._continued(sight, some[0].head, ids)[0](lasts)
            parts.append(torch.stack([logits[i, lasts.index(len(one) - 1)] for i, one in enumerate(ids)]))
        return torch.cat(parts).float().softmax(-1).cpu()

    @torch.inference_mode()
    def text_chances(self, sight: Sight, rows: Sequence[Row], answers: Sequence[Sequence[Tokens]]) -> list[list[float]]:
        """See ``Engine``."""
        pairs = [(row, answer) for row, texts in zip(rows, answers, strict=True) for answer in texts]
        chances: list[float] = []
        for some in batches(pairs, self.batch):
            questions = [self._ids(row) for row, _ in some]
            full = [[*question, *answer] for question, (_, answer) in zip(questions, some, strict=True)]
            start = min(map(len, questions)) - 1
            logits = self._continued(sight, some[0][0].head, full)[0](list(range(start, max(map(len, full)))))
            logs = logits.float().log_softmax(-1)
            for i, (question, (_, answer)) in enumerate(zip(questions, some, strict=True)):
                own = logs[i, len(question) - 1 - start :]
                chances += self._products(own[None, 1:], own[0], [answer])
        found = iter(chances)
        return [[next(found) for _ in texts] for texts in answers]

    @torch.inference_mode()
    def _written(self, sight: Sight, row: Row, limit: int, rule: Constraint | None, hearing: Hearing | None) -> Written:
        question = self._ids(row)
        logits, step = self._continued(sight, row.head, [question])
        last = logits([len(question) - 1])[0, -1]
        ids: list[int] = []
        chances: list[float] = []
        while True:
            token, chance = likeliest(last, rule)
            if rule is not None and rule.problem:
                return Written(tuple(ids), tuple(chances), False, rule.problem)
            if token in self.ends:
                return Written(tuple(ids), tuple(chances), True)
            ids.append(token)
            chances.append(chance)
            if len(ids) >= limit or (hearing is not None and not hearing(ids)):
                return Written(tuple(ids), tuple(chances), False)
            last = step(token)

    def seen_size(self, sight: Sight) -> tuple[int, int]:
        """See ``Engine``."""
        known = (read.size for (key, _), read in self._read.items() if key == sight.key)
        return next(known, super().seen_size(sight))

    def _ids(self, row: Row) -> list[int]:
        """Return the tokens of a prompt behind its last image: those of the whole text, without those of its head."""
        if not row.head:
            made: list[int] = self.inputs(Sight(), row.rest)["input_ids"][0].tolist()
            return made
        begin = self.tokenizer.bos_token
        special = not (begin and row.head.startswith(begin))
        head, whole = (
            list(self.tokenizer(text, add_special_tokens=special)["input_ids"])
            for text in (row.head, row.head + row.rest)
        )
        return whole[len(head) :] if whole[: len(head)] == head else self.text_ids(row.rest)

    def _prefix(self, sight: Sight, head: str) -> Read:
        """Return what was read of a prompt up to its last image; of the last few pictures it is kept."""
        if not head:
            return Read(None, 0, 0)
        key = (sight.key, head)
        if key not in self._read:
            inputs = self.inputs(sight, head)
            self.forget_positions()
            out = self.model(**inputs, use_cache=True, logits_to_keep=1)
            self.reads += 1
            self._read[key] = Read(
                out.past_key_values, int(inputs["input_ids"].shape[1]), self.offset(), super().seen_size(sight)
            )
            if len(self._read) > _KEPT:
                self._read.popitem(last=False)
        self._read.move_to_end(key)
        return self._read[key]

    def _continued(self, sight: Sight, head: str, rows: Sequence[Tokens]) -> tuple[Any, Any]:
        """Return two functions: logits of the rows at some indices, and logits after one more token of a single row."""
        prefix = self._prefix(sight, head)
        ids, mask = self._padded(rows)
        cache = None if prefix.cache is None else shared(prefix.cache, len(rows))
        before = torch.ones((len(rows), prefix.length), dtype=mask.dtype, device=self.device)
        state: dict[str, Any] = {"mask": torch.cat([before, mask], dim=1), "cache": cache}

        def forward(tokens: torch.Tensor, start: int, keep: Any) -> torch.Tensor:
            positions = self.positions(start + prefix.offset, tokens.shape[1], len(rows))
            out = self.model(
                input_ids=tokens,
                attention_mask=state["mask"],
                position_ids=positions,
                past_key_values=state["cache"],
                use_cache=True,
                logits_to_keep=keep,
            )
            state["cache"] = out.past_key_values
            logits: torch.Tensor = out.logits
            return logits

        def at(keep: Sequence[int]) -> torch.Tensor:
            return forward(ids, prefix.length, torch.tensor(list(keep), device=self.device))

        def step(token: int) -> torch.Tensor:
            start = int(state["mask"].shape[1])
            state["mask"] = torch.cat([state["mask"], torch.ones_like(state["mask"][:, :1])], dim=1)
            return forward(torch.tensor([[token]], device=self.device), start, 1)[0, -1]

        return at, step
