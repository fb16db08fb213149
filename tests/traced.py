"""Recorded runs for tests: a kinematic arm that sees, finds and moves, without physics."""

from __future__ import annotations

from pathlib import Path

from knothole.behaviors.context import Context
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.tests.rig import region
from knothole.tests.script_nodes import Script
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop, LoopResult
from knothole.trees.tracing.amount import Amount
from knothole.trees.tracing.trace import TraceWriter
from knothole.vlm.broker import Broker
from knothole.vlm.privacy import Frames
from knothole.vlm.scripted import Scripted

SEES = """knothole: 1
tree: looks
inputs: {who: {type: text, default: cup}}
root:
  sequence:
    - see: "Is there a ${who}?"
    - ground: {query: every loose object, all: true, objects: $things}
    - set: {name: $n, to: "1 + 1"}
    - move_to: {above: the red one, height: 20cm}
    - see: {question: "Is the arm there?", expect: "no"}
      name: look again
    - say: "done ${n}"
"""
PLAIN = """knothole: 1
tree: t
inputs: {who: {type: text, default: cup}}
root:
  sequence:
    - set: {name: $n, to: "1 + 1"}
    - say: "${who} ${n}"
    - home
"""


def seen_run(
    path: Path,
    amount: Amount | None = None,
    frames: Frames = "keep",
    says: str = "no",
    label: str = "red cube",
) -> LoopResult:
    """Record a run that asks, grounds and moves; ``says`` is the last answer, ``label`` what a thing is called."""
    robot = DRIVERS.get("kinematic")(DriverOptions())
    cube = region(robot, "red cube", label=label, point=[0.5, 0.5])
    found = [cube, region(robot, "green can")]
    script = {"Is there *": "yes", "every loose object": found, "the red one": [cube], "Is the arm there?": says}
    context = Context(robot, Broker(Scripted(script), stepped=True, latency=0.1))
    writer = TraceWriter(path, frames, amount)
    return Loop(build(load_text(SEES), context), trace=writer, max_time=30.0, start={"seed": 7}).run()


def plain_run(path: Path, letters: str, text: str = PLAIN, **inputs: object) -> LoopResult:
    """Record a run without a robot, whose last leaf returns the letters of a script."""
    overrides = {"t/sequence/home": lambda wiring: Script(letters, wiring.name, wiring.context)}
    tree = build(load_text(text), Context(), inputs, overrides=overrides)
    return Loop(tree, trace=TraceWriter(path), start={"seed": 7, "vlm": "scripted"}).run()
