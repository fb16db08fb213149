"""A tree is edited while it runs: what did not change goes on untouched, what is gone is halted."""

from __future__ import annotations

import contextlib
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from knothole._base import KnotholeError
from knothole.app.running.options import RunOptions
from knothole.app.running.result import RunResult
from knothole.app.running.session import Session
from knothole.app.running.terminal import Lines
from knothole.behaviors.context import Context
from knothole.behaviors.node import Wiring
from knothole.behaviors.step import RUNNING
from knothole.tests.script_nodes import Script
from knothole.trees.builder import BuiltTree, build
from knothole.trees.changing.reload import reload
from knothole.trees.loader import load_text
from knothole.trees.replaying.comparing import compare
from knothole.trees.replaying.replay import replay
from knothole.trees.replaying.tape import Tape
from knothole.trees.ticking.loop import Loop, LoopResult, Ticked
from knothole.trees.tracing.trace import TraceWriter, read_trace

LEAF = {"see": "is it there"}
HEAD = "knothole: 1\ntree: t\nroot:\n"


def tree(text: str) -> BuiltTree:
    return build(load_text(HEAD + text), Context())


def ticks(built: BuiltTree, count: int, period: float = 0.1) -> None:
    for _ in range(count):
        built.context.tick += 1
        built.tick()
        built.context.now += period


def finish(built: BuiltTree) -> int:
    """Tick until the root has ended; return how many ticks that took."""
    for count in range(1, 100):
        ticks(built, 1)
        if built.root.status is not RUNNING:
            return count
    raise AssertionError("it runs for ever")


def statuses(built: BuiltTree) -> dict[str, tuple[str, str, bool]]:
    return {b.path: (b.node.status.name, b.node.feedback_message, b.node.skipped) for b in built.nodes}


def random_node(rng: random.Random, depth: int) -> dict[str, Any]:
    """Return a node with leaves that are replaced by scripted ones."""
    common: dict[str, Any] = {}
    if rng.random() < 0.3:
        common |= rng.choice(({"retry": 2}, {"repeat": 2}, {"timeout": "5s"}, {"skip_if": "2 < 1"}))
    if rng.random() < 0.15:
        common[rng.choice(("on_success", "on_failure", "on_halt", "finally"))] = dict(LEAF)
    if depth == 0 or rng.random() < 0.2:
        return {**LEAF, **common}
    kinds = ("sequence", "selector", "parallel", "reactive_sequence", "reactive_selector", "bt.Sequence", "bt.Fallback")
    kind = rng.choice((*kinds, "inverter", "guard"))
    if kind == "inverter":
        return {"inverter": {"child": random_node(rng, depth - 1)}, **common}
    if kind == "guard":
        return {"guard": {"check": random_node(rng, 0), "child": random_node(rng, depth - 1)}, **common}
    return {kind: [random_node(rng, depth - 1) for _ in range(rng.randint(1, 3))], **common}


def random_text(rng: random.Random) -> str:
    """Return a tree that has no mistakes."""
    while True:
        text = text_of(random_node(rng, 3))
        with contextlib.suppress(KnotholeError):
            load_text(text)
            return text


def text_of(node: dict[str, Any]) -> str:
    return "knothole: 1\ntree: t\nroot: " + json.dumps(node) + "\n"


def scripted(text: str, seed: int) -> BuiltTree:
    spec = load_text(text)
    leaves = [b.path for b in build(spec, Context()).nodes if b.type == "see"]

    def factory(letters: str) -> Any:
        def make(wiring: Wiring) -> Script:
            return Script(letters, wiring.name, wiring.context)

        return make

    rng = random.Random(seed)
    overrides = {p: factory("".join(rng.choice("RRRSSFK") for _ in range(rng.randint(1, 9)))) for p in leaves}
    return build(spec, Context(), overrides=overrides)


def calls(built: BuiltTree) -> dict[str, list[str]]:
    return {b.path: list(b.node.calls) for b in built.nodes if isinstance(b.node, Script)}


