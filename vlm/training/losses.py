"""What the stages minimise."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from .labels import COLOR_CLASSES, SHAPE_CLASSES, SMALL_THINGS, TOKEN_FIELDS
from .lesson import Lesson, LookTargets, ReadTargets, TokenTargets
from .model import ANSWER_LAYERS, MENTION_LAYERS, Trainee
from .packing import NUMBER, Batch
from .tokenizer import Codec

_OBJECT_CELL = 4.0  # weight of a cell on an object or the hand, against 1 elsewhere
_NUMBER_SPREAD = 12.0  # a coordinate that is off by this much (two pixels) is still nearly right
_BOX = 20.0  # weight of box corners among the auxiliary losses
_CHANGED = 6.0  # weight of a token where something came or left, against 1 elsewhere
MENTION_WEIGHT, ANSWER_WEIGHT, PREVIOUS_WEIGHT, READ_WEIGHT, CHANGE_WEIGHT = 0.3, 0.3, 0.3, 0.5, 1.0


@dataclass
class Sums:
    """Running sums of named numbers."""

    total: dict[str, float] = field(default_factory=dict)
    count: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, value: float, count: float = 1.0) -> None:
        """Add ``value`` that stands for ``count`` cases."""
        self.total[name] = self.total.get(name, 0.0) + value
        self.count[name] = self.count.get(name, 0.0) + count

    def means(self) -> dict[str, float]:
        """Return the mean of every name."""
        return {k: self.total[k] / max(self.count[k], 1e-9) for k in sorted(self.total)}


def vision_loss(model: Trainee, states: Tensor, tokens: Tensor, lesson: Lesson, sums: Sums | None = None) -> Tensor:
    """Return the loss of the auxiliary heads; with ``sums`` also record held-out accuracies."""
    out = model.cells_head(states).view(*lesson.shape_cells.shape, SHAPE_CLASSES + COLOR_CLASSES)
    shape, color = out[..., :SHAPE_CLASSES], out[..., SHAPE_CLASSES:]
    on_object = lesson.color_cells < COLOR_CLASSES - 1
    weight = torch.where(on_object | (lesson.shape_cells >= SMALL_THINGS), _OBJECT_CELL, 1.0).flatten()
    loss = states.new_zeros(())
    for logits, wanted in ((shape, lesson.shape_cells), (color, lesson.color_cells)):
        each = F.cross_entropy(logits.flatten(0, -2), wanted.flatten(), reduction="none")
        loss = loss + (each * weight).sum() / weight.sum()
    if sums is not None and bool(on_object.any()):
        sums.add(
            "cell shape", float((shape.argmax(-1) == lesson.shape_cells)[on_object].float().sum()), int(on_object.sum())
        )
        sums.add(
            "cell color", float((color.argmax(-1) == lesson.color_cells)[on_object].float().sum()), int(on_object.sum())
        )
    return loss + _token_loss(model, tokens, lesson.tokens, sums)


def _token_loss(model: Trainee, tokens: Tensor, targets: TokenTargets, sums: Sums | None) -> Tensor:
    index = targets.index
    if not len(index):
        return tokens.sum() * 0
    out = model.token_head(tokens.flatten(0, 1)[index])
    loss = tokens.new_zeros(())
    for (name, _), part in zip(TOKEN_FIELDS.items(), out.split(list(TOKEN_FIELDS.values()), 1), strict=True):
        target = targets.fields[name]
        if name == "box":
            loss = loss + _BOX * F.smooth_l1_loss(part, target, beta=0.02)
            if sums is not None:
                sums.add("token box error", float((part - target).abs().mean(1).sum()), len(index))
        elif name == "flags":
            loss = loss + F.binary_cross_entropy_with_logits(part, target)
            if sums is not None:
                sums.add("token loose", float(((part > 0) == (target > 0.5))[:, 0].float().sum()), len(index))
        else:
            loss = loss + (1.0 if name in ("shape", "color") else 0.5) * F.cross_entropy(part, target)
            if sums is not None:
                sums.add(f"token {name}", float((part.argmax(1) == target).float().sum()), len(index))
    return loss


@dataclass
class Reading:
    """What the language model said of a batch."""

    logits: Tensor
    loss: Tensor
    parts: dict[str, Tensor]


def reading_loss(
    model: Trainee, codec: Codec, lesson: Lesson, image: tuple[Tensor, ...], apart: bool = False
) -> Reading:
    """Return the loss of the answers and of the places attended to on the way.

    Args:
        model: The model.
        codec: Its tokenizer.
        lesson: Questions and targets.
        image: Image tokens and the two shortcuts, each (images, T, W).
        apart: The auxiliary heads learn without moving what they read.
    """
    batch = lesson.batch
    assert batch is not None
    image = tuple(each.reshape(len(batch.ids), -1, each.shape[-1]) for each in image)
    mask = batch.mask
    final, middle, early, *looks = model.read(batch.ids, batch.position, mask, *image)
    if apart:
        middle, early = middle.detach(), early.detach()
    logits = model.words(final.flatten(0, 1)[batch.index])
    each = _soft_cross_entropy(codec, logits, batch)
    answer = (each * batch.weight).sum() / batch.weight.sum().clamp_min(1e-6)
    parts = {"answer": answer}
    pairs = {i: (looks[2 * n], looks[2 * n + 1]) for n, i in enumerate(MENTION_LAYERS)}
    parts["mention"] = _look_loss(lesson.mentions, pairs, final)
    first = 2 * len(MENTION_LAYERS)
    pairs = {i: (looks[first + 2 * n], looks[first + 2 * n + 1]) for n, i in enumerate(ANSWER_LAYERS)}
    parts["evidence"] = _look_loss(lesson.answers, pairs, final)
    parts["previous"] = _previous_loss(mask, lesson.previous, looks[-2], looks[-1])
    parts["read"] = _read_loss(model, lesson.reads, middle)
    loss = (
        parts["answer"]
        + MENTION_WEIGHT * parts["mention"]
        + ANSWER_WEIGHT * parts["evidence"]
        + PREVIOUS_WEIGHT * parts["previous"]
        + READ_WEIGHT * parts["read"]
    )
    if lesson.changes is not None:
        parts["change"] = _change_loss(model, lesson.changes, early)
        loss = loss + CHANGE_WEIGHT * parts["change"]
    return Reading(logits, loss, {k: v.detach() for k, v in parts.items()})


def _soft_cross_entropy(codec: Codec, logits: Tensor, batch: Batch) -> Tensor:
    """Cross entropy, but coordinates are scored by a narrow bell over the neighboring numbers."""
    each = F.cross_entropy(logits, batch.target, reduction="none")
    value = torch.from_numpy(codec.number_of).to(logits.device)[batch.target]
    at = ((value >= 0) & ((batch.weight - NUMBER).abs() < 1e-6)).nonzero()[:, 0]
    if not len(at):
        return each
    gap = (torch.arange(1000, device=logits.device)[None] - value[at][:, None]).float() / _NUMBER_SPREAD
    bell = torch.softmax(-0.5 * gap**2, 1)
    entropy = -(bell * bell.clamp_min(1e-9).log()).sum(1)
    said = F.log_softmax(logits[at], -1)[:, torch.from_numpy(codec.numbers).to(logits.device)]
    return each.index_put((at,), -(bell * said).sum(1) - entropy)


def _look_loss(looks: LookTargets | None, pairs: dict[int, tuple[Tensor, Tensor]], final: Tensor) -> Tensor:
    loss = final.new_zeros(())
    if looks is None:
        return loss
    for query, key in pairs.values():
        score = (query @ key.mT)[looks.row, looks.at] * query.shape[-1] ** -0.5
        each = (looks.wanted * F.log_softmax(score, -1)).sum(1) * looks.weight
        loss = loss - each.sum() / looks.weight.sum().clamp_min(1e-6)
    return loss / len(pairs)


def _previous_loss(mask: Tensor, previous: Tensor | None, query: Tensor, key: Tensor) -> Tensor:
    if previous is None:
        return query.new_zeros(())
    row, at = previous.unbind(1)
    score = (query @ key.mT)[row, at] * query.shape[-1] ** -0.5
    return F.cross_entropy(score.masked_fill(~mask[row, 0, at], -1e4), at - 1)


def _read_loss(model: Trainee, reads: ReadTargets | None, middle: Tensor) -> Tensor:
    """Presence and box of what each word mentions, read from the middle state."""
    if reads is None:
        return middle.new_zeros(())
    state = middle[reads.row, reads.at]
    out = model.mention_head(state * (state.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt())
    loss = F.binary_cross_entropy_with_logits(out[:, 4], reads.present)
    if len(reads.boxed):
        loss = loss + 8 * F.smooth_l1_loss(out[reads.boxed, :4], reads.box, beta=0.02)
    return loss


def _change_loss(model: Trainee, changes: Tensor, early: Tensor) -> Tensor:
    """Whether something came to, and something left, the place of each token, where that is clear."""
    each = F.binary_cross_entropy_with_logits(model.change_head(early), changes.clamp_min(0), reduction="none")
    weight = torch.where(changes > 0, _CHANGED, (changes == 0).float())
    return (each * weight).sum() / weight.sum().clamp_min(1e-6)


def distill_loss(tokens: Tensor, wanted: Tensor) -> Tensor:
    """Return the squared distance of image tokens to ground-truth tokens, relative to the spread of the latter."""
    return F.mse_loss(tokens, wanted) / wanted.var().clamp_min(1e-6)
