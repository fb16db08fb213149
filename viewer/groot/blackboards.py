"""The entries of a run as the protocol has them: one map for each tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...behaviors.blackboard import UNSET
from ...trees.tracing.summary import summary

_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


class Blackboards:
    """Values of the entries, as they were when the last tick ended.

    Attributes:
        scopes: Path of a subtree, the name of the root tree for that → scope on the blackboard.
    """

    def __init__(self, scopes: Mapping[str, str]) -> None:
        self.scopes = scopes
        self._values: dict[str, dict[str, object]] = {}

    def take(self, written: Mapping[str, object]) -> None:
        """Take what was written: full name of the entry → value."""
        for name, value in written.items():
            scope, _, entry = name.rpartition("/")
            if value is UNSET:
                self._values.get(scope, {}).pop(entry, None)
            else:
                self._values.setdefault(scope, {})[entry] = value

    def asked(self, names: str) -> dict[str, dict[str, Any] | None] | None:
        """Return the entries of the trees whose names are given, joined by ``;``; None where there are none of these.

        A tree without entries has None.
        """
        found: dict[str, dict[str, Any] | None] = {}
        for name in names.split(";"):
            scope = self.scopes.get(name)
            if scope is not None:
                values = self._values.get(scope, {})
                found[name] = {entry: _plain(values[entry]) for entry in sorted(values)} or None
        return found or None


def _plain(value: object) -> Any:
    """Return a value as data that MessagePack has a form for."""
    if isinstance(value, float) and not isinstance(value, np.generic):
        return value
    return _bounded(summary(value))


def _bounded(value: Any) -> Any:
    """Return plain data with no integer beyond 64 bits."""
    if isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
        return "<a number beyond 64 bits>"
    if isinstance(value, dict):
        return {key: _bounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_bounded(each) for each in value]
    return value
