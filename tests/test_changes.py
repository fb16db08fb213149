"""The change log: what differs after a tick from what was known before, and each halt."""

from __future__ import annotations

from typing import Any

from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf
from knothole.behaviors.step import INVALID, Status
from knothole.tests.script_nodes import Script
from knothole.trees.builder import BuiltTree, build
from knothole.trees.loader import load_text
from knothole.trees.tracing.changes import Changes


class Play:
    """A tree whose leaves ``home`` follow scripts, ticked beside its change log."""

    def __init__(self, root: str, *scripts: str) -> None:
        spec = load_text(f"knothole: 1\ntree: t\nroot:\n{root}")
        paths = [node.path for node in spec.walk() if node.type == "home"]
        factories: dict[str, Any] = {
            path: (lambda wiring, letters=letters: Script(letters, wiring.name, wiring.context))
            for path, letters in zip(paths, scripts, strict=True)
        }
        self.tree: BuiltTree = build(spec, Context(), overrides=factories)
        self.changes = Changes(self.tree)

    def tick(self) -> list[tuple[str, str]]:
        """Tick once; return what the log says: the end of each node's path, and its status."""
        self.tree.tick()
        return self.fetch()

    def fetch(self) -> list[tuple[str, str]]:
        ends = [node.path.rpartition("/")[2] for node in self.tree.nodes]
        return [(ends[change.node], change.status) for change in self.changes.fetch()]


TWO = "  sequence: [home, home]\n"


def test_a_node_that_ends_again_in_the_same_way_has_not_changed() -> None:
    play = Play(TWO, "SS", "SS")
    assert play.tick() == [("home[1]", "SUCCESS"), ("home[2]", "SUCCESS"), ("sequence", "SUCCESS")]
    assert play.tick() == []


def test_what_was_reset_and_not_ticked_again_is_noted_last() -> None:
    play = Play(TWO, "SF", "SS")
    play.tick()
    assert play.tick() == [("home[1]", "FAILURE"), ("sequence", "FAILURE"), ("home[2]", "INVALID")]


def test_a_halt_is_noted_also_when_the_leaf_starts_again_at_once() -> None:
    play = Play("  timeout:\n    duration: 10s\n    child: home\n", "RRR")
    play.tick()
    play.tree.root.children[0]._x(INVALID)
    assert play.tick() == [("home", "INVALID"), ("home", "RUNNING")]


def test_a_node_reset_below_a_composite_that_runs_again_is_noted() -> None:
    play = Play("  sequence:\n    - home\n    - sequence: [home, home]\n", "SSS", "SR", "SS")
    play.tick()
    assert play.tick() == [
        ("home[1]", "RUNNING"),
        ("sequence", "RUNNING"),
        ("sequence", "RUNNING"),
        ("home[2]", "INVALID"),
    ]


class Stubborn(Leaf):
    """A leaf that overrides py_trees' own tick and stop."""

    def __init__(self, wiring: Any) -> None:
        super().__init__(wiring)
        self.calls: list[str] = []

    def step(self) -> Status:
        return self.running("at it")

    def tick(self) -> Any:
        self.calls.append("tick")
        yield from super().tick()

    def stop(self, new_status: Status = INVALID) -> None:
        self.calls.append(f"stop {new_status.name}")
        super().stop(new_status)

    def halt(self) -> None:
        self.calls.append("halt")


def test_a_leaf_that_overrides_tick_and_stop_is_ticked_and_stopped_by_them() -> None:
    spec = load_text("knothole: 1\ntree: t\nroot:\n  sequence: [home]\n")
    path = next(node.path for node in spec.walk() if node.type == "home")
    tree = build(spec, Context(), overrides={path: Stubborn})
    leaf = tree[path].node
    tree.tick()
    assert leaf.feedback_message == "at it"
    tree.tick()
    assert tree.halt() == []
    assert leaf.calls[0] == "tick"
    assert leaf.calls.count("tick") == 2
    assert "stop INVALID" in leaf.calls
    assert leaf.status is INVALID
