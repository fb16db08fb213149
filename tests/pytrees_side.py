"""Random trees of py_trees, grown three times: ours ticked fast, ours ticked as a generator, and py_trees' own classes.

``compare(seed, ticks)`` is what tests and ``benchmarks/differential.py`` call.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import py_trees
from py_trees import behaviours, composites, decorators, idioms, timers
from py_trees.blackboard import Blackboard as Theirs
from py_trees.common import ComparisonExpression, OneShotPolicy, ParallelPolicy

from knothole.behaviors.blackboard import UNSET, Blackboard
from knothole.behaviors.context import Context
from knothole.behaviors.node import NODES, Leaf, Wiring
from knothole.behaviors.pt.adapted import Adapted
from knothole.behaviors.pt.adapter import adapt
from knothole.behaviors.pt.comparison import LOGICAL, OPERATORS
from knothole.behaviors.pt.lending import name_of
from knothole.behaviors.step import FAILURE, INVALID, Status

PERIOD: Final = 0.05
_ENDS: Final = ("SUCCESS", "FAILURE")
_STATUSES: Final = ("SUCCESS", "FAILURE", "RUNNING")


@dataclass(frozen=True)
class Entry:
    """The name of a blackboard entry, in the place of a value."""

    name: str


@dataclass(frozen=True)
class Grown:
    """One node of a random tree, before it is made."""

    kind: str
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    children: tuple[Grown, ...] = ()

    def walk(self) -> Iterator[Grown]:
        """Yield this node and all below."""
        yield self
        for child in self.children:
            yield from child.walk()


class Probe(py_trees.behaviour.Behaviour):  # type: ignore[misc]
    """Follows a random script and writes down each hook."""

    def __init__(self, name: str, calls: Any, seed: float) -> None:
        super().__init__(name)
        self.calls, self.rng, self.left = calls, random.Random(seed), 0
        self.index = "mine"  # what knothole calls its own must not disturb it
        self.path = self.context = None

    def setup(self, **_: Any) -> None:
        self.calls.append(("setup", self.name))

    def initialise(self) -> None:
        self.calls.append(("initialise", self.name, self.status))

    def update(self) -> Status:
        assert self.index == "mine"
        self.calls.append(("update", self.name, self.status))
        if self.left:
            self.left -= 1
            self.feedback_message = f"{self.left} left"
            return Status.RUNNING
        roll = self.rng.random()
        self.feedback_message = f"{roll:.3f}"
        if roll < 0.3:
            self.left = self.rng.randint(0, 4)
            return Status.RUNNING
        return Status.SUCCESS if roll < 0.7 else Status.FAILURE

    def terminate(self, new_status: Status) -> None:
        self.calls.append(("terminate", self.name, self.status, new_status))
        if new_status == Status.INVALID:
            self.left = 0


class Loud(composites.Sequence):  # type: ignore[misc]
    """A composite of somebody else."""

    def __init__(self, name: str, calls: Any, memory: bool, children: Any = None) -> None:
        super().__init__(name, memory, children)
        self.calls = calls

    def initialise(self) -> None:
        self.calls.append(("initialise", self.name, self.status))

    def terminate(self, new_status: Status) -> None:
        self.calls.append(("terminate", self.name, self.status, new_status))


class Sometimes(decorators.Decorator):  # type: ignore[misc]
    """A decorator of somebody else, with a tick of its own."""

    def __init__(self, name: str, child: Any, calls: Any, every: int) -> None:
        super().__init__(name, child)
        self.calls, self.every, self.count = calls, every, 0

    def tick(self) -> Iterator[Any]:
        self.count += 1
        if self.count % self.every == 0:
            self.stop(Status.FAILURE)
            yield self
        else:
            yield from super().tick()

    def update(self) -> Status:
        return self.decorated.status

    def terminate(self, new_status: Status) -> None:
        self.calls.append(("terminate", self.name, self.status, new_status))


class Skipper(Leaf):
    """Is skipped now and then; only among ours."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.calls: Any = self.get("calls")
        self.rng = random.Random(str(self.get("seed")))

    def step(self) -> Status:
        self.calls.append(("step", self.name))
        roll = self.rng.random()
        if roll < 0.35:
            return self.skip()
        if roll < 0.6:
            return self.running("on it")
        return self.succeed() if roll < 0.85 else self.fail("no")

    def halt(self) -> None:
        self.calls.append(("halt", self.name))


