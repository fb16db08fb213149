"""Random trees for BehaviorTree.CPP's nodes, ticked side by side by the real engine and by ours.

One random tree is written as XML for the real engine (``behaviortreepy``) and either loaded from the same XML by us, or
built from our node classes directly. Leaves follow a script of outcomes and write down how they are called. After each
tick the status of the root, the calls and halts of the leaves in order, and the entries of the root blackboard must be
equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import behaviortreepy as real

from knothole.behaviors.blackboard import UNSET, Blackboard
from knothole.behaviors.bt.stepwise import StatefulLeaf
from knothole.behaviors.bt.updated import SkipUnlessUpdated, WaitValueUpdate
from knothole.behaviors.conditions import Conditions
from knothole.behaviors.context import Context
from knothole.behaviors.hooks import Hooks
from knothole.behaviors.node import NODES, Leaf, NodeFault, Wiring
from knothole.behaviors.step import FAILURE, INVALID, RUNNING, SUCCESS, Status
from knothole.tests.btcpp_trees import CONDITIONS, HOOKS, START, Case, Grower, Item
from knothole.trees.bt_text import read_bt_text
from knothole.trees.builder import build
from knothole.trees.formulas.scripts import Script, as_condition
from knothole.trees.loader import load
from knothole.trees.spec import NodeSpec
from knothole.trees.values import Scope, typed

LETTERS = {"S": SUCCESS, "F": FAILURE, "R": RUNNING, "K": INVALID}
THEIRS = {
    "S": real.NodeStatus.SUCCESS,
    "F": real.NodeStatus.FAILURE,
    "R": real.NodeStatus.RUNNING,
    "K": real.NodeStatus.SKIPPED,
}
BACK = {status: letter for letter, status in THEIRS.items()}
PERIOD = 0.01
"""Time between two ticks of a tree with timers, [s]; its times are far shorter or far longer."""

ATTEMPTS = 4


class Theirs:
    """A case ticked by BehaviorTree.CPP."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.calls: list[str] = []
        factory = real.BehaviorTreeFactory()
        for item in case.items:
            if item.style:
                self._register(factory, item)
        factory.register_behavior_tree_from_text(case.xml)
        self.board = real.Blackboard.create()
        for name, value in START.items():
            self.write(name, value)
        self.tree = factory.create_tree("Main", self.board)
        self._factory = factory

    def _register(self, factory: Any, item: Item) -> None:
        tell = Teller(item, self.calls)

        def said(how: str) -> Any:
            return lambda node: THEIRS[tell(how)]

        if item.style == "action":

            def halted(node: Any) -> None:
                self.calls.append(f"halt {item.tag}")

            factory.register_simple_stateful_action(item.tag, said("start"), said("run"), halted)
        elif item.style == "sync":
            factory.register_simple_action(item.tag, said("tick"))
        else:
            factory.register_simple_condition(item.tag, said("tick"))

    def write(self, name: str, value: float | str) -> None:
        if isinstance(value, str):
            self.board.set_string(name, value)
        elif isinstance(value, int):
            self.board.set_int(name, value)
        else:
            self.board.set_double(name, value)

    def wait(self, period: float) -> None:
        """Let time pass, as the engine's own loop would."""
        until = monotonic() + period
        while monotonic() < until:
            self.tree.sleep(5)

    def tick(self) -> str:
        try:
            return BACK[self.tree.tick_exactly_once()]
        except RuntimeError as error:
            return f"E {error}"

    def halt(self) -> str:
        """Halt the root as a parent would; ``haltTree`` runs the scripts of nodes that do not run as well."""
        root = self.tree.root_node()
        try:
            if root.status() == real.NodeStatus.RUNNING:
                root.halt_node()
        except RuntimeError as error:
            return f"E {error}"
        return "-"

    def entries(self) -> dict[str, object]:
        return {name: self._entry(name) for name in sorted(self.board.get_keys())}

    def _entry(self, name: str) -> object:
        for get in (self.board.get_double, self.board.get_string):
            try:
                return get(name)
            except RuntimeError:
                continue
        return None


class Teller:
    """Gives the outcomes of one leaf, in order, and writes down the calls."""

    def __init__(self, item: Item, calls: list[str]) -> None:
        self.item, self.calls, self.at = item, calls, 0

    def __call__(self, how: str) -> str:
        self.calls.append(f"{how} {self.item.tag}")
        letter = self.item.letters[self.at % len(self.item.letters)]
        self.at += 1
        return "R" if letter == "K" and how == "run" else letter


