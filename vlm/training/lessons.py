"""The batches of a training stage without end, prepared in between or by processes beside the model."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from .config import ModelShape, TrainConfig
from .data import Frames
from .lesson import Lesson
from .tokenizer import Codec


class Lessons(IterableDataset[Lesson]):
    """Batches in random order, every frame about once before any comes again; rare ones twice.

    Where there are fewer frames than a batch has, it has them all.

    Where there are pairs of frames, a share ``config.pairs`` of the batches is of pairs alone, spread evenly.

    Args:
        frames: What to show.
        codec: The tokenizer.
        config: Settings of the stage.
        shape: Sizes of the model.
        rng: Chooses frames, crops and colors.
        words: Chooses questions.
    """

    def __init__(
        self,
        frames: Frames,
        codec: Codec,
        config: TrainConfig,
        shape: ModelShape,
        rng: np.random.Generator,
        words: random.Random,
    ) -> None:
        super().__init__()
        self._frames, self._codec, self._config, self._shape = frames, codec, config, shape
        self._rng, self._words = rng, words

    def loaded(self) -> Iterator[Lesson]:
        """Let ``config.loaders`` processes prepare them; each has an order of its own."""
        torch.multiprocessing.set_sharing_strategy("file_system")  # type: ignore[no-untyped-call]
        more: dict[str, Any] = {"prefetch_factor": 4, "multiprocessing_context": "fork"}
        return iter(DataLoader(self, batch_size=None, num_workers=self._config.loaders, **more))

    def __iter__(self) -> Iterator[Lesson]:
        """Yield batches for ever."""
        worker = get_worker_info()
        rng, words = self._rng, self._words
        if worker is not None:
            torch.set_num_threads(1)
            rng, words = np.random.default_rng(worker.seed), random.Random(worker.seed)
        image = self._config.stage != "oracle"
        order: list[int] = []
        paired: list[int] = []
        due = 0.0
        while True:
            due += self._config.pairs if self._config.compares and self._frames.pairs else 0.0
            if due >= 1:
                due -= 1
                yield self._pairs(paired, rng, words, image)
                continue
            if len(order) < self._config.batch:
                self._frames.refresh()
                order = [int(i) for i in rng.permutation(self._frames.doubled())]
            picks = [order.pop() for _ in range(min(self._config.batch, len(order)))]
            views = [self._frames.view(i, self._shape.image_size, rng, image) for i in picks]
            yield Lesson.of(views, self._codec, self._config, self._shape, words, blur=True).lean()

    def _pairs(self, order: list[int], rng: np.random.Generator, words: random.Random, image: bool) -> Lesson:
        """Return a batch of pairs with as many images as any other; ``order`` keeps those still to come."""
        config = self._config
        count = min(config.pairs_at_once, self._frames.pairs)
        if len(order) < count:
            order[:] = [int(i) for i in rng.permutation(self._frames.pairs)]
        picks = [order.pop() for _ in range(count)]
        pairs = [self._frames.pair(i, self._shape.image_size, rng, image) for i in picks]
        return Lesson.of_pairs(pairs, self._codec, config, self._shape, words).lean()
