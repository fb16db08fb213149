"""What ``knothole vlm eval`` does: measure any backend on pictures rendered for it, and calibrate a local model."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._base import KnotholeError
from ..sim.truth import frame_truth
from ..sim.variety import Unseen, posed_scene
from ..sim.world import World
from ..vlm.broker import open_backend
from ..vlm.calibration import Case
from ..vlm.contract import BACKENDS, BackendError, BackendOptions
from ..vlm.embedded import Learned
from ..vlm.facts import FrameFacts
from ..vlm.measuring import (
    ALL_GROUND,
    ALL_TYPED,
    ALL_YES_NO,
    SETTINGS,
    UNSEEN,
    Score,
    Tally,
    as_question,
    case,
    summaries,
)
from ..vlm.questions import Answer, Frame
from ..vlm.qwen import QwenBackend
from ..vlm.training.questions import Asked, questions
from .data import is_clear, training_split
from .inspect import project
from .names import register_all
from .training import HELD_OUT_SEEDS
from .truth import frame_facts

CALIBRATION_SEEDS = HELD_OUT_SEEDS + 500_000
"""Pictures that temperatures are fitted to have seeds from here on."""
QUESTIONS = 16
"""Questions asked about each picture."""
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
        pictures: How many.
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
    """Measure a backend on pictures that no training has seen.

    Args:
        vlm: Backend; empty takes the configured one.
        count: Pictures.
        seed: Added to the first seed of the held-out pictures; also chooses the questions.
        unseen: What each picture shows of what training never draws; without any they are as in training.

    Raises:
        KnotholeError: The backend cannot be opened, or died.
    """
    spec, settings = _configured(vlm)
    truth: dict[str, FrameFacts] = {}
    if spec.partition(":")[0] == "oracle":
        settings["truth"] = lambda frame: truth.get(frame.id)
    tallies: dict[str, Tally] = defaultdict(Tally)
    refused: dict[str, int] = defaultdict(int)
    model = ""
    runner = open_backend(spec, settings)
    try:
        for frame, facts in pictures(HELD_OUT_SEEDS + seed, count, unseen):
            truth[frame.id] = facts
            asked = _asked(frame, facts)
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
            del truth[frame.id]
    finally:
        runner.close()
    return ModelReport(spec, model, count, {kind: tally.score() for kind, tally in tallies.items()}, dict(refused))


def calibrate(vlm: str, count: int, seed: int = 0) -> tuple[Path, int]:
    """Fit the temperatures of a local checkpoint and keep them beside its weights.

    Args:
        vlm: Backend with a checkpoint, such as ``embedded`` or ``qwen:DIRECTORY``; empty takes the configured one.
        count: Pictures, none of them among those that ``measure`` takes.
        seed: Added to the first seed of the pictures.

    Returns:
        The file, and the number of answers it was fitted to.

    Raises:
        KnotholeError: The backend cannot be opened or has no weights here, or the file cannot be written.
    """
    spec, settings = _configured(vlm)
    name, _, argument = spec.partition(":")
    if name not in ("embedded", "qwen"):
        raise BackendError(
            f"backend {spec!r} has no weights here that a calibration could lie beside\n"
            "  fix:  take --vlm embedded, or qwen:DIRECTORY"
        )
    opened = BACKENDS.get(name).open(BackendOptions(argument, {**settings, "calibrated": False}))
    model = opened.inner if isinstance(opened, Learned) else opened
    assert isinstance(model, QwenBackend)
    cases: list[Case] = []
    try:
        for frame, facts in pictures(CALIBRATION_SEEDS + seed, count):
            asked = _asked(frame, facts)
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


def _configured(vlm: str) -> tuple[str, dict[str, object]]:
    config = project()
    spec = vlm or config.vlm
    register_all()
    return spec, dict(config.backends.get(spec.partition(":")[0], {}))


def _asked(frame: Frame, facts: FrameFacts) -> list[Asked]:
    return questions(facts, random.Random(frame.id), QUESTIONS, measuring=True)


def pictures(seed: int, count: int, unseen: Collection[Unseen] = ()) -> Iterator[tuple[Frame, FrameFacts]]:
    """Render pictures, one of each scene, and say what is true of them; hands that hardly show are left out."""
    return ((frame, facts) for frame, facts, _ in views(seed, count, unseen))


def views(seed: int, count: int, unseen: Collection[Unseen] = ()) -> Iterator[tuple[Frame, FrameFacts, Shown]]:
    """Render pictures as ``pictures`` does, with where robot, hands, people and doors are: (H, W), bool."""
    split, made = training_split(unseen), 0
    while made < count:
        scene = posed_scene(seed, 1, split)
        with World(scene.spec, physics=False) as world:
            if scene.posture is not None:
                world.pose_robot(scene.posture.joints, scene.posture.width)
            picture = world.render(scene.cameras[0])
            truth = frame_truth(world, picture, scene.cameras[0])
            bodies = [world.robot, world.hand, *world.person, *world.surroundings.door_ids]
            shown = np.isin(picture.mask, [body for body in bodies if body is not None])
        if is_clear(truth):
            yield Frame(f"picture#{seed}", 0.0, picture.rgb), frame_facts(truth), shown
            made += 1
        seed += 1