@pytest.mark.parametrize("seed", range(150))
def test_a_reload_of_the_same_tree_changes_nothing(seed: int) -> None:
    rng = random.Random(seed)
    text = random_text(rng)
    plain, changed = scripted(text, seed), scripted(text, seed)
    at = rng.randint(0, 12)
    for tick in range(16):
        if tick == at:
            before = [b.node for b in changed.nodes]
            done = reload(changed, load_text("\n" + text))
            assert [b.node for b in changed.nodes] == before
            assert (done.replaced, done.added, done.removed, done.halted) == ((), (), (), ())
        ticks(plain, 1)
        ticks(changed, 1)
        assert statuses(plain) == statuses(changed)
        assert calls(plain) == calls(changed)


@pytest.mark.parametrize("seed", range(150))
def test_an_edit_elsewhere_leaves_everything_else_as_it_goes(seed: int) -> None:
    """The edited node is a branch that is ticked after the others and never decides: all others go on as without."""
    rng = random.Random(seed)
    node = json.loads(random_text(rng).partition("root: ")[2])
    texts = [text_of({"parallel": [node, {"wait": long}]}) for long in ("1h", "2h")]
    plain, changed = scripted(texts[0], seed), scripted(texts[0], seed)
    at = rng.randint(1, 12)
    for tick in range(16):
        if tick == at:
            before = {b.path: b.node for b in changed.nodes}
            done = reload(changed, load_text(texts[1]))
            assert all(b.node is before[b.path] for b in changed.nodes if isinstance(b.node, Script))
            assert not any(isinstance(before[path], Script) for path in done.halted)
        ticks(plain, 1)
        ticks(changed, 1)
        assert calls(plain) == calls(changed)
    changed.halt()
    assert all(b.node.status is not RUNNING for b in changed.nodes)


@pytest.mark.parametrize("seed", range(150))
def test_any_edit_leaves_no_leaf_running_outside_the_tree(seed: int) -> None:
    rng = random.Random(seed)
    built = scripted(random_text(rng), seed)
    ticks(built, rng.randint(1, 8))
    old = [b.node for b in built.nodes]
    reload(built, load_text(random_text(rng)))
    now = {id(b.node) for b in built.nodes}
    assert all(node.status is not RUNNING for node in old if id(node) not in now and isinstance(node, Script))
    assert all(b.node.parent is None or b.node in b.node.parent.children for b in built.nodes)
    for b in built.nodes:  # what runs can be reached by a halt from the root
        node = b.node
        while node.status is RUNNING and node.parent is not None:
            node = node.parent
            assert node.status is RUNNING


def test_a_running_leaf_and_the_deadline_above_it_go_on_beside_an_edit() -> None:
    text = "  sequence:\n    - wait: 1s\n    - say: WORD\n  timeout: 1.5s\n"
    built = tree(text)
    ticks(built, 3)
    leaf, deadline = built["t/sequence/wait"].node, built["t/sequence#timeout"].node.finish_time
    done = reload(built, load_text(HEAD + text.replace("WORD", "other")))
    assert built["t/sequence/wait"].node is leaf
    assert leaf.status is RUNNING
    assert built["t/sequence#timeout"].node.finish_time == deadline
    assert done.kept == ("t/sequence/wait",)
    assert set(done.replaced) == {"t/sequence#timeout", "t/sequence", "t/sequence/say"}
    assert (done.added, done.removed, done.halted) == ((), (), ())
    assert finish(built) == 8
    assert built.root.status.name == "SUCCESS"


def test_a_hook_is_edited_while_its_leaf_runs() -> None:
    text = "  sequence:\n    - wait: 1s\n      on_success: {say: WORD}\n      finally: {say: end}\n"
    built = tree(text)
    said: list[str] = []
    built.context.say = said.append
    ticks(built, 3)
    leaf = built["t/sequence/wait"].node
    done = reload(built, load_text(HEAD + text.replace("WORD", "edited")))
    assert built["t/sequence/wait"].node is leaf
    assert (leaf.status, done.halted) == (RUNNING, ())
    assert finish(built) == 8
    assert said == ["edited", "end"]


