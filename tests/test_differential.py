"""The recursive tick equals py_trees' own generators, over thousands of random trees.

Three forms of each tree run side by side: ours ticked with ``_t``, ours ticked with ``tick()`` (the generator that
visitors use), and py_trees' own classes. Each tick compares statuses, order and arguments of the leaves' calls, and
tips. What py_trees does not have (SKIPPED, guard, for_each) is compared between the first two forms. The nodes under
``pt.`` and nodes of somebody else are compared with their originals by ``pytrees_side.py``, blackboard included.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import py_trees
import pytest
from py_trees.common import ParallelPolicy

from knothole.behaviors import composites, decorators
from knothole.behaviors.blackboard import Cell
from knothole.behaviors.conditions import Conditions
from knothole.behaviors.context import Context
from knothole.behaviors.for_each import ForEach
from knothole.behaviors.guard import Guard
from knothole.behaviors.hooks import Hooks
from knothole.behaviors.node import NODES, Leaf, Wiring
from knothole.behaviors.ports import CONDITION_KEYS, HOOK_KEYS
from knothole.behaviors.step import FAILURE, INVALID, RUNNING, SUCCESS, Status
from knothole.tests.pytrees_side import Gardener, compare, state_of, tip_of

TREES, PT_TREES, TICKS = 2000, 2000, 20
BLOCKS = [*range(3), *(pytest.param(block, marks=pytest.mark.long) for block in range(3, 10))]
"""Tenths of the trees; `make test` has time for three."""


class Scripted(Leaf):
    """Follows a random script and writes down each call."""

    def __init__(self, name: str, calls: list[Any], seed: float) -> None:
        super().__init__(Wiring(name))
        self.calls, self.rng, self.left = calls, random.Random(seed), 0
        self.style = self.rng.choice(("mostly_success", "mostly_failure", "long"))
        self.active = False

    def start(self) -> None:
        self.calls.append(("start", self.name, self.status))
        assert not self.active, "started while it was active"
        self.active = True

    def step(self) -> Status:
        self.calls.append(("step", self.name, self.status))
        if self.left > 0:
            self.left -= 1
            return self.running(f"{self.left} left")
        roll = self.rng.random()
        if self.style == "long" and roll < 0.6:
            self.left = self.rng.randint(0, 5)
            return self.running("began")
        self.active = False
        succeeds = roll < (0.25 if self.style == "mostly_failure" else 0.85)
        return self.succeed(f"{roll:.3f}") if succeeds else self.fail(f"{roll:.3f}")

    def halt(self) -> None:
        self.calls.append(("halt", self.name))
        assert self.active, "halted twice, or after it was finished"
        self.active = False
        self.left = 0


class Hooked(Scripted):
    """A leaf that overrides py_trees' own hooks."""

    def initialise(self) -> None:
        self.calls.append(("initialise", self.name, self.status))
        super().initialise()

    def terminate(self, new_status: Status) -> None:
        self.calls.append(("terminate", self.name, self.status, new_status))
        super().terminate(new_status)


@dataclass
class Clock:
    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Side:
    """One of the three forms of a tree."""

    ours: bool
    calls: list[Any] = field(default_factory=list)
    context: Context = field(default_factory=Context)
    root: Any = None
    nodes: list[Any] = field(default_factory=list)

    def hold(self, root: Any) -> None:
        """Keep a tree, whose shape will not change."""
        self.root, self.nodes = root, list(root.iterate())


def _wiring(side: Side, name: str, children: list[Any], **inputs: object) -> Wiring:
    getters: dict[str, Callable[[], object]] = {k: (lambda v=v: v) for k, v in inputs.items()}  # type: ignore[misc]
    return Wiring(name, inputs=getters, children=children, context=side.context)