class Gardener:
    """Grows one random tree."""

    def __init__(self, rng: random.Random, skipping: bool) -> None:
        self.rng, self.skipping, self.count = rng, skipping, 0

    def node(self, kind: str, *children: Grown, **values: Any) -> Grown:
        self.count += 1
        return Grown(kind, f"n{self.count}", values, children)

    def grow(self, depth: int) -> Grown:
        rng = self.rng
        if depth == 0 or rng.random() < 0.2:
            return self.leaf()
        kind = rng.choices(("sequence", "selector", "parallel", "decorator", "idiom", "foreign"), (3, 3, 2, 6, 1, 1))[0]
        return getattr(self, kind)(depth - 1)  # type: ignore[no-any-return]

    def several(self, depth: int, least: int = 1, most: int = 4) -> list[Grown]:
        return [self.grow(depth) for _ in range(self.rng.randint(least, most))]

    def sequence(self, depth: int) -> Grown:
        return self.node("pt.Sequence", *self.several(depth), memory=self.rng.random() < 0.5)

    def selector(self, depth: int) -> Grown:
        return self.node("pt.Selector", *self.several(depth), memory=self.rng.random() < 0.5)

    def parallel(self, depth: int) -> Grown:
        children = self.several(depth)
        policy = self.rng.choice(("SuccessOnAll", "SuccessOnOne", "SuccessOnSelected"))
        names = [child.name for child in children]
        selected = self.rng.sample(names, self.rng.randint(1, len(names)))
        return self.node(
            "pt.Parallel",
            *children,
            policy=policy,
            synchronise=self.rng.random() < 0.5,
            selected=selected if policy == "SuccessOnSelected" else None,
        )

    def decorator(self, depth: int) -> Grown:
        rng = self.rng
        kind = rng.choice(_DECORATORS)
        child = self.grow(depth)
        if kind == "pt.ForEach":
            items = [rng.randint(0, 9) for _ in range(rng.randint(0, 3))]
            name = f"list{self.count}"
            each = self.node(kind, child, source_key=Entry(name), target_key=Entry("item"))
            first = self.node(
                "pt.SetBlackboardVariable", variable_name=Entry(name), variable_value=items, overwrite=True
            )
            return self.node("pt.Sequence", first, each, memory=True)
        values: dict[str, Any] = {
            "pt.Repeat": {"num_success": rng.choice((-1, 1, 2, 3))},
            "pt.Retry": {"num_failures": rng.randint(1, 3)},
            "pt.StatusToBlackboard": {"variable_name": Entry(rng.choice(("s1", "s2")))},
            "pt.EternalGuard": {"condition": Chance(rng.random())},
            "pt.Timeout": {"duration": rng.choice((0.05, 0.15, 0.4))},
            "pt.OneShot": {"policy": rng.choice(tuple(OneShotPolicy.__members__))},
            "pt.Condition": {"status": rng.choice(_STATUSES)},
        }.get(kind, {})
        return self.node(kind, child, **values)

    def idiom(self, depth: int) -> Grown:
        rng = self.rng
        kind = rng.choice(_IDIOMS)
        if kind == "pt.oneshot":
            policy = rng.choice(tuple(OneShotPolicy.__members__))
            child = self.grow(depth)
            if child.kind in ("Loud", "pt.either_or", "pt.pick_up_where_you_left_off"):
                child = self.node("pt.PassThrough", child)  # sequences of py_trees get the mark as a child there
            return self.node(kind, child, variable_name=Entry(f"once{self.count}"), policy=policy)
        if kind == "pt.either_or":
            tests = [_test(rng) for _ in range(2)]
            subtrees = [self.grow(depth), self.grow(depth)]
            return self.node(kind, *subtrees, conditions=tests, namespace=f"/choice{self.count}")
        return self.node(kind, *self.several(depth, 1, 3))

    def foreign(self, depth: int) -> Grown:
        if self.rng.random() < 0.5:
            return self.node("Loud", *self.several(depth), memory=self.rng.random() < 0.5)
        return self.node("Sometimes", self.grow(depth), every=self.rng.randint(2, 5))

    def leaf(self) -> Grown:
        rng = self.rng
        if self.skipping and rng.random() < 0.5:
            return self.node("Skipper", seed=rng.random())
        kind = rng.choice(("Probe", "Probe", "Probe", *_LEAVES))
        if kind == "pt.BlackboardToStatus":
            name = Entry(rng.choice(("s1", "s2")))
            there = self.node("pt.CheckBlackboardVariableExists", variable_name=name)
            return self.node("pt.Sequence", there, self.node(kind, variable_name=name), memory=False)
        return self.node(kind, **self.leaf_values(kind))

    def leaf_values(self, kind: str) -> dict[str, Any]:
        rng = self.rng
        name = Entry(rng.choice("abc"))
        made: Mapping[str, Callable[[], dict[str, Any]]] = {
            "Probe": lambda: {"seed": rng.random()},
            "pt.Periodic": lambda: {"n": rng.randint(1, 3)},
            "pt.StatusQueue": lambda: {
                "queue": [rng.choice(_STATUSES) for _ in range(rng.randint(1, 4))],
                "eventually": rng.choice((None, *_STATUSES)),
            },
            "pt.SuccessEveryN": lambda: {"n": rng.randint(1, 4)},
            "pt.TickCounter": lambda: {"duration": rng.randint(0, 4), "completion_status": rng.choice(_ENDS)},
            "pt.Timer": lambda: {"duration": rng.choice((0.05, 0.12, 0.3))},
            "pt.CheckBlackboardVariableExists": lambda: {"variable_name": name},
            "pt.WaitForBlackboardVariable": lambda: {"variable_name": name},
            "pt.UnsetBlackboardVariable": lambda: {"key": name},
            "pt.SetBlackboardVariable": lambda: {
                "variable_name": name,
                "variable_value": rng.randint(0, 3),
                "overwrite": rng.random() < 0.6,
            },
            "pt.CheckBlackboardVariableValue": lambda: _test(rng, entry=True),
            "pt.WaitForBlackboardVariableValue": lambda: _test(rng, entry=True),
            "pt.CompareBlackboardVariables": lambda: {
                "var1_key": name,
                "var2_key": Entry(rng.choice("abc")),
                "operator": rng.choice(tuple(OPERATORS)),
            },
            "pt.CheckBlackboardVariableValues": lambda: {
                "checks": [_test(rng) for _ in range(rng.randint(2, 3))],
                "operator": rng.choice(tuple(LOGICAL)),
                "namespace": rng.choice((None, f"/results{self.count}")),
            },
        }
        return made[kind]() if kind in made else {}