def test_a_leaf_that_becomes_a_branch_is_reset_as_a_branch() -> None:
    text = "  repeat:\n    times: 3\n    child: {sequence: [{LEAF}, {wait: 0.2s}]}\n"
    built = tree(text.replace("LEAF", "say: a"))
    sequence = built["t/repeat/sequence"].node
    while sequence._lights is None:
        ticks(built, 1)
    assert sequence._lights  # it resets leaves faster than branches
    reload(built, load_text(HEAD + text.replace("LEAF", 'inverter: {child: {check: "2 < 1"}}')))
    branch = built["t/repeat/sequence/inverter"].node
    while branch.status.name != "SUCCESS":
        ticks(built, 1)
    assert branch.decorated.status.name == "FAILURE"
    built["t/repeat/sequence"].node._reset()
    assert branch.decorated.status.name == "INVALID"


def test_a_running_leaf_that_is_edited_is_halted_and_starts_anew() -> None:
    built = tree("  sequence:\n    - say: a\n    - wait: 1s\n")
    ticks(built, 3)
    old = built["t/sequence/wait"].node
    done = reload(built, load_text(HEAD + "  sequence:\n    - say: a\n    - wait: 2s\n"))
    assert done.halted == ("t/sequence/wait",)
    assert old.status.name == "INVALID"
    assert finish(built) == 21
    assert built.root.status.name == "SUCCESS"


def test_a_sequence_goes_on_with_the_next_child_when_the_present_one_is_gone() -> None:
    built = tree("  sequence:\n    - say: a\n    - wait: 1s\n    - set: {name: $x, to: 1}\n")
    ticks(built, 2)
    done = reload(built, load_text(HEAD + "  sequence:\n    - say: a\n    - set: {name: $x, to: 1}\n"))
    assert (done.removed, done.halted) == (("t/sequence/wait",), ("t/sequence/wait",))
    said: list[str] = []
    built.context.say = said.append
    ticks(built, 1)
    assert (built.root.status.name, built.blackboard["x"], said) == ("SUCCESS", 1, [])


def test_a_tree_that_cannot_be_built_leaves_the_old_one_as_it_was() -> None:
    built = tree("  sequence:\n    - wait: 1s\n    - say: a\n")
    ticks(built, 2)
    nodes, before = built.nodes, statuses(built)
    bad = "knothole: 1\ntree: t\ninputs:\n  n: {type: int}\nroot:\n  sequence:\n    - wait: 1s\n    - say: $n\n"
    with pytest.raises(KnotholeError, match="needs the input 'n'"):
        reload(built, load_text(bad))
    assert built.nodes is nodes
    assert statuses(built) == before
    assert all(b.node.parent is None or b.node in b.node.parent.children for b in built.nodes)


LONG = "  sequence:\n    - wait: 1s\n    - say: WORD\n"


def reloaded_run(trace: Path, text: str, at: int = 5) -> LoopResult:
    """Run a tree that is replaced after a tick."""

    def edit(ticked: Ticked) -> None:
        if ticked.tick == at:
            loop.reload(load_text(HEAD + text))

    loop = Loop(tree(LONG), listeners=[edit], trace=TraceWriter(trace), max_time=10.0)
    return loop.run()


def test_a_trace_is_read_with_the_tree_of_its_tick(tmp_path: Path) -> None:
    text = "  sequence:\n    - say: first\n    - wait: 1s\n    - say: then\n"
    result = reloaded_run(tmp_path / "a.mcap", text)
    assert result.status == "SUCCESS"
    trace = read_trace(tmp_path / "a.mcap")

    def shown(tick: int) -> dict[str, str]:
        nodes = trace.tree_at(tick)["nodes"]
        return {nodes[index]["path"]: status for index, (status, _) in trace.statuses(tick).items()}

    assert shown(5) == {"t/sequence/wait": "RUNNING", "t/sequence": "RUNNING"}
    assert shown(6) == {"t/sequence/wait": "RUNNING", "t/sequence": "RUNNING"}
    ended = {"t/sequence/wait": "SUCCESS", "t/sequence/say[2]": "SUCCESS", "t/sequence": "SUCCESS"}
    assert shown(result.ticks) == ended
    (event,) = [m.data for m in trace.topic("/run") if m.data["event"] == "reload"]
    assert (event["tick"], event["added"]) == (5, ["t/sequence/say[1]", "t/sequence/say[2]"])
    assert result.ticks == 21


