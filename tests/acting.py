"""Whole runs of trees that plan and grow: a kinematic arm before one cube, a scripted model, a human."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from knothole.app.humans.scripted_human import ScriptedHuman
from knothole.behaviors.context import Context
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.tests.rig import region
from knothole.trees.builder import BuiltTree, build
from knothole.trees.growing.garden import Garden
from knothole.trees.growing.proposals import ProposalFolder
from knothole.trees.invariants.enforcing import Enforcer
from knothole.trees.invariants.reader import read_invariants_text
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop, LoopResult
from knothole.trees.tracing.trace import TraceWriter
from knothole.vlm.broker import Broker
from knothole.vlm.scripted import Scripted

BOWL = {"shape": "bowl", "color": "red", "size": (0.16, 0.16, 0.06), "xyz": (0.5, 0.3)}
CUBE = {"shape": "cube", "color": "red", "size": (0.05, 0.05, 0.05), "xyz": (0.5, 0.0)}


@dataclass
class Scene:
    """One run: its loop, and what it told.

    Attributes:
        loop: The loop.
        events: Channel and data of what leaves emitted.
        said: What was said to the human.
    """

    loop: Loop
    events: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def tree(self) -> BuiltTree:
        return self.loop.tree

    def run(self) -> LoopResult:
        return self.loop.run()

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.close()

    def ticks(self, count: int) -> None:
        for _ in range(count):
            self.loop.tick()

    def statuses(self) -> dict[str, str]:
        return {each.path: each.node.status.name for each in self.tree.nodes}

    def told(self, channel: str) -> list[Mapping[str, object]]:
        return [data for name, data in self.events if name == channel]


def scene(
    text: str,
    script: Mapping[str, object] | None = None,
    *,
    trace: Path | None = None,
    human: Mapping[str, Sequence[str]] | None = None,
    proposals: Path | None = None,
    search: Sequence[Path] = (),
    things: Sequence[str] = (),
    bowls: Sequence[str] = (),
    never: str = "",
    model: type[Scripted] = Scripted,
    **options: Any,
) -> Scene:
    """Make a run of a tree without ``knothole:`` and ``tree:`` of its own: ``root:`` and what stands beside it.

    Whoever looks for one of ``things`` finds the one cube that is there, for one of ``bowls`` a bowl beside it.
    ``never`` holds the rules of ``never.yaml``; ``model`` answers by the script.
    """
    robot = DRIVERS.get("kinematic")(DriverOptions(settings={"props": [CUBE, BOWL] if bowls else [CUBE]}))
    found = {name: region(robot, "red cube") for name in things} | {name: region(robot, "red bowl") for name in bowls}
    broker = Broker(model({**found, **(script or {"*": "yes"})}), stepped=True, latency=0.1)
    context = Context(robot, broker, rng=np.random.default_rng(0))
    context.human = ScriptedHuman(human) if human is not None else None
    context.grow = Garden(search)
    if never:
        rules = read_invariants_text(f"knothole_invariants: 1\nrules:\n{never}", "never.yaml", search)
        context.invariants = Enforcer(rules, context)
    context.proposals = ProposalFolder(proposals) if proposals is not None else None
    writer = TraceWriter(trace) if trace is not None else None
    tree = build(load_text(f"knothole: 1\ntree: t\n{text}", search=search), context)
    made = Scene(Loop(tree, max_time=60.0, trace=writer, **options))
    context.emit = lambda channel, data: made.events.append((channel, dict(data)))
    context.say = made.said.append
    return made


def step(skill: str, **args: object) -> dict[str, object]:
    return {"skill": skill, "args": args}
