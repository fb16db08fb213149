"""Which entry fits which port: the types of the blackboard against the types of ports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ...behaviors.ports import CONDITION_KEYS, element_type
from ..formulas.expressions import Expression
from ..formulas.operators import ExpressionError
from ..spec import Computed, NodeSpec

_NUMBERS: Final = ("number", "int", "duration", "length", "angle")
_AS_TEXT: Final = ("text", "number", "int", "bool", "duration", "length", "angle")
_FROM_LIST: Final = ("point", "box", "color")
"""Types that a plain list of numbers may be."""


def accepts(wanted: str, has: str) -> bool:
    """Tell whether a port of type ``wanted`` can take an entry of type ``has``.

    Numbers fit all quantities, since entries hold SI values, but one quantity does not fit another; scalars fit text;
    a list fits where its elements do, and what is of any type is only known when it is there.
    """
    if wanted == has or "any" in (wanted, has):
        return True
    if "|" in wanted:
        return has in wanted.split("|")
    if wanted == "text":
        return has in _AS_TEXT
    if wanted in _NUMBERS and has in _NUMBERS:
        return wanted in ("number", "int") or has in ("number", "int")
    if _is_list(wanted) and _is_list(has):
        inner, given = element_type(wanted), element_type(has)
        return not inner or not given or accepts(inner, given)
    return wanted in _FROM_LIST and _is_list(has)


def _is_list(type: str) -> bool:
    return type == "list" or bool(element_type(type))


def expression_mistakes(node: NodeSpec, types: Mapping[str, str]) -> Iterator[tuple[Computed, str, str]]:
    """Yield expressions whose operators cannot fit the types of the entries, what is wrong with them, and the fix."""
    for name, value in (*node.values.items(), *node.common.items()):
        if not isinstance(value, Computed):
            continue
        expression = value.expression
        found = expression.type
        if any(each.name in types for each in expression.references):
            try:
                found = Expression(expression.source, types).type
            except ExpressionError as error:
                yield value, str(error), "compute with values of one type"
                continue
        if name in CONDITION_KEYS and name in node.common and found not in ("bool", "any"):
            yield value, f"key {name!r} takes a condition, this is a {found}", "compare it, such as `$count > 0`"