def test_a_halt_of_a_reload_is_in_the_trace(tmp_path: Path) -> None:
    reloaded_run(tmp_path / "a.mcap", LONG.replace("1s", "2s"))
    trace = read_trace(tmp_path / "a.mcap")
    halts = [
        (m.data["tick"], c["node"])
        for m in trace.topic("/status")
        for c in m.data["changes"]
        if c["status"] == "INVALID"
    ]
    assert halts[0] == (5, 1)


def test_a_reload_is_in_the_digest(tmp_path: Path) -> None:
    texts = (LONG, LONG, LONG.replace("WORD", "x"))
    same, again, other = (reloaded_run(tmp_path / f"{i}.mcap", text).digest for i, text in enumerate(texts))
    assert same == again != other
    assert same != Loop(tree(LONG)).run().digest


def watched(path: Path, edits: dict[int, str | dict[str, str]], **more: Any) -> tuple[RunResult, str]:
    """Run a tree with ``watch``; its file, or named ones beside it, are edited after ticks.

    Returns the result and what was shown.
    """
    output = io.StringIO()

    def edit(ticked: Ticked) -> None:
        texts = edits.get(ticked.tick, {})
        for name, text in ({path.name: texts} if isinstance(texts, str) else texts).items():
            path.with_name(name).write_text(text, encoding="utf-8")

    options = RunOptions(str(path), robot="none", trace=path.with_suffix(".mcap"), max_time=10.0, watch=True, **more)
    with Session(options) as session:
        run = session.bind(0, Lines(Console(file=output, width=200)))
        run.loop.listeners.insert(0, edit)
        return run.run(), output.getvalue()


def test_a_watched_file_is_reloaded_when_it_is_edited(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + LONG)
    result, shown = watched(path, {5: HEAD + LONG.replace("WORD", "edited")})
    assert (result.status, result.ticks) == ("SUCCESS", 21)
    assert "reloaded: 1 nodes kept, 2 replaced, 0 added, 0 removed\n" in shown
    assert "robot: edited\n" in shown
    assert "WORD" not in shown
    events = [m.data["event"] for m in read_trace(tmp_path / "t.mcap").topic("/run")]
    assert events == ["start", "reload", "end"]


APPENDED = "  sequence:\n    - wait: 5s\n    - say: placing\n"


def test_a_step_that_runs_goes_on_when_another_of_its_type_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + APPENDED)
    result, shown = watched(path, {3: HEAD + APPENDED + "    - wait: 1s\n"})
    assert "reloaded: 2 nodes kept, 1 replaced, 1 added, 0 removed\n" in shown
    assert (result.status, result.sim_time_s) == ("SUCCESS", 6.0)
    assert shown.count("robot: placing\n") == 1
    tape = Tape.of(read_trace(tmp_path / "t.mcap"))
    assert compare(tape, replay(tape)[0]) == (None, False)


INNER = "knothole: 1\ntree: inner\nroot:\n"


def test_steps_that_change_places_and_a_used_tree_that_moves_go_on(tmp_path: Path) -> None:
    path, inner = tmp_path / "t.yaml", tmp_path / "inner.yaml"
    inner.write_text(INNER + LONG)
    (tmp_path / "other.yaml").write_text("knothole: 1\ntree: other\nroot:\n  say: other\n")
    path.write_text(HEAD + "  parallel:\n    - use: inner\n    - wait: 2s\n")
    swapped = "  parallel:\n    - wait: 2s\n    - use: inner\n"
    result, shown = watched(path, {5: HEAD + swapped, 9: HEAD + swapped.replace("- wait", "- use: other\n    - wait")})
    assert (result.status, result.ticks) == ("SUCCESS", 41)
    assert "halted" not in shown
    assert shown.count("robot: WORD\n") == 1


