"""JSON Schema, as far as plans use it: check a value, and tell whether a server can enforce a schema strictly.

A server that was given a schema need not have obeyed it, and several cannot be given one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

_TYPES: dict[str, Callable[[object], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: (isinstance(v, int) and not isinstance(v, bool)) or (isinstance(v, float) and v.is_integer()),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
}
_DEEPEST = 60
_CHECKED = {"type", "enum", "const", "anyOf", "properties", "required", "additionalProperties", "items"}
_CHECKED |= {"minItems", "maxItems", "minimum", "maximum"}
_WORDS = {"description", "title"}


def first_mistake(value: object, schema: object, where: str = "the answer", depth: int = 0) -> str:
    """Return what is wrong with a value, empty when it obeys the schema. Keywords that are not known are left out.

    >>> first_mistake([1, "a"], {"type": "array", "items": {"type": "integer"}})
    "the answer[1] is no integer: 'a'"
    """
    if schema is True or not isinstance(schema, Mapping) or depth > _DEEPEST:
        return f"{where} must not be there" if schema is False else ""
    wanted = schema.get("type")
    names = wanted if isinstance(wanted, list) else [wanted] if isinstance(wanted, str) else []
    if names and not any(name not in _TYPES or _TYPES[name](value) for name in names):
        return f"{where} is no {' or '.join(map(str, names))}: {_short(value)}"
    if "const" in schema and not _same(value, schema["const"]):
        return f"{where} is {_short(value)}, must be {_short(schema['const'])}"
    options = schema.get("enum")
    if isinstance(options, list) and not any(_same(value, each) for each in options):
        return f"{where} is {_short(value)}, must be one of {', '.join(map(_short, options[:8]))}"
    return (
        _combined(value, schema, where, depth) or _bounds(value, schema, where) or _inside(value, schema, where, depth)
    )


def _combined(value: object, schema: Mapping[str, object], where: str, depth: int) -> str:
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list) and options:
            found = [first_mistake(value, each, where, depth + 1) for each in options]
            good = found.count("")
            if not good:
                return found[0] if len(found) == 1 else f"{where} fits none of {len(found)} forms: {_nearest(found)}"
            if key == "oneOf" and good > 1:
                return f"{where} fits {good} forms, must fit one"
    every = schema.get("allOf")
    for each in every if isinstance(every, list) else ():
        if wrong := first_mistake(value, each, where, depth + 1):
            return wrong
    return ""


def _bounds(value: object, schema: Mapping[str, object], where: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        size, keys, has, noun = float(value), ("minimum", "maximum"), "is", ""
    elif isinstance(value, str):
        size, keys, has, noun = float(len(value)), ("minLength", "maxLength"), "has", " characters"
    elif isinstance(value, list):
        size, keys, has, noun = float(len(value)), ("minItems", "maxItems"), "has", " entries"
    else:
        return ""
    low, high = (schema.get(key) for key in keys)
    if isinstance(low, int | float) and size < low:
        return f"{where} {has} {size:g}{noun}, at least {low:g} wanted"
    if isinstance(high, int | float) and size > high:
        return f"{where} {has} {size:g}{noun}, at most {high:g} wanted"
    return ""


def _inside(value: object, schema: Mapping[str, object], where: str, depth: int) -> str:
    if isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            if wrong := first_mistake(each, schema["items"], f"{where}[{number}]", depth + 1):
                return wrong
    if not isinstance(value, dict):
        return ""
    required = schema.get("required")
    for name in required if isinstance(required, list) else ():
        if name not in value:
            return f"{where} lacks {name!r}"
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    for name, each in value.items():
        rule = properties[name] if name in properties else schema.get("additionalProperties", True)
        if name not in properties and rule is False:
            return f"{where} has {_short(name)}, which is not known"
        if wrong := first_mistake(each, rule, f"{where}.{name}", depth + 1):
            return wrong
    return ""


def strict_able(schema: object) -> bool:
    """Tell whether OpenAI's strict mode takes a schema: every object closed, every property required.

    Source: the vendor's guide *Structured Outputs*, section on supported schemas.
    """
    if not isinstance(schema, Mapping) or not set(schema) <= _CHECKED | _WORDS:
        return False
    properties = schema.get("properties", {})
    if schema.get("type") == "object" or properties:
        closed = schema.get("additionalProperties") is False
        required = schema.get("required", [])
        if not closed or not isinstance(properties, Mapping) or not isinstance(required, list):
            return False
        if set(required) != set(properties):
            return False
    below = [*properties.values(), *([schema["items"]] if "items" in schema else [])]
    options = schema.get("anyOf", [])
    return all(strict_able(each) for each in [*below, *(options if isinstance(options, list) else [None])])


def _same(a: object, b: object) -> bool:
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _nearest(found: list[str]) -> str:
    """Return the mistake that lies deepest: of the form that was probably meant."""
    return max(found, key=lambda each: each.partition(" ")[0].count(".") + each.count("["))


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "…"