@dataclass
class Chance:
    """A condition that is true by chance, the same in each form of the tree."""

    seed: float

    def function(self) -> Callable[[], bool]:
        rng = random.Random(self.seed)
        return lambda: rng.random() < 0.8


def _test(rng: random.Random, entry: bool = False) -> dict[str, Any]:
    name: Any = rng.choice("abc")
    return {
        "variable": Entry(name) if entry else name,
        "operator": rng.choice(tuple(OPERATORS)),
        "value": rng.randint(0, 3),
    }


_DECORATORS: Final = tuple(
    f"pt.{name}"
    for name in (
        "Repeat", "Retry", "StatusToBlackboard", "EternalGuard", "Timeout", "Count", "OneShot", "Inverter",
        "RunningIsFailure", "RunningIsSuccess", "FailureIsSuccess", "FailureIsRunning", "SuccessIsFailure",
        "SuccessIsRunning", "Condition", "PassThrough", "ForEach",
    )
)  # fmt: skip
_IDIOMS: Final = ("pt.oneshot", "pt.either_or", "pt.pick_up_where_you_left_off")
_LEAVES: Final = tuple(
    f"pt.{name}"
    for name in (
        "Success", "Failure", "Running", "Dummy", "Periodic", "StatusQueue", "SuccessEveryN", "TickCounter", "Timer",
        "BlackboardToStatus", "CheckBlackboardVariableExists", "WaitForBlackboardVariable", "UnsetBlackboardVariable",
        "SetBlackboardVariable", "CheckBlackboardVariableValue", "WaitForBlackboardVariableValue",
        "CompareBlackboardVariables", "CheckBlackboardVariableValues", "SetBlackboardVariable",
    )
)  # fmt: skip
_FOREIGN: Final[Mapping[str, Any]] = {cls.__name__: cls for cls in (Probe, Loud, Sometimes)}


@dataclass
class Side:
    """One of the forms of a tree."""

    calls: list[Any] = field(default_factory=list)
    context: Context = field(default_factory=Context)
    board: Blackboard = field(default_factory=Blackboard)
    root: Any = None
    nodes: list[Any] = field(default_factory=list)
    """All nodes of ``root``. Walking there costs more than a tick, and no tree changes its shape."""
    amended: set[str] = field(default_factory=set)
    """Nodes that ever said more than their originals; what is above them may have copied it."""

    def make(self, grown: Grown) -> Any:
        """Make a tree of our nodes."""
        children = [self.make(child) for child in grown.children]
        inputs: dict[str, Callable[[], object]] = {"calls": lambda: self.calls}
        outputs = {}
        for name, value in grown.values.items():
            if isinstance(value, Entry):
                outputs[name] = self.board.cell(value.name)
            elif isinstance(value, Chance):
                inputs[name] = value.function()
            else:
                inputs[name] = lambda value=value: value  # type: ignore[misc]
        one = grown.kind == "pt.oneshot"
        wiring = Wiring(
            grown.name,
            grown.name,
            None,
            inputs,
            outputs,
            () if one else children,
            {"behaviour": children[0]} if one else {},
            self.context,
            board=self.board,
        )
        foreign = _FOREIGN.get(grown.kind)
        if grown.kind == "Skipper":
            return Skipper(wiring)
        return (adapt(f"other.{grown.kind}", foreign) if foreign else NODES.get(grown.kind))(wiring)


