"""Search for the likeliest whole text with beams: token by token only so many beginnings are followed. Imports torch.

The likeliest token each time may lead to an unlikely text: a small model that forgets one thing of several in a picture
ends too early. Nothing in the search is random.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from .rivals import type_of_written

if TYPE_CHECKING:
    from .._vision_model import Prefix, VisionModel, Written

Begun = tuple[float, tuple[int, ...], tuple[float, ...]]
"""A beginning: logarithm of its probability, tokens, their probabilities."""


@torch.inference_mode()
def likeliest_text(model: VisionModel, prefix: Prefix, row: Sequence[int], limit: int, beams: int) -> Written:
    """Continue a row with the likeliest text that is found.

    Args:
        model: The model.
        prefix: What was read before.
        row: Tokens of the question.
        limit: Most tokens to write, at least one.
        beams: How many beginnings are followed, at least one.
    """
    run = model.continued(prefix, [row])
    logits = run.logits(torch.tensor([len(row) - 1], device=model.device))[:, -1]
    begun: list[Begun] = [(0.0, (), ())]
    ended: Begun | None = None
    for _ in range(limit):
        logs = logits.float().log_softmax(-1)
        scores = logs + torch.tensor([[score] for score, _, _ in begun], device=logs.device)
        best, places = scores.flatten().topk(beams + len(model.ends))
        rows: list[int] = []
        further: list[Begun] = []
        for score, place in zip(best.tolist(), places.tolist(), strict=True):
            i, token = divmod(place, logs.shape[1])
            _, ids, chances = begun[i]
            if token in model.ends:
                ended = (score, ids, chances) if ended is None or score > ended[0] else ended
            elif len(rows) < beams:
                rows.append(i)
                further.append((score, (*ids, token), (*chances, float(logs[i, token].exp()))))
        if ended is not None and ended[0] >= further[0][0]:
            break
        begun = further
        run.take(rows)
        logits = run.step(torch.tensor([ids[-1] for _, ids, _ in begun], device=model.device))
    _, ids, chances = ended or begun[0]
    return type_of_written()(ids, chances, ended is not None)
