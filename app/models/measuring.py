"""What ``knothole vlm eval`` does: measure any backend on pictures rendered for it, and calibrate a local model."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..._base import KnotholeError
from ...sim.variety import PosedScene, Unseen, posed_scene
from ...vlm.broking.opening import without_brokers_own
from ...vlm.calibration import Case
from ...vlm.contract import BACKENDS, BackendError, BackendOptions
from ...vlm.embedded import Learned
from ...vlm.facts import MASK_DOOR, MASK_HAND, MASK_PERSON, MASK_ROBOT, FrameFacts
from ...vlm.language.grammar import Meaning
from ...vlm.local.backend import LocalBackend
from ...vlm.measuring import (
    ALL_GROUND,
    ALL_TYPED,
    ALL_YES_NO,
    SETTINGS,
    UNSEEN,
    Score,
    Tally,
    as_question,
    bet_on,
    case,
    summaries,
)
from ...vlm.questions import Answer, Frame
from ...vlm.qwen import QwenBackend
from ...vlm.training.comparing import comparisons
from ...vlm.training.questions import Asked, ask, questions
from ..authoring.inspect import project
from ..running.stage import open_runner
from ..settings.backend_settings import one_backend
from ..settings.names import register_all
from .data import Labelled, Studio, photograph, photograph_later, training_split
from .training import HELD_OUT_SEEDS

CALIBRATION_SEEDS = HELD_OUT_SEEDS + 500_000
"""Pictures that temperatures are fitted to have seeds from here on."""
QUESTIONS, COMPARED = 16, 10
"""Questions asked about each picture, and about each pair of pictures."""
PAIRS, CLEARED = 4, 20
"""Pictures for which there is a pair, and for which there is one of a cleared scene."""
PATIENCE = 600.0
Shown = NDArray[np.bool_]
_COLUMNS = (("accuracy", 9), ("n", 6), ("unsure", 8), ("ECE", 7), ("recall", 8), ("IoU", 7), ("center", 8))
_MANY = 3
"""Truths of a kind beyond which only its mistakes are told."""
_TOTALS = (ALL_YES_NO, UNSEEN, *SETTINGS, ALL_TYPED, ALL_GROUND)


@dataclass(frozen=True)
class ModelReport:
    """Measures of one backend on new pictures, by kind of question and for groups of kinds.

    Attributes:
        vlm: The backend.
        model: Name and version of what answered.
        pictures: How many; a quarter as many pairs of pictures, and a twentieth as many of cleared scenes, come on top.
        scores: Kind or group → measures.
        refused: Questions that the backend takes none of, by kind; not counted in the measures, but where to be unsure
            is right.
    """

    vlm: str
    model: str
    pictures: int
    scores: Mapping[str, Score]
    refused: Mapping[str, int]

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return asdict(self)

    def __str__(self) -> str:
        head = f"{self.vlm} ({self.model}) on {self.pictures} new pictures"
        kinds = [kind for kind in sorted(self.scores) if kind not in _TOTALS]
        names = [*(name for name in _TOTALS if name in self.scores), *kinds]
        titles = "".join(f"{title:>{width}}" for title, width in _COLUMNS)
        titles = f"  {'question':<22}{titles}  what is true: what was said"
        lines = [head, titles, *(_line(name, self.scores[name], name not in _TOTALS) for name in names)]
        if self.refused:
            lines.append(
                "  not asked, since it takes none: " + ", ".join(f"{k} ({n})" for k, n in self.refused.items())
            )
        return "\n".join(lines)


def _line(name: str, score: Score, tell: bool) -> str:
    cells = (
        f"{score.accuracy:9.1%}",
        f"{score.n:6d}",
        f"{'' if score.unsure is None else format(score.unsure, '.1%'):>8}",
        f"{'' if score.calibration_error is None else format(score.calibration_error, '.3f'):>7}",
        f"{'' if score.recall is None else format(score.recall, '.1%'):>8}",
        f"{'' if score.iou is None else format(score.iou, '.2f'):>7}",
        f"{'' if score.center is None else format(score.center, '.1f') + ' px':>8}",
    )
    rows = [_said(truth, row, len(score.confusion) <= _MANY) for truth, row in score.confusion.items()] if tell else []
    return f"  {name:<22}{''.join(cells)}  {'; '.join(filter(None, rows))}".rstrip()


def _said(truth: str, row: Mapping[str, int], right: bool) -> str:
    """Tell what was said where one thing is true, what is right first or not at all."""
    words = sorted(row.items(), key=lambda one: (one[0] != truth, -one[1]))
    told = ", ".join(f"{word} {n}" for word, n in words if right or word != truth)
    return f"{truth}: {told}" if told else ""


def measure(vlm: str, count: int, seed: int = 0, unseen: Collection[Unseen] = ()) -> ModelReport:
    """Measure a backend on pictures that no training has seen, bare also where it is asked behind a firewall.

    Args:
        vlm: Backend; empty takes the configured one.
        count: Pictures; a quarter as many pairs of pictures are rendered as well, for questions that compare, and a
            twentieth as many of cleared scenes, which are asked about only whether the table is empty.
        seed: Added to the first seed of the held-out pictures; also chooses the questions.
        unseen: What each picture shows of what training never draws; without any they are as in training.

    Raises:
        KnotholeError: The backend cannot be opened, or died.
    """
    config = project()
    register_all()
    spec, _ = one_backend(config, vlm)
    truth: dict[str, FrameFacts] = {}
    tallies: dict[str, Tally] = defaultdict(Tally)
    refused: dict[str, int] = defaultdict(int)
    model = ""
    runner = open_runner(spec, config, lambda frame: truth.get(frame.id), firewall=False)
    try:
        for frame, facts, before, asked in _shown(HELD_OUT_SEEDS + seed, count, unseen):
            truth[frame.id] = facts
            if before is not None:
                truth[frame.earlier[0].id] = before
            number = runner.submit(frame, [as_question(one) for one in asked])
            reply = next((r for r in runner.poll(PATIENCE) if r.request == number), None)
            if reply is None:
                raise KnotholeError(f"backend {spec!r} gave no answer within {PATIENCE:g} s")
            for one, answer in zip(asked, reply.answers, strict=True):
                if not answer.supported and one.verdict.kind != "unsure":
                    refused[one.kind] += 1
                    continue
                for name in summaries(one, facts):
                    tallies[name].add(one, answer, facts)
                model = answer.model or model
            truth.clear()
    finally:
        runner.close()
    return ModelReport(spec, model, count, {kind: tally.score() for kind, tally in tallies.items()}, dict(refused))


def calibrate(vlm: str, count: int, seed: int = 0) -> tuple[Path, int]:
    """Fit the temperatures of a local checkpoint and keep them beside its weights.

    Args:
        vlm: Backend with a checkpoint: ``embedded``, ``qwen:DIRECTORY`` or ``transformers:DIRECTORY``; empty takes the
            configured one.
        count: Pictures, none of them among those that ``measure`` takes.
        seed: Added to the first seed of the pictures.

    Returns:
        The file, and the number of answers it was fitted to.

    Raises:
        KnotholeError: The backend cannot be opened or has no weights here, there are too few pictures, or the file
            cannot be written.
    """
    config = project()
    register_all()
    spec, settings = one_backend(config, vlm)
    name, _, argument = spec.partition(":")
    if name not in ("embedded", "qwen", "transformers"):
        raise BackendError(
            f"backend {spec!r} has no weights here that a calibration could lie beside\n"
            "  fix:  take --vlm embedded, qwen:DIRECTORY or transformers:DIRECTORY"
        )
    bare = {"calibrated": False, **({"second_look": False} if name == "embedded" else {})}
    options = without_brokers_own(BackendOptions(argument, {**settings, **bare}))
    opened = BACKENDS.get(name).open(options)
    model = opened.inner if isinstance(opened, Learned) else opened
    assert isinstance(model, QwenBackend | LocalBackend)
    cases: list[Case] = []
    try:
        for frame, _, _, shown in _shown(CALIBRATION_SEEDS + seed, count):
            asked = [one for one in shown if bet_on(one)]
            answers: list[Answer] = opened.ask(frame, [as_question(one) for one in asked])
            cases += [one for one in map(case, asked, answers) if one is not None]
        try:
            return model.calibrate(cases), len(cases)
        except OSError as error:
            raise KnotholeError(
                f"the calibration cannot be written: {error}\n  fix:  take a copy of the folder"
            ) from error
    finally:
        opened.close()


def _shown(
    seed: int, count: int, unseen: Collection[Unseen] = ()
) -> Iterator[tuple[Frame, FrameFacts, FrameFacts | None, list[Asked]]]:
    """Render pictures, pairs of them, and pictures of cleared scenes.

    Each comes with what is true of it, what was true of its earlier picture, and what is to be asked.
    """
    for frame, facts in pictures(seed, count, unseen):
        yield frame, facts, None, questions(facts, random.Random(frame.id), QUESTIONS, measuring=True)
    for frame, facts, before in paired(seed, max(1, count // PAIRS), unseen):
        yield frame, facts, before, comparisons(before, facts, random.Random(frame.id), COMPARED, measuring=True)
    for frame, facts in cleared(seed, max(1, count // CLEARED), unseen) if "pairs" not in unseen else ():
        one = ask(Meaning("table_empty"), facts, random.Random(frame.id))
        yield frame, facts, None, [one] if one is not None else []


def pictures(seed: int, count: int, unseen: Collection[Unseen] = ()) -> Iterator[tuple[Frame, FrameFacts]]:
    """Render pictures, one of each scene, and say what is true of them; hands that hardly show are left out."""
    return ((frame, facts) for frame, facts, _ in views(seed, count, unseen))


def views(seed: int, count: int, unseen: Collection[Unseen] = ()) -> Iterator[tuple[Frame, FrameFacts, Shown]]:
    """Render pictures as ``pictures`` does, with where robot, hands, people and doors are: (H, W), bool."""
    for number, _, frame, one in _photographed(seed, unseen):
        if number == count:
            return
        bodies = np.isin(one.mask, (MASK_ROBOT, MASK_HAND, MASK_PERSON, MASK_DOOR))
        yield frame, one.facts, bodies.repeat(2, 0).repeat(2, 1)


def paired(seed: int, count: int, unseen: Collection[Unseen] = ()) -> Iterator[tuple[Frame, FrameFacts, FrameFacts]]:
    """Render pairs of pictures, one of each scene: the last frame, and what is true of it and of the earlier one."""
    split, made, second = training_split(unseen), 0, Studio()
    try:
        for _, scene, frame, before in _photographed(seed, unseen):
            if made == count:
                return
            rng = np.random.default_rng([scene.spec.seed, 78])
            one = photograph_later(second, scene, scene.cameras[0], split, rng)
            if one is not None:
                yield Frame(f"{frame.id}, later", 1.0, one.rgb, (frame,)), one.facts, before.facts
                made += 1
    finally:
        second.close()


def cleared(seed: int, count: int, unseen: Collection[Unseen] = ()) -> Iterator[tuple[Frame, FrameFacts]]:
    """Render pictures of scenes from which everything was taken away, which are seldom so by themselves."""
    for number, _, frame, one in _photographed(seed, unseen, _without_objects):
        if number == count:
            return
        yield replace(frame, id=f"{frame.id}, cleared"), one.facts


def _without_objects(scene: PosedScene) -> PosedScene:
    return replace(scene, spec=replace(scene.spec, objects=(), screen=None))


def _photographed(
    seed: int, unseen: Collection[Unseen], changed: Callable[[PosedScene], PosedScene] = lambda scene: scene
) -> Iterator[tuple[int, PosedScene, Frame, Labelled]]:
    """Render pictures of one scene after the other, without end: number, scene, picture and what was taken."""
    split, number, studio = training_split(unseen), 0, Studio()
    try:
        while True:
            scene = changed(posed_scene(seed, 1, split))
            one = photograph(studio.dress(scene), scene.cameras[0])
            if one is not None:
                yield number, scene, Frame(f"picture#{seed}", 0.0, one.rgb), one
                number += 1
            seed += 1
    finally:
        studio.close()
