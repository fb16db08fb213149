"""Hooks on nodes: they stop a tick or replace a result, whatever node they are put on, and cost nothing when gone."""

from __future__ import annotations

import threading
from typing import Any, get_args

import pytest

from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf
from knothole.behaviors.step import Status
from knothole.tests.steering import PATIENCE, Steered
from knothole.trees.builder import BuiltTree, build
from knothole.trees.debugging.gates import TickLeft
from knothole.trees.debugging.hooks import Hook, HookError, Hooks, Position
from knothole.trees.debugging.standstill import Standstill
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Outcome
from knothole.trees.tracing.changes import Changes

HEAD = "knothole: 1\ntree: t\nroot:\n"


class Noting(Leaf):
    """Runs for three ticks and then succeeds; writes its calls down."""

    def __init__(self, wiring: Any) -> None:
        super().__init__(wiring)
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")
        self.left = 2

    def step(self) -> Status:
        self.calls.append("step")
        self.left -= 1
        return self.running() if self.left >= 0 else self.succeed()

    def halt(self) -> None:
        self.calls.append("halt")

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")


def tree_of(text: str, **overrides: Any) -> BuiltTree:
    return build(load_text(HEAD + text), Context(), overrides=overrides or None)


def noting(text: str, path: str) -> tuple[BuiltTree, Noting]:
    tree = build(load_text(HEAD + text), Context(), overrides={path: Noting})
    leaf = tree[path].node
    assert isinstance(leaf, Noting)
    return tree, leaf


def ticks(tree: BuiltTree, count: int) -> list[str]:
    found = []
    for _ in range(count):
        tree.tick()
        found.append(tree.root.status.name[0])
    return found


REPLACED = [
    (Hook(1, "pre", "replace", "SUCCESS"), ["S", "S"], []),
    (Hook(1, "pre", "replace", "FAILURE"), ["F", "F"], []),
    (Hook(1, "pre", "replace", "SUCCESS", once=True), ["S", "R", "R"], ["start", "step", "step"]),
    (Hook(1, "pre", "replace", "SKIPPED"), ["R", "R"], ["start", "step", "step"]),
    (Hook(1, "pre", "replace", "RUNNING"), ["R"], ["start", "step"]),
    (Hook(1, "pre", "replace", "SUCCESS", enabled=False), ["R"], ["start", "step"]),
    (Hook(1, "post", "replace", "FAILURE"), ["F", "F"], ["start", "step", "halt"] * 2),
    (Hook(1, "post", "replace", "SUCCESS", once=True), ["S", "R"], ["start", "step", "halt", "start", "step"]),
    (Hook(1, "post", "replace", "SKIPPED"), ["R"], ["start", "step"]),
    (Hook(0, "pre", "replace", "FAILURE"), ["F"], []),
    (Hook(0, "post", "replace", "SUCCESS"), ["S"], ["start", "step", "halt"]),
]


@pytest.mark.parametrize(("hook", "statuses", "calls"), REPLACED, ids=[str(hook)[5:-1] for hook, _, _ in REPLACED])
def test_a_hook_replaces_a_result(hook: Hook, statuses: list[str], calls: list[str]) -> None:
    tree, leaf = noting("  sequence:\n    - say: hello\n", "t/sequence/say")
    hooks = Hooks(tree)
    hooks.insert(hook)
    assert ticks(tree, len(statuses)) == statuses
    assert leaf.calls == calls


def test_a_running_node_is_halted_once_before_its_result_is_replaced() -> None:
    tree, leaf = noting("  sequence:\n    - say: hello\n    - say: done\n", "t/sequence/say[1]")
    hooks = Hooks(tree)
    assert ticks(tree, 2) == ["R", "R"]
    hooks.insert(Hook(1, "pre", "replace", "SUCCESS"))
    assert ticks(tree, 1) == ["S"]
    assert leaf.calls == ["start", "step", "step", "halt"]


NODES = [
    "  sequence:\n    - say: a\n    - say: b\n",
    "  reactive_selector:\n    - check: 1 > 2\n    - say: b\n",
    "  parallel:\n    - say: a\n    - say: b\n",
    "  guard: {check: {check: 1 > 0}, child: {say: a}}\n",
    "  say: a\n  finally: {say: b}\n  retry: 2\n",
    "  pt.Sequence:\n    memory: true\n    children:\n      - say: a\n      - pt.Success\n",
    "  pt.Parallel:\n    policy: SuccessOnAll\n    children:\n      - say: a\n      - say: b\n",
    "  bt.Sequence:\n    - bt.AlwaysSuccess\n    - bt.Inverter: {child: bt.AlwaysFailure}\n",
    "  bt.ReactiveFallback:\n    - bt.AlwaysFailure\n    - bt.AlwaysSuccess\n",
]


