"""The scope of a ``bt.SubTree``: which of its names are entries of the tree around it, and which are its own."""

from __future__ import annotations

from functools import partial
from typing import Final

from ..behaviors.blackboard import Cell
from .bt_text import number_or_text, read_bt_text
from .spec import Literal, NodeSpec, Reference, TreeSpec
from .values import Getter, Scope

SUBTREE: Final = "bt.SubTree"


def remap(spec: NodeSpec, tree: TreeSpec, outer: Scope, inner: Scope) -> list[tuple[Cell, Getter]]:
    """Give the names of a subtree their meaning.

    ``remap.NAME`` with an entry makes NAME another name of it. With a text it makes NAME an entry of the subtree that
    holds the text, or the number it is, from the beginning, as BehaviorTree.CPP does. With ``_autoremap`` every other
    name that begins with no ``_`` is the entry of that name in the tree around; without, it is the subtree's own.

    Returns:
        The entries to set before the subtree is ticked first.
    """
    constants: list[tuple[Cell, Getter]] = []
    inputs = {entry.name: entry for entry in tree.inputs}
    for key, value in spec.values.items():
        if not key.startswith("remap."):
            continue
        name = key.removeprefix("remap.")
        if isinstance(value, Reference):
            outer.board.alias(inner.full_name(name), outer.cell(value.name, root=value.root))
        elif isinstance(value, Literal):
            text = str(value.value)
            known = inputs.pop(name, None)
            constant = read_bt_text(text, known.type) if known else number_or_text(text)
            constants.append((inner.own(name), partial(_same, constant)))
        inputs.pop(name, None)
    auto = spec.values.get("_autoremap")
    if isinstance(auto, Literal) and auto.value is True:
        outer.board.share(inner.name, outer.name)
        return constants
    for entry in inputs.values():
        if entry.default is not None:
            constants.append((inner.own(entry.name, entry.type), partial(_same, entry.default.value)))
    return constants


def _same(value: object) -> object:
    return value
