"""Ports that a class declares with ``py_trees.ports``, connected to what the author gave."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from ..blackboard import UnsetError
from ..node import Wiring
from .lending import PRIVATE, key_of
from .signature import DeclaredPort


class Connection:
    """Inputs lie under keys of their own, where each tick puts their values; bound outputs are the entries themselves.

    Args:
        wiring: Of the node.
        inputs: What it declares as inputs.
        outputs: What it declares as outputs.
    """

    def __init__(self, wiring: Wiring, inputs: tuple[DeclaredPort, ...], outputs: tuple[DeclaredPort, ...]) -> None:
        self._wiring, self._inputs = wiring, inputs
        self._keys = {each.name: self._own_key(each.name) for each in (*inputs, *outputs)}
        for each in outputs:
            cell = wiring.outputs.get(each.port.name)
            if cell is not None:
                self._keys[each.name] = key_of(cell.name)

    def _own_key(self, name: str) -> str:
        return f"{PRIVATE}{key_of(self._wiring.path or self._wiring.name)[1:]}/{name}"

    def connect(self, inner: Any) -> None:
        """Tell an instance where its ports are."""
        inner.setup_ports(self._keys)

    def feed(self, storage: MutableMapping[str, object]) -> None:
        """Put the present values of the inputs where the instance reads them; what is not set is not there."""
        for each in self._inputs:
            key = self._keys[each.name]
            try:
                value = self._wiring.inputs[each.port.name]()
            except UnsetError:
                value = None
            if value is None:
                storage.pop(key, None)
            else:
                storage[key] = each.convert(value)
