"""What ``knothole vlm`` does: train the embedded model, render its pictures, measure any backend on new ones."""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .._base import KnotholeError
from ..sim.scene import TRAINING_SEEDS
from ..sim.truth import frame_truth
from ..sim.variety import posed_scene
from ..sim.world import World
from ..vlm.broker import open_backend
from ..vlm.facts import FrameFacts
from ..vlm.grammar import YES_NO
from ..vlm.phrases import definite
from ..vlm.questions import Answer, Frame, Question
from ..vlm.training.config import TrainConfig
from ..vlm.training.questions import Asked, questions
from .data import TrainingDataError, count_pictures, render_shards
from .inspect import project
from .names import register_all
from .truth import frame_facts

HELD_OUT_SEEDS = 9_000_000
"""Pictures that models are measured on have seeds from here on; rendering for training never gets that far."""
QUESTIONS = 12
"""Questions asked about each picture."""
OVERLAP = 0.5
"""Intersection over union from which a box counts as found."""
PATIENCE = 600.0


def train(config: str, data: Sequence[Path], out: Path) -> str:
    """Run one stage of training and say how good the best checkpoint is.

    Raises:
        KnotholeError: The configuration or the data cannot be used.
    """
    settings = TrainConfig.load(config)
    missing = [folder for folder in data if not any(folder.glob("facts_*.jsonl"))]
    if missing:
        raise TrainingDataError(
            f"there are no pictures in {missing[0]}/\n  fix:  render some: knothole vlm data --out {missing[0]}"
        )
    _make(out)
    from ..vlm.training.train import train as run_stage

    best = run_stage(settings, data, out)
    rows = [f"  {name:<24} {value:.3f}" for name, value in sorted(best.items())]
    return "\n".join([f"best checkpoint of {settings.name} in {out}/", *rows])


def render(out: Path, count: int, seed: int, workers: int) -> str:
    """Render and label pictures; shards that exist already are kept.

    Raises:
        TrainingDataError: The seed belongs to evaluation or reaches the held-out pictures, the folder cannot be
            written, or it holds shards of another size.
    """
    if seed < TRAINING_SEEDS or seed + count >= HELD_OUT_SEEDS:
        raise TrainingDataError(
            f"seed {seed} with {count} pictures is no range for training\n"
            f"  why:  trees are measured below {TRAINING_SEEDS}, models from {HELD_OUT_SEEDS} on\n"
            f"  fix:  stay between"
        )
    _make(out)
    before = count_pictures(out)
    try:
        render_shards(out, seed, count, workers=workers)
        there = count_pictures(out)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise TrainingDataError(f"{out}/ cannot be written: {error.strerror}\n  fix:  give another --out") from error
    kept = f", {before} of them from before, whatever their seed" if before else ""
    return f"{there} labelled pictures in {out}/{kept}\nnext:  knothole vlm train CONFIG --data {out}"


