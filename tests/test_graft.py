"""Nodes are put into a tree and taken out of it while it runs."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from knothole._base import UnknownNameError
from knothole.behaviors.context import Context
from knothole.behaviors.step import RUNNING
from knothole.tests.script_nodes import Script
from knothole.tests.test_reload import HEAD, calls, finish, random_text, scripted, statuses, ticks, tree
from knothole.trees.builder import BuiltNode, build
from knothole.trees.changing.graft import GraftError, graft, prune
from knothole.trees.loader import load, load_text
from knothole.trees.spec import Literal, TreeSpec
from knothole.trees.ticking.loop import Loop, Ticked
from knothole.trees.tracing.trace import TraceWriter, read_trace

WAITS = "  parallel:\n    - wait: 1s\n    - wait: 2s\n    - say: done\n"


def is_long(built: BuiltNode) -> bool:
    duration = built.spec.values.get("duration")
    return isinstance(duration, Literal) and duration.value == 7200.0


def branch(text: str) -> TreeSpec:
    return load_text("knothole: 1\ntree: branch\nroot:\n" + text)


def test_a_graft_moves_running_siblings_and_they_go_on() -> None:
    built = tree(WAITS)
    ticks(built, 3)
    first, second = built["t/parallel/wait[1]"].node, built["t/parallel/wait[2]"].node
    done = graft(built, "t/parallel", branch("  wait: 3s\n"), 0)
    assert built["t/parallel/wait[2]"].node is first
    assert built["t/parallel/wait[3]"].node is second
    assert first.path == "t/parallel/wait[2]"
    assert (done.added, done.removed, done.halted) == (("t/parallel/wait[1]",), (), ())
    assert done.kept == ("t/parallel/wait[2]", "t/parallel/wait[3]", "t/parallel/say")
    assert first.status is second.status is RUNNING
    assert finish(built) == 31
    assert built.root.status.name == "SUCCESS"


def test_a_pruned_leaf_is_halted_and_its_siblings_go_on() -> None:
    built = tree(WAITS)
    ticks(built, 3)
    first, second = built["t/parallel/wait[1]"].node, built["t/parallel/wait[2]"].node
    done = prune(built, "t/parallel/wait[1]")
    assert (done.removed, done.halted, done.added) == (("t/parallel/wait[1]",), ("t/parallel/wait[1]",), ())
    assert first.status.name == "INVALID"
    assert built["t/parallel/wait"].node is second
    assert finish(built) == 18


def test_a_sequence_stays_at_its_child_when_nodes_are_put_before_it() -> None:
    built = tree("  sequence:\n    - say: a\n    - wait: 1s\n    - say: b\n")
    said: list[str] = []
    built.context.say = said.append
    ticks(built, 3)
    graft(built, "t/sequence", branch("  say: late\n"), 0)
    graft(built, "t/sequence", branch("  wait: 0.5s\n"), 2)
    ticks(built, 1)
    assert built["t/sequence/wait[2]"].node.status is RUNNING
    finish(built)
    assert said == ["a", "b"]


@pytest.mark.parametrize("seed", range(150))
def test_a_graft_and_its_prune_leave_everything_as_it_was(seed: int) -> None:
    """A second branch of a parallel that waits decides nothing; all others are called as without it."""
    rng = random.Random(seed)
    text = HEAD + "  parallel: [" + random_text(rng).partition("root: ")[2].strip() + ", {wait: 1h}]\n"
    plain, changed = scripted(text, seed), scripted(text, seed)
    paths = [b.path for b in changed.nodes]
    start = rng.randint(0, 8)
    for tick in range(16):
        if tick == start:
            before = {b.path: b.node for b in changed.nodes if isinstance(b.node, Script)}
            graft(changed, "t/parallel", branch("  wait: 2h\n"), rng.randint(0, 2))
            assert {id(node) for node in before.values()} <= {id(b.node) for b in changed.nodes}
        if tick == start + 4:
            prune(changed, next(b.path for b in changed.nodes if is_long(b)))
            assert [b.path for b in changed.nodes] == paths
            assert {b.path: b.node for b in changed.nodes if isinstance(b.node, Script)} == before
        ticks(plain, 1)
        ticks(changed, 1)
        assert list(calls(plain).values()) == list(calls(changed).values())
    assert statuses(plain) == statuses(changed)


def test_used_trees_keep_their_entries_when_their_place_moves(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(
        "knothole: 1\ntree: inner\ninputs:\n  word: {type: text}\n"
        "root:\n  sequence:\n    - wait: 1s\n    - say: $word\n"
    )
    uses = "".join(f"    - use: {{tree: inner, inputs: {{word: {word}}}}}\n" for word in ("a", "b"))
    (tmp_path / "t.yaml").write_text(HEAD + "  parallel:\n" + uses)
    built = build(load(tmp_path / "t.yaml"), Context())
    said: list[str] = []
    built.context.say = said.append
    ticks(built, 3)
    new = tmp_path / "branch.yaml"
    new.write_text("knothole: 1\ntree: branch\nroot:\n  use: {tree: inner, inputs: {word: c}}\n")
    graft(built, "t/parallel", load(new), 0)
    ticks(built, 1)
    graft(built, "t/parallel/use[3]/inner/sequence", branch("  say: more\n"))
    assert finish(built) == 10
    assert said == ["a", "b", "more", "c"]


@pytest.mark.parametrize(
    ("act", "error"),
    [
        ("prune t/parallel", "cannot prune t/parallel: it is the root\n  fix:  end the run, or reload another tree"),
        (
            "prune t/parallel/retry/say",
            "cannot prune t/parallel/retry/say: the node above it needs it\n"
            "  fix:  prune the node above, or graft another one beside that first",
        ),
        (
            "prune t/parallel/sequence/say",
            "cannot prune t/parallel/sequence/say: it is the only child of t/parallel/sequence\n"
            "  fix:  prune t/parallel/sequence",
        ),
        (
            "graft t/parallel/retry",
            "cannot graft below t/parallel/retry: retry has no list of children\n"
            "  fix:  name a node with such a list, as sequence, selector and parallel have",
        ),
        (
            "graft t/parallel 4",
            "cannot graft at position 4 below t/parallel: it has 2 children\n  fix:  give a position from 0 to 2",
        ),
    ],
)
def test_what_cannot_be_done_is_explained(act: str, error: str) -> None:
    built = tree("  parallel:\n    - retry: {attempts: 2, child: {say: a}}\n    - sequence: [{say: b}]\n")
    nodes = built.nodes
    what, path, *position = act.split()
    more = (branch("  say: c\n"), *map(int, position)) if what == "graft" else ()
    with pytest.raises(GraftError) as caught:
        {"prune": prune, "graft": graft}[what](built, path, *more)
    assert str(caught.value) == error
    assert built.nodes is nodes


@pytest.mark.parametrize("path", ["t/paralel", "t/parallel/wait", "t/parallel/wait[4]/say"])
def test_a_wrong_path_names_a_near_one(path: str) -> None:
    built = tree(WAITS)
    with pytest.raises(UnknownNameError, match="unknown node path"):
        prune(built, path)
    with pytest.raises(UnknownNameError, match="unknown node path"):
        graft(built, path, branch("  say: c\n"))


def test_a_loop_writes_grafts_into_the_trace(tmp_path: Path) -> None:
    def edit(ticked: Ticked) -> None:
        if ticked.tick == 5:
            loop.graft("t/parallel", branch("  wait: 3s\n"), 0)
        if ticked.tick == 9:
            loop.prune("t/parallel/wait[3]")

    loop = Loop(tree(WAITS), listeners=[edit], trace=TraceWriter(tmp_path / "a.mcap"))
    result = loop.run()
    trace = read_trace(tmp_path / "a.mcap")
    assert [m.data["tick"] for m in trace.topic("/run") if m.data["event"] == "reload"] == [5, 9]
    assert [len(trace.tree_at(tick)["nodes"]) for tick in (5, 6, 9, 10)] == [4, 5, 5, 4]
    nodes = trace.tree_at(7)["nodes"]
    assert {nodes[i]["path"]: status for i, (status, _) in trace.statuses(7).items()} == {
        "t/parallel": "RUNNING",
        "t/parallel/wait[1]": "RUNNING",
        "t/parallel/wait[2]": "RUNNING",
        "t/parallel/wait[3]": "RUNNING",
        "t/parallel/say": "SUCCESS",
    }
    assert (result.status, result.ticks) == ("SUCCESS", 66)


def test_the_page_about_changing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "changing.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    exec(compile(code, "changing.md", "exec"), {})
    assert capsys.readouterr().out in page
