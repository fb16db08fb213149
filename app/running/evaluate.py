"""Run a tree over many seeds, in processes, and judge success on the truth of the scene."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..._base import KnotholeError
from ...trees.ticking.loop import Outcome
from ..recorded.runs import file_word
from .crew import EvaluationError, each_seed
from .options import RunOptions
from .result import RunResult
from .session import Session

__all__ = ["Episode", "Evaluation", "EvaluationError", "SeedsError", "evaluate", "parse_seeds", "wilson"]

LAST_SEED = 99_999


class SeedsError(KnotholeError):
    """A range of seeds cannot be read."""


def parse_seeds(text: str) -> tuple[int, ...]:
    """Read ``0-19``, ``3`` or ``1,4,7-9``; each seed once, in the order given.

    >>> parse_seeds("0-2,7")
    (0, 1, 2, 7)

    Raises:
        SeedsError: It is no such text, a range runs backwards, or a seed is past 99999.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part)
        if match is None:
            raise SeedsError(f"{text!r} is no range of seeds\n  fix:  write it as 0-19, or 1,4,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise SeedsError(f"the range {part.strip()} runs backwards\n  fix:  write {last}-{first}")
        if last > LAST_SEED:
            raise SeedsError(f"seed {last} is too large\n  why:  larger seeds train models\n  fix:  stay below 100000")
        seeds += range(first, last + 1)
    return tuple(dict.fromkeys(seeds))


def wilson(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson score interval of a success rate, 95 % unless ``z`` says otherwise.

    Source: E. B. Wilson, *Probable inference*, JASA 22 (1927).

    >>> [round(bound, 3) for bound in wilson(19, 20)]
    [0.764, 0.991]
    """
    if trials == 0:
        return (0.0, 1.0)
    rate, z2 = successes / trials, z * z
    center = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    spread = z / (1 + z2 / trials) * math.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials * trials))
    # The bounds at no and at full success are 0 and 1 exactly; rounding would move them past the rate itself.
    return (0.0 if successes == 0 else center - spread, 1.0 if successes == trials else center + spread)


@dataclass(frozen=True)
class Episode:
    """One seed: how the run ended, and whether the scene was as it should be.

    Attributes:
        result: What the run says of itself.
        success: Whether the goal of the scene is met, judged on its truth.
        missed: What is not as it should be, empty on success.
    """

    result: RunResult
    success: bool
    missed: str = ""

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {**self.result.to_json(), "success": self.success, "missed": self.missed}

    def __str__(self) -> str:
        r = self.result
        state = "ok    " if self.success else "failed"
        cost = f"{r.sim_time_s:7.1f} s sim {r.wall_s:7.1f} s wall {r.questions:4d} questions {r.model_calls:4d} calls"
        return f"seed {r.seed:<5} {state}  {r.status:<8} {cost}" + (f"  {self.missed}" if self.missed else "")


@dataclass(frozen=True)
class Evaluation:
    """What many seeds say about one tree."""

    options: RunOptions
    episodes: tuple[Episode, ...]

    @property
    def successes(self) -> int:
        """Seeds whose goal was met."""
        return sum(episode.success for episode in self.episodes)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the success rate."""
        return wilson(self.successes, len(self.episodes))

    @property
    def gate(self) -> tuple[int, int, int]:
        """Over all seeds: looks that needed no call, how many of them were judged on truth, changes missed."""
        asking = [episode.result.asking for episode in self.episodes]
        spared = sum(int(each.get("total", {}).get("spared", 0)) for each in asking)
        judged, missed = (sum(int(each.get("gate", {}).get(key, 0)) for each in asking) for key in ("judged", "missed"))
        return spared, judged, missed

    def to_json(self) -> dict[str, object]:
        """Return plain data, one entry per seed in ``episodes``."""
        first = self.episodes[0].result
        return {
            "tree": first.tree,
            "scene": first.scene,
            "vlm": first.vlm,
            "robot": first.robot,
            "successes": self.successes,
            "total": len(self.episodes),
            "rate": self.successes / len(self.episodes),
            "wilson_95": list(self.interval),
            "gate": dict(zip(("spared", "judged", "missed"), self.gate, strict=True)),
            "episodes": [episode.to_json() for episode in self.episodes],
        }

    def __str__(self) -> str:
        first, total = self.episodes[0].result, len(self.episodes)
        low, high = self.interval

        def median(value: Callable[[RunResult], float]) -> float:
            return statistics.median(value(episode.result) for episode in self.episodes)

        lines = [
            f"{first.tree} in scene {first.scene} with {first.vlm} on {first.robot}",
            f"  success         {self.successes}/{total}  (95 % interval: {low:.0%} to {high:.0%})",
            f"  simulated time  {median(lambda r: r.sim_time_s):.1f} s (median)",
            f"  wall time       {median(lambda r: r.wall_s):.1f} s (median)",
            f"  questions       {median(lambda r: r.questions):g} (median)",
            f"  model calls     {median(lambda r: r.model_calls):g} (median)",
        ]
        spared, judged, missed = self.gate
        if spared:
            on_truth = f"; {missed} changes missed ({judged} looks judged on truth)" if judged else ""
            lines.append(f"  gate            {spared} looks needed no call{on_truth}")
        failed = [episode for episode in self.episodes if not episode.success]
        if failed:
            lines.append("  failed:")
            lines += [f"    seed {e.result.seed}: {e.result.status}: {e.result.reason or e.missed}" for e in failed]
        if first.uses_truth:
            lines.append("  the oracle answered from simulator truth: this measures everything but the seeing")
        return "\n".join(lines)


def evaluate(
    options: RunOptions,
    seeds: Sequence[int],
    workers: int = 1,
    progress: Callable[[str], None] = lambda line: None,
    traces: Path | None = None,
) -> Evaluation:
    """Run the tree once per seed and judge each run on the truth of its scene.

    Args:
        options: The run, its seed left out.
        seeds: Seeds, each below 100000.
        workers: Processes; each keeps its model for all of its seeds.
        progress: Called with one line per finished seed, in the order they finish.
        traces: Folder for a trace of each seed, ``TREE-seedN.mcap``; None records nothing.

    Raises:
        KnotholeError: The run cannot be started (unknown tree, scene, backend, driver), or the scene has no goal.
        EvaluationError: A process died.
    """
    options = replace(options, record=traces is not None, trace=traces)
    Session(options).close()  # whatever is wrong with the call is said here, not by a process
    episodes: dict[int, Episode] = {}
    for seed, episode in each_seed(partial(_opened, options), seeds, workers):
        episodes[seed] = episode
        progress(str(episode))
    return Evaluation(options, tuple(episodes[seed] for seed in seeds))


def _episode(session: Session, seed: int) -> Episode:
    result = session.run(seed, trace=trace_of(session, seed))
    if result.exit_code == Outcome.INTERRUPTED:
        raise KeyboardInterrupt
    if result.exit_code == Outcome.TERMINATED:
        raise SystemExit(int(Outcome.TERMINATED))
    if result.missed is None:
        raise EvaluationError(
            f"success cannot be judged: scene {result.scene!r} on robot {result.robot!r} has no goal\n"
            "  why:  success is judged on the truth of a simulated scene by the goal in its file\n"
            "  fix:  choose a scene with `goal:` and a simulated robot, such as panda"
        )
    return Episode(result, success=not result.missed and result.exit_code < 3, missed=result.missed)


def trace_of(session: Session, seed: int) -> Path | None:
    """Return the file in the folder for traces, ``TREE-seedN.mcap``; None where nothing is recorded."""
    folder = session.options.trace
    return folder / f"{file_word(session.tree.name)}-seed{seed}.mcap" if folder is not None else None


@contextmanager
def _opened(options: RunOptions) -> Iterator[Callable[[int], Episode]]:
    with Session(options) as session:
        yield partial(_episode, session)
