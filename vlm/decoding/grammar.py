"""From a JSON Schema to a grammar that a text obeys while it is written, and from a form of boxes to one of its lists.

The grammars are those of ``llguidance``, which enforces them. What it does not know of JSON Schema is refused, never
left out: ``not``, ``if``, ``uniqueItems``, ``contains`` and addresses of other schemas.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..._base import KnotholeError

LONGEST = 100_000
"""Characters of a schema that are read: one of a megabyte takes seconds to prepare."""
_BLANKS = r" |\n( {0,32}|\t{0,8})"
"""Between two words of JSON: a blank, or a new line with its indentation. Without a limit a model may write no more."""
_FENCED = 'start: body | "```json\\n" body "\\n```"\nbody: %json '
_NUMBER_FORMS = {"thousandths": "integer", "pixels": "integer", "gemini": "integer", "any_json": "number"}
_NUMBER_FORMS["relative"] = "number"


class SchemaError(KnotholeError):
    """A schema that no text can be held to: it is none, has words that are not known, or nothing obeys it."""


def json_grammar(schema: str | Mapping[str, object]) -> str:
    """Return the grammar of all texts of JSON that obey a schema.

    Args:
        schema: As text or as data; an empty text allows any JSON.

    Raises:
        SchemaError: It cannot be enforced, with the reason.

    >>> json_grammar('{"type": "integer", "minimum": 2, "maximum": 1}')
    Traceback (most recent call last):
    ...
    knothole.vlm.decoding.grammar.SchemaError: nothing obeys the JSON Schema: minimum (2) is greater than maximum (1)
    """
    from llguidance import LLMatcher  # loaded with the first schema: backends are looked for by many commands

    text = schema if isinstance(schema, str) else json.dumps(schema, ensure_ascii=False)
    if len(text) > LONGEST:
        raise SchemaError(f"the JSON Schema is {len(text)} characters long, at most {LONGEST} are read")
    try:
        read = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"the JSON Schema is no JSON: {_short(str(error))}") from error
    if not isinstance(read, dict):
        raise SchemaError("the JSON Schema is no object")
    try:
        made: str = LLMatcher.grammar_from_json_schema(json.dumps(read), overrides={"whitespace_pattern": _BLANKS})
    except ValueError as error:  # it is nested too deep
        raise SchemaError(_told(str(error))) from error
    if wrong := LLMatcher.validate_grammar(made):
        raise SchemaError(_told(wrong))
    return made


def boxes_grammar(form: str) -> str | None:
    """Return the grammar of a list of boxes or points in a form, bare or in a fence; None for forms without JSON.

    Args:
        form: One of ``grounding_format.Coordinates``.
    """
    if form not in _NUMBER_FORMS:
        return None
    key, number = "box_2d" if form == "gemini" else "bbox_2d", {"type": _NUMBER_FORMS[form]}
    entries = [_entry(key, number, 4), _entry("point" if form == "gemini" else "point_2d", number, 2)]
    schema = {"type": "array", "items": {"anyOf": entries}, "x-guidance": {"whitespace_pattern": _BLANKS}}
    return _FENCED + json.dumps(schema)


def _entry(key: str, number: Mapping[str, object], count: int) -> dict[str, object]:
    numbers = {"type": "array", "items": number, "minItems": count, "maxItems": count}
    return {
        "type": "object",
        "properties": {key: numbers, "label": {"type": "string"}},
        "required": [key, "label"],
        "additionalProperties": False,
    }


def _told(wrong: str) -> str:
    why = _short(wrong)
    if why.startswith("Unsatisfiable schema: "):
        return f"nothing obeys the JSON Schema: {why.removeprefix('Unsatisfiable schema: ')}"
    if why.startswith("Unimplemented keys: "):
        return f"the JSON Schema has words that cannot be enforced: {why.removeprefix('Unimplemented keys: ')}"
    return f"the JSON Schema cannot be read: {why}"


def _short(text: str) -> str:
    return " ".join(text.split())[:300]