@pytest.mark.parametrize("text", NODES)
def test_each_node_of_a_tree_can_be_replaced_and_is_itself_again_afterwards(text: str) -> None:
    plain = tree_of(text)
    usual = ticks(plain, 2)
    tree = tree_of(text)
    own = [(dict(built.node.__dict__), built.node._t) for built in tree.nodes]
    hooks = Hooks(tree)
    for built in tree.nodes:
        for status in ("SUCCESS", "FAILURE"):
            hooks.insert(Hook(built.index, "pre", "replace", status))
            ticks(tree, 2)
            if built.node.feedback_message == "forced by the debugger":
                assert built.node.status.name in (status, "INVALID")
            assert hooks.remove(built.index, "pre")
            tree.halt()
            for each in tree.nodes:
                each.node._x(Status.INVALID)
    for built, (entries, tick) in zip(tree.nodes, own, strict=True):
        assert {"_t", "_x", "tick", "_pause", "_resume"} & built.node.__dict__.keys() == (
            {"_t", "_x", "tick", "_pause", "_resume"} & entries.keys()
        )
        assert built.node._t == tick
    assert ticks(tree, 2) == usual


def test_a_hook_is_seen_below_a_composite_of_py_trees() -> None:
    tree = tree_of("  pt.Selector:\n    memory: false\n    children:\n      - say: a\n      - say: b\n")
    hooks = Hooks(tree)
    hooks.insert(Hook(1, "pre", "replace", "FAILURE"))
    hooks.insert(Hook(2, "pre", "replace", "FAILURE"))
    assert ticks(tree, 1) == ["F"]


def test_a_change_log_has_the_forced_status_with_its_reason() -> None:
    tree = tree_of("  sequence:\n    - say: a\n")
    changes = Changes(tree)
    Hooks(tree).insert(Hook(1, "pre", "replace", "FAILURE"))
    tree.tick()
    assert [(c.node, c.status, c.reason) for c in changes.fetch()] == [
        (1, "FAILURE", "forced by the debugger"),
        (0, "FAILURE", "forced by the debugger"),
    ]


REFUSED = [
    (Hook(9), "there is no node 9\n  fix:  give the index of a node, 0 to 1"),
    (Hook(1, "middle"), "a hook has no position 'middle'\n  fix:  give one of pre, post"),  # type: ignore[arg-type]
    (Hook(1, mode="brake"), "a hook has no mode 'brake'\n  fix:  give one of break, replace"),  # type: ignore[arg-type]
    (
        Hook(1, status="OK"),
        "a hook has no status 'OK'\n  fix:  give one of SUCCESS, FAILURE, RUNNING, SKIPPED, IDLE",
    ),
]


@pytest.mark.parametrize(("hook", "error"), REFUSED, ids=[error.partition("\n")[0] for _, error in REFUSED])
def test_a_hook_that_fits_nowhere_is_refused(hook: Hook, error: str) -> None:
    hooks = Hooks(tree_of("  sequence:\n    - say: a\n"))
    with pytest.raises(HookError) as caught:
        hooks.insert(hook)
    assert str(caught.value) == error
    assert hooks.all() == ()


class Standing:
    """A tree without a loop that is ticked on a thread of its own and stands at a hook."""

    def __init__(self) -> None:
        self.tree, self.leaf = noting("  sequence:\n    - say: hello\n", "t/sequence/say")
        self.standstill = Standstill()
        self.hooks = Hooks(self.tree, standstill=self.standstill)
        self.reached = threading.Semaphore(0)
        self.hooks.on_break.append(lambda hook: self.reached.release())
        self.left: list[BaseException] = []

    def tick(self) -> threading.Thread:
        def tick() -> None:
            try:
                self.tree.tick()
            except TickLeft as left:
                self.left.append(left)

        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        assert self.reached.acquire(timeout=PATIENCE)
        return thread


WAYS = [
    (lambda hooks: hooks.unlock(1, "pre", "SKIPPED", False), ["start", "step"], 1),
    (lambda hooks: hooks.unlock(1, "pre", "SUCCESS", False), [], 1),
    (lambda hooks: hooks.unlock(1, "pre", "FAILURE", True), [], 0),
    (lambda hooks: hooks.pass_by(), ["start", "step"], 1),
    (lambda hooks: hooks.remove(1, "pre"), ["start", "step"], 0),
    (lambda hooks: hooks.clear(), ["start", "step"], 0),
    (lambda hooks: hooks.disable_all(), ["start", "step"], 1),
    (lambda hooks: hooks.insert(Hook(1, "pre", "replace", "SUCCESS")), [], 1),
]


@pytest.mark.parametrize(("act", "calls", "left"), WAYS, ids=range(len(WAYS)))
def test_a_tick_that_stands_at_a_hook_goes_on(act: Any, calls: list[str], left: int) -> None:
    standing = Standing()
    standing.hooks.insert(Hook(1))
    thread = standing.tick()
    assert standing.hooks.waiting == Hook(1)
    assert standing.leaf.calls == []
    act(standing.hooks)
    thread.join(PATIENCE)
    assert standing.leaf.calls == calls
    assert len(standing.hooks.all()) == left
    assert standing.hooks.waiting is None


