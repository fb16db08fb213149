"""The training loop of all three stages."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..._base import headline
from ..learned import Knowledge
from . import bfloat, probe
from .config import ModelShape, TrainConfig, TrainingError
from .curves import HEADER, plot
from .data import Frames, Pair, View
from .export import export, read_shape, read_weights
from .lesson import Lesson
from .lessons import Lessons
from .losses import Reading, distill_loss, reading_loss, vision_loss
from .model import Trainee, fresh_model, model_config, whiten_patches
from .muon import build_optimizers
from .packing import prefix_of
from .starting import checkpoints, take
from .tokenizer import Codec, build_tokenizer


class Stage:
    """One stage of training: model, data and the state of the run.

    Args:
        config: Settings.
        train: Frames to learn from.
        held_out: Frames to measure on.
        out: Folder of the run's files.
    """

    def __init__(self, config: TrainConfig, train: Frames, held_out: Frames, out: Path) -> None:
        config = replace(config, start=checkpoints(config))
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.config, self.train, self.held_out, self.out = config, train, held_out, out
        self.rng, self.words = np.random.default_rng(config.seed), random.Random(config.seed)
        self.fresh: set[str] = set()
        self.taken: list[str] = []
        self.device = _device(config.device)
        self.model, self.codec, self.shape = self._build()
        if config.stage != "vision":
            _check_room(config, self.codec, self.shape, 2 if config.compares and train.pairs else 1)
        if self.device.type == "cuda":
            torch.set_float32_matmul_precision("high")
        self.model.to(self.device)
        self.optimizers = build_optimizers(self.model, config.lr)
        self.base = [g["lr"] for o in self.optimizers for g in o.param_groups]
        self.images = self.questions = self.step = 0
        self.taught: Counter[str] = Counter()
        known = (Knowledge.read(Path(source)) for source in config.start)
        self.before = [one for one in known if one is not None]
        lessons = Lessons(train, self.codec, config, self.shape, self.rng, self.words)
        self._lessons = lessons.loaded() if config.loaders else iter(lessons)
        self._read_at: dict[str, float] = {}
        self.teaches = config.distill_weight > 0 and config.stage != "oracle"
        if self.teaches and "oracle.weight" in self.fresh:
            raise TrainingError(
                f"distill_weight is {config.distill_weight:g}, but no checkpoint in start knows ground-truth tokens\n"
                "  fix:  distill_weight: 0, or start from the .pt file of the stage `oracle` as well"
            )
        self.halved = config.bf16 and bfloat.helps(self.device)
        if self.halved:
            self.model.attend = bfloat.attend
        if config.compile:
            self.model.see = torch.compile(self.model.see, dynamic=False)  # type: ignore[method-assign]
            self.model.read = torch.compile(self.model.read, dynamic=False)  # type: ignore[method-assign]

    def _build(self) -> tuple[Trainee, Codec, ModelShape]:
        config, shape = self.config, self.config.model
        folder = next((s for s in config.start if Path(s).is_dir()), None)
        if folder:
            shape = read_shape(folder)
            shape = replace(shape, image_size=config.image_size or shape.image_size)
        if wrong := shape.misfit():
            raise TrainingError(wrong)
        codec = Codec(build_tokenizer())
        model = Trainee(fresh_model(model_config(shape, codec.vocab), codec, config.seed), shape)
        self.fresh = set(model.state_dict())
        for source in config.start:
            taken, told = take(model, source, shape, codec)
            self.fresh -= taken
            self.taken.append(told)
        if "hf.model.visual.patch_embed.proj.weight" in self.fresh and config.stage != "oracle":
            picks = self.rng.integers(len(self.train), size=min(300, len(self.train)))
            views = [self.train.view(int(i), shape.image_size, self.rng) for i in picks]
            whiten_patches(model, torch.from_numpy(np.stack([v.image for v in views])))
        return model, codec, shape

    def lesson(self, views: list[View], words: random.Random, blur: bool = False) -> Lesson:
        """Prepare views, with questions about them, for the model."""
        return Lesson.of(views, self.codec, self.config, self.shape, words, blur).to(self.device)

    def pair_lesson(self, pairs: list[Pair], words: random.Random) -> Lesson:
        """Prepare pairs of views, with questions that compare them, for the model."""
        return Lesson.of_pairs(pairs, self.codec, self.config, self.shape, words).to(self.device)

    def image_tokens(self, lesson: Lesson) -> tuple[Tensor | None, tuple[Tensor, Tensor, Tensor]]:
        """Return the image encoder's last states (None for the oracle), image tokens and the two shortcuts."""
        if lesson.images is None:
            assert lesson.dreams is not None
            tokens = self.model.dream(lesson.dreams)
            nothing = torch.zeros_like(tokens)
            return None, (tokens, nothing, nothing)
        states, tokens, first, second = self.model.see(self.model.patches(lesson.images))
        return states, (tokens, first, second)

    def read(self, lesson: Lesson, image: tuple[Tensor, ...], apart: bool = False) -> Reading:
        """Ask the questions of a batch and return what the model says; for ``apart`` see ``reading_loss``."""
        return reading_loss(self.model, self.codec, lesson, image, apart)

    def advance(self) -> dict[str, Tensor]:
        """Take one step; return the losses."""
        with bfloat.products(self.halved):
            return self._advance()

    def _advance(self) -> dict[str, Tensor]:
        config, lesson = self.config, next(self._lessons).to(self.device)
        states, image = self.image_tokens(lesson)
        warming = self.step < config.aux_warm
        said: dict[str, Tensor] = {}
        loss = torch.zeros((), device=self.device)
        if states is not None and config.aux_weight:
            apart = warming and "cells_head.weight" in self.fresh
            seen = (states.detach(), image[0].detach()) if apart else (states, image[0])
            aux = vision_loss(self.model, *seen, lesson)
            loss, said["aux"] = loss + config.aux_weight * aux, aux.detach()
        if self.teaches:
            assert lesson.dreams is not None
            with torch.no_grad():
                wanted = self.model.dream(lesson.dreams)
            distilled = distill_loss(image[0], wanted)
            loss, said["distill"] = loss + config.distill_weight * distilled, distilled.detach()
        if lesson.batch is not None:
            reading = self.read(lesson, image, warming and "mention_head.weight" in self.fresh)
            loss = loss + reading.loss
            said |= reading.parts
            self.questions += lesson.questions
            self.taught.update(lesson.taught)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.images += lesson.count
        return said

    def set_rate(self, progress: float) -> None:
        """Set the learning rates for a share of the stage, 0..1."""
        config = self.config
        if progress < config.warm:
            scale = progress / config.warm + 0.02
        else:
            scale = min(1.0, max(0.02, (1 - progress) / config.decay))
        groups = (g for o in self.optimizers for g in o.param_groups)
        for base, group in zip(self.base, groups, strict=True):
            group["lr"] = base * min(scale, 1.0)

    def exchange(self) -> None:
        """Publish the weights and move to the middle between them and the newest ones of the peers."""
        self.save(self.out / f"{self.config.name}.share")
        own, others = self.model.state_dict(), []
        for name in self.config.peers:
            path = Path(name)
            stamp = path.stat().st_mtime if path.is_file() else 0.0
            if stamp > self._read_at.get(name, 0.0):
                self._read_at[name] = stamp
                others.append(read_weights(path))
        for key, value in own.items():
            fitting = [o[key] for o in others if key in o and o[key].shape == value.shape]
            if fitting and value.is_floating_point():
                value.copy_(torch.stack([value, *fitting]).mean(0))

    def knowledge(self) -> Knowledge:
        """Return what the model has been taught, here and before."""
        learned = Knowledge.of(self.taught)
        for one in self.before:
            learned |= one
        return learned

    def save(self, path: Path) -> None:
        """Write a raw checkpoint of the parts this stage trains; it appears at once or not at all."""
        waiting = path.with_suffix(path.suffix + ".new")
        stage, state = self.config.stage, self.model.state_dict()
        torch.save({k: v for k, v in state.items() if stage == "joint" or is_vision(k) == (stage == "vision")}, waiting)
        os.replace(waiting, path)


