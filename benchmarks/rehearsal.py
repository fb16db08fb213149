"""Whether a rehearsal says what then happens: random plans in random scenes, sound ones and others, tried and then run.

``python benchmarks/rehearsal.py --seeds 0-19`` prints the table of verdicts over outcomes, and what a rehearsal takes.

A plan picks a random loose thing and puts it into or onto another random thing, once or twice; one thing in six stands
at the rim of the arm's reach or beyond it. What happens is judged on truth: a plan worked when each of its steps
succeeded, and what they were to bring about is true in the end.

With ``--form tree`` the same steps are a tree: a pick may be tried twice, a question chooses whether the thing still
has to be moved, and another one looks whether it is where it should be.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from knothole.app.models.oracle import Oracle
from knothole.app.models.truth import SceneTruth
from knothole.app.rehearsing.playing import play
from knothole.app.settings.names import register_all
from knothole.behaviors.context import Context
from knothole.behaviors.means.skills import DEFAULT_SKILLS, Step, skills
from knothole.behaviors.node import NODES, RUNNING, SUCCESS, Leaf, Wiring
from knothole.behaviors.planning.tree_form import tree_yaml
from knothole.behaviors.planning.yaml_text import document
from knothole.behaviors.ports import Port
from knothole.behaviors.rehearsing import Kind, Plan, RehearsalVerdict
from knothole.sim.cloning import state_of
from knothole.sim.draw import load_scene
from knothole.sim.layout import standing
from knothole.sim.panda import PandaSim
from knothole.sim.scene import SceneSpec
from knothole.sim.truth import world_truth
from knothole.sim.world import World
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop
from knothole.vlm.broker import Broker

SCENES = ("table", "tidy_table", "clear_plate", "sort_by_color", "stack_two")
KINDS: tuple[Kind, ...] = ("kinematic", "physics")
LIMIT = 120.0
"""Longest time of a plan, [s]."""


@dataclass
class Measured:
    """What came of the rehearsals of one kind.

    Attributes:
        table: (verdict, outcome) → how many.
        wall: Time of each, [s].
        cpu: CPU time of each, [s].
    """

    table: Counter[tuple[str, str]] = field(default_factory=Counter)
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def agreement(self) -> float:
        """Share of verdicts that say what happened, of those that say something."""
        right = self.table["works", "works"] + self.table["fails", "fails"]
        return right / max(1, sum(count for (verdict, _), count in self.table.items() if verdict != "unfinished"))


def scene_of(seed: int) -> SceneSpec:
    """Return a random scene; in some one thing stands far away."""
    rng = np.random.default_rng([seed, 81])
    spec = load_scene(SCENES[seed % len(SCENES)], seed)
    loose = [k for k, item in enumerate(spec.objects) if item.loose]
    if loose and rng.random() < 1 / 6:
        k = int(rng.choice(loose))
        far, side = float(rng.uniform(0.70, 0.95)), float(rng.uniform(-0.25, 0.25))
        items = list(spec.objects)
        items[k] = standing(items[k], far, side, 0.0, 0.0)
        spec = replace(spec, objects=tuple(items))
    return replace(spec, disturbances=(), hand=None)


def plan_of(spec: SceneSpec, seed: int) -> list[Step]:
    """Return a random plan; its words mean one thing each."""
    rng = np.random.default_rng([seed, 82])
    names = [item.name for item in spec.objects]
    single = [item for item in spec.objects if names.count(item.name) == 1]
    steps: list[Step] = []
    loose = [item for item in single if item.loose]
    rng.shuffle(loose)  # type: ignore[arg-type]
    for thing in loose[: int(rng.integers(1, 3))]:
        others = [item for item in single if item.name != thing.name]
        if not others:
            continue
        target = others[int(rng.integers(len(others)))]
        how = "into" if target.shape in ("tray", "bowl", "plate", "mug") else "onto"
        steps.append(Step(skill="pick", args={"object": f"the {thing.name}"}))
        steps.append(Step(skill="place", args={"object": f"the {thing.name}", how: f"the {target.name}"}))
    return steps


def tree_of(steps: Sequence[Step]) -> dict[str, object]:
    """Return the same plan as a tree with questions, a second attempt and another way."""
    nodes: list[object] = []
    for pick, place in zip(steps[::2], steps[1::2], strict=True):
        args = place["args"]
        target = f"inside {args['into']}" if "into" in args else f"on {args['onto']}"
        question = f"Is {args['object']} {target}?"
        moved = {"sequence": [{"retry": pick, "times": 2}, place]}
        nodes += [{"if": question, "then": {"skill": "home", "args": {}}, "else": moved}]
        nodes += [{"fallback": [{"see": question, "expect": "yes"}, {"skill": "wait", "args": {"duration": 0.5}}]}]
    return {"sequence": nodes}


def happen(world: World, robot: PandaSim, steps: Sequence[Step], seed: int, tree: Plan | None = None) -> str:
    """Run a plan in a world, as a tree where one is given, and return why it did not work; empty when it did."""
    truth = SceneTruth(world, robot)
    broker = Broker([Oracle(truth)], stepped=True, latency=0.1)
    context = Context(robot, broker, now=robot.now(), rng=np.random.default_rng([seed, 83]), frames=truth.saw)
    if tree is not None:
        text = document(tree_yaml(tree, skills(DEFAULT_SKILLS)), "plan")
        result = Loop(build(load_text(text), context), max_time=LIMIT, watchdog=0).run()
        if result.status != "SUCCESS":
            return result.reason or result.status
        world.settle(2.0)
        return missing(world, steps)
    try:
        for number, step in enumerate(steps, 1):
            cls = NODES.get("run_step")
            ports: tuple[Port, ...] = cls.ports  # type: ignore[attr-defined]
            values = {**{port.name: port.default for port in ports}, "step": step, "skills": list(DEFAULT_SKILLS)}
            inputs = {port: (lambda value=value: value) for port, value in values.items()}
            leaf = cast(Leaf, cls(Wiring("run_step", "plan", inputs=inputs, context=context)))
            status = RUNNING
            while status is RUNNING:
                robot.advance(robot.now() + 0.05)
                context.now, context.tick = robot.now(), context.tick + 1
                broker.collect(context.now)
                status = leaf._t()
                broker.flush(context.now)
                if context.now > LIMIT:
                    return f"step {number} took too long"
            if status is not SUCCESS:
                return f"step {number}: {leaf.feedback_message}"
    finally:
        broker.close()
    world.settle(2.0)
    return missing(world, steps)


def missing(world: World, steps: Sequence[Step]) -> str:
    """Return what a plan was to bring about and did not."""
    truth = world_truth(world)
    for step in steps:
        if step["skill"] == "place":
            args = {port: str(words).removeprefix("the ") for port, words in step["args"].items()}
            [thing] = truth.find(args["object"])
            [place] = truth.find(args.get("into") or args["onto"])
            where = truth.objects[thing]
            if "into" in args and not truth.inside(thing, place):
                return f"the {args['object']} is not in the {args['into']}"
            if "onto" in args and not (where.relation == "on" and where.support == place):
                return f"the {args['object']} is not on the {args['onto']}"
    return ""


def rehearse(world: World, robot: PandaSim, plan: Plan, kind: Kind, seed: int) -> RehearsalVerdict:
    """Play a plan in a copy of a world."""
    context = Context(robot, now=robot.now(), rng=np.random.default_rng([seed, 83]))
    playing = play(state_of(world, robot), kind, context, plan, skills(DEFAULT_SKILLS))
    while True:
        try:
            next(playing)
        except StopIteration as end:
            return cast(RehearsalVerdict, end.value)


@contextmanager
def clocked(into: Measured) -> Iterator[None]:
    """Note how long a block takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    into.wall.append(time.perf_counter() - wall)
    into.cpu.append(time.process_time() - cpu)


