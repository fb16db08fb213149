"""py_trees' own tools on a knothole tree: its Blackboard as a mirror, its displays, visitors and tree."""

from __future__ import annotations

from pathlib import Path

import py_trees
import pytest
from py_trees.blackboard import Blackboard as Theirs

import knothole as kh
from knothole.behaviors.blackboard import Blackboard
from knothole.behaviors.context import Context
from knothole.behaviors.mirror import Mirror
from knothole.behaviors.step import RUNNING, SUCCESS
from knothole.trees.builder import BuiltTree, build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop

TEXT = """\
knothole: 1
tree: count
params: {n: 0}
root:
  sequence:
    - set: {name: $n, to: $n + 1}
    - use: {tree: inner, inputs: {start: $n}}
    - wait: 200ms
---
knothole: 1
tree: inner
inputs: {start: {type: number}}
root:
  set: {name: $twice, to: $start * 2}
"""
TWICE = "count/count/sequence/use/twice"


def tree() -> BuiltTree:
    return build(load_text(TEXT), Context())


def ours() -> dict[str, object]:
    return {key: value for key, value in Theirs.storage.items() if key.startswith(("/count", "/other"))}


def test_entries_of_a_run_are_keys_while_it_lasts() -> None:
    with Loop(tree(), mirror="count") as loop:
        assert ours() == {}
        loop.tick()
        assert ours()["/count/n"] == 1
        assert ours()[f"/{TWICE}"] == 2
        loop.tree.blackboard["n"] = 7
        assert Theirs.get("/count/n") == 7
        reader = py_trees.blackboard.Client(name="reader")
        reader.register_key("/count/n", py_trees.common.Access.READ)
        assert reader.get("/count/n") == 7
        reader.unregister()
        loop.tree.blackboard.cell("n").clear()
        assert "/count/n" not in ours()
    assert ours() == {}
    assert not any("count" in key for key in Theirs.metadata)


def test_two_runs_are_mirrored_beside_each_other() -> None:
    with Loop(tree(), mirror="count") as first, Loop(tree(), mirror="other") as second:
        first.tick()
        second.tick()
        second.tree.blackboard["n"] = 5
        assert (ours()["/count/n"], ours()["/other/n"]) == (1, 5)
        with pytest.raises(ValueError, match="a mirror with the namespace /count is open\n  fix:  give another"):
            Mirror(first.tree.blackboard, "count")
    assert ours() == {}


def test_a_mirror_is_closed_once_and_its_namespace_is_free_again() -> None:
    board = Blackboard()
    mirror = Mirror(board, "count")
    mirror.close()
    mirror.close()
    with Mirror(board, "count"):
        board["a"] = 1
        assert ours() == {"/count/a": 1}
    assert ours() == {}


def test_the_python_interface_mirrors_on_request(tmp_path: Path) -> None:
    (tmp_path / "count.yaml").write_text(TEXT, encoding="utf-8")
    with kh.load(tmp_path / "count.yaml").bind(robot="none", vlm="scripted", mirror="count") as run:
        run.tick()
        assert ours()["/count/n"] == 1
    assert ours() == {}


def test_py_trees_shows_a_tree_and_its_blackboard() -> None:
    built = tree()
    with Loop(built, mirror="count") as loop:
        loop.tick()
        drawn = py_trees.display.unicode_tree(built.root, show_status=True)
        assert drawn.splitlines()[0].endswith("sequence [*]")
        assert "wait [*]" in drawn
        assert py_trees.display.ascii_tree(built.root).count("\n") >= 4
        assert "/count/n" in py_trees.display.unicode_blackboard()
        assert "sequence" in py_trees.display.dot_tree(built.root).to_string()


def test_py_trees_own_tree_and_visitors_tick_a_built_tree() -> None:
    built = tree()
    snapshot = py_trees.visitors.SnapshotVisitor()
    theirs = py_trees.trees.BehaviourTree(built.root)
    theirs.visitors.append(snapshot)
    theirs.tick()
    assert built.root.status is RUNNING
    assert snapshot.visited[built.root.id] is RUNNING
    assert len(snapshot.visited) == len(built.nodes)
    built.context.now = 0.3
    theirs.tick()
    assert built.root.status is SUCCESS
    theirs.shutdown()
