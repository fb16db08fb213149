"""Comparisons of an entry with a value, as py_trees makes them: three ports, or a list of mappings."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from py_trees.common import ComparisonExpression

from ..._base import near_misses
from ..ports import Port
from .arguments import Argument

OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
LOGICAL: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
}

VARIABLE: Final = Port("variable", "variable", "the entry that is compared", "inout")
OPERATOR: Final = Port("operator", "text", "how it is compared", choices=tuple(OPERATORS))
VALUE: Final = Port("value", "any", "what it is compared with")
_KEYS: Final = ("variable", "operator", "value")


def comparison(name: str = "check") -> Argument:
    """Return the argument made of the ports ``variable``, ``operator`` and ``value``."""

    def make(node: Any) -> ComparisonExpression:
        def value() -> object:
            return node.get("value")

        def compare(left: Any, right: Any) -> Any:
            return OPERATORS[str(node.get("operator"))](left, right)

        return ComparisonExpression(node.key("variable"), value, compare)

    return Argument(name, (VARIABLE, OPERATOR, VALUE), make, live=True)


def comparisons(name: str = "checks") -> Argument:
    """Return the argument made of a list of mappings with those three keys; ``variable`` is a name without dollar."""
    about = "comparisons, each a mapping with variable (a name), operator and value"
    port = Port(name, "list", about, names="variable")
    return Argument(name, (port,), lambda node: [_read(each, node) for each in node.get(name)])


def _read(item: object, node: Any) -> ComparisonExpression:
    if not isinstance(item, Mapping) or set(item) != set(_KEYS):
        raise ValueError(f"a comparison is {item!r}\n  fix:  write {{variable: NAME, operator: ==, value: VALUE}}")
    name, symbol = str(item["variable"]), str(item["operator"])
    if symbol not in OPERATORS:
        near = near_misses(symbol, OPERATORS)
        hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
        raise ValueError(f"unknown operator {symbol!r}{hint}\n  fix:  write one of {', '.join(OPERATORS)}")
    value = item["value"]
    return ComparisonExpression(node.key_in_scope(name), lambda: value, OPERATORS[symbol])
