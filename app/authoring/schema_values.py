"""JSON Schemas of single values: what a port of each type takes, as YAML 1.2 reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ...behaviors.ports import Port, element_type
from ...trees.colors import COLORS
from ...trees.literals import DIMENSIONS

Schema = dict[str, object]
ENTRY: Final = r"^\$|\$\(|\$\{"
"""What takes the place of any value: an entry, ``$name``, or a constant, ``$(name)``."""
SCALAR: Final[Schema] = {"type": ["string", "number", "boolean"]}
_NAME: Final = r"^\$@?[A-Za-z_][A-Za-z0-9_]*$|^\$=$|\$\("
_NUMBER: Final = r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_EXAMPLES: Final[Mapping[str, list[object]]] = {
    "duration": ["500ms", "20s", "2min"],
    "length": ["5cm", "0.1m"],
    "angle": ["30deg", "0.5rad"],
    "expression": ["$count > 0 and not $done"],
}


def port_schema(port: Port, as_bt: bool = False) -> Schema:
    """Return the schema of the value of a port.

    Args:
        port: The port; of those that hold nodes nothing is said.
        as_bt: True where it takes the text of BehaviorTree.CPP: any scalar.
    """
    if port.direction == "out" or port.type == "variable":
        return {"type": "string", "pattern": _NAME, "patternErrorMessage": "an entry is wanted here: $name"}
    if not as_bt:
        return value_schema(port)
    made = dict(SCALAR)
    if port.choices:
        made |= {"pattern": _choices(port.choices), "examples": list(port.choices)}
    return made


def value_schema(port: Port) -> Schema:
    """Return the schema of a value that a port reads, with its range, choices, default and examples."""
    made = type_schema(port.type)
    if port.choices:
        made |= {"pattern": _choices(port.choices), "examples": list(port.choices)}
        made["patternErrorMessage"] = f"one of {', '.join(port.choices)} is wanted here"
    if port.type in ("number", "int"):
        bounds = {"minimum": port.minimum, "maximum": port.maximum}
        made |= {key: bound for key, bound in bounds.items() if bound is not None}
    if isinstance(port.default, bool | int | float | str) and port.type in ("number", "int", "bool", "text"):
        made["default"] = port.default
    return made


def type_schema(type: str) -> Schema:
    """Return the schema of a port type, without range and choices."""
    made: Schema = {"type": ["string"], "pattern": ENTRY}
    if type in DIMENSIONS:
        units = "|".join(DIMENSIONS[type])
        made["pattern"] = f"^{_NUMBER}({units})$|{ENTRY}"
        made["patternErrorMessage"] = f"a number with {', '.join(DIMENSIONS[type])} is wanted here, or an entry, $name"
    elif type in ("number", "int"):
        made["type"] = ["number" if type == "number" else "integer", "string"]
        made["patternErrorMessage"] = "a number is wanted here, or an entry, $name"
    elif type == "bool":
        made["type"] = ["boolean", "string"]
        made["patternErrorMessage"] = "true or false is wanted here, or an entry, $name"
    elif type in ("text", "expression", "script"):
        made = dict(SCALAR)
    elif type == "color":
        made["pattern"] = f"^#([0-9a-fA-F]{{3}}|[0-9a-fA-F]{{6}})$|^[A-Za-z]+$|{ENTRY}"
        made["examples"] = list(COLORS)
    elif type == "point":
        made |= {"type": ["array", "string"], "items": type_schema("length"), "minItems": 3, "maxItems": 3}
    elif type == "box":
        made |= {"type": ["array", "string"], "items": type_schema("number"), "minItems": 4, "maxItems": 4}
    elif type == "pose":
        parts = {"xyz": type_schema("point"), "quat_xyzw": type_schema("box")}
        made |= {"type": ["object", "string"], "properties": parts, "required": ["xyz"], "additionalProperties": False}
    elif type == "mapping":
        made["type"] = ["object", "string"]
    elif type == "list" or element_type(type):
        made["type"] = ["array", "string"]
        if element_type(type) and type != "objects":
            made["items"] = type_schema(element_type(type))
    elif type == "any":
        made = {}
    if type in _EXAMPLES:
        made["examples"] = _EXAMPLES[type]
    return made


def pattern_of(word: str) -> str:
    """Return a pattern for a word; escaped for JavaScript as well as for Python."""
    return re.sub(r"([.*+?^${}()|\[\]\\/])", r"\\\1", word)


def _choices(words: tuple[str, ...]) -> str:
    return f"^({'|'.join(map(pattern_of, words))})$|{ENTRY}"
