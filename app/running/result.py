"""How a run ended: for people, for programs, and what to try next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...trees.ticking.timing import Timing
from ..recorded.runs import file_word
from .stage import from_truth


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        tree: Name of the tree.
        status: ``SUCCESS``, ``FAILURE``, ``SKIPPED``, ``RUNNING`` (stopped from outside) or ``FAULT``.
        exit_code: 0 SUCCESS, 1 FAILURE, 3 fault, 4 time limit, 130 Ctrl-C, 143 SIGTERM.
        reason: Why it failed, or what was raised.
        ticks: Number of ticks.
        sim_time_s: Time on the run clock, [s].
        wall_s: Wall time, [s].
        questions: Questions that leaves asked.
        model_calls: Requests that reached the backend.
        vlm: Backend.
        robot: Driver.
        scene: Scene, empty for robots that have none.
        seed: Seed.
        digest: Equal for equal runs, see ``knothole.trees.ticking.digest``.
        missed: What the scene's goal misses, judged on truth; empty when it is met, None without a goal or a world.
        trace: The recording, None when there is none.
        picture: The final scene, None when there is none.
        fault: What was raised.
        problems: What went wrong while the run was stopped, in words.
        timing: How punctual the run was; None in simulation.
        given: The tree as it was named on the command line.
        asking: What was asked and what that cost: ``total``, ``nodes``, ``backends``; in simulation also ``gate``, how
            many looks without a call were ``judged`` on truth and how many changes they ``missed``.
        interventions: How often somebody intervened through a ``Control``; then the digest is that of this run alone.
    """

    tree: str
    status: str
    exit_code: int
    reason: str
    ticks: int
    sim_time_s: float
    wall_s: float
    questions: int
    model_calls: int
    vlm: str
    robot: str
    scene: str
    seed: int
    digest: str
    missed: str | None = None
    trace: Path | None = None
    picture: Path | None = None
    fault: BaseException | None = field(default=None, compare=False)
    problems: tuple[str, ...] = ()
    timing: Timing | None = None
    given: str = ""
    asking: Mapping[str, Any] = field(default_factory=dict)
    interventions: int = 0

    @property
    def uses_truth(self) -> bool:
        """True when the answers came from the truth of the simulator."""
        return from_truth(self.vlm)

    def to_json(self) -> dict[str, object]:
        """Return what ``run … --json`` prints."""
        return {
            "status": self.status,
            "ticks": self.ticks,
            "sim_time_s": round(self.sim_time_s, 3),
            "wall_s": round(self.wall_s, 3),
            "questions": self.questions,
            "model_calls": self.model_calls,
            "vlm": self.vlm,
            "robot": self.robot,
            "seed": self.seed,
            "trace": str(self.trace) if self.trace else None,
            "digest": self.digest,
            "tree": self.tree,
            "scene": self.scene,
            "reason": self.reason,
            "missed": self.missed,
            "picture": str(self.picture) if self.picture else None,
            "timing": self.timing.to_json() if self.timing is not None else None,
            "asking": dict(self.asking),
            "interventions": self.interventions,
        }

    def __str__(self) -> str:
        where = f" in scene {self.scene}, seed {self.seed}" if self.scene else ""
        lines = [f"{self.status}  {self.tree}{where}, on {self.robot}"]
        if self.reason and self.status != "SUCCESS":
            lines.append(f"  reason     {self.reason}")
        if self.missed is not None:
            lines.append(
                f"  goal       {'met' if not self.missed else 'missed: ' + self.missed} (judged on the scene's truth)"
            )
        lines.append(f"  time       {self._time()}, {self.ticks} ticks")
        if self.timing is not None:
            lines.append(f"  punctual   {self.timing}")
        seen = f"{self.questions} questions, {self.model_calls} model calls to {self.vlm}"
        lines.append(f"  asked      {seen}{' (answers from simulator truth)' if self.uses_truth else ''}")
        lines += [f"  {label:<11}{text}" for label, text in told(self.asking)]
        if self.interventions:
            lines.append(f"  debugged   {self.interventions} interventions (see /interventions in the trace)")
        lines += [f"  problem    {problem}" for problem in self.problems]
        if self.trace:
            lines.append(f"  trace      {self.trace}")
        if self.picture:
            lines.append(f"  picture    {self.picture}")
        lines.append(f"  next       {self._next()}")
        return "\n".join(lines)

    def _time(self) -> str:
        if self.timing is not None:
            return f"{self.sim_time_s:.1f} s"
        speed = f", {self.sim_time_s / self.wall_s:.1f} × real time" if self.wall_s > 0 else ""
        return f"{self.sim_time_s:.1f} s simulated, {self.wall_s:.1f} s wall{speed}"

    def _next(self) -> str:
        tree = self.given or self.tree
        if self.exit_code == 0 and self.missed is not None:
            return f"knothole run {tree} --seed {self.seed + 1}, or knothole eval {tree} --seeds 0-9"
        seeing = ""
        if self.exit_code == 1 and self.missed is not None and not self.uses_truth and self.questions:
            seeing = f"knothole run {tree} --seed {self.seed} --vlm oracle  (is it the seeing?)"
        if self.trace is not None and self.exit_code != 0:
            trace = shlex.quote(str(self.trace))
            if self.status == "RUNNING":
                return f"knothole run --resume {trace}, or knothole why {trace}"
            return f"knothole why {trace}" + (f", or {seeing}" if seeing else "")
        if seeing:
            return seeing
        return f"knothole draw {tree} -o {shlex.quote(file_word(self.tree))}.svg"


def told(asking: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return lines of a summary on what was asked, each with its label; nothing where there is nothing to tell."""
    total, backends = asking.get("total", {}), asking.get("backends", {})
    if not total.get("questions"):
        return []
    lines: list[tuple[str, str]] = []
    words = {
        "cancelled": "not sent since nobody waited",
        "late": "too late",
        "failed_over": "went on to another backend",
        "refused": "refused (budget spent, or every backend rests)",
    }
    trouble = [f"{total[key]} {text}" for key, text in words.items() if total.get(key)]
    if trouble:
        lines.append(("questions", ", ".join(trouble)))
    if len(backends) > 1:
        lines.append(("backends", ", ".join(f"{name} {row.get('calls', 0)} calls" for name, row in backends.items())))
    if total.get("tokens") or total.get("cost"):
        money = f", {total['cost']:.4f} USD" if total.get("cost") else ""
        lines.append(("cost", f"{total.get('tokens', 0)} tokens{money}"))
    if total.get("spared"):
        gate = asking.get("gate", {})
        judged = f"; {gate['missed']} changes missed ({gate['judged']} judged on truth)" if gate.get("judged") else ""
        lines.append(("gate", f"{total['spared']} looks needed no call{judged}"))
    return lines