def _make(folder: Path) -> None:
    """Make a folder that can be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise TrainingDataError(
            f"{folder} is no folder that can be written: {error.strerror}\n  fix:  give another --out"
        ) from error


@dataclass(frozen=True)
class Score:
    """How well a backend answers one kind of question.

    Attributes:
        right: Right answers: yes/no by the larger probability, ``ground`` with every box found and none too many.
        total: Questions asked.
        balanced: For yes/no, the mean of the accuracies where yes and where no is true; else the plain accuracy.
    """

    right: int
    total: int
    balanced: float


@dataclass(frozen=True)
class ModelReport:
    """Accuracy of one backend on new pictures, by kind of question."""

    vlm: str
    model: str
    pictures: int
    scores: dict[str, Score]

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        scores = {
            kind: {"right": s.right, "total": s.total, "balanced_accuracy": s.balanced}
            for kind, s in self.scores.items()
        }
        return {"vlm": self.vlm, "model": self.model, "pictures": self.pictures, "scores": scores}

    def __str__(self) -> str:
        head = f"{self.vlm} ({self.model}) on {self.pictures} new pictures"
        rows = [f"  {kind:<20} {s.balanced:6.1%}  {s.right:5d} of {s.total}" for kind, s in sorted(self.scores.items())]
        return "\n".join([head, f"  {'question':<20} balanced accuracy", *rows])


def score(vlm: str, count: int, seed: int = 0) -> ModelReport:
    """Measure a backend on pictures that no training has seen.

    Args:
        vlm: Backend; empty takes the configured one.
        count: Pictures.
        seed: Added to the first seed of the held-out pictures; also chooses the questions.

    Raises:
        KnotholeError: The backend cannot be opened, or died.
    """
    config = project()
    spec = vlm or config.vlm
    register_all()
    truth: dict[str, FrameFacts] = {}
    settings = dict(config.backends.get(spec.partition(":")[0], {}))
    if spec.partition(":")[0] == "oracle":
        settings["truth"] = lambda frame: truth.get(frame.id)
    marks: dict[str, dict[bool | None, list[bool]]] = defaultdict(lambda: defaultdict(list))
    model = ""
    runner = open_backend(spec, settings)
    try:
        for frame, facts in _pictures(HELD_OUT_SEEDS + seed, count):
            truth[frame.id] = facts
            asked = [a for a in questions(facts, random.Random(frame.id), QUESTIONS) if _measurable(a)]
            number = runner.submit(frame, [_question(a) for a in asked])
            reply = next((r for r in runner.poll(PATIENCE) if r.request == number), None)
            if reply is None:
                raise KnotholeError(f"backend {spec!r} gave no answer within {PATIENCE:g} s")
            for one, answer in zip(asked, reply.answers, strict=True):
                marks[one.kind][one.verdict.yes].append(_right(one, answer, facts))
                model = answer.model
            del truth[frame.id]
    finally:
        runner.close()
    return ModelReport(spec, model, count, {kind: _sum(by_truth) for kind, by_truth in marks.items()})


def _sum(by_truth: dict[bool | None, list[bool]]) -> Score:
    everything = [mark for marks in by_truth.values() for mark in marks]
    shares = [sum(marks) / len(marks) for marks in by_truth.values()]
    return Score(sum(everything), len(everything), sum(shares) / len(shares))


def _pictures(seed: int, count: int) -> Iterator[tuple[Frame, FrameFacts]]:
    made = 0
    while made < count:
        scene = posed_scene(seed, views=1)
        with World(scene.spec, physics=False) as world:
            if scene.posture is not None:
                world.pose_robot(scene.posture.joints, scene.posture.width)
            picture = world.render(scene.cameras[0])
            facts = frame_facts(frame_truth(world, picture, scene.cameras[0]))
        yield Frame(f"picture#{seed}", 0.0, picture.rgb), facts
        seed, made = seed + 1, made + 1


def _measurable(asked: Asked) -> bool:
    return asked.meaning.predicate in YES_NO or asked.meaning.predicate == "ground"


def _question(asked: Asked) -> Question:
    if asked.meaning.predicate in YES_NO:
        return Question("yes_no", asked.question)
    thing = asked.meaning.a
    assert thing is not None
    return Question("ground", definite(thing), all=thing.every)


def _right(asked: Asked, answer: Answer, facts: FrameFacts) -> bool:
    if answer.problem:
        return False
    if asked.verdict.kind == "yes_no":
        return (answer.p("yes") > answer.p("no")) == asked.verdict.yes
    wanted = [facts.objects[i].box_xyxy for i in asked.verdict.indices]
    given = [region.box_xyxy for region in answer.regions]
    return len(wanted) == len(given) and all(any(overlap(w, g) >= OVERLAP for g in given) for w in wanted)


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the intersection over union of two boxes xyxy.

    >>> overlap((0, 0, 2, 1), (1, 0, 3, 1))
    0.3333333333333333
    """
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (both - width * height)
