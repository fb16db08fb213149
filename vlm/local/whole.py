"""Ask about pictures and question together, each question for itself: what any model can do. Imports torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from transformers.modeling_outputs import BaseModelOutput

from .._vision_model import Hearing, Written
from ..checkpoint import Checkpoint
from ..decoding.constraint import Constraint
from .engine import Engine, Row, Sight, Tokens, shared
from .wording import Wording


class WholeEngine(Engine):
    """Read pictures and question together, each question for itself: for models whose image tokens see the question."""

    def next_chances(self, sight: Sight, rows: Sequence[Row]) -> torch.Tensor:
        """See ``Engine``."""
        return torch.stack([self._prefill(sight, row)[0].exp().cpu() for row in rows])

    @torch.inference_mode()
    def text_chances(self, sight: Sight, rows: Sequence[Row], answers: Sequence[Sequence[Tokens]]) -> list[list[float]]:
        """See ``Engine``."""
        found = []
        for row, texts in zip(rows, answers, strict=True):
            first, cache, length = self._prefill(sight, row)
            ids, mask = self._padded(texts)
            before = torch.ones((len(texts), length), dtype=mask.dtype, device=self.device)
            own = {"position_ids": self.positions(length + self.offset(), ids.shape[1], len(texts))}
            out = self.model(
                input_ids=ids,
                attention_mask=torch.cat([before, mask], dim=1),
                past_key_values=shared(cache, len(texts)),
                use_cache=True,
                **(own if self.three_axes else {}),
            )
            found.append(self._products(out.logits.float().log_softmax(-1), first, texts))
        return found

    @torch.inference_mode()
    def _written(self, sight: Sight, row: Row, limit: int, rule: Constraint | None, hearing: Hearing | None) -> Written:
        inputs = self.inputs(sight, row.head + row.rest)
        before = self._before(inputs)
        self.reads += 1
        self.forget_positions()
        out = self.model.generate(
            **inputs,
            max_new_tokens=limit,
            do_sample=False,
            num_beams=1,
            eos_token_id=sorted(self.ends),
            pad_token_id=self.tokenizer.pad_token_id or 0,
            logits_processor=[rule.after(before)] if rule is not None else [],
            stopping_criteria=[_stop(before, rule, hearing)],
            output_logits=True,
            return_dict_in_generate=True,
        )
        new = out.sequences[0, -len(out.logits) :].tolist()
        chances = [float(logits[0].float().softmax(-1)[token]) for logits, token in zip(out.logits, new, strict=True)]
        last = next((i for i, token in enumerate(new) if token in self.ends and i >= self._opening(new)), len(new))
        problem = "" if rule is None else rule.problem
        return Written(tuple(new[:last]), tuple(chances[:last]), last < len(new) and not problem, problem)

    def _before(self, inputs: Mapping[str, Any]) -> int:
        """Return how many tokens stand before what is written."""
        return int(inputs["input_ids"].shape[1])

    def _opening(self, new: Tokens) -> int:
        """Return how many of the written tokens only begin the text."""
        return 0

    @torch.inference_mode()
    def _prefill(self, sight: Sight, row: Row) -> tuple[torch.Tensor, Any, int]:
        """Return log-probabilities of the next token, shape (vocabulary,), the cache, and its length."""
        inputs = self.inputs(sight, row.head + row.rest)
        self.forget_positions()
        out = self.model(**inputs, use_cache=True, logits_to_keep=1)
        self.reads += 1
        return out.logits[0, -1].float().log_softmax(-1), out.past_key_values, int(inputs["input_ids"].shape[1])


class EncoderDecoderEngine(WholeEngine):
    """A model with an encoder that reads pictures and question together, and a decoder that answers (Florence-2)."""

    def __init__(self, checkpoint: Checkpoint, wording: Wording, batch: int) -> None:
        super().__init__(checkpoint, wording, batch)
        generation = self.model.generation_config
        texts = self.model.config.get_text_config()
        begin = [getattr(generation, "decoder_start_token_id", None), getattr(texts, "decoder_start_token_id", None)]
        start = next((token for token in begin if token is not None), self.tokenizer.bos_token_id)
        forced = getattr(generation, "forced_bos_token_id", None)
        self._start: list[int] = [start] if forced is None else [start, forced]

    @torch.inference_mode()
    def next_chances(self, sight: Sight, rows: Sequence[Row]) -> torch.Tensor:
        """See ``Engine``."""
        return torch.stack([self._encoded(sight, row)[0].exp().cpu() for row in rows])

    @torch.inference_mode()
    def text_chances(self, sight: Sight, rows: Sequence[Row], answers: Sequence[Sequence[Tokens]]) -> list[list[float]]:
        """See ``Engine``."""
        found = []
        for row, texts in zip(rows, answers, strict=True):
            first, hidden, mask = self._encoded(sight, row)
            ids, _ = self._padded([[*self._start, *text] for text in texts])
            out = self.model(
                encoder_outputs=BaseModelOutput(last_hidden_state=hidden.expand(len(texts), -1, -1)),
                attention_mask=mask.expand(len(texts), -1),
                decoder_input_ids=ids,
                use_cache=False,
            )
            logs = out.logits[:, len(self._start) :].float().log_softmax(-1)
            found.append(self._products(logs, first, texts))
        return found

    def _encoded(self, sight: Sight, row: Row) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return log-probabilities of the first token, what the encoder made of the prompt, and its mask."""
        inputs = self.inputs(sight, row.head + row.rest)
        out = self.model(**inputs, decoder_input_ids=torch.tensor([self._start], device=self.device), use_cache=False)
        self.reads += 1
        return out.logits[0, -1].float().log_softmax(-1), out.encoder_last_hidden_state, inputs["attention_mask"]

    def _before(self, inputs: Mapping[str, Any]) -> int:
        return len(self._start)

    def _opening(self, new: Tokens) -> int:
        return len(self._start) - 1 if list(new[: len(self._start) - 1]) == self._start[1:] else 0


def _stop(before: int, rule: Constraint | None, hearing: Hearing | None) -> Callable[..., torch.Tensor]:
    """Return a criterion that ends a text which cannot go on, or to which nobody listens."""

    def stop(input_ids: torch.Tensor, scores: object, **_: object) -> torch.Tensor:
        ended = rule is not None and bool(rule.problem)
        if hearing is not None and not ended:
            ended = not hearing(input_ids[0, before:].tolist())
        return torch.full((input_ids.shape[0],), ended, device=input_ids.device, dtype=torch.bool)

    return stop
