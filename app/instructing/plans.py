"""Ask a backend to plan the instructions of the suite, and judge its answers without moving anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..._base import KnotholeError
from ...vlm.facts import FrameFacts
from ...vlm.questions import Answer, Frame, Question
from ...vlm.runner import Runner
from ..backend_settings import one_backend
from ..inspect import project
from ..names import register_all
from ..stage import is_guarded
from .drawing import KINDS, Kind, Task, draw_task
from .judging import Judged, judge_answer, question_of
from .options import Words

PATIENCE = 600.0
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
        from ..stage import open_runner

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


def plan_all(
    vlm: str,
    seeds: Sequence[int],
    kinds: Sequence[Kind] = KINDS,
    words: Words = "both",
    progress: Callable[[str], None] = lambda line: None,
) -> list[Planned]:
    """Let a backend plan the instructions of all seeds.

    Args:
        vlm: Backend.
        seeds: Seeds, each below 100000.
        kinds: Which kinds of instruction are drawn for each seed.
        words: Whose wordings, as in ``SuiteOptions``.
        progress: Called with one line per answer.
    """
    planner = Planner(vlm)
    done: list[Planned] = []
    try:
        for seed in seeds:
            for kind in kinds:
                done.append(planner.plan(draw_task(seed, kind, words)))
                progress(str(done[-1]))
    finally:
        planner.close()
    return done
