"""The script language of BehaviorTree.CPP 4: ``x := 3; y = x * 2; y > 5``, with its text and its semantics.

    x := 1                        creates the entry x, or sets it; := and = keep the type that an entry has
    x = 1, += -= *= /=            the entry must exist
    || && == != < > <= >= | ^ & + - .. * /      binary operators, weakest first; comparisons chain
    ! - ~                         bind tightest
    c ? a : b                     only the chosen side is run; && and || always look at both
    'text' 12 0x1F 1.5e3 true     true and false are 1 and 0
    @x                            the entry of the root blackboard

Statements are separated by ``;``; the value is that of the last one. A script is bounded: 4000 characters, nesting of
40, ints of 64 bits, texts of 100 000 characters; it has no loops, so its time is bounded by its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from ...behaviors.blackboard import UNSET, Cell
from .script_syntax import Assign, Chain, Choice, Constant, Name, Node, Prefix, ScriptError, parse
from .script_values import (
    Empty,
    as_compared,
    as_condition,
    as_double,
    as_int,
    bounded,
    combined,
    compared,
    is_number,
    prefixed,
    shown,
)

__all__ = ["Cells", "Script", "ScriptError", "as_condition"]

Run = Callable[[], object]
_DOUBLES: Final = ("number", "duration", "length", "angle")


class Cells(Protocol):
    """Where the names of a script are found."""

    def cell(self, name: str, type: str = "any", root: bool = False) -> Cell:
        """Return the cell of an entry."""


class Script:
    """One script, read once.

    Args:
        source: The text.
        constants: Names that stand for numbers (the enums of BehaviorTree.CPP); they hide entries.

    Attributes:
        statements: What was read.
        reads: Entries whose value is looked at before the script itself surely wrote it, in order; ``@x`` for those of
            the root. ``x += 1`` reads x.
        writes: Entries that it may assign, in order.
        sure_writes: Those that it assigns whenever it is run to its end.
        needs: Entries that must exist before it is run: ``reads`` and the targets of ``=``.
        makes: Entries that a ``:=`` in it can make.
        uses: All entries whose value it looks at, also those that it wrote itself.
        columns: Entry → where it is first mentioned, from 1.

    Raises:
        ScriptError: The text is no script.

    >>> Script("x := 2; y = x * 3; y > 5").reads, Script("y += 1").writes
    ((), ('y',))
    """

    __slots__ = (
        "columns", "constants", "makes", "needs", "reads", "source", "statements", "sure_writes", "uses", "writes",
    )  # fmt: skip

    def __init__(self, source: str, constants: Mapping[str, float] | None = None) -> None:
        self.source = source
        self.constants: Mapping[str, float] = dict(constants or {})
        self.statements = parse(source)
        flow = _Flow(self.constants)
        for statement in self.statements:
            flow.visit(statement)
        self.reads, self.writes = tuple(flow.reads), tuple(flow.writes)
        self.sure_writes, self.needs = tuple(flow.sure), tuple(flow.needs)
        self.makes, self.uses = tuple(flow.makes), tuple(flow.uses)
        self.columns: Mapping[str, int] = dict(flow.columns)

    def names(self) -> Iterator[Name]:
        """Yield every mention of an entry, in the order of the text."""
        found = (node for statement in self.statements for node in walk(statement))
        return iter(
            sorted(
                (n for n in found if isinstance(n, Name) and (n.root or n.name not in self.constants)),
                key=lambda n: n.column,
            )
        )

    def bind(self, scope: Cells, writer: str = "") -> Run:
        """Look the entries up once and return the function that runs the script.

        Args:
            scope: Gives the cells of the entries.
            writer: Path of the node that runs it, noted in the cells it writes.

        Raises:
            ScriptError: When called: an entry is missing or empty, or values do not fit.
        """
        binder = _Binder(scope, self.constants, writer)
        runs = [binder.bound(statement) for statement in self.statements]
        last = runs.pop()
        if not runs:
            return last

        def run() -> object:
            for each in runs:
                each()
            return last()

        return run

    def __repr__(self) -> str:
        return f"Script({self.source!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Script) and (other.source, other.constants) == (self.source, self.constants)

    def __hash__(self) -> int:
        return hash(self.source)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node of a script and all below it."""
    yield node
    if isinstance(node, Prefix):
        yield from walk(node.operand)
    elif isinstance(node, Chain):
        yield from walk(node.first)
        for _, operand, _ in node.rest:
            yield from walk(operand)
    elif isinstance(node, Choice):
        for part in (node.condition, node.then, node.other):
            yield from walk(part)
    elif isinstance(node, Assign):
        yield from walk(node.target)
        yield from walk(node.value)


class _Flow:
    """Collects what a script reads and writes, in the order in which it is run."""

    def __init__(self, constants: Mapping[str, float]) -> None:
        self.constants = constants
        self.reads: dict[str, None] = {}
        self.writes: dict[str, None] = {}
        self.sure: dict[str, None] = {}
        self.needs: dict[str, None] = {}
        self.makes: dict[str, None] = {}
        self.uses: dict[str, None] = {}
        self.columns: dict[str, int] = {}

    def visit(self, node: Node) -> None:
        if isinstance(node, Name):
            if node.root or node.name not in self.constants:
                self.uses[str(node)] = None
                self.mention(node, self.reads, self.needs)
        elif isinstance(node, Prefix):
            self.visit(node.operand)
        elif isinstance(node, Chain):
            self.visit(node.first)
            for _, operand, _ in node.rest:
                self.visit(operand)
        elif isinstance(node, Choice):
            self.visit(node.condition)
            before = dict(self.sure)
            self.visit(node.then)
            then, self.sure = self.sure, dict(before)
            self.visit(node.other)
            self.sure = {name: None for name in then if name in self.sure}
        elif isinstance(node, Assign):
            if node.sign == ":=":
                self.makes[str(node.target)] = None
            else:
                self.mention(node.target, self.needs, *([] if node.sign == "=" else [self.reads]))
            self.visit(node.value)
            name = str(node.target)
            self.columns.setdefault(name, node.target.column)
            self.writes[name] = self.sure[name] = None

    def mention(self, node: Name, *groups: dict[str, None]) -> None:
        name = str(node)
        self.columns.setdefault(name, node.column)
        if name not in self.sure:
            for group in groups:
                group[name] = None