def test_a_watched_file_with_mistakes_is_shown_once_and_the_tree_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + LONG)
    edits = {5: HEAD + LONG.replace("say", "sya"), 9: HEAD + LONG.replace("WORD", "right again")}
    result, shown = watched(path, edits)
    assert (result.status, result.ticks) == ("SUCCESS", 21)
    assert shown.count("error K101: unknown node 'sya'") == 1
    assert shown.count("the edit was not taken, the tree goes on as it was") == 1
    assert "robot: right again\n" in shown


def test_a_watched_tree_that_begins_to_ask_needs_a_new_run(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + LONG)
    result, shown = watched(path, {5: HEAD + "  sequence:\n    - wait: 1s\n    - see: is it there\n"})
    assert result.status == "SUCCESS"
    assert "the edited tree asks a model, and this run has none\n  fix:  start the run again" in shown


USED = HEAD + LONG.replace("say: WORD", "use: inner")
TALKS = INNER + "  say: from within\n"


def test_a_mended_file_that_only_the_edited_tree_uses_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + LONG)
    broken = {"t.yaml": USED, "inner.yaml": TALKS.replace("say", "sya")}
    result, shown = watched(path, {5: broken, 9: {"inner.yaml": TALKS}})
    assert (result.status, result.ticks) == ("SUCCESS", 21)
    assert shown.count("inner.yaml:4:3: error K101: unknown node 'sya'") == 1
    assert "robot: from within\n" in shown


def test_a_file_that_an_edit_misses_is_noticed_when_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + LONG)
    result, shown = watched(path, {5: USED, 7: {"other.txt": "another file"}, 9: {"inner.yaml": TALKS}})
    assert (result.status, result.ticks) == ("SUCCESS", 21)
    assert shown.count("error K117: there is no tree 'inner'") == 1
    assert "robot: from within\n" in shown


NEVER = "knothole_invariants: 1\nrules:\n  - never: {skill: say, text: WORD}\n"


def test_an_edit_that_changes_the_rules_of_a_run_needs_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + LONG)
    (tmp_path / "never.yaml").write_text(NEVER)
    headed = HEAD.replace("tree: t\n", "tree: t\ninvariants: never.yaml\n") + LONG.replace("WORD", "edited")
    result, shown = watched(path, {5: headed})
    assert (result.status, result.ticks) == ("SUCCESS", 21)
    assert (
        "the edit changes the rules of the run, which hold as they were\n"
        "  why:  'never {skill: say, text: WORD}' is new\n"
        "  fix:  start the run again\n"
        "the edit was not taken, the tree goes on as it was\n"
    ) in shown
    assert "robot: WORD\n" in shown


def test_rules_hold_when_their_file_is_edited_and_other_edits_are_held_to_them(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + LONG)
    never = tmp_path / "never.yaml"
    never.write_text(NEVER.replace("WORD", "edited"))
    result, shown = watched(path, {5: HEAD + LONG.replace("WORD", "edited")}, invariants=never)
    assert "reloaded: 1 nodes kept, 2 replaced" in shown
    assert result.reason == f"refused by {never}:3:5: never {{skill: say, text: edited}}"
    path.write_text(HEAD + LONG.replace("WORD", "x"))
    never.write_text(NEVER.replace("WORD", "x"))
    result, shown = watched(path, {5: {"never.yaml": NEVER}}, invariants=never)
    assert "'never {skill: say, text: WORD}' is new; 'never {skill: say, text: x}' is gone\n" in shown
    assert result.status == "FAILURE"


def test_the_file_of_a_used_tree_is_watched_too(tmp_path: Path) -> None:
    path, inner = tmp_path / "t.yaml", tmp_path / "inner.yaml"
    path.write_text(HEAD + "  use: inner\n")
    inner.write_text("knothole: 1\ntree: inner\nroot:\n" + LONG)
    load_run = RunOptions(str(path), robot="none", record=False, watch=True)

    def edit(ticked: Ticked) -> None:
        if ticked.tick == 5:
            inner.write_text(inner.read_text().replace("WORD", "from within"))

    output = io.StringIO()
    with Session(load_run) as session:
        run = session.bind(0, Lines(Console(file=output, width=200)))
        run.loop.listeners.insert(0, edit)
        result = run.run()
    assert (result.status, result.ticks) == ("SUCCESS", 21)
    assert "robot: from within\n" in output.getvalue()