def _plain(grown: Grown, calls: list[Any]) -> Any:
    """Make the same tree of py_trees' own classes."""
    children = [_plain(child, calls) for child in grown.children]
    name, values = grown.name, {k: v.name if isinstance(v, Entry) else v for k, v in grown.values.items()}
    short = grown.kind.removeprefix("pt.")
    if grown.kind == "Probe":
        return Probe(name, calls, **values)
    if grown.kind == "Loud":
        return Loud(name, calls, children=children, **values)
    if grown.kind == "Sometimes":
        return Sometimes(name, children[0], calls, **values)
    if short == "Parallel":
        return composites.Parallel(name, _policy(values, children), children)
    if short in ("Sequence", "Selector"):
        return getattr(composites, short)(name, values["memory"], children)
    if grown.kind in _IDIOMS:
        return _plain_idiom(short, name, values, children)
    if grown.kind in _DECORATORS:
        return getattr(decorators, short)(name, children[0], **_converted(short, values))
    leaf = getattr(timers if short == "Timer" else behaviours, short)(name, **_converted(short, values))
    leaf.logger.error = lambda _: None
    return leaf


def _policy(values: Mapping[str, Any], children: list[Any]) -> Any:
    if values["policy"] == "SuccessOnOne":
        return ParallelPolicy.SuccessOnOne()
    if values["policy"] == "SuccessOnAll":
        return ParallelPolicy.SuccessOnAll(values["synchronise"])
    chosen = [next(c for c in children if c.name == name) for name in values["selected"]]
    return ParallelPolicy.SuccessOnSelected(chosen, values["synchronise"])


def _plain_idiom(short: str, name: str, values: dict[str, Any], children: list[Any]) -> Any:
    if short == "oneshot":
        return idioms.oneshot(children[0], name, values["variable_name"], OneShotPolicy[values["policy"]])
    if short == "either_or":
        return idioms.either_or([_expression(c) for c in values["conditions"]], children, name, values["namespace"])
    return idioms.pick_up_where_you_left_off(name, children)


def _expression(test: Mapping[str, Any]) -> ComparisonExpression:
    return ComparisonExpression(test["variable"], test["value"], OPERATORS[test["operator"]])


def _converted(short: str, values: dict[str, Any]) -> dict[str, Any]:
    turn: Mapping[str, Callable[[Any], Any]] = {
        "policy": lambda name: OneShotPolicy[name],
        "status": lambda name: Status[name],
        "completion_status": lambda name: Status[name],
        "eventually": lambda name: name and Status[name],
        "queue": lambda names: [Status[name] for name in names],
        "condition": lambda chance: chance.function(),
        "checks": lambda tests: [_expression(test) for test in tests],
        "operator": lambda symbol: {**OPERATORS, **LOGICAL}[symbol],
    }
    if short in ("CheckBlackboardVariableValue", "WaitForBlackboardVariableValue"):
        return {"check": _expression(values)}
    return {name: turn[name](value) if name in turn else value for name, value in values.items()}


@dataclass
class _Clock:
    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    time = monotonic


def compare(seed: int, ticks: int = 20, kinds: Counter[str] | None = None, skipping: bool = False) -> str | None:
    """Tick one random tree in its three forms and return the first difference, None if there is none.

    Args:
        seed: Which tree, and when it is halted.
        ticks: How often.
        kinds: Counts what the tree consists of.
        skipping: Mix in leaves that are skipped; py_trees does not have that, so only ours are compared.
    """
    grown = Gardener(random.Random(seed), skipping).grow(4)
    if kinds is not None:
        kinds.update(node.kind for node in grown.walk())
    fast, slow, plain = Side(), Side(), Side()
    clock = _Clock()
    kept = decorators.time, timers.time
    Theirs.clear()
    decorators.time = timers.time = clock
    try:
        fast.root, slow.root = fast.make(grown), slow.make(grown)
        fast.nodes, slow.nodes = list(fast.root.iterate()), list(slow.root.iterate())
        for node in fast.nodes:
            node._log = lambda node: fast.amended.add(node.name) if _amended(node) else None
        sides = [fast, slow]
        if not skipping:
            plain.root = _plain(grown, plain.calls)
            plain.nodes = list(plain.root.iterate())
            for node in plain.nodes:
                node.setup()
            plain.calls.clear()
            sides.append(plain)
        return _run(seed, ticks, clock, sides)
    finally:
        decorators.time, timers.time = kept
        Theirs.clear()