def _grow(rng: random.Random, depth: int, side: Side, count: list[int]) -> Any:
    count[0] += 1
    name = f"n{count[0]}"
    if depth == 0 or rng.random() < 0.25:
        leaf = rng.choice((Scripted, Hooked))
        return leaf(name, side.calls, rng.random())
    kind = rng.choices(("sequence", "selector", "parallel", "decorator"), (4, 4, 2, 3))[0]
    if kind == "decorator":
        return _decorated(rng, name, _grow(rng, depth - 1, side, count), side)
    children = [_grow(rng, depth - 1, side, count) for _ in range(rng.randint(1, 4))]
    memory = rng.random() < 0.5
    if kind == "parallel":
        one = rng.random() < 0.4
        if side.ours:
            made = composites.Parallel if memory else composites.ReactiveParallel
            return made(_wiring(side, name, children, success="one" if one else "all"))
        policy = ParallelPolicy.SuccessOnOne() if one else ParallelPolicy.SuccessOnAll(synchronise=memory)
        return py_trees.composites.Parallel(name, policy, children)
    if side.ours:
        classes: dict[tuple[str, bool], type[Any]] = {
            ("sequence", True): composites.Sequence,
            ("sequence", False): composites.ReactiveSequence,
            ("selector", True): composites.Selector,
            ("selector", False): composites.ReactiveSelector,
        }
        return classes[kind, memory](_wiring(side, name, children))
    plain = py_trees.composites.Sequence if kind == "sequence" else py_trees.composites.Selector
    return plain(name, memory, children)


def _decorated(rng: random.Random, name: str, child: Any, side: Side) -> Any:
    kind, number, period = rng.randrange(4), rng.randint(1, 3), rng.choice((0.05, 0.15, 0.4))
    if side.ours:
        if kind == 0:
            return decorators.Inverter(_wiring(side, name, [child]))
        if kind == 1:
            return decorators.Retry(_wiring(side, name, [child], attempts=number))
        if kind == 2:
            return decorators.Repeat(_wiring(side, name, [child], times=number))
        return decorators.Timeout(_wiring(side, name, [child], duration=period))
    if kind == 0:
        return py_trees.decorators.Inverter(name, child)
    if kind == 1:
        return py_trees.decorators.Retry(name, child, number)
    if kind == 2:
        return py_trees.decorators.Repeat(name, child, number)
    return py_trees.decorators.Timeout(name, child, period)


