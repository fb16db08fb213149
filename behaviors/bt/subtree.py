"""BehaviorTree.CPP's node that runs another tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from ..blackboard import Cell
from ..node import Wiring, behavior
from ..ports import Port
from ..step import INVALID, RUNNING, raise_fault
from .stepwise import BTDecorator, Tick


@behavior("bt.SubTree")
class SubTree(BTDecorator):
    """Run another tree as a node, with entries of its own unless they are remapped.

    Any other port is a remap: ``pose: $target`` makes ``$pose`` there another name of ``$target`` here; a text or a
    number sets the entry there, once in a run, before the tree is ticked first.

    Ports:
        ID (in, text, main): Name of the tree.
        _autoremap (in, bool, default false): Whether every name there that does not begin with ``_`` and is not
            remapped is the entry of that name here.

    Status:
        RUNNING, SUCCESS, FAILURE, SKIPPED: As the root of that tree.

    Halt:
        Halts the tree.

    Source: ``subtree_node.cpp`` and ``xml_parsing.cpp`` (lines 1086 to 1216) of 4.10.0.
    """

    flow = "same"
    open_ports = True
    ports = (
        Port("ID", "text", "name of the tree", main=True),
        Port("_autoremap", "bool", "whether other names there are the entries of that name here", default=False),
    )

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        pairs = cast(Iterable[tuple[Cell, Callable[[], object]]], wiring.options.get("inputs", ()))
        self._inputs: tuple[tuple[Cell, Callable[[], object]], ...] = tuple(pairs)

    def run(self) -> Tick:
        """Set what is given as text, and tick the tree."""
        if self._inputs:
            inputs, self._inputs = self._inputs, ()
            for cell, value in inputs:
                try:
                    cell.set(value(), self.path)
                except Exception as error:
                    raise_fault(self, error)
        if self.stored is INVALID:
            self.stored = RUNNING
        return (yield self.decorated)
