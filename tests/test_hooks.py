"""What is ticked when a node has ended: order, waiting, halting, faults."""

from __future__ import annotations

from typing import Any

import pytest

from knothole.behaviors.composites import ReactiveSequence, Sequence
from knothole.behaviors.conditions import Conditions
from knothole.behaviors.hooks import Hooks
from knothole.behaviors.node import NodeFault, Wiring
from knothole.behaviors.step import INVALID
from knothole.tests.script_nodes import Script, play, wiring

BOTH = pytest.mark.parametrize("generator", [False, True], ids=["recursive", "generator"])


class Noted(Script):
    """Writes its steps and halts into a list that all nodes of a test share."""

    def __init__(self, letters: str, name: str, log: list[str]) -> None:
        super().__init__(letters, name)
        self.log = log

    def step(self) -> Any:
        self.log.append(self.name)
        return super().step()

    def halt(self) -> None:
        self.log.append(f"{self.name} halted")


def hooked(child: str, **hooks: str) -> tuple[Hooks, list[str]]:
    """Return hooks around a node with a script; each hook is a script too. ``finally_`` is ``finally``."""
    log: list[str] = []
    parts: dict[str, Any] = {key.rstrip("_"): Noted(script, key.rstrip("_"), log) for key, script in hooks.items()}
    return Hooks(Wiring("hooks", path="hooks", children=[Noted(child, "node", log)], parts=parts)), log


ALL = {"on_success": "S", "on_failure": "S", "on_halt": "S", "post": "S", "finally_": "S"}

# Child's script, hooks → statuses by tick, and what is ticked, in order.
TABLE: list[tuple[str, dict[str, str], str, list[str]]] = [
    ("S", ALL, "S", ["node", "on_success", "post", "finally"]),
    ("F", ALL, "F", ["node", "on_failure", "post", "finally"]),
    ("RS", ALL, "RS", ["node", "node", "on_success", "post", "finally"]),
    ("K", ALL, "K", ["node"]),
    ("RK", ALL, "RK", ["node", "node", "finally"]),
    ("S", {**ALL, "on_success": "F", "finally_": "F"}, "S", ["node", "on_success", "post", "finally"]),
    ("F", {**ALL, "on_failure": "S"}, "F", ["node", "on_failure", "post", "finally"]),
    ("S", {"on_success": "RS", "post": "S"}, "RS", ["node", "on_success", "on_success", "post"]),
    ("F", {"post": "RF", "finally_": "RRS"}, "RRRF", ["node", "post", "post", "finally", "finally", "finally"]),
    ("S", {"on_failure": "S"}, "SS", ["node", "node"]),
    ("S", {"on_success": "K", "post": "S"}, "S", ["node", "on_success", "post"]),
    ("SF", {"on_success": "S", "on_failure": "S"}, "SF", ["node", "on_success", "node", "on_failure"]),
]


@BOTH
@pytest.mark.parametrize(("child", "hooks", "said", "ticked"), TABLE, ids=[f"{c}-{h}" for c, h, _, _ in TABLE])
def test_hooks_are_ticked(child: str, hooks: dict[str, str], said: str, ticked: list[str], generator: bool) -> None:
    node, log = hooked(child, **hooks)
    assert play(node, len(said), generator=generator) == said
    assert log == ticked


@BOTH
def test_a_halt_runs_on_halt_and_finally_once_after_the_node(generator: bool) -> None:
    node, log = hooked("R", **{**ALL, "on_halt": "R", "finally_": "R"})
    play(node, 2, generator=generator)
    log.clear()
    node.stop(INVALID)
    assert log == ["node halted", "on_halt", "on_halt halted", "finally", "finally halted"]
    log.clear()
    node.stop(INVALID)
    assert log == []
    assert play(node, 1, generator=generator) == "R"


