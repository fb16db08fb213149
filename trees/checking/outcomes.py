"""Which statuses a node can end with, as far as its type and its common keys say: bits of one number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ..spec import Literal, NodeSpec, TreeSpec

SUCCESS: Final = 1
FAILURE: Final = 2
RUNNING: Final = 4
SKIPPED: Final = 8
ENDS: Final = SUCCESS | FAILURE
ALL: Final = SUCCESS | FAILURE | RUNNING
PASSES: Final = SUCCESS | SKIPPED
"""After these a sequence goes on."""
YIELDS: Final = FAILURE | SKIPPED
"""After these a selector goes on."""

_LEAVES: Final[Mapping[str, int]] = {
    "set": SUCCESS,
    "say": SUCCESS,
    "check": ENDS,
    "wait": SUCCESS | RUNNING,
    "bt.AlwaysSuccess": SUCCESS,
    "bt.AlwaysFailure": FAILURE,
    "bt.Script": SUCCESS,
    "bt.ScriptCondition": ENDS,
    "bt.SetBlackboard": SUCCESS,
    "bt.UnsetBlackboard": SUCCESS,
    "bt.Sleep": SUCCESS | RUNNING,
    "bt.PopFromQueue": ENDS,
    "bt.QueueSize": ENDS,
    "pt.Success": SUCCESS,
    "pt.Failure": FAILURE,
    "pt.Running": RUNNING,
    "pt.TickCounter": ALL,
    "pt.Dummy": ALL,
    "pt.CheckBlackboardVariableExists": ENDS,
    "pt.CheckBlackboardVariableValue": ENDS,
    "pt.SetBlackboardVariable": ENDS,
    "pt.UnsetBlackboardVariable": SUCCESS,
}
"""Leaves that cannot end with everything."""
_REPEATS: Final = ("times", "num_cycles", "num_success")
_RETRIES: Final = ("attempts", "num_attempts", "num_failures", "number_of_retries")
_FOREVER: Final = ("bt.KeepRunningUntilFailure",)
"""Loops without a number that go on while the child succeeds."""


class Loop(NamedTuple):
    """How a node runs what is below it again.

    Attributes:
        kind: ``repeat`` (after success), ``retry`` (after failure), ``each`` (for the elements of a list), ``while``.
        limit: How many times in all, ``inf`` without end; of a list its length where it is known, else ``inf``.
        key: The common key or the port that says so; empty for loops without one.
        known: False where an entry says how often, so that ``inf`` is only the worst that can be.
    """

    kind: str
    limit: float
    key: str
    known: bool = True

    @property
    def endless(self) -> bool:
        """True for a loop that the file says has no end."""
        return self.known and self.limit == float("inf")


def loops_of(node: NodeSpec) -> list[Loop]:
    """Return the loops that a node is: by its common keys and by its type, outermost first."""
    found: list[Loop] = []
    if node.common:
        for key in ("repeat", "retry"):
            value = node.common.get(key)
            if value is not None:
                found.append(Loop(key, _times(value), key, isinstance(value, Literal)))
    flow = node.kind.flow
    if flow == "for_each":
        given = node.values.get("in")
        items = given.value if isinstance(given, Literal) else None
        known = isinstance(items, Sequence)
        found.append(Loop("each", float(len(items)) if isinstance(items, Sequence) else float("inf"), "in", known))
    elif flow in ("loop", "recovery"):
        found.append(_loop_of(node))
    return found


def _loop_of(node: NodeSpec) -> Loop:
    ports = node.kind.ports
    for names, kind in ((_REPEATS, "repeat"), (_RETRIES, "retry")):
        for name in names:
            if name in ports:
                more = 1.0 if name == "number_of_retries" else 0.0
                value = node.values.get(name)
                if value is None:
                    return Loop(kind, more + _limit(ports[name].default), name)
                return Loop(kind, more + _times(value), name, isinstance(value, Literal))
    return Loop("while", float("inf"), "")


def _times(value: object) -> float:
    return _limit(value.value) if isinstance(value, Literal) else float("inf")


def _limit(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return float("inf")
    return float("inf") if value < 0 else float(value)


class Outcomes:
    """What the nodes of a tree can end with; ``outcomes[node]``.

    Args:
        order: All nodes of the tree, each before those below it.
        trees: ``id(tree)`` → what the root of a used tree can end with.
    """

    def __init__(self, order: Sequence[NodeSpec], trees: Mapping[int, int]) -> None:
        self.of: dict[int, int] = {}
        self._bare: dict[int, int] = {}
        of = self.of
        for node in reversed(order):
            kind = node.kind
            if node.uses is not None:
                found = trees.get(id(node.uses), ALL | SKIPPED)
            elif not kind.flow:
                found = _LEAVES.get(kind.name, ENDS if kind.model == "condition" else ALL)
            else:
                found = self._inner(node)
            if node.common:
                self._bare[id(node)] = found
                found = _with_common(node, found)
            of[id(node)] = found

    def __getitem__(self, node: NodeSpec) -> int:
        return self.of[id(node)]

    def repeated(self, node: NodeSpec) -> int:
        """Return what one round of a loop ends with: the child of a loop, the node beside a common key."""
        if node.kind.flow in ("loop", "recovery") and node.children:
            return self.of[id(node.children[0])]
        return self._bare.get(id(node), self.of[id(node)])

    def tree(self, tree: TreeSpec) -> int:
        """Return what the root of the tree can end with."""
        return self.of[id(tree.root)]

    def _inner(self, node: NodeSpec) -> int:
        flow = node.kind.flow
        below = [self.of[id(child)] for child in node.children]
        if not below:
            return ALL | SKIPPED
        if flow in ("sequence", "pipeline"):
            return _chain(below, PASSES, SUCCESS)
        if flow == "selector":
            return _chain(below, YIELDS, FAILURE)
        if flow in ("parallel", "switch", "round_robin"):
            return _union(below)
        if flow in ("same", "loop", "inverter", "success", "failure"):
            return self._decorated(node, below[0])
        if flow == "guard":
            return below[0] | RUNNING | (FAILURE if "give_up_after" in node.values else 0)
        if flow == "if" and len(below) > 1:
            then = below[1] if below[0] & PASSES else 0
            other = (below[2] if len(below) > 2 else FAILURE) if below[0] & FAILURE else 0
            return below[0] & RUNNING | then | other
        if flow == "try":
            whole = _chain(below[:-1], PASSES, SUCCESS) if len(below) > 1 else below[0]
            return whole | (below[-1] & RUNNING if whole & FAILURE else 0)
        if flow == "recovery":
            return below[0] | (_union(below[1:]) & RUNNING if below[0] & FAILURE else 0)
        if flow == "for_each":
            return below[0] & ~SKIPPED | SUCCESS | RUNNING
        if flow == "timeout":
            return below[0] | FAILURE
        return ALL | SKIPPED

    def _decorated(self, node: NodeSpec, child: int) -> int:
        flow = node.kind.flow
        ends = child & (ENDS | SKIPPED)
        if flow == "success":
            return child & RUNNING | (SUCCESS if ends else 0)
        if flow == "failure":
            return child & RUNNING | (FAILURE if ends else 0)
        if flow == "inverter":
            return child & ~ENDS | (FAILURE if child & SUCCESS else 0) | (SUCCESS if child & FAILURE else 0)
        if flow == "loop":
            loop = _loop_of(node)
            if loop.kind == "while":
                return (child & ~SUCCESS if node.kind.name in _FOREVER else child | SUCCESS) | RUNNING
            return _again(child, loop)
        return child


def _again(child: int, loop: Loop) -> int:
    """Return what a loop ends with: without end, only the other outcome ends it."""
    if not loop.endless or loop.kind not in ("repeat", "retry"):
        return child | RUNNING
    return child & ~(SUCCESS if loop.kind == "repeat" else FAILURE) | RUNNING


def _with_common(node: NodeSpec, found: int) -> int:
    common = node.common
    for key in ("retry", "timeout", "repeat"):  # innermost first
        value = common.get(key)
        if value is None:
            continue
        if key == "timeout":
            found |= FAILURE
        else:
            found = _again(found, Loop(key, _times(value), key, isinstance(value, Literal)))
    if "while" in common or "when" in common or "skip_if" in common:
        found |= SKIPPED
    if "success_if" in common:
        found |= SUCCESS
    if "failure_if" in common:
        found |= FAILURE
    return found


def _chain(below: Sequence[int], goes_on: int, end: int) -> int:
    """Return what children in order end with, where the next one is ticked after the bits ``goes_on``."""
    found = 0
    passed = 0
    for each in below:
        found |= each & ~goes_on
        passed |= each & end
        if not each & goes_on:
            return found
    return found | (end if passed else 0) | (SKIPPED if all(each & SKIPPED for each in below) else 0)


def _union(below: Iterable[int]) -> int:
    found = 0
    for each in below:
        found |= each
    return found
