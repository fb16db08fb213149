"""From the values of a checked tree to functions that give their present value. Entries are looked up once, here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from .._base import KnotholeError
from ..behaviors.blackboard import Blackboard, Cell
from .bt_text import read_bt_text
from .colors import read_color
from .formulas.operators import MAX_TEXT, bounded
from .formulas.references import Accessor, Entry, FollowError, follow
from .literals import LiteralError
from .spec import Computed, Literal, Program, Reference, Template

if TYPE_CHECKING:
    from ..behaviors.ports import PortType

Getter = Callable[[], object]


class WrongValueError(KnotholeError):
    """A value does not have the type of the port that reads it."""


class Scope:
    """The names that one tree sees: its own entries, and those of the root behind ``$@``.

    Args:
        board: The blackboard of the run.
        name: Scope name, empty for the root tree, the path of the ``use`` node for a subtree.
    """

    def __init__(self, board: Blackboard, name: str = "") -> None:
        self.board, self.name = board, name

    def full_name(self, name: str, root: bool = False) -> str:
        """Return the name of an entry on the blackboard of the run."""
        return name if root or not self.name else f"{self.name}/{name}"

    def cell(self, name: str, type: str = "any", root: bool = False) -> Cell:
        """Return the cell of an entry."""
        return self.board.cell(self.full_name(name, root), type)

    def own(self, name: str, type: str = "any") -> Cell:
        """Return the cell of an entry of this very tree, also where its names are those of an outer one."""
        return self.board.own(self.full_name(name), type)

    def entry(self, entry: Entry) -> Getter:
        """Return the function that reads an entry of an expression."""
        return self._read(self.cell(entry.name, root=entry.root), entry.accessors, str(entry))

    def getter(self, value: object) -> Getter:
        """Return the function that gives the present value of a spec's value; lists and mappings may hold values."""
        if isinstance(value, Reference):
            return self._read(self.cell(value.name, root=value.root), value.accessors, str(value))
        if isinstance(value, Computed):
            return value.expression.bind(self.entry)
        if isinstance(value, Program):
            return self.script(value)
        if isinstance(value, Template):
            return self._template(value)
        if isinstance(value, Literal):
            return self.getter(value.value)
        if isinstance(value, list | tuple) and any(moves(each) for each in value):
            getters = [self.getter(each) for each in value]
            return lambda: bounded([get() for get in getters], 1)
        if isinstance(value, Mapping) and any(moves(each) for each in value.values()):
            named = {key: self.getter(each) for key, each in value.items()}
            return lambda: {key: get() for key, get in named.items()}
        return lambda: value

    def script(self, program: Program, writer: str = "") -> Getter:
        """Return the function that runs a script; ``writer`` is the path of the node that does."""
        return program.script.bind(self, writer)

    def cells(self, value: Computed) -> tuple[Cell, ...]:
        """Return the cells that an expression reads, each once."""
        return tuple(dict.fromkeys(self.cell(e.name, root=e.root) for e in value.expression.references))

    def shown(self, value: object) -> Callable[[], str]:
        """Return the function that writes an expression and the present values of what it reads, or a script."""
        if not isinstance(value, Computed):
            source = value.script.source if isinstance(value, Program) else ""
            return lambda: source
        entries = {str(entry): self.entry(entry) for entry in value.expression.references}

        def write() -> str:
            values = []
            for name, get in entries.items():
                try:
                    values.append(f"{name} is {as_words(get())}")
                except KnotholeError:
                    values.append(f"{name} is not set")
            return f"{value.expression.source} ({', '.join(values)})" if values else value.expression.source

        return write

    def _read(self, cell: Cell, accessors: tuple[Accessor, ...], shown: str) -> Getter:
        if not accessors:
            return cell.get

        def read() -> object:
            try:
                return follow(cell.get(), accessors)
            except FollowError as error:
                raise FollowError(f"{shown}: {error}") from None

        return read

    def _template(self, value: Template) -> Getter:
        parts = [part if isinstance(part, str) else self.getter(part) for part in value.parts]

        def fill() -> str:
            text = "".join(part if isinstance(part, str) else as_text(part()) for part in parts)
            if len(text) > MAX_TEXT:
                raise WrongValueError(f"the text has more than {MAX_TEXT} characters")
            return text

        return fill


