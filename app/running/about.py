"""What a run is, for its trace and for people, and where the trace goes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ... import __version__
from ...trees.changing.checkpoint import Checkpoint
from ...trees.tracing.trace import TraceError, TraceWriter
from ...vlm.privacy import Frames
from ..recorded.runs import new_run
from ..settings.config import Config
from ..settings.secrets import without_secrets
from ..settings.trace_settings import amount_of
from .environment import environment
from .options import RunOptions
from .stage import from_truth

RUNS = Path("runs")


@dataclass(frozen=True)
class About:
    """Which run this is.

    Attributes:
        options: How it was asked for.
        tree: Name of the tree.
        scene: Name of the scene, empty for none.
        robot: Driver.
        vlm: Backend.
        frames: What is done with pictures.
        guarded: Whether the backend is asked behind a firewall.
    """

    options: RunOptions
    tree: str
    scene: str
    robot: str
    vlm: str
    frames: Frames
    guarded: bool

    @property
    def title(self) -> str:
        """One line: tree, scene, seed, backend, robot."""
        options = self.options
        scene = f"scene {self.scene}, seed {options.seed}, " if self.scene else ""
        truth = " (answers from simulator truth)" if from_truth(self.vlm) else ""
        mocked = f", mocks of {options.mock}" if options.mock is not None else ""
        wall = " behind a firewall" if self.guarded else ""
        return f"{self.tree}: {scene}robot {self.robot}, backend {self.vlm}{truth}{wall}{mocked}"

    def which(self) -> dict[str, object]:
        """Say which run this is; without settings, which may hold secrets."""
        return {
            "knothole": __version__,
            "tree": self.tree,
            "scene": self.scene,
            "seed": self.options.seed,
            "robot": self.robot,
            "vlm": self.vlm,
        }

    def start(self, config: Config, checkpoint: Checkpoint | None) -> dict[str, object]:
        """Say what a replay would need to know."""
        options = self.options
        settings = {"backends": without_secrets(config.backends), "robots": without_secrets(config.robots)}
        return {
            **self.which(),
            **environment(config.file.parent if config.file is not None else Path()),
            "answers_from_truth": from_truth(self.vlm),
            "frames": self.frames,
            "firewall": self.guarded,
            "mock": str(options.mock or ""),
            "params": str(options.params or ""),
            "rate": options.rate,
            "max_time": options.max_time,
            "given": {
                "tree": options.tree,
                "scene": options.scene,
                "robot": options.robot,
                "vlm": options.vlm,
                "inputs": {name: str(value) for name, value in options.inputs.items()},
                "invariants": str(options.invariants or ""),
                "confirm": options.confirm,
                "rehearse": options.rehearse,
                "disturb": options.disturb,
            },
            **self._resumed(checkpoint),
            "config": json.loads(json.dumps(settings, default=str)),
        }

    def _resumed(self, checkpoint: Checkpoint | None) -> dict[str, object]:
        if checkpoint is None:
            return {}
        return {"resumed": {"trace": str(self.options.resume), "tick": checkpoint.tick, "time": checkpoint.now}}


def open_trace(about: About, config: Config, pictured: bool) -> tuple[TraceWriter, Path | None]:
    """Open the trace of a run.

    Args:
        about: The run.
        config: How much of it is kept.
        pictured: Whether there is a scene to take a picture of at the end.

    Returns:
        The trace, and where the picture goes; None for no picture.

    Raises:
        TraceError: The trace cannot be written, or the picture would replace another file.
    """
    options = about.options
    path = options.trace or new_run(RUNS, about.tree, options.seed, datetime.now())
    shown = pictured and path.suffix == ".mcap" and about.frames == "keep"
    picture = picture_beside(path) if shown else None
    return TraceWriter(path, about.frames, amount_of(config.trace, options.keep, options.pictures)), picture


def picture_beside(trace: Path) -> Path:
    """Return where the picture of the final scene goes.

    Raises:
        TraceError: It would replace another file.
    """
    picture = trace.with_suffix(".png")
    if picture.exists() and not (trace.exists() and _is_png(picture)):
        raise TraceError(
            f"the picture beside the trace would replace {picture}\n  fix:  name another trace, or move that file"
        )
    return picture


def _is_png(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith(b"\x89PNG")
