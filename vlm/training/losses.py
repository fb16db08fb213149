"""What the stages minimise."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from .data import View
from .labels import COLOR_CLASSES, SHAPE_CLASSES, TOKEN_FIELDS, ObjectLabels, cell_classes, coverage, token_objects
from .model import ANSWER_LAYERS, MENTION_LAYERS, Trainee
from .packing import NUMBER, Batch, Look, look_targets
from .tokenizer import Codec

_OBJECT_CELL = 4.0  # weight of a cell on an object or the hand, against 1 elsewhere
_NUMBER_SPREAD = 12.0  # a coordinate that is off by this much (two pixels) is still nearly right
_BOX = 20.0  # weight of box corners among the auxiliary losses
MENTION_WEIGHT, ANSWER_WEIGHT, PREVIOUS_WEIGHT, READ_WEIGHT = 0.3, 0.3, 0.3, 0.5


@dataclass
class Labels:
    """Label arrays of one batch of views."""

    objects: list[ObjectLabels]
    covered: list[dict[int, NDArray[np.float32]]]
    shape_cells: Tensor
    color_cells: Tensor

    @classmethod
    def of(cls, views: list[View], side: int, merge: int) -> Labels:
        """Compute the labels of a batch."""
        objects = [ObjectLabels.of(v.facts) for v in views]
        classes = [cell_classes(v.cells, o, side, merge) for v, o in zip(views, objects, strict=True)]
        return cls(
            objects,
            [coverage(v.cells, side, len(v.facts.objects)) for v in views],
            torch.from_numpy(np.stack([c[0] for c in classes])),
            torch.from_numpy(np.stack([c[1] for c in classes])),
        )


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


def vision_loss(model: Trainee, states: Tensor, tokens: Tensor, labels: Labels, sums: Sums | None = None) -> Tensor:
    """Return the loss of the auxiliary heads; with ``sums`` also record held-out accuracies."""
    out = model.cells_head(states).view(*labels.shape_cells.shape, SHAPE_CLASSES + COLOR_CLASSES)
    shape, color = out[..., :SHAPE_CLASSES], out[..., SHAPE_CLASSES:]
    on_object = labels.color_cells < COLOR_CLASSES - 1
    weight = torch.where(on_object | (labels.shape_cells == SHAPE_CLASSES - 1), _OBJECT_CELL, 1.0).flatten()
    loss = torch.zeros(())
    for logits, wanted in ((shape, labels.shape_cells), (color, labels.color_cells)):
        each = F.cross_entropy(logits.flatten(0, -2), wanted.flatten(), reduction="none")
        loss = loss + (each * weight).sum() / weight.sum()
    if sums is not None and bool(on_object.any()):
        sums.add(
            "cell shape", float((shape.argmax(-1) == labels.shape_cells)[on_object].float().sum()), int(on_object.sum())
        )
        sums.add(
            "cell color", float((color.argmax(-1) == labels.color_cells)[on_object].float().sum()), int(on_object.sum())
        )
    return loss + _token_loss(model, tokens, labels, sums)


def _token_loss(model: Trainee, tokens: Tensor, labels: Labels, sums: Sums | None) -> Tensor:
    picked, wanted = [], {name: [] for name in TOKEN_FIELDS}  # type: ignore[var-annotated]
    for b, (one, covered) in enumerate(zip(labels.objects, labels.covered, strict=True)):
        owner = token_objects(covered, len(one.shape))
        at = np.nonzero(owner >= 0)[0]
        picked.append(torch.from_numpy(b * tokens.shape[1] + at))
        for name in TOKEN_FIELDS:
            wanted[name].append(torch.from_numpy(getattr(one, name)[owner[at]]))
    index = torch.cat(picked)
    if not len(index):
        return tokens.sum() * 0
    out = model.token_head(tokens.flatten(0, 1)[index])
    loss = torch.zeros(())
    for (name, _), part in zip(TOKEN_FIELDS.items(), out.split(list(TOKEN_FIELDS.values()), 1), strict=True):
        target = torch.cat(wanted[name])
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
    parts: dict[str, float]


def reading_loss(model: Trainee, codec: Codec, batch: Batch, image: tuple[Tensor, ...], labels: Labels) -> Reading:
    """Return the loss of the answers and of the places attended to on the way.

    Args:
        model: The model.
        codec: Its tokenizer.
        batch: Packed questions.
        image: Image tokens and the two shortcuts.
        labels: Label arrays of the same images.
    """
    final, middle, *looks = model.read(batch.ids, batch.position, batch.mask, *image)
    logits = model.words(final.flatten(0, 1)[batch.index])
    each = _soft_cross_entropy(codec, logits, batch)
    answer = (each * batch.weight).sum() / batch.weight.sum()
    parts = {"answer": answer}
    pairs = {i: (looks[2 * n], looks[2 * n + 1]) for n, i in enumerate(MENTION_LAYERS)}
    parts["mention"] = _look_loss(batch.mentions, pairs, labels, image[0].shape[1])
    first = 2 * len(MENTION_LAYERS)
    pairs = {i: (looks[first + 2 * n], looks[first + 2 * n + 1]) for n, i in enumerate(ANSWER_LAYERS)}
    parts["evidence"] = _look_loss(batch.answers, pairs, labels, image[0].shape[1])
    parts["previous"] = _previous_loss(batch, looks[-2], looks[-1])
    parts["read"] = _read_loss(model, batch, middle)
    loss = (
        parts["answer"]
        + MENTION_WEIGHT * parts["mention"]
        + ANSWER_WEIGHT * parts["evidence"]
        + PREVIOUS_WEIGHT * parts["previous"]
        + READ_WEIGHT * parts["read"]
    )
    return Reading(logits, loss, {k: float(v.detach()) for k, v in parts.items()})


def _soft_cross_entropy(codec: Codec, logits: Tensor, batch: Batch) -> Tensor:
    """Cross entropy, but coordinates are scored by a narrow bell over the neighboring numbers."""
    each = F.cross_entropy(logits, batch.target, reduction="none")
    value = torch.from_numpy(codec.number_of)[batch.target]
    at = ((value >= 0) & ((batch.weight - NUMBER).abs() < 1e-6)).nonzero()[:, 0]
    if not len(at):
        return each
    gap = (torch.arange(1000)[None] - value[at][:, None]).float() / _NUMBER_SPREAD
    bell = torch.softmax(-0.5 * gap**2, 1)
    entropy = -(bell * bell.clamp_min(1e-9).log()).sum(1)
    said = F.log_softmax(logits[at], -1)[:, torch.from_numpy(codec.numbers)]
    return each.index_put((at,), -(bell * said).sum(1) - entropy)


def _look_loss(looks: list[Look], pairs: dict[int, tuple[Tensor, Tensor]], labels: Labels, tokens: int) -> Tensor:
    if not looks:
        return torch.zeros(())
    wanted, usable = look_targets(looks, labels.covered, tokens)
    row = torch.tensor([look.row for look in looks])
    at = torch.tensor([look.at for look in looks])
    weight = torch.tensor([look.weight for look in looks]) * usable
    loss = torch.zeros(())
    for query, key in pairs.values():
        score = (query @ key.mT)[row, at] * query.shape[-1] ** -0.5
        loss = loss - ((wanted * F.log_softmax(score, -1)).sum(1) * weight).sum() / weight.sum().clamp_min(1e-6)
    return loss / len(pairs)


def _previous_loss(batch: Batch, query: Tensor, key: Tensor) -> Tensor:
    if not batch.previous:
        return torch.zeros(())
    row = torch.tensor([r for r, _ in batch.previous])
    at = torch.tensor([a for _, a in batch.previous])
    score = (query @ key.mT)[row, at] * query.shape[-1] ** -0.5
    return F.cross_entropy(score.masked_fill(~batch.mask[row, 0, at], -1e4), at - 1)


def _read_loss(model: Trainee, batch: Batch, middle: Tensor) -> Tensor:
    """Presence and box of what each word mentions, read from the middle state."""
    if not batch.mentions:
        return torch.zeros(())
    row = torch.tensor([m.row for m in batch.mentions])
    at = torch.tensor([m.at for m in batch.mentions])
    state = middle[row, at]
    out = model.mention_head(state * (state.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt())
    present = torch.tensor([float(bool(m.values)) for m in batch.mentions])
    loss = F.binary_cross_entropy_with_logits(out[:, 4], present)
    boxed = [k for k, m in enumerate(batch.mentions) if m.box is not None]
    if boxed:
        box = torch.tensor([batch.mentions[k].box for k in boxed])
        loss = loss + 8 * F.smooth_l1_loss(out[boxed, :4], box, beta=0.02)
    return loss


def distill_loss(tokens: Tensor, wanted: Tensor) -> Tensor:
    """Return the squared distance of image tokens to ground-truth tokens, relative to the spread of the latter."""
    return F.mse_loss(tokens, wanted) / wanted.var().clamp_min(1e-6)
