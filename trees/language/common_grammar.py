"""The grammar of the common keys that stand beside a type key."""

from __future__ import annotations

from typing import Final, NamedTuple

from ...behaviors.ports import COMMON_KEYS, CONDITION_KEYS, HOOK_KEYS
from ..node_types import COMMON_PORTS, TWO_WAY
from ..problems import Problem
from ..reading.document import Item, Pairs, Scalar, Source
from ..spec import Value
from .constants import kind_of, text_of
from .port_values import ValueReader

_COMMON: Final = frozenset(COMMON_KEYS)
Keys = dict[str, tuple[Scalar, Item]]
"""Common key → key and value as written."""


class Common(NamedTuple):
    """What the common keys of one node say."""

    texts: dict[str, str]
    values: dict[str, Value]
    hooks: list[tuple[str, Item]]
    meta: dict[str, str]


class CommonReader:
    """Reads the common keys of nodes of one file; see ``NodeReader``."""

    def __init__(self, source: Source, problems: list[Problem], values: ValueReader) -> None:
        self.source, self.problems, self.values = source, problems, values

    def read(self, keys: Keys) -> Common:
        """Read the common keys of one node; hooks are returned unread."""
        common = Common({}, {}, [], {})
        for name, (_, item) in keys.items():
            label = f"key {name!r}"
            if name in ("name", "about"):
                text = self.values.text(item, label)
                if text is not None:
                    common.texts[name] = text
            elif name in HOOK_KEYS:
                common.hooks.append((name, item))
            elif name == "meta":
                common.meta.update(self.meta(item))
            else:
                is_condition = name in CONDITION_KEYS
                value = (
                    self.values.condition(item, label)
                    if is_condition
                    else self.values.read(item, COMMON_PORTS[name], label)
                )
                if value is not None:
                    common.values[name] = value
        return common

    def meta(self, item: Item) -> dict[str, str]:
        """Read a mapping of texts that mean nothing to a run."""
        if not isinstance(item, Pairs):
            self._report(item, f"key 'meta' takes a mapping, not {kind_of(item)}", "write {NAME: TEXT}")
            return {}
        texts: dict[str, str] = {}
        for key, value in item:
            if isinstance(value, Scalar):
                texts[key.text] = text_of(value)
            else:
                self._report(value, f"{key.text!r} of 'meta' takes text, not {kind_of(value)}", "write it in quotes")
        return texts

    def _report(self, item: Item, message: str, fix: str) -> None:
        self.problems.append(self.source.problem(item, "K105", message, fix=fix))


def is_common(key: Scalar, value: Item) -> bool:
    """Tell whether a key beside a type key is a common one; ``retry`` with a ``child`` is a node."""
    if key.text not in _COMMON:
        return False
    return not (key.text in TWO_WAY and isinstance(value, Pairs) and value.get("child") is not None)
