"""One batch ready to learn from: everything that the losses need, as tensors, computed without the model."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .comparing import comparisons
from .config import ModelShape, TrainConfig
from .data import Pair, View
from .labels import (
    TOKEN_FIELDS,
    ObjectLabels,
    cell_classes,
    coverage,
    oracle_features,
    token_changes,
    token_objects,
)
from .packing import Batch, Look, in_both, look_targets, pack
from .questions import questions
from .tokenizer import Codec

_T = TypeVar("_T")
Covered = dict[int, NDArray[np.float32]]
"""How many cells of each image token an object, or the hand, covers."""
COMPARED = 10
"""Most questions about a pair of images."""


@dataclass(frozen=True)
class TokenTargets:
    """What the objects under image tokens are.

    Attributes:
        index: Flat positions (N,) of tokens with an object.
        fields: Label of each, by name of ``TOKEN_FIELDS``, (N,) or (N, n).
    """

    index: Tensor
    fields: dict[str, Tensor]

    @classmethod
    def of(cls, objects: list[ObjectLabels], covered: list[Covered], tokens: int) -> TokenTargets:
        """Collect them for a batch with ``tokens`` image tokens each."""
        picked, wanted = [], {name: list[Tensor]() for name in TOKEN_FIELDS}
        for b, (one, cover) in enumerate(zip(objects, covered, strict=True)):
            owner = token_objects(cover, len(one.shape))
            at = np.nonzero(owner >= 0)[0]
            picked.append(torch.from_numpy(b * tokens + at))
            for name in TOKEN_FIELDS:
                wanted[name].append(torch.from_numpy(getattr(one, name)[owner[at]]))
        return cls(torch.cat(picked), {name: torch.cat(each) for name, each in wanted.items()})


@dataclass(frozen=True)
class LookTargets:
    """Where attention should go: from (row, at), each (K,), to the sink and the tokens of all images, (K, 1+T)."""

    row: Tensor
    at: Tensor
    wanted: Tensor
    weight: Tensor

    @classmethod
    def of(cls, looks: list[Look], covered: list[Covered], tokens: int) -> LookTargets | None:
        """Collect them; None for no look."""
        if not looks:
            return None
        wanted, usable = look_targets(looks, covered, tokens)
        row, at = (torch.tensor([getattr(look, name) for look in looks]) for name in ("row", "at"))
        return cls(row, at, wanted, torch.tensor([look.weight for look in looks]) * usable)


@dataclass(frozen=True)
class ReadTargets:
    """Presence (K,) of what each word mentions at (row, at), and the box of those that mean one thing, at ``boxed``."""

    row: Tensor
    at: Tensor
    present: Tensor
    boxed: Tensor
    box: Tensor

    @classmethod
    def of(cls, mentions: list[Look]) -> ReadTargets | None:
        """Collect them; None for no mention."""
        if not mentions:
            return None
        boxed = [k for k, m in enumerate(mentions) if m.box is not None]
        return cls(
            torch.tensor([m.row for m in mentions]),
            torch.tensor([m.at for m in mentions]),
            torch.tensor([float(bool(m.values)) for m in mentions]),
            torch.tensor(boxed, dtype=torch.long),
            torch.tensor([mentions[k].box for k in boxed], dtype=torch.float32).reshape(-1, 4),
        )


@dataclass(frozen=True)
class Lesson:
    """One batch, of images or of pairs of images.

    Attributes:
        count: Number of images; of a pair the earlier one comes first.
        images: (B, S, S, 3), uint8; None where the stage looks at none.
        dreams: Ground-truth features (B, T, ORACLE_WIDTH); None where the stage needs none.
        shape_cells, color_cells: Classes of cells, (B, N, cells per patch).
        tokens: What image tokens show.
        batch: Packed questions; None in the vision stage.
        questions: How many there are.
        mentions, answers, reads: Targets of attention and of reading.
        previous: (row, position), (K, 2), of nouns right after a color.
        taught: How many questions there are by predicate, those with yes and no apart; see ``Knowledge.of``.
        changes: Of pairs, whether something came to, and something left, the place of each token, (pairs, T, 2): 1, 0,
            or -1 where that is unclear; None for single images.
    """

    count: int
    images: Tensor | None
    dreams: Tensor | None
    shape_cells: Tensor
    color_cells: Tensor
    tokens: TokenTargets
    batch: Batch | None = None
    questions: int = 0
    mentions: LookTargets | None = None
    answers: LookTargets | None = None
    reads: ReadTargets | None = None
    previous: Tensor | None = None
    taught: dict[str, int] = field(default_factory=dict)
    changes: Tensor | None = None

    @classmethod
    def of(
        cls, views: list[View], codec: Codec, config: TrainConfig, shape: ModelShape, words: random.Random, blur: bool
    ) -> Lesson:
        """Prepare a batch of views.

        Args:
            views: What the model sees.
            codec: Its tokenizer.
            config: Says what the stage learns.
            shape: Sizes of the model.
            words: Chooses questions and their wording.
            blur: Whether coordinates that are read back are shifted a little, see ``pack``.
        """
        lesson, covered = cls._seen(views, config, shape)
        if config.stage == "vision":
            return lesson
        facts = [v.facts for v in views]
        asked = [questions(f, words, config.questions) for f in facts]
        batch = pack(codec, asked, facts, shape.side, config.length, words if blur else None)
        return lesson._asking(batch, covered, shape.tokens)

    @classmethod
    def of_pairs(
        cls, pairs: list[Pair], codec: Codec, config: TrainConfig, shape: ModelShape, words: random.Random
    ) -> Lesson:
        """Prepare a batch of pairs, with questions that compare; for the arguments see ``of``."""
        lesson, covered = cls._seen([view for pair in pairs for view in (pair.before, pair.after)], config, shape)
        before, after = [pair.before.facts for pair in pairs], [pair.after.facts for pair in pairs]
        count = min(COMPARED, config.questions)
        asked = [comparisons(b, a, words, count) for b, a in zip(before, after, strict=True)]
        batch = pack(codec, asked, after, shape.side, config.length, before=before)
        covers = list(zip(covered[::2], covered[1::2], strict=True))
        changes = [token_changes(b, a, *cover) for b, a, cover in zip(before, after, covers, strict=True)]
        lesson = replace(lesson, changes=torch.from_numpy(np.stack(changes)))
        return lesson._asking(batch, [in_both(*cover) for cover in covers], 2 * shape.tokens)

    @classmethod
    def _seen(cls, views: list[View], config: TrainConfig, shape: ModelShape) -> tuple[Lesson, list[Covered]]:
        """Collect what the images themselves teach, and how they are covered."""
        objects = [ObjectLabels.of(v.facts) for v in views]
        covered = [coverage(v.cells, shape.side, len(v.facts.objects)) for v in views]
        classes = [cell_classes(v.cells, o, shape.side, shape.merge) for v, o in zip(views, objects, strict=True)]
        oracle = config.stage == "oracle"
        lesson = cls(
            len(views),
            None if oracle else torch.from_numpy(np.stack([v.image for v in views])),
            torch.from_numpy(
                np.stack([oracle_features(v.cells, o, shape.side) for v, o in zip(views, objects, strict=True)])
            )
            if oracle or config.distill_weight > 0
            else None,
            torch.from_numpy(np.stack([c[0] for c in classes])),
            torch.from_numpy(np.stack([c[1] for c in classes])),
            TokenTargets.of(objects, covered, shape.tokens),
        )
        return lesson, covered

    def _asking(self, batch: Batch, covered: list[Covered], tokens: int) -> Lesson:
        """Return the same with questions; ``tokens`` is the number of image tokens that each of them sees."""
        return replace(
            self,
            batch=batch,
            questions=sum(map(len, batch.asked)),
            mentions=LookTargets.of(batch.mentions, covered, tokens),
            answers=LookTargets.of(batch.answers, covered, tokens),
            reads=ReadTargets.of(batch.mentions),
            previous=torch.tensor(batch.previous) if batch.previous else None,
            taught=dict(Counter(one.subject for row in batch.asked for one in row)),
        )

    def lean(self) -> Lesson:
        """Return what a step of training needs, without what only measuring does: it travels between processes."""
        if self.batch is None:
            return self
        return replace(self, batch=replace(self.batch, owner=[], asked=[], mentions=[], answers=[], previous=[]))

    def to(self, device: torch.device) -> Lesson:
        """Return the same on a device."""
        return self if device.type == "cpu" else _moved(self, device)


def _moved(value: _T, device: torch.device) -> _T:
    given: Any = value
    if isinstance(given, Tensor):
        return given.to(device, non_blocking=True)  # type: ignore[return-value]
    if is_dataclass(given) and not isinstance(given, type):
        found = {entry.name: _moved(getattr(given, entry.name), device) for entry in fields(given)}
        return replace(given, **found)  # type: ignore[return-value]
    if isinstance(given, dict):
        return {name: _moved(each, device) for name, each in given.items()}  # type: ignore[return-value]
    return value