def scripted(tell: Teller, wiring: Wiring) -> Leaf:
    """Return our leaf with the script of an item."""
    item, calls = tell.item, tell.calls
    base: type[Leaf] = StatefulLeaf if item.style == "action" else Leaf

    class Scripted(base):  # type: ignore[valid-type,misc]
        def start(self) -> None:
            self.how = "start"

        def step(self) -> Status:
            letter = tell(self.how if item.style == "action" else "tick")
            self.how = "run"
            if letter == "K":
                return self.skip()
            return {"S": self.succeed, "F": self.fail, "R": self.running}[letter](f"{item.tag} said {letter}")

        def halt(self) -> None:
            calls.append(f"halt {item.tag}")

    return Scripted(wiring)


class OlderSkipUnlessUpdated(SkipUnlessUpdated):
    """As before 4.9.0 (upstream #1112): a halt does not reach the child."""

    def _halt(self) -> None:
        self.forget()


class OlderWaitValueUpdate(WaitValueUpdate):
    """As before 4.9.0 (upstream #1112): a halt does not reach the child."""

    def _halt(self) -> None:
        self.forget()


OLDER_FORMS: dict[str, Any] = {"SkipUnlessUpdated": OlderSkipUnlessUpdated, "WaitValueUpdate": OlderWaitValueUpdate}
"""Node → the form of it that the version behind ``behaviortreepy`` has."""


class Ours:
    """A case ticked by our nodes, built from their classes."""

    def __init__(self, case: Case, generator: bool = False) -> None:
        self.case, self.generator = case, generator
        self.calls: list[str] = []
        self.context = Context()
        self.board = Blackboard()
        self.scope = Scope(self.board)
        for name, value in START.items():
            self.write(name, value)
        self.paths = 0
        self.root = self.build(case.trees["Main"])

    def build(self, item: Item) -> Any:
        """Build an item, its conditions and hooks around it."""
        self.paths += 1
        path = f"{item.tag}{self.paths}"
        node = self._bare(item, path)
        given = item.attributes
        conditions = {ours: self._condition(given[key]) for key, ours in CONDITIONS.items() if key in given}
        if conditions:
            node = Conditions(Wiring(path, path, inputs=conditions, children=[node], context=self.context))
        hooks = {ours: self._hook(given[key]) for key, ours in HOOKS.items() if key in given}
        if hooks:
            node = Hooks(Wiring(path, path, children=[node], parts=hooks, context=self.context))
        return node

    def _condition(self, text: str) -> Any:
        run = Script(text).bind(self.scope)
        return lambda: as_condition(run())

    def _hook(self, text: str) -> Any:
        run = Script(text).bind(self.scope)
        return NODES.get("bt.Script")(Wiring("script", "script", inputs={"code": run}, context=self.context))

    def _bare(self, item: Item, path: str) -> Any:
        if item.style:
            return scripted(Teller(item, self.calls), Wiring(item.tag, path, context=self.context))
        cls: Any = OLDER_FORMS.get(item.tag) or NODES.get(f"bt.{item.tag}")
        inputs: dict[str, Any] = {}
        outputs: dict[str, Any] = {}
        for port in cls.ports:
            if port.type in ("node", "nodes"):
                continue
            text = item.attributes.get(port.name)
            if text is None:
                if not port.required:
                    inputs[port.name] = lambda value=port.default: value
            elif port.type == "script":
                inputs[port.name] = Script(text).bind(self.scope)
            elif text.startswith("{"):
                cell = self.scope.cell(text[1:-1])
                inputs[port.name] = typed(cell.get, port.type, port.name)
                if port.direction != "in":
                    outputs[port.name] = cell
            else:
                value = read_bt_text(text, port.type)
                inputs[port.name] = lambda value=value: value
        children = [self.build(child) for child in item.children]
        return cls(Wiring(item.tag, path, None, inputs, outputs, children, context=self.context, board=self.board))

    def write(self, name: str, value: float | str) -> None:
        self.scope.cell(name).set(value, "outside")

    def wait(self, period: float) -> None:
        self.context.now += period

    def tick(self) -> str:
        try:
            if self.generator:
                self.root.tick_once()
            else:
                self.root._t()
        except NodeFault as fault:
            return f"E {fault}"
        status = self.root.status
        return "K" if status is INVALID else str(status.value)[0]

    def halt(self) -> str:
        try:
            self.root._x(INVALID)
        except NodeFault as fault:
            return f"E {fault}"
        return "-"

    def entries(self) -> dict[str, object]:
        return {cell.name: cell.value for cell in self.board if cell.value is not UNSET and "/" not in cell.name}