def _device(name: str) -> torch.device:
    """Find the device; one that is not there is told before anything is loaded on it."""
    try:
        device = torch.device(name)
        torch.zeros((), device=device)
    except (RuntimeError, AssertionError) as error:
        raise TrainingError(f"device {name!r} is not there: {headline(error)}\n  fix:  device: cpu") from error
    return device


_ROOM = 48
"""Tokens that a question about two images takes at most, its answer included; about one image most take fewer."""


def _check_room(config: TrainConfig, codec: Codec, shape: ModelShape, images: int) -> None:
    """Tell early that one image, or two, leave no room for a question."""
    needed = len(prefix_of(codec, shape.side, images)[0]) + _ROOM
    if config.length < needed:
        shown, instead = (
            ("two images", ", or pairs: 0 to train without comparisons") if images > 1 else ("an image", "")
        )
        raise TrainingError(
            f"length is {config.length}, but {shown} and a question take {needed} tokens\n"
            f"  fix:  length: {needed}{instead}"
        )


def is_vision(name: str) -> bool:
    """Tell whether a weight belongs to the image half."""
    return name.startswith(("hf.model.visual.", "cells_head.", "token_head."))


class Clock:
    """Share of a stage that is over, by CPU time of the process and, where given, by wall time.

    A file ``finish`` in the folder of the run starts the final lowering of the learning rate early.
    """

    def __init__(self, config: TrainConfig, out: Path) -> None:
        self.config, self.signal = config, out / "finish"
        self.cpu0, self.wall0, self.aside = time.process_time(), time.monotonic(), 0.0
        self.jump: float | None = None

    @property
    def cpu(self) -> float:
        """CPU time spent on training itself, [s]."""
        return time.process_time() - self.cpu0 - self.aside

    @property
    def progress(self) -> float:
        """Share of the stage, 0..1."""
        share = self.cpu / self.config.cpu_seconds
        if self.config.wall_seconds:
            share = max(share, (time.monotonic() - self.wall0) / self.config.wall_seconds)
        if self.jump is None and share < 1 - self.config.decay and self.signal.exists():
            self.jump = 1 - self.config.decay - share
        return share + (self.jump or 0.0)


