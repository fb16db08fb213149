"""Invariants while a tree runs: what a rule forbids is refused before it starts, and stopped when it goes on.

A node that a rule is about is looked at before each of its ticks, as a gate of the debugger is: by attributes of the
node itself that bear the names of its methods. A run without rules has none of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from typing import Any, Final

from ..._base import KnotholeError
from ...behaviors.blackboard import Blackboard
from ...behaviors.bt.stepwise import Stepwise, keeps, stored
from ...behaviors.context import Context
from ...behaviors.means.effects import Fact, parse_fact
from ...behaviors.node import NODES, Wiring
from ...behaviors.step import FAILURE, INVALID, RUNNING, SUCCESS, Status, adopt, raise_fault
from ..mocking.sites import Selector
from ..spec import Computed
from ..values import Scope
from .facts import DOUBTFUL, after, at_first
from .rules import Condition, Gave, Known, Rule, Target, fits

POST: Final = "_invariant_post"
"""Attribute of a node that bears what stands before it."""


class Enforcer:
    """The invariants of one run.

    Args:
        rules: What it enforces.
        context: Services of the run; its robot is stopped when something is refused.

    Attributes:
        refused: How often something was refused or stopped.
    """

    def __init__(self, rules: Sequence[Rule], context: Context) -> None:
        self.rules, self._context = tuple(rules), context
        self._truths: dict[int, Callable[[], object]] = {}
        self._watched = [c for rule in rules for c in rule.conditions if isinstance(c, Gave)]
        self._gave: dict[int, Any] = {}
        self._facts = [c for rule in rules for c in rule.conditions if isinstance(c, Known)]
        self._board: Blackboard | None = None
        self.refused = 0

    def begin(self, board: Blackboard) -> None:
        """Read entries from the blackboard of the run; trees that are built later in it change nothing."""
        if self._board is not None:
            return
        self._board = board
        robot = self._context.robot if self._facts else None
        holding = robot is not None and "gripper" in robot.capabilities.skills and robot.state().holding
        for known in self._facts:
            self._gave[id(known)] = at_first(known.fact, holding)
        scope = Scope(board)
        for condition in (c for rule in self.rules for c in rule.conditions):
            if isinstance(condition, Computed):
                self._truths[id(condition)] = scope.getter(condition)

    def apart(self, context: Context) -> Enforcer:
        """Return the same rules, from what is known now, for a tree that is ticked beside that of the run."""
        other = copy(self)
        other._context, other._gave, other.refused = context, dict(self._gave), 0
        return other

    def watch(self, node: Any, names: tuple[str, ...], wiring: Wiring, limb: str = "") -> None:
        """Put a post before a node that a rule is about, or whose results a rule looks at."""
        names = names or names_of(node)
        limb = limb or str(getattr(node, "limb", ""))
        post: Post | None = node.__dict__.get(POST)
        known = post.rules if post is not None else []
        about = [
            (rule, target)
            for rule in self.rules
            for target in rule.targets
            if target.means(names, wiring.name, limb) and (rule, target) not in known
        ]
        results = [gave for gave in self._watched if _picks(gave.node, names, wiring)]
        effects = self._effects_of(node, wiring) if self._facts else ()
        if not about and not results and not effects:
            return
        if post is None:
            post = node.__dict__[POST] = Post(self, adopt(node), wiring, effects)
        post.rules += about
        post.results += [gave for gave in results if gave not in post.results]

    def broken(self, rules: Sequence[tuple[Rule, Target]], wiring: Wiring, ports: Sequence[Any]) -> str:
        """Return why a node may not be ticked now, naming every rule that forbids it; empty when it may."""
        said = []
        for rule in {id(rule): rule for rule, target in rules if self._has(target.ports, wiring, ports)}.values():
            why = self.why(rule)
            if why is not None:
                self.breaks(rule, wiring)
                about = f": {rule.about}" if rule.about else ""
                said.append(f"{rule.place}: {rule}{f' ({why})' if why else ''}{about}")
        return f"refused by {', and by '.join(said)}" if said else ""

    def breaks(self, rule: Rule, wiring: Wiring) -> None:
        """Take note that a rule forbids a tick; for who explores."""

    def why(self, rule: Rule) -> str | None:
        """Return None when a rule allows its targets now, else what it knows; what it does not know forbids."""
        said: list[str] = []
        if rule.during is not None:
            true, note = self._true(rule.during)
            if true is False:
                return None
            said += [note] if note else []
        if rule.unless is not None:
            true, note = self._true(rule.unless)
            if true is True:
                return None
            said += [note] if note else []
        return "; ".join(said)

    def _true(self, condition: Condition) -> tuple[bool | None, str]:
        """Return whether a condition is true, None when nobody knows, and what there is to say about that."""
        if isinstance(condition, Gave):
            gave = self._gave.get(id(condition))
            return gave is not None and _word(gave) == condition.status, ""
        if isinstance(condition, Known):
            known = self._gave.get(id(condition))
            return known, "" if known is not None else f"{condition} is not known, which counts as forbidden"
        try:
            value = self._truths[id(condition)]()
        except KnotholeError as error:
            return None, f"{error}, which counts as forbidden"
        if not isinstance(value, bool):
            return None, f"{condition.expression.source} is {value!r}, which counts as forbidden"
        return value, ""

    def note(self, results: Sequence[Gave], status: Status) -> None:
        """Keep what a node gave."""
        for gave in results:
            self._gave[id(gave)] = status

    def _effects_of(self, node: Any, wiring: Wiring) -> tuple[Fact, ...]:
        """Return what a leaf declares to bring about."""
        return tuple(parse_fact(text) for text in getattr(node, "effects", ()))

    def brought(self, effects: Sequence[Fact], wiring: Wiring, done: bool) -> None:
        """Keep what a leaf brought about: when it succeeded what it declares, else nobody knows whether."""
        for known in self._facts:
            before = self._gave.get(id(known))
            values = {arg: self._held_by(arg, wiring) for fact in effects for arg in fact.args}
            now = after(before, known.fact, effects, values)
            self._gave[id(known)] = now if done or now == before else None

    def _held_by(self, port: str, wiring: Wiring) -> object:
        """Return what a port holds; what cannot be read may be anything."""
        get = wiring.inputs.get(port)
        try:
            return get() if get is not None else None
        except KnotholeError:
            return DOUBTFUL

    def refuses(self, node: Any, reason: str) -> None:
        """Take note of each tick that is refused, before anything is halted."""
        self._context.refusals(node.path, reason)

    def tell(self, node: Any, reason: str) -> None:
        """Stop the robot and write down what was refused."""
        self.refused += 1
        context = self._context
        context.emit("invariants", {"path": node.path, "tick": context.tick, "refused": reason})
        if context.robot is not None:
            try:
                context.robot.stop()
            except Exception as error:
                raise_fault(node, error)

    def _has(self, written: Mapping[str, str], wiring: Wiring, ports: Sequence[Any]) -> bool:
        """Tell whether the ports hold what a rule says; what cannot be read may be anything."""
        types = {port.name: port.type for port in ports}
        for name, text in written.items():
            get = wiring.inputs.get(name)
            if get is None:
                return False
            try:
                value = get()
            except KnotholeError:
                continue
            if not fits(text, types.get(name, "any"), value):
                return False
        return True


class Post:
    """Stands before one node.

    Args:
        enforcer: Whose it is.
        node: The node.
        wiring: What it was made with.
        effects: What it brings about.

    Attributes:
        rules: Which rules are about the node, and by what.
        results: Which conditions want to know what it gives.
    """

    def __init__(self, enforcer: Enforcer, node: Any, wiring: Wiring, effects: Sequence[Fact]) -> None:
        self._enforcer, self._node, self._wiring, self._effects = enforcer, node, wiring, effects
        self.rules: list[tuple[Rule, Target]] = []
        self.results: list[Gave] = []
        self._tick, self._own_tick = node._t, node.tick
        self._inside, self._refusing = False, ""
        node._t, node.tick = self._ticked, self._ticks
        if effects:
            self._end, node._x = node._x, self._ended

    @property
    def forbids(self) -> bool:
        """Whether the node may be refused, and is not only looked at for what it gives."""
        return bool(self.rules)

    def why(self) -> str:
        """Return why the node may not be ticked now; empty when it may."""
        if not self.rules:
            return ""
        return self._enforcer.broken(self.rules, self._wiring, getattr(self._node, "ports", ()))

    def _ticked(self) -> Status:
        enforcer = self._enforcer
        why = self.why()
        if why:
            status = self._refuse(why)
        else:
            self._refusing = ""
            self._inside = True
            try:
                status = self._tick()
            finally:
                self._inside = False
            if self._effects and status is not RUNNING:
                enforcer.brought(self._effects, self._wiring, status is SUCCESS)
        if self.results:
            enforcer.note(self.results, status)
        return status

    def _ended(self, status: Status) -> None:
        """Halt a leaf: what it was about to bring about may be so or not."""
        if status is INVALID and self._node.status is RUNNING:
            self._enforcer.brought(self._effects, self._wiring, False)
        self._end(status)

    def _ticks(self) -> Iterator[Any]:
        """Tick as py_trees does, for a parent that does."""
        if self._inside:
            yield from self._own_tick()
            return
        self._ticked()
        if not self._node.skipped:
            yield self._node

    def _refuse(self, why: str) -> Status:
        """Give FAILURE in place of a tick; what runs is halted first."""
        node = self._node
        self._enforcer.refuses(node, why)
        if node.status is RUNNING or stored(node) is RUNNING:
            node._x(INVALID)
        node.skipped = False
        node.status, node.feedback_message = FAILURE, why
        if isinstance(node, Stepwise):
            node.stored = FAILURE if keeps(node.parent) else INVALID
        log = getattr(node, "_log", None)
        if log is not None:
            log(node)
        if why != self._refusing:
            self._refusing = why
            self._enforcer.tell(node, why)
        return FAILURE


def is_ruled(node: Any) -> bool:
    """Tell whether a rule is about a node."""
    post: Post | None = node.__dict__.get(POST)
    return post is not None and post.forbids


def names_of(node: Any) -> tuple[str, ...]:
    """Return the type keys of a node that only its class tells."""
    return tuple(name for name, cls in NODES.items().items() if isinstance(node, cls))


def _word(status: Status) -> str:
    return "SKIPPED" if status is INVALID else str(status.value)


def _picks(selector: Selector, names: Sequence[str], wiring: Wiring) -> bool:
    text = selector.text
    if selector.kind == "word":
        return text in names or text == wiring.name or text == wiring.path
    if selector.kind in ("name", "type"):
        wanted = text.partition(":")[2].strip()
        return wanted == wiring.name if selector.kind == "name" else wanted in names
    return selector.on_path(wiring.path)