def _text_of(get: Any) -> str:
    return f"{get():g}" if not isinstance(get(), str) else get()


class Loaded(Ours):
    """A case ticked by our nodes, loaded from the same XML that the real engine gets.

    Attributes:
        older: Whether nodes that the real engine has in an older form are replaced by that form.
    """

    older = True

    def __init__(self, case: Case, generator: bool = False) -> None:
        self.case, self.generator = case, generator
        self.calls = []
        self.context = Context()
        with TemporaryDirectory() as folder:
            file = Path(folder, "case.xml")
            file.write_text(case.xml)
            tree = load(file)
        scripts = {item.tag: Teller(item, self.calls) for item in case.items if item.style}
        built = build(tree, self.context, overrides=dict(self._factories(tree.root, "", scripts)))
        self.built = built
        self.board, self.root, self.scope = built.blackboard, built.root, Scope(built.blackboard)
        for node in built.nodes if self.older else ():
            older = OLDER_FORMS.get(node.type.removeprefix("bt."))
            if older is not None and "#" not in node.path:
                node.node.__class__ = older
            if node.type == "bt.SubTree" and "#" not in node.path:
                # Before 4.9.0 a literal was text, also where it is a number.
                node.node._inputs = tuple((cell, partial(_text_of, get)) for cell, get in node.node._inputs)
        for name, value in START.items():
            self.write(name, value)

    def _factories(self, root: NodeSpec, prefix: str, scripts: dict[str, Teller]) -> Iterator[tuple[str, Any]]:
        for spec in root.walk():
            path = prefix + spec.path
            if spec.type in scripts:
                yield path, partial(scripted, scripts[spec.type])
            if spec.uses is not None:
                yield from self._factories(spec.uses.root, f"{path}/", scripts)


@dataclass
class Compared:
    """What came of comparing one case: ticks that were equal, and the first difference."""

    ticks: int
    difference: str = ""


def compare(seed: int, ticks: int = 15, loaded: bool = False) -> Compared:
    """Grow a tree, tick it on both sides and return the first difference.

    Args:
        seed: Of the random tree and all that happens to it.
        ticks: How many.
        loaded: Whether our side loads the XML, with subtrees, or builds the nodes directly.

    A tree with timers is tried again when it differs: the timers of the real engine are threads, and on a busy machine
    one may come late.
    """
    case = Grower(seed, loaded).case(ticks)
    for attempt in range(ATTEMPTS):
        result = run(case, (Loaded if loaded else Ours)(case), PERIOD * (1 + attempt))
        if not result.difference or not case.timed:
            break
    return result


def run(case: Case, ours: Any, period: float = PERIOD) -> Compared:
    """Tick both sides and return the first difference."""
    theirs = Theirs(case)
    sides = (ours, theirs)
    for tick, writes in enumerate(case.writes):
        said = [side.halt() if tick in case.halts else "-" for side in sides]
        if tick in case.halts and case.timed:
            for side in sides:
                side.wait(period)  # a halted timer of the real engine says so from its thread
        if said[0] == said[1] == "-":
            for side in sides:
                for name, value in writes.items():
                    side.write(name, value)
            said = [side.tick() for side in sides]
        difference = _difference(said, sides)
        if difference:
            return Compared(tick, f"tick {tick}: {difference}")
        if said[0].startswith("E"):
            return Compared(tick + 1)
        for side in sides:
            side.calls.clear()
            if case.timed:
                side.wait(period)
    return Compared(len(case.writes))


def _difference(said: list[str], sides: tuple[Any, Any]) -> str:
    if said[0][0] != said[1][0]:
        return f"status {said[0]!r}, theirs {said[1]!r}; calls {sides[0].calls}, theirs {sides[1].calls}"
    calls = [side.calls for side in sides]
    if calls[0] != calls[1]:
        return f"calls {calls[0]}, theirs {calls[1]}"
    if said[0].startswith("E"):
        return ""
    entries = [{k: _plain(v) for k, v in side.entries().items() if v is not None} for side in sides]
    return "" if entries[0] == entries[1] else f"entries {entries[0]}, theirs {entries[1]}"


def _plain(value: object) -> object:
    """Return a value so that a text of digits equals the number: the real engine does not tell which it holds."""
    try:
        return float(value)  # type: ignore[arg-type]
    except ValueError:
        return value