def test_a_hook_stays_unlocked_when_another_is_unlocked_right_after_it() -> None:
    standing = Standing()
    for position in get_args(Position):
        standing.hooks.insert(Hook(1, position))
    thread = standing.tick()
    with standing.standstill.changed:  # the tick cannot go on between the two
        for position in get_args(Position):
            assert standing.hooks.unlock(1, position, "SKIPPED", True)
    assert standing.reached.acquire(timeout=PATIENCE)  # the first one has let it go on
    standing.hooks.clear()
    thread.join(PATIENCE)
    assert standing.leaf.calls == ["start", "step"]


def test_a_hook_with_once_is_gone_when_the_tick_goes_on_without_it() -> None:
    standing = Standing()
    standing.hooks.insert(Hook(1, once=True))
    thread = standing.tick()
    standing.hooks.pass_by()
    thread.join(PATIENCE)
    assert standing.hooks.all() == ()
    assert ticks(standing.tree, 2) == ["R", "S"]


def test_hooks_that_are_disabled_act_again_when_they_are_enabled() -> None:
    standing = Standing()
    standing.hooks.insert(Hook(1))
    standing.hooks.disable_all()
    standing.tree.tick()
    assert standing.leaf.calls == ["start", "step"]
    standing.hooks.enable_all()
    thread = standing.tick()
    assert standing.hooks.unlock(1, "pre", "SKIPPED", True)
    thread.join(PATIENCE)
    assert standing.leaf.calls == ["start", "step", "step"]


def test_a_tick_that_stands_is_left_when_the_run_is_to_end() -> None:
    standing = Standing()
    standing.hooks.insert(Hook(1))
    over = threading.Event()
    standing.standstill.stopped = over.is_set
    thread = standing.tick()
    over.set()
    thread.join(PATIENCE)
    assert len(standing.left) == 1
    assert standing.leaf.calls == []


def test_what_is_not_there_cannot_be_removed_or_unlocked() -> None:
    hooks = Hooks(tree_of("  say: a\n"))
    assert not hooks.remove(0, "pre")
    assert not hooks.unlock(0, "post", "SUCCESS", True)


TREE = HEAD + "  sequence:\n    - say: a\n    - wait: 1s\n    - say: b\n"


def test_a_run_that_stands_at_a_hook_says_so_and_goes_on_by_either_way(tmp_path: Any) -> None:
    with Steered(TREE, tmp_path) as run:
        run.control.hooks.insert(Hook(2))
        state = run.go()
        assert (state["paused"], state["reason"]) == (True, "hook before t/sequence/wait")
        assert run.go("step")["reason"] == "stepped"
        assert run.go()["reason"] == "hook before t/sequence/wait"
        assert run.control.state()["tick"] == 2
        assert run.control.hooks.unlock(2, "pre", "SUCCESS", True)
        assert run.join().outcome is Outcome.SUCCESS
        assert not run.control.state()["paused"]
    hooked = [each for each in run.interventions() if each["do"] == "hook"]
    assert [(each["tick"], each["node"], each["text"]) for each in hooked] == [
        (0, "t/sequence/wait", "insert: break pre t/sequence/wait"),
        (2, "t/sequence/wait", "unlock: break pre t/sequence/wait"),
    ]
    assert (hooked[1]["status"], hooked[1]["once"], hooked[1]["what"]) == ("SUCCESS", True, "unlock")


@pytest.mark.parametrize("position", ["pre", "post"])
def test_the_watchdog_rests_while_a_tick_stands_at_a_hook(position: Any) -> None:
    told: list[str] = []
    with Steered(TREE, watchdog=20.0, tell=told.append) as run:
        run.control.hooks.insert(Hook(2, position))
        run.go()
        watchdog = run.loop._ending.watchdog
        assert watchdog is not None
        assert watchdog._due == float("inf")
        run.control.hooks.clear()
        run.send("resume")
        assert run.join().outcome is Outcome.SUCCESS
    assert told == []


def test_hooks_and_forced_results_stay_at_their_nodes_when_the_tree_is_changed() -> None:
    with Steered(TREE) as run:
        run.control.hooks.insert(Hook(3, "pre", "replace", "FAILURE"))
        run.send("force", node="t/sequence/wait", status="RUNNING", once=False)
        run.go("step", ticks=2)
        run.loop.graft("t/sequence", load_text(HEAD + "  say: first\n"), 0)
        nodes = [built.path for built in run.tree.nodes]
        (hook,) = run.control.hooks.all()
        assert nodes[hook.node].endswith("say[3]")
        (forced,) = run.control.state()["forced"]
        assert forced["node"] == "t/sequence/wait"
        run.send("release", node=forced["node"])
        run.send("resume")
        assert run.join().reason == "forced by the debugger"