def _notes(nodes: list[Any], leaves_only: bool) -> list[str]:
    return [n.feedback_message for n in nodes if not (leaves_only and n.children)]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_recursive_tick_equals_the_generators_of_py_trees(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(py_trees.decorators, "time", clock)
    for seed in range(block * TREES // 10, (block + 1) * TREES // 10):
        fast, slow, plain = Side(True), Side(True), Side(False)
        for side in (fast, slow, plain):
            side.hold(_grow(random.Random(seed), 4, side, [0]))
        rng = random.Random(seed + 7)
        positions = len(fast.nodes)
        for tick in range(TICKS):
            clock.now = fast.context.now = slow.context.now = tick * 0.05
            if rng.random() < 0.05:
                for side in (fast, slow, plain):
                    side.root.stop(INVALID)
            if rng.random() < 0.03:
                position = rng.randrange(positions)
                for side in (fast, slow, plain):
                    side.nodes[position].stop(INVALID)
            fast.root._t()
            visited = [[(n.name, n.status) for n in side.root.tick()] for side in (slow, plain)]
            where = f"seed {seed}, tick {tick}"
            assert fast.calls == slow.calls == plain.calls, where
            assert state_of(fast.nodes) == state_of(slow.nodes) == state_of(plain.nodes), where
            assert _notes(fast.nodes, True) == _notes(plain.nodes, True), where
            assert _notes(fast.nodes, False) == _notes(slow.nodes, False), where
            assert tip_of(fast.root) == tip_of(slow.root) == tip_of(plain.root), where
            assert visited[0] == visited[1], where
            _says_why(fast.nodes, where)
            for side in (fast, slow, plain):
                side.calls.clear()


def _says_why(nodes: list[Any], where: str) -> None:
    for node in nodes:
        assert node.status is not FAILURE or node.feedback_message, f"{where}: {node.name} failed without a reason"
        assert node.status in (SUCCESS, FAILURE, RUNNING, INVALID)


class Skipping(Scripted):
    """Is skipped now and then."""

    def step(self) -> Status:
        if self.left == 0 and self.rng.random() < 0.3:
            self.active = False
            return self.skip("nothing to do")
        return super().step()


def _grow_ours(rng: random.Random, depth: int, side: Side, count: list[int]) -> Any:
    """Grow a tree with everything that py_trees does not have."""
    count[0] += 1
    name = f"n{count[0]}"
    if depth == 0 or rng.random() < 0.2:
        return rng.choice((Scripted, Skipping, Hooked))(name, side.calls, rng.random())
    kind = rng.choice(("composite", "composite", "guard", "when", "hooks", "for_each", "decorator"))
    if kind == "composite":
        node: Any = rng.choice(
            (
                composites.Sequence,
                composites.ReactiveSequence,
                composites.Selector,
                composites.ReactiveSelector,
                composites.Parallel,
                composites.ReactiveParallel,
            )
        )
        children = [_grow_ours(rng, depth - 1, side, count) for _ in range(rng.randint(1, 4))]
        return node(_wiring(side, name, children, success=rng.choice(("all", "one", "1"))))
    child = _grow_ours(rng, depth - 1, side, count)
    if kind == "guard":
        check = _grow_ours(rng, 0, side, count)
        ports = Wiring(name, inputs={"give_up_after": lambda: 0.3}, children=[child], parts={"check": check})
        ports.context = side.context
        return Guard(ports)
    if kind == "when":
        chance = random.Random(rng.random())
        keys = rng.sample(CONDITION_KEYS, rng.randint(1, 3))
        bias = {key: 0.7 if key in ("when", "while") else 0.15 for key in keys}
        inputs = {key: (lambda b=b: chance.random() < b) for key, b in bias.items()}
        return Conditions(Wiring(name, inputs=inputs, children=[child], context=side.context))
    if kind == "hooks":
        keys = rng.sample(HOOK_KEYS, rng.randint(1, 4))
        parts = {key: _grow_ours(rng, 0, side, count) for key in keys}
        return Hooks(Wiring(name, children=[child], parts=parts, context=side.context))
    if kind == "for_each":
        ports = _wiring(side, name, [child], **{"in": list(range(rng.randint(0, 3)))})
        ports.outputs = {"item": Cell("item")}
        return ForEach(ports)
    return _decorated(rng, name, child, side)


@pytest.mark.parametrize("block", range(3))
def test_skipping_guards_and_loops_are_the_same_in_both_forms(block: int) -> None:
    for seed in range(block * 500, (block + 1) * 500):
        fast, slow = Side(True), Side(True)
        for side in (fast, slow):
            side.hold(_grow_ours(random.Random(seed), 4, side, [0]))
        rng = random.Random(seed + 7)
        for tick in range(TICKS):
            fast.context.now = slow.context.now = tick * 0.05
            if rng.random() < 0.05:
                for side in (fast, slow):
                    side.root.stop(INVALID)
            fast.root._t()
            slow.root.tick_once()
            where = f"seed {seed}, tick {tick}"
            assert fast.calls == slow.calls, where
            assert state_of(fast.nodes) == state_of(slow.nodes), where
            assert _notes(fast.nodes, False) == _notes(slow.nodes, False), where
            marks = [[n.skipped for n in side.nodes if n.status is INVALID] for side in (fast, slow)]
            assert marks[0] == marks[1], where
            _says_why(fast.nodes, where)


class Loud(py_trees.composites.Sequence):  # type: ignore[misc]
    """A composite of somebody else, in the middle of one of our trees."""


def test_nodes_of_plain_py_trees_fall_back_to_their_generator() -> None:
    for seed in range(200):
        sides = []
        for ours in (True, False):
            side = Side(ours)
            leaves = [Scripted(f"leaf{k}", side.calls, seed * 10 + k) for k in range(3)]
            foreign = Loud("loud", True, leaves[:2])
            if ours:
                side.hold(composites.Selector(_wiring(side, "top", [foreign, leaves[2]])))
            else:
                side.hold(py_trees.composites.Selector("top", True, [foreign, leaves[2]]))
            sides.append(side)
        for _ in range(10):
            sides[0].root._t()
            sides[1].root.tick_once()
            assert sides[0].calls == sides[1].calls
            assert state_of(sides[0].nodes) == state_of(sides[1].nodes)


@pytest.mark.parametrize("block", BLOCKS)
def test_each_node_of_py_trees_equals_its_original(block: int) -> None:
    differences = [compare(seed, TICKS) for seed in range(block * PT_TREES // 10, (block + 1) * PT_TREES // 10)]
    assert [each for each in differences if each is not None] == []


def test_the_random_trees_have_each_node_of_py_trees() -> None:
    grown = {node.kind for seed in range(200) for node in Gardener(random.Random(seed), False).grow(4).walk()}
    by_chance = {"pt.ProbabilisticBehaviour"}
    assert {name for name in NODES if name.startswith("pt.")} - by_chance <= grown


def test_nodes_of_py_trees_pass_over_skipped_children_in_both_forms() -> None:
    differences = [compare(seed, TICKS, skipping=True) for seed in range(600)]
    assert [each for each in differences if each is not None] == []
