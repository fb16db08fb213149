"""Random commands from another thread at random trees: nothing hangs, statuses stay lawful, halts come exactly once."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
import yaml

from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf, Wiring
from knothole.behaviors.step import RUNNING, Status
from knothole.tests.steering import PATIENCE
from knothole.trees.builder import BuiltTree, build
from knothole.trees.debugging.control import Control
from knothole.trees.debugging.hooks import Hook
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop, Outcome

TREES, COMMANDS = 50, 200


class Strict(Leaf):
    """Succeeds, fails or runs at random, and is at fault when it is started, stepped or halted out of turn."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.rng = random.Random(wiring.path)
        self.active = self.paused = False

    def start(self) -> None:
        assert not self.active, f"{self.path} is started while it is active"
        self.active = True

    def step(self) -> Status:
        assert self.active, f"{self.path} is stepped but was not started"
        roll = self.rng.random()
        if roll < 0.6:
            return self.running()
        self.active = False
        return self.succeed() if roll < 0.85 else self.fail("by chance")

    def halt(self) -> None:
        assert self.active, f"{self.path} is halted but is not active"
        self.active = False

    def pause(self) -> None:
        assert self.active, f"{self.path} is paused but is not active"

    def resume(self) -> None:
        assert self.active, f"{self.path} goes on but is not active"


KINDS = (
    "sequence",
    "selector",
    "reactive_sequence",
    "reactive_selector",
    "parallel",
    "bt.Sequence",
    "bt.ReactiveFallback",
)


def grow(rng: random.Random, depth: int) -> Any:
    if depth == 0 or rng.random() < 0.2:
        return {"check": "$x > 3"}
    if rng.random() < 0.25:
        kind = rng.choice(("inverter", "retry", "repeat", "guard"))
        child = grow(rng, depth - 1)
        if kind == "guard":
            return {"guard": {"check": grow(rng, 0), "child": child}}
        more = {"retry": {"attempts": 2}, "repeat": {"times": 2}}.get(kind, {})
        return {kind: {**more, "child": child}}
    return {rng.choice(KINDS): [grow(rng, depth - 1) for _ in range(rng.randint(1, 3))]}


def random_tree(seed: int) -> tuple[BuiltTree, list[Strict]]:
    """Return a random tree that ends only by what is forced, and its leaves."""
    rng = random.Random(seed)
    root = {"repeat": {"times": -1, "child": {"selector": [grow(rng, 4), {"say": "the end"}]}}}
    document = {"knothole": 1, "tree": "t", "params": {"x": 0}, "root": root}
    spec = load_text(yaml.safe_dump(document, sort_keys=False))
    paths = [built.path for built in build(spec, Context()).nodes if built.type == "check"]
    tree = build(spec, Context(), overrides=dict.fromkeys(paths, Strict))
    return tree, [built.node for built in tree.nodes if isinstance(built.node, Strict)]


def random_command(rng: random.Random, paths: list[str]) -> dict[str, Any]:
    do = rng.choice(
        ("pause", "resume", "resume", "step", "run_to", "break", "unbreak", "set", "force", "force", "release", "state")
    )
    node = rng.choice(paths)
    fields: dict[str, dict[str, Any]] = {
        "step": {"ticks": rng.randint(1, 4)},
        "run_to": {"node": node},
        "break": {
            "node": rng.choice((None, node)),
            "status": rng.choice(("SUCCESS", "FAILURE", "RUNNING")),
            "when": rng.choice((None, "$x > 3", "$x < 3")),
            "once": rng.random() < 0.5,
        },
        "unbreak": {"id": rng.randint(1, 20)},
        "set": {"name": "x", "value": rng.randint(0, 6)},
        "force": {
            "node": node,
            "status": rng.choice(("SUCCESS", "FAILURE", "RUNNING")),
            "once": rng.random() < 0.5,
        },
        "release": {"node": node},
    }
    return {"do": do, **fields.get(do, {})}


def random_hook(rng: random.Random, control: Control, count: int) -> None:
    hooks, node = control.hooks, 2 + rng.randrange(count)
    position = rng.choice(("pre", "post"))
    what = rng.randrange(6)
    if what == 0:
        mode = rng.choice(("break", "replace"))
        hooks.insert(Hook(node, position, mode, rng.choice(("SUCCESS", "FAILURE", "SKIPPED")), rng.random() < 0.5))
    elif what == 1:
        hooks.remove(node, position)
    elif what == 2:
        hooks.unlock(node, position, rng.choice(("SUCCESS", "FAILURE", "SKIPPED")), rng.random() < 0.5)
    elif what == 3 and hooks.waiting is not None:
        hooks.unlock(hooks.waiting.node, hooks.waiting.position, "SKIPPED", True)
    elif what == 4:
        hooks.disable_all()
    else:
        hooks.enable_all()


def lawful(tree: BuiltTree, loop: Loop) -> None:
    """Nothing runs below a node that does not; a tick that was left because the run ends stays unfinished."""
    for built in tree.nodes if loop._wish is None else ():
        assert built.node.status in Status
        if built.node.status is RUNNING and built.parent >= 0:
            assert tree.nodes[built.parent].node.status is RUNNING, built.path


@pytest.mark.parametrize("seed", range(TREES))
def test_random_commands_leave_a_run_lawful(seed: int) -> None:
    tree, leaves = random_tree(seed)
    rng, control = random.Random(-1 - seed), Control()
    loop = Loop(tree, control=control)
    loop.listeners.append(lambda ticked: lawful(tree, loop))
    results = []
    thread = threading.Thread(target=lambda: results.append(loop.run()))
    thread.start()
    paths = [built.path for built in tree.nodes[2:-1]]  # a result of the others could end the run
    for _ in range(COMMANDS):
        if rng.random() < 0.25:
            random_hook(rng, control, len(paths))
        else:
            reply = control.command(random_command(rng, paths))
            assert reply["ok"] or reply["error"].startswith(("there is no breakpoint", "the result of")), reply
    assert control.command({"do": "stop"})["ok"]
    thread.join(PATIENCE)
    assert not thread.is_alive(), "the run hangs"
    (result,) = results
    assert result.outcome is Outcome.INTERRUPTED, result.fault
    assert result.problems == ()
    assert [leaf.path for leaf in leaves if leaf.active] == []
    assert {built.node.status.name for built in tree.nodes} <= {"INVALID", "SUCCESS", "FAILURE"}
    assert not any("_t" in built.node.__dict__ for built in tree.nodes)
