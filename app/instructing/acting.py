"""Carry out the instructions of the suite in physics, and judge on truth after everything has come to rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...sim.truth import frame_truth
from ...trees.ticking.loop import Outcome
from ...vlm.facts import FrameFacts
from ...vlm.language.executing import reached
from ...vlm.language.instructions import Instruction
from ...vlm.language.matching import matches
from ..authoring.inspect import project
from ..models.truth import frame_facts
from ..running.crew import EvaluationError
from ..running.evaluate import trace_of
from ..running.options import RunOptions
from ..running.run import Judge
from ..running.session import Session
from ..running.stage import Stage, keep_open
from .drawing import draw_task
from .options import SuiteOptions

_POINTS = 10.0
"""What the hand points at is at most so far beside its axis, [deg]."""


@dataclass(frozen=True)
class Acted:
    """One instruction and what came of it in physics.

    Attributes:
        seed: Seed of scene and words.
        act: As in ``drawing.ACTS``.
        scene: Name of the scene.
        words: The instruction in words.
        apart: Whether they are held apart from the training.
        success: Whether what was asked is true in the end.
        missed: What is not as it should be.
        status: Status of the root.
        reason: Why it failed, in the words of the tree.
        sim_time_s: Time the run took on its clock, [s].
        wall_s: Wall time, [s].
        model_calls: Requests that reached a backend.
        digest: Equal for equal runs.
    """

    seed: int
    act: str
    scene: str
    words: str
    apart: bool
    success: bool
    missed: str
    status: str
    reason: str
    sim_time_s: float
    wall_s: float
    model_calls: int
    digest: str

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Acted:
        """Read what ``to_json`` wrote."""
        return cls(**raw)

    def __str__(self) -> str:
        mark = "ok    " if self.success else "failed"
        apart = "held apart" if self.apart else "training  "
        why = "" if self.success else f"  {self.missed or self.reason}" + (f" ({self.reason})" if self.missed else "")
        return f"{mark} {apart} seed {self.seed} {self.scene}: {self.words} [{self.sim_time_s:.0f} s]{why}"


@contextmanager
def acting(options: SuiteOptions, traces: Path | None = None) -> Iterator[Callable[[int], Acted]]:
    """Open what the runs share; what is yielded runs one seed, with a trace in ``traces`` where that is given."""
    kept = keep_open(options.backends or project().vlm, project())
    try:
        yield partial(act, options=options, kept=kept, traces=traces)
    finally:
        for one in kept.values():
            one.release()


def act(seed: int, options: SuiteOptions, kept: Any = None, traces: Path | None = None) -> Acted:
    """Carry out the instruction of one seed.

    Args:
        seed: Seed of scene and words.
        options: How.
        kept: Backends that are open already, as ``Session`` takes them.
        traces: Folder for a trace, ``TREE-seedN.mcap``; None records nothing.

    Raises:
        EvaluationError: The robot has no simulated world.
    """
    task = draw_task(seed, words=options.words)
    run = RunOptions(
        tree=options.tree,
        scene=task.scene,
        seed=seed,
        vlm=options.backends,
        robot=options.robot,
        inputs={**options.inputs, "instruction": task.words},
        max_time=options.max_time,
        record=traces is not None,
        trace=traces,
        disturb=options.disturb,
    )
    with Session(run, kept) as session:
        result = session.run(seed, judge=_judge(task.meant), trace=trace_of(session, seed))
    if result.exit_code == Outcome.INTERRUPTED:
        raise KeyboardInterrupt
    if result.exit_code == Outcome.TERMINATED:
        raise SystemExit(int(Outcome.TERMINATED))
    if result.missed is None:
        raise EvaluationError(f"seed {seed} cannot be judged: {'; '.join(result.problems) or 'it has no truth'}")
    return Acted(
        seed=seed,
        act=task.act,
        scene=task.scene,
        words=task.words,
        apart=task.apart,
        success=not result.missed and result.exit_code < 3,
        missed=result.missed,
        status=result.status,
        reason=result.reason,
        sim_time_s=round(result.sim_time_s, 2),
        wall_s=round(result.wall_s, 2),
        model_calls=result.model_calls,
        digest=result.digest,
    )


def _judge(meant: Instruction) -> Judge:
    def look(stage: Stage) -> Callable[[], Sequence[str]]:
        before = _facts(stage)

        def verdict() -> Sequence[str]:
            assert stage.world is not None
            stage.world.settle(2.0)
            now = _facts(stage)
            if meant.act == "look":
                return _aimed(meant, before, now, stage)
            return () if reached(meant, before, now) else ("what was asked is not so",)

        return verdict

    return look


def _facts(stage: Stage) -> FrameFacts:
    if stage.world is None:
        raise EvaluationError(
            f"the instructions cannot be judged on robot {stage.robot_name!r}\n"
            "  why:  success is judged on the truth of a simulated world\n"
            "  fix:  choose a simulated robot, such as panda"
        )
    camera = stage.world.spec.camera
    return frame_facts(frame_truth(stage.world, stage.world.render(camera), camera))


def _aimed(meant: Instruction, before: FrameFacts, now: FrameFacts, stage: Stage) -> Sequence[str]:
    """Tell whether the hand points at the thing."""
    assert meant.a is not None
    assert stage.robot is not None
    tcp = stage.robot.state().world_from_tcp
    for index in matches(meant.a, before):
        ray = np.array(now.objects[index].xyz) - tcp.position
        off = np.degrees(np.arccos(np.clip(tcp.rotation[:, 2] @ ray / np.linalg.norm(ray), -1.0, 1.0)))
        if off <= _POINTS:
            return ()
    return ("the hand does not point at it",)