def _run(seed: int, ticks: int, clock: _Clock, sides: list[Side]) -> str | None:
    rng = random.Random(seed + 7)
    fast, slow = sides[:2]
    count = len(fast.nodes)
    for tick in range(ticks):
        clock.now = fast.context.now = slow.context.now = tick * PERIOD
        halted = -1 if rng.random() < 0.05 else rng.randrange(count) if rng.random() < 0.03 else None
        if halted is not None:
            for side in sides:
                side.nodes[halted].stop(INVALID)
        fast.root._t()
        visited = [[(node.name, node.status) for node in side.root.tick()] for side in sides[1:]]
        found = _difference(sides, visited)
        if found is not None:
            return f"seed {seed}, tick {tick}: {found}"
        for side in sides:
            side.calls.clear()
    return None


def _difference(sides: list[Side], visited: list[list[Any]]) -> str | None:
    fast, slow = sides[:2]
    notes = [[node.feedback_message for node in side.nodes] for side in (fast, slow)]
    if notes[0] != notes[1]:
        return f"messages {_first(*notes)}"
    marks = [[getattr(n, "skipped", False) for n in s.nodes if n.status is INVALID] for s in (fast, slow)]
    if marks[0] != marks[1]:
        return f"marks of skipped nodes {marks}"
    silent = [n.name for n in fast.nodes if n.status is FAILURE and not n.feedback_message and _ours(n)]
    if silent:
        return f"no reason for the failure of {silent}"
    wanted = [call for call in sides[-1].calls if call[0] != "setup"]
    state, tip = state_of(sides[-1].nodes), tip_of(sides[-1].root)
    for side in sides[:-1]:
        calls = [call for call in side.calls if call[0] != "setup"]
        if calls != wanted:
            return f"calls {_first(calls, wanted)}"
        if (has := state_of(side.nodes)) != state:
            return f"statuses {_first(has, state)}"
        if tip_of(side.root) != tip:
            return f"tips {tip_of(side.root)}, {tip}"
    if visited[0] != visited[-1]:
        return f"visited nodes {_first(visited[0], visited[-1])}"
    if len(sides) == 3:
        return _against_plain(fast, sides[2].nodes)
    return None


def _against_plain(side: Side, plain: list[Any]) -> str | None:
    for ours, theirs in zip(side.nodes, plain, strict=True):
        if isinstance(ours, Adapted) and not (
            side.amended and any(node.name in side.amended for node in ours.iterate() if node is not ours)
        ):
            said = ours.inner.feedback_message
            if said != theirs.feedback_message:
                return f"messages of {ours.name}: {said!r}, {theirs.feedback_message!r}"
    board = {cell.name: cell.value for cell in side.board if cell.value is not UNSET}
    wanted = {name_of(key): value for key, value in Theirs.storage.items()}
    return None if board == wanted else f"blackboards {board}, {wanted}"


def _ours(node: Any) -> bool:
    return hasattr(node, "wiring")


def _amended(node: Any) -> bool:
    """Tell whether a node says more than its original: composites pass reasons up, and no failure is silent."""
    inner = getattr(node, "inner", None)
    if inner is not None:
        return bool(node.feedback_message != inner.feedback_message)
    return _ours(node) and bool(node.feedback_message)


def state_of(nodes: list[Any]) -> list[tuple[Any, ...]]:
    """Return name, status and present child of each node."""
    state = []
    for node in nodes:
        current = getattr(node, "current_child", None)
        state.append((node.name, node.status, current.name if current is not None else None))
    return state


def tip_of(root: Any) -> str | None:
    """Return the name of py_trees' tip, the deepest node that decided."""
    tip = root.tip()
    return tip.name if tip is not None else None


def _first(a: list[Any], b: list[Any]) -> str:
    """Show where two lists differ first."""
    for number, (one, other) in enumerate(zip(a, b, strict=False)):
        if one != other:
            return f"at {number}: {one!r}, {other!r}"
    return f"of different length: {len(a)}, {len(b)}"
