"""The blackboard of one run: typed cells with version counters, resolved once when the tree is built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .._base import KnotholeError


class UnsetError(KnotholeError):
    """A blackboard entry is read before anything was written to it."""


class _Unset:
    def __repr__(self) -> str:
        return "unset"


UNSET = _Unset()


class Cell:
    """One blackboard entry.

    Attributes:
        name: Full name, scopes separated by ``/``, such as ``tidy/thing``.
        type: Port type of what it holds, ``any`` when unknown.
        value: Present value or ``UNSET``.
        version: How often it was written.
        writer: Path of the node that wrote it last.
        declared: True once a script or a port made it, also while it is unset; ``=`` in a script needs that.
    """

    __slots__ = ("_listener", "declared", "name", "type", "value", "version", "writer")

    def __init__(self, name: str, type: str = "any", listener: Callable[[Cell], None] | None = None) -> None:
        self.name, self.type = name, type
        self.value: object = UNSET
        self.version = 0
        self.writer = ""
        self.declared = False
        self._listener = listener

    def get(self) -> object:
        """Return the value.

        Raises:
            UnsetError: Nothing was written yet.
        """
        value = self.value
        if value is UNSET:
            raise UnsetError(f"${self.name.rpartition('/')[2]} is read before it is set")
        return value

    def set(self, value: object, writer: str = "") -> None:
        """Write a value; ``writer`` is the path of the node that does."""
        self.value = value
        self.version += 1
        self.writer = writer
        if self._listener is not None:
            self._listener(self)

    def clear(self) -> None:
        """Forget the value; counts as a write."""
        self.declared = False
        self.set(UNSET)


class Blackboard:
    """All cells of one run. Names are ``scope/entry``; the root scope is the empty string.

    Attributes:
        listeners: Called after each write with the cell, in order: change log, mirrors.
    """

    def __init__(self) -> None:
        self._cells: dict[str, Cell] = {}
        self._parents: dict[str, str] = {}
        self.listeners: list[Callable[[Cell], None]] = []

    def _wrote(self, cell: Cell) -> None:
        for listen in self.listeners:
            listen(cell)

    def cell(self, name: str, type: str = "any") -> Cell:
        """Return the cell called ``name``, made on first use; a known type replaces ``any``."""
        cell = self._cells.get(name) or self._shared(name)
        if cell is None:
            cell = self._cells[name] = Cell(name, type, self._wrote)
        elif cell.type == "any":
            cell.type = type
        return cell

    def find(self, name: str) -> Cell | None:
        """Return the cell called ``name``, None when there is none."""
        return self._cells.get(name) or self._shared(name)

    def own(self, name: str, type: str = "any") -> Cell:
        """Return the cell called ``name`` as ``cell`` does, but never one that its scope shares with another."""
        return self._cells.setdefault(name, Cell(name, type, self._wrote))

    def share(self, scope: str, outer: str) -> None:
        """Let every name of ``scope`` that begins with no ``_`` mean the entry of that name in the scope ``outer``.

        Names that ``alias`` or ``own`` gave a meaning before keep it.
        """
        self._parents[scope] = outer

    def _shared(self, name: str) -> Cell | None:
        """Return the cell that a name shares with an outer scope, None when it shares none."""
        scope, _, entry = name.rpartition("/")
        outer = self._parents.get(scope)
        if outer is None or entry.startswith("_"):
            return None
        cell = self._cells[name] = self.cell(f"{outer}/{entry}" if outer else entry)
        return cell

    def alias(self, name: str, cell: Cell) -> None:
        """Let ``name`` mean a cell that has another name already (inputs and outputs of a subtree).

        Raises:
            ValueError: ``name`` is a cell of its own.
        """
        if self._cells.setdefault(name, cell) is not cell:
            raise ValueError(f"the blackboard entry {name!r} exists already")

    def meaning(self, name: str) -> str:
        """Return the name of the cell that a name means, the name itself where it means none yet; makes no cell."""
        cell = self._cells.get(name)
        return name if cell is None else cell.name

    def has_scope(self, scope: str) -> bool:
        """Tell whether any name of a scope, or of one inside it, is known."""
        return scope in self._parents or any(name.startswith(f"{scope}/") for name in self._cells)

    @contextmanager
    def undo_names(self) -> Iterator[None]:
        """Forget the names that were made, shared or given a meaning inside the block when it raises."""
        cells, parents = dict(self._cells), dict(self._parents)
        try:
            yield
        except BaseException:
            self._cells, self._parents = cells, parents
            raise

    def __getitem__(self, name: str) -> object:
        cell = self._cells.get(name) or self._shared(name)
        if cell is None:
            raise UnsetError(f"${name} is read before it is set")
        return cell.get()

    def __setitem__(self, name: str, value: object) -> None:
        self.cell(name).set(value, "outside the tree")

    def __contains__(self, name: object) -> bool:
        cell = (self._cells.get(name) or self._shared(name)) if isinstance(name, str) else None
        return cell is not None and cell.value is not UNSET

    def __iter__(self) -> Iterator[Cell]:
        """Yield each cell once, whatever names it has."""
        return iter(dict.fromkeys(self._cells.values()))

    def __len__(self) -> int:
        return sum(1 for _ in self)
