"""Check what trees read and write: entries never set, reads before writes, and types of writers and readers.

The walk follows what ticking does. For each node it takes the entries that are set before, as two sets: *must* (on
every path) and *may* (on some), and gives the same after SUCCESS and after FAILURE. Loops need no iteration: whatever
their body writes anywhere may be set when it begins again, and the first round decides what must be. Sets are bits of
one number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from typing import Final, NamedTuple

from ..._base import near_misses
from ..problems import Problem
from ..spec import Computed, NodeSpec, Reference, TreeSpec
from .document import Source
from .entries import Entries, Read, Write, expression_mistakes, reads_of, writes_of
from .typing_rules import ELEMENTS, accepts, reader_name

_LOOPS: Final = ("repeat", "retry", "for_each")


_NEAR: Final = 300
"""Names that are compared for a guess; comparing all would take minutes in a hostile file."""


class _State(NamedTuple):
    """What is set: on every path, on some path."""

    must: int
    may: int


class _After(NamedTuple):
    """What is set after SUCCESS and after FAILURE; None where that cannot happen."""

    success: _State | None
    failure: _State | None


def check_entries(
    tree: TreeSpec, source: Source, complete: bool = True, doubtful: Set[str] = frozenset()
) -> list[Problem]:
    """Return what is wrong with the entries of one tree; trees it uses count by their inputs and outputs.

    Args:
        tree: The tree.
        source: Its file.
        complete: False when other mistakes left parts of the tree out.
        doubtful: Entries that such parts mention, which may be set there; nothing is said of when they are set.
    """
    return _Checker(tree, source, complete, doubtful).run()


class _Checker:
    def __init__(self, tree: TreeSpec, source: Source, complete: bool, doubtful: Set[str]) -> None:
        self.tree, self.source, self.complete, self.doubtful = tree, source, complete, doubtful
        self.problems: list[Problem] = []
        self.entries = Entries(tree)
        self.bits = {name: 1 << number for number, name in enumerate(self.entries.names)}
        self.inside: dict[int, int] = {}
        self.said: set[str] = set()

    def run(self) -> list[Problem]:
        self._writes_below(self.tree.root)
        self._types()
        start = self._mask(each.name for each in self.tree.inputs)
        after = self._node(self.tree.root, _State(start, start))
        self._outputs(after)
        self._unread()
        return self.problems

    def _mask(self, names: Iterator[str]) -> int:
        mask = 0
        for name in names:
            mask |= self.bits[name]
        return mask

    def _writes_below(self, root: NodeSpec) -> None:
        """Note for each node what it and the nodes below it write."""
        order = list(root.walk())
        for node in reversed(order):
            mask = self._mask(write.name for write in writes_of(node))
            for child in (*node.parts.values(), *node.children):
                mask |= self.inside[id(child)]
            self.inside[id(node)] = mask

    # the walk ------------------------------------------------------------------------------------------------------
    def _node(self, node: NodeSpec, before: _State) -> _After:
        """Follow one node with its common keys, outermost first."""
        common = node.common
        for key in ("when", "skip_if", "repeat", "timeout", "retry"):
            value = common.get(key)
            if isinstance(value, Computed | Reference):
                self._read_all(reads_of(value), before)
        inner = before
        if "repeat" in common or "retry" in common:
            inner = _State(before.must, before.may | self.inside[id(node)])
        after = self._bare(node, inner)
        if "timeout" in common:
            halted = _State(before.must, before.may | self.inside[id(node)])
            after = _After(after.success, _join(after.failure, halted))
        if "when" in common or "skip_if" in common:
            after = _After(_join(after.success, before), after.failure)
        return after

    def _bare(self, node: NodeSpec, before: _State) -> _After:
        kind = node.kind
        for name, value in node.values.items():
            port = kind.ports.get(name) if kind else None
            if port is not None and (port.direction == "out" or port.type == "variable"):
                continue
            if name.startswith("outputs."):
                continue
            self._read_all(reads_of(value), before)
        base = kind.flow if kind else ""
        follow = _FOLLOW.get(base)
        if follow is not None and (node.children or node.parts):
            if kind is not None and kind.reactive:
                before = _State(before.must, before.may | self.inside[id(node)])
            return follow(self, node, before)
        if node.children or node.parts:
            return self._unknown(node, before)
        own = self.inside[id(node)]
        return _After(_State(before.must | own, before.may | own), _State(before.must, before.may | own))

    def _sequence(self, node: NodeSpec, before: _State) -> _After:
        state: _State | None = before
        failure: _State | None = None
        for child in node.children:
            after = self._node(child, state or before)
            failure = _join(failure, after.failure)
            state = after.success
        return _After(state, failure)

    def _selector(self, node: NodeSpec, before: _State) -> _After:
        state: _State | None = before
        success: _State | None = None
        for child in node.children:
            after = self._node(child, state or before)
            success = _join(success, after.success)
            state = after.failure
        return _After(success, state)

    def _parallel(self, node: NodeSpec, before: _State) -> _After:
        may = before.may | self.inside[id(node)]
        afters = [self._node(child, _State(before.must, may)) for child in node.children]
        must = before.must
        if "success" not in node.values:
            for after in afters:
                must |= after.success.must if after.success else 0
        return _After(_State(must, may), _State(before.must, may))

    def _guard(self, node: NodeSpec, before: _State) -> _After:
        may = before.may | self.inside[id(node)]
        state = _State(before.must, may)
        check = node.parts.get("check")
        if check is not None:
            state = self._node(check, state).success or state
        for child in node.children:
            after = self._node(child, state)
            return _After(after.success, _join(after.failure, _State(before.must, may)))
        return _After(state, _State(before.must, may))

    def _inverter(self, node: NodeSpec, before: _State) -> _After:
        after = self._sequence(node, before)
        return _After(after.failure, after.success)

    def _loop(self, node: NodeSpec, before: _State) -> _After:
        return self._sequence(node, _State(before.must, before.may | self.inside[id(node)]))

    def _for_each(self, node: NodeSpec, before: _State) -> _After:
        may = before.may | self.inside[id(node)]
        bound = self._mask(write.name for write in writes_of(node))
        after = self._sequence(node, _State(before.must | bound, may))
        return _After(_join(after.success, _State(before.must, may)), after.failure)

    def _timeout(self, node: NodeSpec, before: _State) -> _After:
        after = self._sequence(node, before)
        halted = _State(before.must, before.may | self.inside[id(node)])
        return _After(after.success, _join(after.failure, halted))

    def _unknown(self, node: NodeSpec, before: _State) -> _After:
        """Of a node type from elsewhere nothing is known: its children may run in any order, or not at all."""
        state = _State(before.must, before.may | self.inside[id(node)])
        for child in (*node.parts.values(), *node.children):
            self._node(child, state)
        return _After(state, state)

    # what is read --------------------------------------------------------------------------------------------------
    def _read_all(self, reads: Iterator[Read], before: _State) -> None:
        for read in reads:
            self._read(read, before)

    def _read(self, read: Read, before: _State) -> None:
        self.said.add(read.name)
        if read.root or read.name in self.doubtful:
            return
        bit = self.bits.get(read.name)
        if bit is None:
            self._never_set(read)
        elif not before.must & bit:
            if before.may & bit:
                self._report(
                    read,
                    "K203",
                    f"${read.name} may be read before it is set",
                    why=f"it is set by {self._writers(read.name)}, but not on every way to here",
                    fix="set it on each way, or before with `set`",
                    severity="warning",
                )
            else:
                self._report(
                    read,
                    "K202",
                    f"${read.name} is read before it is set",
                    why=f"it is set by {self._writers(read.name)}, which no way to here passes",
                    fix="move the node that sets it before this one",
                )

    def _never_set(self, read: Read) -> None:
        self._report(
            read,
            "K201",
            f"${read.name} is never set",
            why="no input of this tree and no output of a node has this name",
            guess=tuple(f"${name}" for name in near_misses(read.name, self.entries.names[:_NEAR])),
            fix="correct the name, write it with an output of a node, or declare it under `inputs`",
        )

    def _writers(self, name: str) -> str:
        lines = sorted({write.place.line for write in self.entries.writes[name]})
        shown = ", ".join(str(line) for line in lines[:3])
        return f"line {shown}" if len(lines) == 1 else f"lines {shown}"

    # types ---------------------------------------------------------------------------------------------------------
    def _types(self) -> None:
        """Compare each writer with the first one, and each reader with them."""
        types = self.entries.settle(self._conflict)
        for node in self.tree.walk():
            for computed, wrong, fix in expression_mistakes(node, types):
                at = Read("", computed.place, False, len(computed.expression.source))
                self._report(at, "K119", wrong, fix=fix)
            kind = node.kind
            for name, value in (*node.values.items(), *node.common.items()):
                if isinstance(value, Reference) and not value.accessors and not value.root:
                    wanted = self._wanted(node, name)
                    if wanted is not None and value.name in types and not accepts(wanted, types[value.name]):
                        self._wrong_type(value, types[value.name], wanted, reader_name(node, name, kind))

    def _wanted(self, node: NodeSpec, name: str) -> str | None:
        kind = node.kind
        if name.startswith("inputs.") and node.uses is not None:
            return next((each.type for each in node.uses.inputs if each.name == name[7:]), None)
        port = kind.ports.get(name) if kind else None
        if name in node.common:
            return {"retry": "int", "repeat": "int", "timeout": "duration"}.get(name)
        if port is None or port.direction == "out" or port.type == "variable":
            return None
        return port.type

    def _wrong_type(self, value: Reference, has: str, wanted: str, reader: str) -> None:
        read = Read(value.name, value.place, value.root, len(str(value)))
        self._report(
            read,
            "K204",
            f"{value} is {ELEMENTS.get(has, has)}, {reader} takes {ELEMENTS.get(wanted, wanted)}",
            why=f"it gets its type from {self._origin(value.name)}",
            fix="read another entry, or a field of this one",
        )

    def _origin(self, name: str) -> str:
        if any(each.name == name for each in self.tree.inputs):
            return "the inputs of this tree"
        return f"line {min(write.place.line for write in self.entries.writes[name])}"

    def _conflict(self, write: Write, has: str) -> None:
        self.problems.append(
            self.source.problem(
                (write.place.line, write.place.column),
                "K204",
                f"${write.name} is {ELEMENTS.get(has, has)}, this node writes {ELEMENTS.get(write.type, write.type)}",
                why=f"it gets its type from {self._origin(write.name)}",
                fix="write to another entry",
                width=len(write.name) + 1,
            )
        )

    # outputs -------------------------------------------------------------------------------------------------------
    def _outputs(self, after: _After) -> None:
        for each in self.tree.outputs:
            self.said.add(each.name)
            at = (each.place.line, each.place.column)
            bit = self.bits.get(each.name, 0)
            if not self.entries.writes.get(each.name) and not any(i.name == each.name for i in self.tree.inputs):
                if each.name not in self.doubtful:
                    self.problems.append(
                        self.source.problem(
                            at,
                            "K205",
                            f"the output {each.name!r} is never set",
                            fix=f"write it with an output of a node, `…: ${each.name}`, or delete it",
                            width=len(each.name),
                        )
                    )
            elif after.success is not None and not after.success.must & bit:
                self.problems.append(
                    self.source.problem(
                        at,
                        "K203",
                        f"the output {each.name!r} may be left unset",
                        why="the tree can succeed on a way that does not set it",
                        fix="set it on each way",
                        width=len(each.name),
                        severity="warning",
                    )
                )

    def _unread(self) -> None:
        """Warn of entries that a node writes and nothing reads; the element of a loop may well be left alone."""
        for name, writes in self.entries.writes.items():
            first = writes[0] if writes else None
            if first is None or name in self.said or first.loop or first.root or not self.complete:
                continue
            self.problems.append(
                self.source.problem(
                    (first.place.line, first.place.column),
                    "K206",
                    f"${name} is written, and nothing reads it",
                    fix="delete it, or declare it under `outputs`",
                    width=len(name) + 1,
                    severity="warning",
                )
            )

    def _report(
        self,
        read: Read,
        code: str,
        message: str,
        *,
        why: str = "",
        guess: tuple[str, ...] = (),
        fix: str = "",
        severity: str = "error",
    ) -> None:
        self.problems.append(
            self.source.problem(
                (read.place.line, read.place.column),
                code,
                message,
                why=why,
                guess=guess,
                fix=fix,
                width=read.width,
                severity="warning" if severity == "warning" else "error",
            )
        )


def _join(a: _State | None, b: _State | None) -> _State | None:
    if a is None or b is None:
        return b if a is None else a
    return _State(a.must & b.must, a.may | b.may)


_FOLLOW: Final[Mapping[str, Callable[[_Checker, NodeSpec, _State], _After]]] = {
    "sequence": _Checker._sequence,
    "selector": _Checker._selector,
    "parallel": _Checker._parallel,
    "guard": _Checker._guard,
    "inverter": _Checker._inverter,
    "loop": _Checker._loop,
    "for_each": _Checker._for_each,
    "timeout": _Checker._timeout,
}