@BOTH
def test_a_halt_during_a_hook_halts_it_and_still_runs_finally(generator: bool) -> None:
    node, log = hooked("S", **{**ALL, "on_success": "R"})
    assert play(node, 2, generator=generator) == "RR"
    log.clear()
    node.stop(INVALID)
    assert log == ["on_success halted", "finally"]
    node, log = hooked("S", finally_="R")
    play(node, 1, generator=generator)
    log.clear()
    node.stop(INVALID)
    assert log == ["finally halted"]


@BOTH
def test_nothing_runs_when_a_node_is_left_that_is_not_running(generator: bool) -> None:
    node, log = hooked("S", **ALL)
    play(node, 1, generator=generator)
    log.clear()
    node.stop(INVALID)
    assert log == []


@BOTH
def test_the_nodes_reason_stays_and_a_running_hook_speaks(generator: bool) -> None:
    node, _ = hooked("F", on_failure="RS", post="F")
    play(node, 1, generator=generator)
    assert node.feedback_message == "on_failure said R"
    play(node, 1, generator=generator)
    assert node.feedback_message == "node said F"


@BOTH
def test_finally_runs_once_when_the_node_raises(generator: bool) -> None:
    node, log = hooked("R!", **{**ALL, "finally_": "R"})
    play(node, 1, generator=generator)
    log.clear()
    with pytest.raises(NodeFault, match="the gripper is gone"):
        play(node, 1, generator=generator)
    assert log == ["node", "node halted", "finally", "finally halted"]
    log.clear()
    node.stop(INVALID)
    assert log == []


@BOTH
def test_without_finally_a_fault_leaves_the_node_to_be_halted(generator: bool) -> None:
    node, log = hooked("R!", on_halt="S", post="S")
    play(node, 1, generator=generator)
    with pytest.raises(NodeFault):
        play(node, 1, generator=generator)
    log.clear()
    node.stop(INVALID)
    assert log == ["node halted"]


@BOTH
def test_the_fault_of_the_node_outlives_that_of_finally(generator: bool) -> None:
    node, log = hooked("!", finally_="!")
    with pytest.raises(NodeFault, match=r"^node: OSError"):
        play(node, 1, generator=generator)
    assert log == ["node", "node halted", "finally", "finally halted"]


@BOTH
def test_a_fault_in_on_halt_does_not_stop_finally(generator: bool) -> None:
    node, log = hooked("R", on_halt="!", finally_="S")
    play(node, 1, generator=generator)
    log.clear()
    with pytest.raises(NodeFault, match=r"^on_halt: OSError"):
        node.stop(INVALID)
    assert log == ["node halted", "on_halt", "on_halt halted", "finally"]
    assert node.status is INVALID


@BOTH
def test_while_becoming_false_counts_as_a_halt(generator: bool) -> None:
    log: list[str] = []
    looks = iter([True, False, False])
    child = Conditions(Wiring("c", inputs={"while": lambda: next(looks)}, children=[Noted("R", "node", log)]))
    parts: dict[str, Any] = {key: Noted("S", key, log) for key in ("on_halt", "post", "finally")}
    node = Hooks(Wiring("hooks", path="hooks", children=[child], parts=parts))
    assert play(node, 3, generator=generator) == "RKK"
    assert log == ["node", "node halted", "on_halt", "finally"]


@BOTH
def test_hooks_inside_composites(generator: bool) -> None:
    node, log = hooked("RRR", on_halt="S", finally_="S")
    root = ReactiveSequence(wiring([Script("SSF"), node]))
    assert play(root, 3, generator=generator) == "RRF"
    assert log == ["node", "node", "node halted", "on_halt", "finally"]
    node, log = hooked("S", on_success="RS")
    after = Noted("S", "after", log)
    assert play(Sequence(wiring([node, after])), 2, generator=generator) == "RS"
    assert log == ["node", "on_success", "on_success", "after"]


def test_a_pause_reaches_the_running_hook() -> None:
    node, _ = hooked("S", post="R")
    play(node, 1)
    node._pause()
    node._resume()
    hook = node.children[1]
    assert isinstance(hook, Noted)
    assert hook.calls == ["start", "R", "pause", "resume"]