class _Binder:
    def __init__(self, scope: Cells, constants: Mapping[str, float], writer: str) -> None:
        self.scope, self.constants, self.writer = scope, constants, writer

    def bound(self, node: Node) -> Run:
        if isinstance(node, Constant):
            value = node.value
            return lambda: value
        if isinstance(node, Name):
            return self.name(node)
        if isinstance(node, Prefix):
            sign, column, operand = node.sign, node.column, self.bound(node.operand)
            return lambda: prefixed(sign, operand(), column)
        if isinstance(node, Choice):
            return self.choice(node)
        if isinstance(node, Assign):
            return self.assign(node)
        return self.comparison(node) if node.compares else self.chain(node)

    def name(self, node: Name) -> Run:
        if not node.root and node.name in self.constants:
            value = float(self.constants[node.name])
            return lambda: value
        cell = self.scope.cell(node.name, root=node.root)

        def read() -> object:
            value = cell.value
            if value is UNSET or value is None:
                if cell.declared or value is None:
                    return Empty(str(node))
                raise _missing(node)
            return value

        return read

    def chain(self, node: Chain) -> Run:
        first = self.bound(node.first)
        rest = [(sign, self.bound(operand), column) for sign, operand, column in node.rest]

        def run() -> object:
            total = first()
            for sign, operand, column in rest:
                total = combined(sign, total, operand(), column)
            return total

        return run

    def comparison(self, node: Chain) -> Run:
        first, constants = self.bound(node.first), self.constants
        rest = [(sign, self.bound(operand), column) for sign, operand, column in node.rest]

        def run() -> object:
            left = first()
            for sign, operand, column in rest:
                right = operand()
                if not compared(sign, left, right, constants, column):
                    return 0.0
                left = right
            return 1.0

        return run

    def choice(self, node: Choice) -> Run:
        condition, then, other = self.bound(node.condition), self.bound(node.then), self.bound(node.other)
        column = node.condition.column
        return lambda: then() if as_double(condition(), column) != 0.0 else other()

    def assign(self, node: Assign) -> Run:
        cell = self.scope.cell(node.target.name, root=node.target.root)
        value, writer, constants, sign = self.bound(node.value), self.writer, self.constants, node.sign

        def run() -> object:
            if sign == ":=":
                cell.declared = True
            elif cell.value is UNSET and not cell.declared:
                raise ScriptError(f"{node.target} does not exist yet, {node.sign} needs that; := makes it", node.column)
            new = value()
            if new is None or isinstance(new, Empty):
                raise ScriptError(f"{sign!r} needs a value, this is {shown(new)}", node.column)
            if sign not in (":=", "="):
                new = _changed(sign[0], cell, new, node)
            new = _fitted(cell, new, constants, node)
            cell.set(new, writer)
            return new

        return run


def _missing(node: Name) -> ScriptError:
    guess = (node.name.lower(),) if node.name in ("True", "False", "TRUE", "FALSE") else ()
    return ScriptError(f"{node} is read before it is set", node.column, guess)


def _changed(sign: str, cell: Cell, value: object, node: Assign) -> object:
    """Compute ``old + value`` of ``+=`` and its relatives."""
    old = cell.value
    if old is UNSET or old is None:
        raise _missing(node.target)
    if is_number(old) and is_number(value):
        return combined(sign, old, value, node.column)
    if sign == "+" and isinstance(old, str) and isinstance(value, str):
        return bounded(old + value, node.column)
    raise ScriptError(
        f"{node.sign!r} does not fit {node.target}, which is {shown(old)}, and {shown(value)}", node.column
    )


def _fitted(cell: Cell, value: object, constants: Mapping[str, float], node: Assign) -> object:
    """Return the value in the type that the entry has."""
    old, column = cell.value, node.column
    if old is UNSET or old is None:
        if isinstance(value, str) and cell.type in (*_DOUBLES, "int", "bool"):
            value = as_compared(value, constants, column)
            value = as_int(value, column) if cell.type == "int" else value
        return _in_type(cell.type, value, column) if is_number(value) else value
    if isinstance(value, str) and is_number(old):
        return as_compared(value, constants, column) if node.sign in (":=", "=") else _wrong(node, old, value)
    if is_number(old) and is_number(value):
        if isinstance(old, bool) and value in (0, 1):
            return bool(value)
        if isinstance(old, float) or cell.type in _DOUBLES:
            return as_double(value, column)
        return as_int(value, column, f"{node.target} holds whole numbers, this is {shown(value)}")
    if type(old) is type(value) or (isinstance(old, str) and isinstance(value, str)):
        return value
    return _wrong(node, old, value)


def _in_type(type: str, value: object, column: int) -> object:
    if type == "bool" and value in (0, 1):
        return bool(value)
    return as_double(value, column) if type in _DOUBLES else value


def _wrong(node: Assign, old: object, value: object) -> object:
    raise ScriptError(f"{node.target} is {shown(old)} and cannot become {shown(value)}", node.column)