def measure(seeds: Sequence[int], form: str = "steps") -> dict[Kind, Measured]:
    """Try and run a plan for each seed, and print a line about each."""
    measured: dict[Kind, Measured] = {kind: Measured() for kind in KINDS}
    for seed in seeds:
        spec = scene_of(seed)
        steps = plan_of(spec, seed)
        if not steps:
            continue
        tree = tree_of(steps) if form == "tree" else None
        with World(spec) as world:
            robot = PandaSim(world)
            robot.advance(0.1)
            verdicts: dict[Kind, RehearsalVerdict] = {}
            for kind, row in measured.items():
                with clocked(row):
                    verdicts[kind] = rehearse(world, robot, tree or steps, kind, seed)
            why = happen(world, robot, steps, seed, tree)
        outcome = "fails" if why else "works"
        for kind, verdict in verdicts.items():
            said = ("works" if verdict.ok else "fails") if verdict.finished else "unfinished"
            measured[kind].table[said, outcome] += 1
            if said != outcome:
                print(f"  {seed} {kind}: {str(verdict) or 'it would work'} | {why or 'it worked'}", flush=True)
        print(f"{seed} {spec.name}, {len(steps)} steps: {why or 'it worked'}", flush=True)
    return measured


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=_seeds, default=_seeds("0-19"), metavar="A-B", help="seeds (default 0-19)")
    parser.add_argument("--form", choices=("steps", "tree"), default="steps", help="form of the plans (default steps)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON in the end")
    args = parser.parse_args()
    register_all()
    rows = measure(args.seeds, args.form)
    for kind, row in rows.items():
        print(f"\n{kind}: {100 * row.agreement:.0f} % of the verdicts say what happened")
        print("  verdict     it worked  it failed")
        for said in ("works", "fails", "unfinished"):
            print(f"  {said:<10}  {row.table[said, 'works']:9}  {row.table[said, 'fails']:9}")
        for name, values in (("wall", row.wall), ("CPU", row.cpu)):
            print(f"  {name}: median {statistics.median(values):.2f} s, worst {max(values):.2f} s")
    if args.json:
        tables = {kind: {"/".join(key): count for key, count in row.table.items()} for kind, row in rows.items()}
        print(json.dumps({"tables": tables, "cpu_s": {kind: row.cpu for kind, row in rows.items()}}))


if __name__ == "__main__":
    main()
