"""A plan as the tree that is ticked in a rehearsal: its own composites, and a judge of its steps and questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, Protocol

from ...behaviors.leaves.run_step import RunStep
from ...behaviors.leaves.see import See
from ...behaviors.means.skills import Skill, Step
from ...behaviors.node import RUNNING, SUCCESS
from ...behaviors.planning.tree_form import form_of, nodes_in, tree_yaml
from ...behaviors.step import Status
from ...trees.builder import BuiltTree
from ...trees.loader import load_text
from ...trees.spec import NodeSpec, TreeSpec


class Judge(Protocol):
    """Who looks at what becomes of a plan while it is tried."""

    def begins(self, where: str, number: int, step: Step) -> str:
        """Say why a step may not begin now; empty when it may.

        Args:
            where: Where it stands in the plan.
            number: Of the step, from 1.
            step: The step.
        """
        ...

    def ends(self, where: str, number: int, step: Step, well: bool, words: str) -> str:
        """Take note of what a step came to; return what speaks against its success, empty for nothing."""
        ...

    def decides(self, where: str, question: str, status: Status, words: str) -> None:
        """Take note of what a question came to."""
        ...

    def asks_in_vain(self, where: str, question: str, why: str) -> None:
        """Take note of a question that nobody can answer here."""
        ...


class TriedStep(RunStep):
    """Run one planned step in a rehearsal: it fails too where what it needs, or should bring about, is not true."""

    judge: Judge
    looks = False  # the judge knows what is true
    where = ""
    number = 0
    _unfit = ""

    def start(self) -> None:
        """Begin, unless the step may not."""
        self._unfit = ""
        super().start()

    def unready(self, step: Step, allowed: Mapping[str, Skill]) -> str:
        """Say why a step may not begin now; empty when it may."""
        self._unfit = self.judge.begins(self.where, self.number, step)
        return self._unfit or super().unready(step, allowed)

    def step(self) -> Status:
        """Tick the leaf of the step, and have judged what it came to."""
        status = super().step()
        if status is RUNNING:
            return status
        step = self.get("step")
        assert isinstance(step, Mapping)
        given = Step(skill=str(step["skill"]), args=dict(step.get("args", {})))
        words = self._unfit or self.feedback_message.removeprefix(f"{given['skill']}: ")
        against = self.judge.ends(self.where, self.number, given, status is SUCCESS, words)
        return self.fail(f"{given['skill']}: {against}") if against else status


class TriedSee(See):
    """Decide a question in a rehearsal; one that nobody can answer there ends it."""

    judge: Judge
    where = ""

    def step(self) -> Status:
        """Look, and tell what the question came to."""
        status, question = super().step(), str(self.get("question"))
        if self._problem:
            self.judge.asks_in_vain(self.where, question, self._note)
        elif status is not RUNNING:
            self.judge.decides(self.where, question, status, self._note or self.feedback_message)
        return status


_TRIED: Final = {"run_step": TriedStep, "see": TriedSee}


def tried_tree(plan: Mapping[str, object], allowed: Mapping[str, Skill]) -> TreeSpec:
    """Return a plan as a tree with the inputs ``steps``, in the order of the text, and ``skills``.

    Args:
        plan: The plan as a tree, without mistakes.
        allowed: Its skills.

    Raises:
        TreeError: It is no tree that can be run.
    """
    numbers = iter(range(sum(form_of(node) == "skill" for _, node in nodes_in(plan))))

    def act(_: Step) -> list[str]:
        return ["- run_step:", f"    step: $steps[{next(numbers)}]", "    skills: $skills"]

    head = "knothole: 1\ntree: rehearsal\ninputs: {steps: {type: list}, skills: {type: list}}\nroot:\n  sequence:\n"
    spec = load_text(head + "".join(f"    {line}\n" for line in tree_yaml(plan, allowed, act)), "rehearsal")
    return replace(spec, root=_tried(spec.root))


def judged(tree: BuiltTree, plan: Mapping[str, object], judge: Judge) -> None:
    """Tell the steps and questions of a built plan who judges them, and where they stand in it."""
    number = 0
    for node, where in zip(_leaves(tree), _places(plan), strict=True):
        node.judge, node.where = judge, where
        if isinstance(node, TriedStep):
            number += 1
            node.number = number


def _tried(spec: NodeSpec) -> NodeSpec:
    cls = _TRIED.get(spec.type)
    kind = replace(spec.kind, cls=cls) if cls is not None else spec.kind
    return replace(spec, kind=kind, children=tuple(_tried(child) for child in spec.children))


def _leaves(tree: BuiltTree) -> Iterator[TriedStep | TriedSee]:
    for built in tree.nodes:
        if isinstance(built.node, TriedStep | TriedSee):
            yield built.node


def _places(plan: Mapping[str, object]) -> Iterator[str]:
    for where, node in nodes_in(plan):
        if form_of(node) in ("skill", "see", "if"):
            yield where
