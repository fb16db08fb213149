"""The folder of recorded runs: what lies there, and room for new ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..._base import KnotholeError

_NAME = re.compile(r"(?P<when>\d{8}-\d{6})(?:-\d+)?-(?P<tree>.+)-seed(?P<seed>\d+)")
_LONGEST = 80
"""Bytes of a tree's name in the name of a file."""


class RunsFolderError(KnotholeError):
    """What is given as the folder of runs is none."""


@dataclass(frozen=True)
class RunFile:
    """One recorded run: its trace, and everything beside it that bears the same name.

    Attributes:
        trace: The trace.
        when: When the run began, by its name.
        tree: Name of the tree.
        seed: Its seed.
    """

    trace: Path
    when: datetime
    tree: str
    seed: str

    @property
    def files(self) -> tuple[Path, ...]:
        """The trace and its companions, such as the picture of the final scene."""
        return tuple(sorted(f for f in self.trace.parent.iterdir() if f.stem == self.trace.stem and f.is_file()))

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.stat().st_size for file in self.files)


def file_word(name: str) -> str:
    """Return the name of a tree as a part of the name of a file.

    >>> file_word("pick/place the cup")
    'pick_place_the_cup'
    """
    return re.sub(r"[^\w.-]+", "_", name).encode()[:_LONGEST].decode(errors="ignore")


def new_run(folder: Path, tree: str, seed: int, now: datetime) -> Path:
    """Return the path of a trace that does not exist yet, and make its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp, word = now.strftime("%Y%m%d-%H%M%S"), file_word(tree)
    path, number = folder / f"{stamp}-{word}-seed{seed}.mcap", 1
    while path.exists():
        number += 1
        path = folder / f"{stamp}-{number}-{word}-seed{seed}.mcap"
    return path


def _runs(folder: Path) -> Iterator[RunFile]:
    if folder.exists() and not folder.is_dir():
        raise RunsFolderError(f"{folder} is no folder\n  fix:  name the folder that holds the runs")
    if folder.is_dir():
        found = [(_changed(file), file.name, run) for file in folder.glob("*.mcap") if (run := _run(file)) is not None]
        for _, _, run in sorted(found, key=lambda each: each[:2], reverse=True):
            yield run


def _run(file: Path) -> RunFile | None:
    """Return the run that a file is, None for what only has such a name: a link to nothing, a day that never was."""
    match = _NAME.fullmatch(file.stem)
    if match is None or not file.is_file():
        return None
    try:
        when = datetime.strptime(match["when"], "%Y%m%d-%H%M%S")
    except ValueError:
        return None
    return RunFile(file, when, match["tree"], match["seed"])


def _changed(file: Path) -> float:
    """Return when a file was changed last, [s]; 0 for one that was removed meanwhile."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def newest_run(folder: Path) -> Path | None:
    """Return the trace of the newest run in ``folder``, None if there is none."""
    return next((run.trace for run in _runs(folder)), None)


@dataclass(frozen=True)
class Listed:
    """The runs of a folder, newest first."""

    folder: Path
    runs: tuple[RunFile, ...]

    def to_json(self) -> list[dict[str, object]]:
        """Return plain data, one entry a run."""
        return [
            {
                "when": run.when.isoformat(),
                "tree": run.tree,
                "seed": int(run.seed),
                "bytes": run.size,
                "trace": str(run.trace),
            }
            for run in self.runs
        ]

    def __str__(self) -> str:
        if not self.runs:
            return f"no runs in {self.folder}/\nnext:  knothole run tidy_table"
        rows = [
            f"{run.when:%Y-%m-%d %H:%M:%S}  {run.tree:<20} {run.seed:>6} {_size(run.size):>9}  {run.trace}"
            for run in self.runs
        ]
        return "\n".join([f"{'when':<19}  {'tree':<20} {'seed':>6} {'size':>9}  trace", *rows])


@dataclass(frozen=True)
class Pruned:
    """What was removed: traces of runs, how many bytes with all beside them, and how many runs could stay."""

    removed: tuple[Path, ...]
    freed: int
    keep: int

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {"removed": [str(trace) for trace in self.removed], "bytes": self.freed, "keep": self.keep}

    def __str__(self) -> str:
        return f"removed {len(self.removed)} runs, {_size(self.freed)}; the newest {self.keep} stay"


def list_runs(folder: Path) -> Listed:
    """Return the runs in ``folder``."""
    return Listed(folder, tuple(_runs(folder)))


def prune_runs(folder: Path, keep: int) -> Pruned:
    """Remove all but the newest ``keep`` runs. Files with other names stay."""
    old = list(_runs(folder))[keep:]
    freed = sum(run.size for run in old)
    for run in old:
        for file in run.files:
            file.unlink()
    return Pruned(tuple(run.trace for run in old), freed, keep)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