def train(
    config: str | Path | TrainConfig,
    data_dirs: Sequence[str | Path],
    out_dir: str | Path,
    report: Any = print,
) -> dict[str, float]:
    """Run one stage.

    Args:
        config: File or name of a configuration, or a ready one.
        data_dirs: Folders of rendered frames; the last one is held out when there are several, else the same is used.
        out_dir: Where the metrics (CSV, and drawn as SVG), raw checkpoints (``NAME.pt`` newest, ``NAME-best.pt`` best)
            and, from the stages that make one, the exported model go.
        report: Called with one line of text now and then.

    Returns:
        The measures of the best checkpoint.

    Raises:
        TrainingError: The configuration, the data or a checkpoint cannot be used.
    """
    read = TrainConfig.load(config)
    config = replace(read, start=checkpoints(read, TrainConfig.place(config)))
    out = Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    (out / "finish").unlink(missing_ok=True)
    folders = [Path(d) for d in data_dirs]
    stage = Stage(config, Frames(folders[:-1] or folders), Frames(folders[-1:]), out)
    kept = {k: v for k, v in dataclasses.asdict(config).items() if k != "model"}
    report(f"{config.name}: {len(stage.train)} frames, held out {len(stage.held_out)}, {json.dumps(kept)}")
    for told in stage.taken:
        report(told)
    if len(stage.train) < config.batch:
        report(f"batch is {config.batch}, but there are {len(stage.train)} frames: a step has no more than these")
    clock, best_score = Clock(config, out), float("-inf")
    best: dict[str, float] = {}
    recent: list[dict[str, Tensor]] = []
    last_save = time.monotonic()
    due = [n / config.evals for n in range(1, config.evals)]
    with open(out / f"{config.name}.csv", "a", newline="", encoding="utf-8") as file:
        log = csv.writer(file)
        if not file.tell():
            log.writerow(HEADER)
        while (progress := clock.progress) < 1:
            stage.set_rate(progress)
            recent.append(stage.advance())
            if stage.step % 50 == 0:
                report(_line(stage, clock, recent))
                recent = []
            if config.peers and stage.step % config.exchange_steps == 0:
                stage.exchange()
            if time.monotonic() - last_save > config.save_every_s:
                stage.save(out / f"{config.name}.pt")
                last_save = time.monotonic()
            if due and progress >= due[0]:
                due = [share for share in due if share > progress]
                best, best_score = _measure(stage, clock, log, file, best, best_score, report)
        best, best_score = _measure(stage, clock, log, file, best, best_score, report)
    stage.save(out / f"{config.name}.pt")
    return best


def _measure(
    stage: Stage, clock: Clock, log: Any, file: Any, best: dict[str, float], best_score: float, report: Any
) -> tuple[dict[str, float], float]:
    began = time.process_time()
    found = probe.measure(stage)
    clock.aside += time.process_time() - began
    values = found.values
    report(f"held out at step {stage.step}: " + ", ".join(f"{k} {v:.3f}" for k, v in values.items()))
    for name, value in values.items():
        log.writerow([round(clock.cpu), stage.images, stage.questions, name, f"{value:.4f}"])
    file.flush()
    plot(Path(file.name))
    if values["score"] <= best_score:
        return best, best_score
    stage.save(stage.out / f"{stage.config.name}-best.pt")
    if stage.config.stage == "joint":
        learned = stage.knowledge().without(found.failed)
        export(stage.model.hf, stage.codec.tokenizer, stage.shape, stage.out / "export", learned=learned)
    return values, values["score"]


def _line(stage: Stage, clock: Clock, recent: list[dict[str, Tensor]]) -> str:
    means = {k: np.mean([float(r[k]) for r in recent if k in r]) for k in recent[-1]}
    said = " ".join(f"{k} {v:.3f}" for k, v in means.items())
    each = 1000 * clock.cpu / max(stage.images, 1)
    return (
        f"{clock.progress:.3f} cpu {clock.cpu:.0f}s wall {time.monotonic() - clock.wall0:.0f}s step {stage.step} "
        f"images {stage.images} questions {stage.questions} {said} ({each:.0f} ms/image)"
    )
