"""Random runs to record and to replay: trees of all dialects over leaves that no replay can tick, and over ``see``."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from knothole.behaviors.context import Context
from knothole.behaviors.node import Wiring
from knothole.behaviors.step import Status
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.tests.script_nodes import Script
from knothole.tests.test_resume import COMPOSITES, DECORATORS, KEYS
from knothole.trees.builder import BuiltTree, build
from knothole.trees.loader import load_text
from knothole.trees.problems import TreeError
from knothole.trees.spec import TreeSpec
from knothole.trees.ticking.loop import Loop, LoopResult
from knothole.trees.tracing.trace import TraceWriter
from knothole.vlm.broker import Broker
from knothole.vlm.scripted import Scripted

PART = {
    "knothole": 1,
    "tree": "part",
    "inputs": {"start": {"type": "number", "default": 1}},
    "root": {"selector": [{"check": "$start > 2"}, {"sequence": [{"check": "$start < 9"}, {"wait": "100ms"}]}]},
}
QUESTIONS = ("Is it red?", "Is it round?")


class Worker(Script):
    """Follows a script, and writes what only an exact record gives back."""

    def step(self) -> Status:
        status = super().step()
        roll = float(self.context.rng.random())
        board = self.wiring.board
        if roll < 0.6:
            board.cell("x").set(roll, self.path)
        if roll < 0.2:
            board.cell("list").set([roll, ("a", np.array([roll, 1.0])), {"k": {1, 2}}], self.path)
        return status

    def halt(self) -> None:
        super().halt()
        self.wiring.board.cell("halts").set(len(self.calls), self.path)


class Mover(Worker):
    """Commands a limb, and takes its time to come to rest."""

    limb = "arm"
    left = 0

    def halt(self) -> None:
        super().halt()
        self.left = 1 + len(self.calls) % 3

    def halting(self) -> bool:
        self.left -= 1
        return self.left > 0


class Hooked(Worker):
    """Is written with the hooks of py_trees."""

    def initialise(self) -> None:
        self.feedback_message = ""
        self.start()

    def update(self) -> Status:
        return self.step()


@dataclass(frozen=True)
class Planned:
    """A random run before it is made.

    Attributes:
        seed: What it was made from.
        spec: The tree.
        scripts: Path of a leaf → class and letters.
        extra: Ticks before which something comes from outside: ``set`` an entry, ``graft`` or ``prune`` a node.
    """

    seed: int
    spec: TreeSpec
    scripts: Mapping[str, tuple[type[Worker], str]]
    extra: Mapping[int, str] = field(default_factory=dict)

    def build(self) -> BuiltTree:
        """Build its tree."""
        rng = random.Random(self.seed)
        robot: Any = DRIVERS.get("kinematic")(DriverOptions())
        answers = {question: [rng.choice(("yes", "no", 0.5, 0.7)) for _ in range(8)] for question in QUESTIONS}
        broker = Broker(Scripted(answers), stepped=True, latency=rng.choice((0.0, 0.1)))
        context = Context(robot, broker, rng=np.random.default_rng(self.seed))

        def plant(cls: type[Worker], letters: str) -> Any:
            def make(wiring: Wiring) -> Worker:
                made = cls(letters, wiring.name, wiring.context)
                made.wiring, made.path, made.place = wiring, wiring.path, wiring.place
                return made

            return make

        return build(self.spec, context, overrides={path: plant(*each) for path, each in self.scripts.items()})

    def record(self, path: Path, max_time: float = 2.5) -> LoopResult:
        """Make the run and record it."""
        loop = Loop(self.build(), trace=TraceWriter(path), max_time=max_time)
        with loop:
            try:
                for tick in range(1, 60):
                    self._intervene(loop, tick)
                    if str(loop.tick().value) != "RUNNING" or loop.context.now > max_time:
                        break
            except Exception as fault:
                return loop.close(fault)
        return loop.close()

    def _intervene(self, loop: Loop, tick: int) -> None:
        what = self.extra.get(tick, "")
        if what == "set":
            loop.tree.blackboard["x"] = tick / 7
        elif what == "graft" and loop.tree.spec.root.type == "sequence":
            loop.graft("t/sequence", load_text(json.dumps({"knothole": 1, "tree": "g", "root": {"wait": "150ms"}})))
        elif what == "prune" and len(loop.tree.spec.root.children) > 1 and loop.tree.spec.root.type == "sequence":
            loop.prune(loop.tree.spec.root.children[-1].path)


def _leaf(rng: random.Random) -> dict[str, object]:
    see = {"question": rng.choice(QUESTIONS), "max_age": "300ms", "on_unsure": rng.choice(("hold", "failure"))}
    return rng.choice(
        (
            *({"check": "$n < 5"},) * 4,
            {"check": "$x < 0.3"},
            {"see": see},
            {"see": {"question": rng.choice(QUESTIONS)}},
            {"wait": rng.choice(("100ms", "250ms"))},
            {"set": {"name": "$n", "to": "$n + $x"}},
            {"use": {"tree": "part", "inputs": {"start": "$n"}}},
            {"bt.Sleep": 150},
            {"pt.Periodic": {"n": 2}},
        )
    )


def _grown(rng: random.Random, depth: int) -> dict[str, object]:
    if depth == 0 or rng.random() < 0.15:
        return _leaf(rng)
    kind = rng.choice(("composite", "composite", "decorator", "keys", "guard"))
    if kind == "composite":
        return {rng.choice(COMPOSITES): [_grown(rng, depth - 1) for _ in range(rng.randint(2, 4))]}
    child = _grown(rng, depth - 1)
    if kind == "guard":
        return {"guard": {"check": _leaf(rng), "child": child, "give_up_after": "600ms"}}
    if kind == "keys":
        return {"sequence": [child, _leaf(rng)], **{key: KEYS[key] for key in rng.sample(sorted(KEYS), 2)}}
    name = rng.choice(sorted(DECORATORS))
    return {name: {**DECORATORS[name], "child": child}}


def planned(seed: int, folder: Path) -> Planned | None:
    """Return a random run; None where the tree has mistakes.

    Args:
        seed: What it is made from.
        folder: Where the tree that it uses is written.
    """
    rng = random.Random(seed)
    (folder / "part.yaml").write_text(json.dumps(PART), encoding="utf-8")
    root = _grown(rng, 4) if rng.random() < 0.5 else {"sequence": [_grown(rng, 3) for _ in range(3)]}
    head = {"knothole": 1, "tree": "t", "params": {"n": 0, "m": 0, "x": 0.25, "list": [], "halts": 0}}
    try:
        spec = load_text(json.dumps({**head, "root": root}), str(folder / "t.yaml"))
        built = build(spec, Context())
    except TreeError:
        return None
    ends = {Worker: "SF!", Mover: "SF!", Hooked: "SF"}
    scripts: dict[str, tuple[type[Worker], str]] = {}
    for node in built.nodes:
        if node.type == "check" and "part" not in node.path and rng.random() < 0.8:
            cls = rng.choice((Worker, Worker, Mover, Hooked))
            scripts[node.path] = cls, "".join(rng.choices("RRRSSFK", k=8)) + rng.choice(ends[cls])
    extra = {rng.randint(2, 20): rng.choice(("set", "graft", "prune")) for _ in range(2)}
    return Planned(seed, spec, scripts, extra)
