"""How many model calls a tree can cost at worst: in one tick, and in one run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from ..._base import Place
from ...behaviors.ports import Port
from ..node_types import NodeType, node_type
from ..spec import Literal, NodeSpec, Reference, TreeSpec, Value
from .entries import mentions_of
from .outcomes import Loop, loops_of
from .settling import settle

TICK: Final = 0.05
"""Time between two ticks where nothing else is said, [s]."""
RUN_TIME: Final = 600.0
"""Time limit of a run where nothing else is said, [s]."""
_GLANCE: Final = 0.5
"""Time after which an unsure answer is looked at again, [s]; as ``see`` does it."""
_INF: Final = math.inf


@dataclass(frozen=True)
class ModelCalls:
    """The most model calls of a tree, those of used trees included.

    Attributes:
        per_tick: Calls that one tick can start: each leaf that asks, once, of children that exclude each other the
            dearest. A question that several leaves ask of one picture counts for each of them.
        per_run: Calls from the first tick until the tree ends, at 20 ticks a second; ``inf`` without a limit.
        because: Place of what makes ``per_run`` infinite, None where it is finite.
        reason: What that is, in words, with its line.
        in_time: Calls of a run that is ended after ``RUN_TIME``.
    """

    per_tick: int
    per_run: float
    because: Place | None = None
    reason: str = ""
    in_time: float = 0.0

    def __str__(self) -> str:
        tick = f"at most {self.per_tick} a tick"
        if self.because is None:
            return f"{tick}, {self.per_run:g} a run"
        return f"{tick}, {self.in_time:,.0f} in {RUN_TIME:g} s, no limit for a longer run ({self.reason})"


def model_calls(tree: TreeSpec) -> ModelCalls:
    """Return the most model calls of a tree that is checked."""
    counter = _Counter()
    ticks = counter.tick_of(tree)
    run = counter.run_of(tree, False, _INF)
    if run.because is None:
        return ModelCalls(ticks, run.calls)
    where = "" if run.because.file == tree.file else f" of {Path(run.because.file).name}"
    in_time = min(counter.run_of(tree, False, RUN_TIME).calls, ticks * _ticks(RUN_TIME))
    return ModelCalls(ticks, run.calls, run.because, f"line {run.because.line}{where}: {run.reason}", in_time)


class _Run(NamedTuple):
    """Calls of one execution of a node, and what makes them infinite."""

    calls: float = 0.0
    because: Place | None = None
    reason: str = ""

    def plus(self, other: _Run) -> _Run:
        first = self if self.because is not None else other
        return _Run(self.calls + other.calls, first.because, first.reason)

    def times(self, rounds: float, place: Place, reason: str) -> _Run:
        """Return the calls of several rounds; the innermost reason stays."""
        if not self.calls or not rounds:
            return _Run()
        if self.because is None and rounds == _INF:
            return _Run(_INF, place, reason)
        return _Run(self.calls * rounds, self.because, self.reason)


class _Counter:
    """Counts a tree and those that it uses, each once."""

    def __init__(self) -> None:
        self.ticks: dict[int, int] = {}
        self.runs: dict[tuple[int, bool, float], _Run] = {}
        self.types: dict[int, Mapping[str, str]] = {}

    def tick_of(self, tree: TreeSpec) -> int:
        if id(tree) not in self.ticks:
            self.ticks[id(tree)] = self._tick(tree.root, self._types(tree))
        return self.ticks[id(tree)]

    def _tick(self, node: NodeSpec, types: Mapping[str, str]) -> int:
        own = _calls(node, types)
        if "attempts" in node.kind.ports:  # one answer after the other
            own = min(own, 1)
        if node.uses is not None:
            own += self.tick_of(node.uses)
        below = [self._tick(child, types) for child in node.children]
        if node.kind.flow == "switch":
            own += max(below, default=0)
        elif node.kind.flow == "if" and below:
            own += below[0] + max(below[1:], default=0)
        else:
            own += sum(below)
        return own + sum(self._tick(each, types) for each in (*node.parts.values(), *node.hooks.values()))

    def run_of(self, tree: TreeSpec, watched: bool, limit: float) -> _Run:
        key = (id(tree), watched, limit)
        if key not in self.runs:
            self.runs[key] = self._run(tree.root, self._types(tree), watched, limit)
        return self.runs[key]

    def _run(self, node: NodeSpec, types: Mapping[str, str], watched: bool, limit: float) -> _Run:
        """Return the calls of one execution of a node.

        Args:
            node: The node.
            types: Types of the entries of its tree.
            watched: True where it is ticked again in every tick, whatever it said.
            limit: The longest time that the execution can take, [s].
        """
        outer = limit
        timeout = node.common.get("timeout")
        if timeout is not None or node.kind.flow == "timeout":
            limit = min(limit, _seconds(timeout if timeout is not None else _timeout_port(node)))
        loops = loops_of(node) if node.common or node.kind.flow in ("loop", "for_each", "recovery") else []
        run = self._inner(node, types, watched, limit)
        for loop in reversed(loops):
            rounds = loop.limit if limit == _INF else min(loop.limit, _ticks(limit))
            run = run.times(rounds, node.place, _of_loop(node, loop))
        if limit < outer and run.calls:
            most = self._tick(node, types) * _ticks(limit)
            run = _Run(min(run.calls, most)) if run.calls > most else run
        for hook in node.hooks.values():
            run = run.plus(self._run(hook, types, False, limit))
        return run

    def _inner(self, node: NodeSpec, types: Mapping[str, str], watched: bool, limit: float) -> _Run:
        flow = node.kind.flow
        run = _asked(node, types, watched, limit)
        if node.uses is not None:
            run = run.plus(self.run_of(node.uses, watched, limit))
        for port, part in node.parts.items():
            below = self._run(part, types, port != "on_unsure", limit)
            if port == "on_unsure":
                below = below.times(_ticks(limit) if limit < _INF else _INF, part.place, "again while it is unsure")
            run = run.plus(below)
        again = watched and flow in ("same", "inverter", "success", "failure", "if", "switch", "timeout", "maybe")
        again = again or node.reactive
        runs = [self._run(child, types, again or (watched and _instant(child)), limit) for child in node.children]
        if flow == "switch":
            return run.plus(_dearest(runs))
        if flow == "if" and runs:
            return run.plus(runs[0]).plus(_dearest(runs[1:]))
        for each in runs:
            run = run.plus(each)
        return run

    def _types(self, tree: TreeSpec) -> Mapping[str, str]:
        if id(tree) not in self.types:
            writes = [write for node in tree.walk() for write in mentions_of(node, {}).writes]
            declared = {each.name: (str(each.type), each.place) for each in tree.inputs}
            self.types[id(tree)] = settle(declared, [write for write in writes if not write.root]).types
        return self.types[id(tree)]


def _calls(node: NodeSpec, types: Mapping[str, str]) -> int:
    """Return the calls that a leaf starts when it looks once; words that name a thing have to be found first."""
    kind = node.kind
    if "step" in kind.ports and "skills" in kind.ports:
        return _dearest_skill(node)
    if not kind.asks:
        return 0
    if not kind.visual:
        return 1
    things = [port.name for port in kind.ports.values() if _names_a_thing(port)]
    if things:
        return sum(_is_words(node.values.get(name), types) for name in things)
    attempts = node.values.get("attempts")
    if "attempts" not in kind.ports:
        return 1
    known = attempts.value if isinstance(attempts, Literal) else kind.ports["attempts"].default
    return known if isinstance(known, int) else 1


def _dearest_skill(node: NodeSpec) -> int:
    """Return the calls of the dearest step that a node may run which gets its steps from a plan."""
    given = node.values.get("skills")
    skills = given.value if isinstance(given, Literal) else node.kind.ports["skills"].default
    kinds = [node_type(str(name)) for name in skills] if isinstance(skills, Sequence) else []
    return max((_words(kind) for kind in kinds if kind is not None and kind.visual), default=0)


def _words(kind: NodeType) -> int:
    return sum(_names_a_thing(port) for port in kind.ports.values()) or 1


def _names_a_thing(port: Port) -> bool:
    """Tell whether a port takes words for a thing, which has to be found first."""
    return port.type == "any" and port.direction == "in" and (not port.takes or {"object", "text"} <= set(port.takes))


def _is_words(value: Value | None, types: Mapping[str, str]) -> bool:
    if value is None:
        return False
    if isinstance(value, Reference):
        return bool(value.accessors or value.root) is False and types.get(value.name) in (None, "any", "text")
    return True


def _asked(node: NodeSpec, types: Mapping[str, str], watched: bool, limit: float) -> _Run:
    """Return the calls of one execution of a leaf: of a question that is watched or unsure, one in each period."""
    once = _calls(node, types)
    if not once:
        return _Run()
    if "on_unsure" not in node.kind.ports:
        return _Run(float(once))
    unsure = node.values.get("on_unsure")
    held = unsure is None and "on_unsure" not in node.parts  # a node on it makes it look again
    says = str(unsure.value) if isinstance(unsure, Literal) else "hold" if held else "look_again"
    if not watched and says == "failure":
        return _Run(float(once))
    period = _period(node, says, watched)
    if limit < _INF:
        return _Run(once * (math.floor(limit / period) + 1.0))
    reason = f"asked every {period:g} s while it is {'watched' if watched else 'unsure'}"
    return _Run(_INF, node.place, reason)


def _period(node: NodeSpec, says: str, watched: bool) -> float:
    """Return the shortest time between two questions of ``see``, [s]."""
    age, rate = node.values.get("max_age"), node.values.get("rate")
    slowest = 1.0 / max(_number(rate, 1.0 / TICK), 1e-3) if rate is not None else TICK
    if says == "look_again":
        return max(slowest, TICK)
    if age is not None:
        return max(_number(age, 2 * TICK) / 2, slowest, TICK)
    if rate is not None:
        return max(slowest, TICK)
    return TICK if watched else _GLANCE


def _number(value: Value | None, otherwise: float) -> float:
    known = value.value if isinstance(value, Literal) else None
    return float(known) if isinstance(known, int | float) and known > 0 else otherwise


def _timeout_port(node: NodeSpec) -> Value | None:
    return next((node.values[name] for name in ("duration", "msec", "timeout_s") if name in node.values), None)


def _seconds(value: Value | None) -> float:
    known = value.value if isinstance(value, Literal) else None
    return float(known) if isinstance(known, int | float) else _INF


def _ticks(limit: float) -> float:
    return math.floor(limit / TICK) + 1.0


def _of_loop(node: NodeSpec, loop: Loop) -> str:
    if loop.kind == "each":
        return "for each element of a list of unknown length"
    if not loop.known:
        return f"{loop.kind} as often as an entry says"
    return f"{loop.key if loop.key in node.common else node.type} without end"


def _instant(node: NodeSpec) -> bool:
    return node.kind.visual and not node.kind.limb


def _dearest(runs: Sequence[_Run] | Iterable[_Run]) -> _Run:
    return max(runs, key=lambda run: run.calls, default=_Run())
