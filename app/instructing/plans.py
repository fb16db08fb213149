"""Have the instructions of the suite planned, and judge the plans without moving anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ..._base import KnotholeError
from ...trees.ticking.loop import Outcome
from ...vlm.facts import FrameFacts
from ...vlm.questions import Answer, Frame, Question
from ...vlm.runner import Runner
from ..authoring.inspect import project
from ..running.options import RunOptions
from ..running.session import Session
from ..running.stage import is_guarded, keep_open
from ..settings.backend_settings import one_backend
from ..settings.names import register_all
from .drawing import KINDS, Kind, Task, draw_task
from .judging import Judged, judge_answer, question_of
from .options import SuiteOptions

TREE: Final = "make_plan"
PATIENCE: Final = 600.0
"""Longest wall time for one answer, [s]."""


@dataclass(frozen=True)
class Planned:
    """One instruction and what a backend made of it."""

    task: Task
    answer: Answer
    judged: Judged

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        task, judged = self.task, self.judged
        return {
            "seed": task.seed,
            "kind": task.kind,
            "act": task.act,
            "scene": task.scene,
            "words": task.words,
            "apart": task.apart,
            "answer": self.answer.data if self.answer.data is not None else self.answer.text,
            "best": task.best.data,
            "accepted": judged.accepted,
            "right": judged.right,
            "exact": judged.exact,
            "why": judged.why,
        }

    def __str__(self) -> str:
        mark = "right " if self.judged.right else "wrong "
        apart = "held apart" if self.task.apart else "training  "
        why = f"  {self.judged.why}" if self.judged.why else ""
        return f"{mark} {self.task.kind:<6} {apart} {self.task.title}{why}"


class Planner:
    """A backend that is asked for plans, one after the other.

    Args:
        vlm: Backend; empty takes the configured one, of a chain the first.

    Raises:
        KnotholeError: It cannot be opened.
    """

    def __init__(self, vlm: str) -> None:
        from ..running.stage import open_runner

        register_all()
        config = project()
        self.vlm, _ = one_backend(config, vlm)
        self._facts: dict[str, FrameFacts] = {}
        if self.vlm.partition(":")[0] == "oracle":
            from ...vlm.broker import open_backend

            self._runner: Runner = open_backend(self.vlm, {"truth": lambda frame: self._facts.get(frame.id)})
        else:
            self._runner = open_runner(self.vlm, config, None)
        self.guarded = is_guarded(self.vlm, config)

    def plan(self, task: Task) -> Planned:
        """Ask for the plan of one instruction."""
        self._facts = {task.frame.id: task.facts}
        answer = self.ask(task.frame, question_of(task))
        return Planned(task, answer, judge_answer(task, answer))

    def ask(self, frame: Frame, question: Question) -> Answer:
        """Ask one question and wait for its answer."""
        number = self._runner.submit(frame, [question])
        reply = next((r for r in self._runner.poll(PATIENCE) if r.request == number), None)
        if reply is None:
            raise KnotholeError(f"backend {self.vlm!r} gave no answer within {PATIENCE:g} s")
        return reply.answers[0]

    def close(self) -> None:
        """Release the backend."""
        self._runner.close()


class Checked:
    """The leaf ``plan`` in the scene of an instruction: it asks a backend, checks what that answers, and moves nothing.

    Args:
        options: Backends and robot; the tree is ``make_plan``.
    """

    def __init__(self, options: SuiteOptions) -> None:
        self._options = options
        self._kept = keep_open(options.backends or project().vlm, project())

    def plan(self, task: Task) -> Planned:
        """Have one instruction planned."""
        options = RunOptions(
            tree=TREE,
            scene=task.scene,
            seed=task.seed,
            vlm=self._options.backends,
            robot=self._options.robot,
            inputs={**self._options.inputs, "instruction": task.words},
            max_time=self._options.max_time,
            record=False,
        )
        with Session(options, self._kept) as session:
            run = session.bind(task.seed)
            result = run.run()
        if result.exit_code == Outcome.INTERRUPTED:
            raise KeyboardInterrupt
        said = run.tree.outputs()
        data = said.get("steps") or {name: said[name] for name in ("ask", "cannot") if name in said}
        answer = Answer("plan", data=data, text=json.dumps(data)) if data else Answer("plan", problem=result.reason)
        return Planned(task, answer, judge_answer(task, answer))

    def close(self) -> None:
        """Release the backends."""
        for one in self._kept.values():
            one.release()


def plan_all(
    options: SuiteOptions,
    seeds: Sequence[int],
    kinds: Sequence[Kind] = KINDS,
    checked: bool = True,
    progress: Callable[[str], None] = lambda line: None,
) -> list[Planned]:
    """Let a backend plan the instructions of all seeds.

    Args:
        options: Backends and words; of a chain only the first plans where nothing is checked.
        seeds: Seeds, each below 100000.
        kinds: Which kinds of instruction are drawn for each seed.
        checked: Whether the leaf ``plan`` checks the answers and asks again, as in a run; else first answers count.
        progress: Called with one line per answer.
    """
    planner = Checked(options) if checked else Planner(options.vlm)
    done: list[Planned] = []
    try:
        for seed in seeds:
            for kind in kinds:
                done.append(planner.plan(draw_task(seed, kind, options.words)))
                progress(str(done[-1]))
    finally:
        planner.close()
    return done
