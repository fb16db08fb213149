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
    """One recorded run: its trace, and everything beside it that bears the same name."""

    trace: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The trace and its companions, such as the picture of the final scene."""
        return tuple(sorted(f for f in self.trace.parent.iterdir() if f.stem == self.trace.stem))

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
        for file in sorted(folder.glob("*.mcap"), key=lambda f: (f.stat().st_mtime, f.name), reverse=True):
            if _NAME.fullmatch(file.stem):
                yield RunFile(file)


def newest_run(folder: Path) -> Path | None:
    """Return the trace of the newest run in ``folder``, None if there is none."""
    return next((run.trace for run in _runs(folder)), None)


def list_runs(folder: Path) -> str:
    """Return a table of the runs in ``folder``, newest first."""
    rows = []
    for run in _runs(folder):
        match = _NAME.fullmatch(run.trace.stem)
        assert match is not None
        when = datetime.strptime(match["when"], "%Y%m%d-%H%M%S")
        rows.append(
            f"{when:%Y-%m-%d %H:%M:%S}  {match['tree']:<20} {match['seed']:>6} {_size(run.size):>9}  {run.trace}"
        )
    if not rows:
        return f"no runs in {folder}/\nnext:  knothole run tidy_table"
    return "\n".join([f"{'when':<19}  {'tree':<20} {'seed':>6} {'size':>9}  trace", *rows])


def prune_runs(folder: Path, keep: int) -> str:
    """Remove all but the newest ``keep`` runs and say what was freed. Files with other names stay."""
    old = list(_runs(folder))[keep:]
    freed = sum(run.size for run in old)
    for run in old:
        for file in run.files:
            file.unlink()
    return f"removed {len(old)} runs, {_size(freed)}; the newest {keep} stay"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
