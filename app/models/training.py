"""What ``knothole vlm train`` and ``data`` do: train the embedded model, render its pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ..._base import MissingExtraError
from ...sim.scene import TRAINING_SEEDS
from ...vlm.training.config import TrainConfig
from .data import PAIRS, SIGNS, TrainingDataError, count_pictures, render_shards

HELD_OUT_SEEDS = 9_000_000
"""Pictures that models are measured on have seeds from here on; rendering for training never gets that far."""


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
    from ...vlm.training.train import train as run_stage

    best = run_stage(config, data, out)
    rows = [f"  {name:<24} {value:.3f}" for name, value in sorted(best.items())]
    return "\n".join([f"best checkpoint of {settings.name} in {out}/", *rows])


def render(out: Path, count: int, seed: int, workers: int, pairs: float = PAIRS, signs: float = SIGNS) -> str:
    """Render and label pictures, about a share ``pairs`` of them with a second one and ``signs`` with paper in them.

    Shards that exist already are kept.

    Raises:
        TrainingDataError: The seed belongs to evaluation or reaches the held-out pictures, the folder cannot be
            written, or it holds shards of another size.
        MissingExtraError: There shall be signs and the extra ``ocr`` is not installed.
    """
    if seed < TRAINING_SEEDS or seed + count >= HELD_OUT_SEEDS:
        raise TrainingDataError(
            f"seed {seed} with {count} pictures is no range for training\n"
            f"  why:  trees are measured below {TRAINING_SEEDS}, models from {HELD_OUT_SEEDS} on\n"
            f"  fix:  stay between"
        )
    if signs and find_spec("cv2") is None:
        raise MissingExtraError("drawing codes into pictures (--signs 0 draws none)", "cv2", "ocr")
    _make(out)
    before = count_pictures(out)
    try:
        render_shards(out, seed, count, workers=workers, pairs=pairs, signs=signs)
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
