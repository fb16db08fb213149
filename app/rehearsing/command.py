"""Try a plan, or a whole tree, in a simulated scene and say step by step what would happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.text import Text

from ..._base import KnotholeError, parse_json
from ...behaviors.context import Context
from ...behaviors.means.skills import DEFAULT_SKILLS, Skill, Step, mistakes, skills
from ...behaviors.planning.tree_form import tree_mistakes
from ...behaviors.rehearsing import Mode, Plan, RehearsalVerdict
from ...trees.growing.tree_skills import tree_skill
from ...trees.ticking.outcome import Ticked
from ..authoring.inspect import project
from ..running.options import RunOptions
from ..running.result import RunResult
from ..running.session import run_tree
from ..running.stage import DEFAULT_SCENE, open_stage
from ..running.terminal import Watcher
from .rehearsal import rehearsal_of

LONGEST = 1000
"""Most steps of a plan that is tried."""


class PlanError(KnotholeError):
    """A file that holds no plan."""


def skills_of(names: Sequence[str]) -> dict[str, Skill]:
    """Return skills by name: leaves, and trees with ``skill:`` in their header.

    Raises:
        ValueError: One is none that a plan can use.
        KnotholeError: One is unknown, or a tree with mistakes.
    """
    search = project().trees
    return skills(names, lambda name: tree_skill(name, search))


def read_plan(path: Path, allowed: Sequence[str] = DEFAULT_SKILLS) -> Plan:
    """Read a plan from a JSON file: a list of steps, each ``{skill, args}``, or a tree of them.

    Args:
        path: The file.
        allowed: Skills that it may use.

    Raises:
        PlanError: It cannot be read, is no JSON, or has mistakes; all of them are said.
        ValueError: A skill is none that a plan can use.
    """
    try:
        data = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"the plan {path} cannot be read: {error.strerror}\n  fix:  correct the path") from None
    except ValueError as error:
        raise PlanError(f"{path} is no JSON: {error}\n  fix:  write a list of steps, each {{skill, args}}") from None
    check = tree_mistakes if isinstance(data, dict) else mistakes
    wrong = check(data, skills_of(allowed), LONGEST)
    if wrong:
        raise PlanError("\n".join((f"the plan {path} cannot be run", *(f"  {one}" for one in wrong))))
    if isinstance(data, dict):
        return data
    return [Step(skill=step["skill"], args=dict(step.get("args", {}))) for step in data]


def rehearse_plan(
    plan: Plan,
    scene: str = "",
    seed: int = 0,
    mode: Mode = "auto",
    allowed: Sequence[str] = DEFAULT_SKILLS,
) -> RehearsalVerdict:
    """Try a plan in a simulated scene.

    Args:
        plan: The plan: steps, or a tree of them.
        scene: By name or file; ``table`` when empty.
        seed: Of the scene.
        mode: How to try it.
        allowed: Skills that it may use.

    Raises:
        KnotholeError: There is no such scene.
    """
    config = project()
    with ExitStack() as stack:
        stage = open_stage(stack, "panda", scene or DEFAULT_SCENE, seed, config)
        assert stage.robot is not None
        context = Context(robot=stage.robot, now=stage.robot.now(), rng=np.random.default_rng(seed))
        rehearsing = rehearsal_of(context, stage).start(plan, skills_of(allowed), mode)
        assert rehearsing is not None
        stack.callback(rehearsing.drop)
        verdict = rehearsing.verdict
        assert verdict is not None
        return verdict


def rehearse_tree(
    tree: str, scene: str, seed: int, mode: Mode, vlm: str, inputs: Mapping[str, str], console: Console
) -> RunResult:
    """Run a tree in a simulated scene without a trace, and print what each leaf comes to.

    Args:
        tree: File, or name of a tree.
        scene: By name or file; empty for the tree's.
        seed: Of the scene.
        mode: ``kinematic`` moves things without forces.
        vlm: Who is asked; the truth when empty.
        inputs: Tree input → value as text.
        console: Where to.

    Raises:
        KnotholeError: The run cannot be started.
    """
    robot = "ghost" if mode == "kinematic" else "panda"
    options = RunOptions(tree, scene=scene, seed=seed, vlm=vlm or "oracle", robot=robot, inputs=inputs, record=False)
    return run_tree(options, Leaves(console))


class Leaves(Watcher):
    """A line for each leaf that ends."""

    def ticked(self, ticked: Ticked) -> None:
        """Print the leaves that have ended in a tick."""
        super().ticked(ticked)
        for change in ticked.changes:
            built = self.tree.nodes[change.node] if self.tree is not None else None
            if built is None or built.kind != "leaf" or change.status not in ("SUCCESS", "FAILURE"):
                continue
            mark = "✓" if change.status == "SUCCESS" else "✗"
            words = f"{built.type}: {change.reason}" if change.reason else built.type
            self.console.print(Text(f"{ticked.now:7.1f} s  {mark} {words}"), soft_wrap=True)