def moves(value: object) -> bool:
    """Tell whether a value has to be computed anew each time."""
    if isinstance(value, Literal):
        return moves(value.value)
    if isinstance(value, list | tuple):
        return any(moves(each) for each in value)
    if isinstance(value, Mapping):
        return any(moves(each) for each in value.values())
    return isinstance(value, Reference | Computed | Template | Program)


def as_text(value: object) -> str:
    """Write a value into a text: lower-case ``true``, ``false`` and ``none``, numbers without needless digits.

    >>> as_text(0.1 * 3), as_text(12345678.0), as_text(True)
    ('0.3', '12345678', 'true')
    """
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def as_words(value: object) -> str:
    """Write a value into a reason, which is read: as ``as_text`` does, with six digits or four decimals.

    >>> as_words(1 / 3), as_words(16777216.5), as_words(1234.56789)
    ('0.333333', '16777216.5', '1234.5679')
    """
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 100 else f"{round(value, 4):.15g}"
    return as_text(value)


_NUMBERS = ("number", "duration", "length", "angle")


def typed(get: Getter, type: PortType, shown: str) -> Getter:
    """Return a getter whose value has the type of its port.

    Args:
        get: Gives the value as it is.
        type: Port type wanted.
        shown: What to call the value in an error, such as ``attempts ($count)``.

    Raises:
        WrongValueError: When called: the value has another type.
    """
    if type == "text":
        return lambda: as_text(get())
    if type in _NUMBERS or type == "int":
        plain = int if type == "int" else float

        def number() -> object:
            value = get()
            return value if value.__class__ is plain else _number(value, type, shown)

        return number
    if type == "bool":
        return lambda: _bool(get(), shown)
    if type == "color":
        return lambda: _color(get(), shown)
    if type.startswith("list["):
        element = type[5:-1]
        return lambda: _list(get(), element, shown)
    return get


def from_bt(get: Getter, type: PortType, shown: str) -> Getter:
    """Return a getter as ``typed`` does, for a node of BehaviorTree.CPP: a text becomes whatever its port takes.

    Raises:
        WrongValueError: When called: the value has another type.
    """
    if type in ("any", "text"):
        return typed(get, type, shown)

    def convert() -> object:
        value = get()
        if not isinstance(value, str):
            return typed(lambda: value, type, shown)()
        try:
            return read_bt_text(value, type)
        except LiteralError as error:
            raise WrongValueError(f"{shown} {error}") from None

    return convert


def _number(value: object, type: str, shown: str) -> object:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        if type != "int" or value is None or isinstance(value, int):
            return value
        if value.is_integer():
            return int(value)
    raise WrongValueError(f"{shown} must be {'a whole number' if type == 'int' else 'a number'}, it is {value!r}")


def _bool(value: object, shown: str) -> object:
    if value is None or isinstance(value, bool):
        return value
    raise WrongValueError(f"{shown} must be true or false, it is {value!r}")


def _color(value: object, shown: str) -> object:
    if value is None:
        return value
    if isinstance(value, str):
        found = read_color(value)
        if found is not None:
            return found
    elif isinstance(value, Sequence) and len(value) == 3 and all(_is_share(each) for each in value):
        return tuple(float(each) for each in value)
    raise WrongValueError(f"{shown} must be a color, a name or three numbers from 0 to 1, it is {value!r}")


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _list(value: object, element: str, shown: str) -> object:
    if value is None:
        return value
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise WrongValueError(f"{shown} must be a list, it is {value!r}")
    return [typed(_constantly(each), element, f"{shown}[{at}]")() for at, each in enumerate(value)]


def _constantly(value: object) -> Getter:
    return lambda: value
