"""The JSON Schema of the language, made from the live registry: editors complete and check trees with it.

It is written for yaml-language-server: draft-07, one schema with the keywords of all types instead of ``anyOf`` where
possible, so that completion sees every property and a mistake is told as one.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ..._base import KnotholeError
from ...behaviors.node import NODES
from ...behaviors.ports import COMMON_KEYS, CONDITION_KEYS, HOOK_KEYS, REQUIRED, VALUE_TYPES, Port
from ...trees.language.tree_header import FORMS, HEADER
from ...trees.node_types import BT_TEXT, COMMON_PORTS, TWO_WAY, NodeType, describe
from .inspect import project
from .schema_values import ENTRY, SCALAR, Schema, pattern_of, port_schema, value_schema

_DECLARED: Final = r"^(stub\..+|[A-Z].*)$"
"""Names of nodes that a file declares: the IDs of BehaviorTree.CPP begin with a capital."""
_CLASS: Final = r"^(?!(bt|pt|nav2|stub)\.)[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"
"""Dotted paths of classes of py_trees, which nobody has to register."""
_NODE: Final[Schema] = {"$ref": "#/definitions/node"}
_NODES: Final[Schema] = {"$ref": "#/definitions/nodes"}
_WORD: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
HEADER_ABOUT: Final[Mapping[str, str]] = {
    "knothole": "The version of the language: 1.",
    "tree": "The name of the tree.",
    "about": "One sentence for people.",
    "meta": "Texts that mean nothing to a run.",
    "dialect": "`bt` for a tree that came from BehaviorTree.CPP.",
    "main": "The tree that is run; only in the first document.",
    "xml": "How the tree is written as XML of BehaviorTree.CPP.",
    "include": "Files whose trees and declared nodes are known here.",
    "nodes": "Nodes that this file declares, so that a tree can be checked before they exist.",
    "constants": "Values for `$(name)`, put in when the file is loaded.",
    "params": "Entries of the blackboard that are set before the first tick: a mapping, or a file of one.",
    "invariants": "File with rules that are never broken while the tree runs, relative to this one.",
    "inputs": "Entries that are set from outside: name → {type, default, about}.",
    "outputs": "Entries that a tree which uses this one can have: name → {type, about}.",
    "skill": "What the tree is as a skill of plans: the facts it needs, and those it brings about.",
    "root": "The first node.",
}
"""Header key → what it means."""
COMMON_ABOUT: Final[Mapping[str, str]] = {
    "name": "What pictures, traces and errors call the node.",
    "about": "One sentence for people.",
    "meta": "Texts that mean nothing to a run.",
    "on_success": "A node that is ticked when this one has succeeded.",
    "on_failure": "A node that is ticked when this one has failed.",
    "on_halt": "A node that is ticked when this one was halted.",
    "post": "A node that is ticked when this one has ended.",
    "finally": "A node that is ticked when this one has ended or was halted.",
}
"""Common key without a value of its own → what it means."""


def write_schema(output: Path | None) -> str:
    """Write the schema into a file, or return it as text when there is none.

    Raises:
        KnotholeError: The file cannot be written.
    """
    project()
    text = json.dumps(schema(), indent=1, ensure_ascii=False)
    if output is None:
        return text
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise KnotholeError(f"{output}: the file cannot be written: {error.strerror}") from error
    return (
        f"wrote {output}\nnext:  begin a tree with `# yaml-language-server: $schema={output}`, "
        "or name it in the settings of the editor"
    )


def schema() -> dict[str, object]:
    """Return the JSON Schema (draft-07) of tree files, with every node that is registered."""
    kinds = [describe(name, cls) for name, cls in NODES.items().items()]
    definitions: dict[str, object] = {
        "node": _node(kinds),
        "nodes": {"type": "array", "items": _NODE, "minItems": 1},
        "declaration": _declaration(),
        **{f"node.{kind.name}": _ports(kind) for kind in kinds},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "knothole behavior tree",
        "type": "object",
        "required": ["knothole"],
        "properties": {key: {**_header(key), **_told(HEADER_ABOUT[key])} for key in HEADER},
        "additionalProperties": False,
        "definitions": definitions,
    }


def _header(key: str) -> Schema:
    """Return the schema of one header key."""
    match key:
        case "knothole":
            return {"type": "integer", "enum": [1]}
        case "tree" | "about" | "main" | "invariants":
            return dict(SCALAR)
        case "dialect":
            return {"type": "string", "enum": ["bt"]}
        case "xml":
            return {"type": "object", "properties": {"form": {"type": "string", "enum": list(FORMS)}}}
        case "meta":
            return _texts()
        case "include":
            parts: Schema = {"type": ["string", "object"], "properties": {"path": SCALAR, "ros_pkg": SCALAR}}
            return {"type": ["array", "string", "object"], "items": {**parts, "additionalProperties": False}}
        case "nodes":
            return {"type": ["object", "null"], "additionalProperties": {"$ref": "#/definitions/declaration"}}
        case "params":
            return {"type": ["object", "string"]}
        case "skill":
            facts: Schema = {"type": ["array", "null"], "items": {"type": "string"}}
            keys = {"about": SCALAR, "needs": facts, "effects": facts}
            return {"type": ["object", "null"], "properties": keys, "additionalProperties": False}
        case "root":
            return dict(_NODE)
        case "inputs":
            limits: Schema = {"default": {}, "choices": {"type": "array"}, "min": SCALAR, "max": SCALAR}
            return _entries({"type": _type(), **limits, "about": SCALAR})
        case "outputs":
            return _entries({"type": _type(), "about": SCALAR})
    return {"type": ["object", "null"]}


def _entries(fields: Schema) -> Schema:
    each = {"type": "object", "properties": fields, "required": ["type"], "additionalProperties": False}
    snippet = {"label": "entry", "description": "a typed entry", "body": {"${1:name}": {"type": "${2:text}"}}}
    return {
        "type": ["object", "null"],
        "patternProperties": {_WORD: each},
        "additionalProperties": False,
        "defaultSnippets": [snippet],
    }


def _type() -> Schema:
    words = [*VALUE_TYPES, *(f"list[{each}]" for each in VALUE_TYPES)]
    return {"type": "string", "enum": words}


def _texts() -> Schema:
    return {"type": ["object", "null"], "additionalProperties": SCALAR}


def _declaration() -> Schema:
    direction = {"type": "string", "enum": ["in", "out", "inout"]}
    port: Schema = {"direction": direction, "type": _type(), "default": SCALAR, "about": SCALAR, "meta": _texts()}
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {
            "id": _with(SCALAR, "The name of the node in XML, where it differs."),
            "kind": {"type": "string", "enum": ["action", "condition", "control", "decorator", "subtree"]},
            "about": _with(SCALAR, "One sentence for people."),
            "ports": {
                "type": ["object", "null"],
                "additionalProperties": {"type": ["object", "null"], "properties": port, "additionalProperties": False},
            },
            "metadata": {"type": "array", "items": _texts()},
            "elements": {},
            "meta": _texts(),
            "inferred": {"type": "boolean", "description": "Found by its use, not declared in the XML."},
            "open": {"type": "boolean", "description": "Undeclared ports may be given."},
        },
        "additionalProperties": False,
    }


def _node(kinds: Sequence[NodeType]) -> Schema:
    """Return the schema of a node: a bare name, or a mapping of one type key and common keys."""
    bare = [kind.name for kind in kinds if not any(port.required for port in kind.ports.values())]
    types: dict[str, object] = {kind.name: {"$ref": f"#/definitions/node.{kind.name}"} for kind in kinds}
    types |= {key: _common(key) for key in COMMON_KEYS}
    types["for"] = {
        **_told("Writes its nodes once for each value, when the file is loaded."),
        "type": "object",
        "required": ["item", "in", "do"],
        "properties": {"item": SCALAR, "in": {"type": ["array", "string"]}, "do": _nodes_or_node()},
        "additionalProperties": False,
        "defaultSnippets": [_snippet("for", {"item": "${1:name}", "in": "${2:[one, two]}", "do": ["${3:home}"]})],
    }
    types["if"] = {
        **_told("Chooses nodes when the file is loaded."),
        "type": "object",
        "required": ["is", "then"],
        "properties": {"is": SCALAR, "then": _nodes_or_node(), "else": _nodes_or_node()},
        "additionalProperties": False,
        "defaultSnippets": [_snippet("if", {"is": "${1:$(name) == 1}", "then": ["${2:home}"]})],
    }
    return {
        "type": ["object", "string"],
        "pattern": f"^({'|'.join(map(pattern_of, bare))})$|{_DECLARED}|{_CLASS}|{ENTRY}",
        "patternErrorMessage": "no node of this name can stand alone; see `knothole nodes`",
        "minProperties": 1,
        "properties": types,
        "patternProperties": {_DECLARED: {}, _CLASS: {}},
        "additionalProperties": False,
    }


def _nodes_or_node() -> Schema:
    return {"if": {"type": "array"}, "then": _NODES, "else": _NODE}


def _common(key: str) -> Schema:
    """Return the schema of a common key; of one that is a node as well, of both."""
    if key in HOOK_KEYS:
        return {"allOf": [_NODE], **_told(COMMON_ABOUT[key])}
    if key == "meta":
        return {**_texts(), **_told(COMMON_ABOUT[key])}
    if key not in COMMON_PORTS:
        return _with(SCALAR, COMMON_ABOUT[key])
    port = COMMON_PORTS[key]
    made = value_schema(port)
    if key in TWO_WAY:
        node = _ports(describe(key, NODES.get(key)))
        made = {**node, **made, "type": [*_listed(made["type"]), "object"], "required": ["child"]}
    elif key in CONDITION_KEYS:
        script = {"script": _with(SCALAR, "A script of BehaviorTree.CPP.")}
        made |= {"type": [*_listed(made["type"]), "object"], "properties": script, "additionalProperties": False}
    return {**made, **_told(f"{port.about[:1].upper()}{port.about[1:]}.")}


def _ports(kind: NodeType) -> Schema:
    """Return the schema of what stands below a type key."""
    as_bt = kind.dialect in BT_TEXT
    ports = {port.name: _port(kind, port, as_bt) for port in kind.ports.values()}
    required = [port.name for port in kind.ports.values() if port.required]
    made: Schema = {"type": ["object"], "properties": ports, "additionalProperties": kind.open}
    if kind.name == "bt.SubTree":
        made["additionalProperties"] = SCALAR
    types = ["object"]
    if kind.listed is not None and set(required) <= {kind.listed.name}:
        types.append("array")
        made |= {"items": _NODE, "minItems": 1}
    if kind.main is not None and set(required) <= {kind.main.name}:
        main = port_schema(kind.main, as_bt)
        types += [each for each in _listed(main.get("type", SCALAR["type"])) if each not in types]
        made |= {key: value for key, value in main.items() if key not in ("type", "properties", "required", "default")}
    if not required:
        types.append("null")
    else:
        made["required"] = required
    made["type"] = types
    body = _body(kind)
    if body is not None:
        made["defaultSnippets"] = [_snippet(kind.name, body)]
    return {**made, "description": _summary(kind), "markdownDescription": markdown(kind)}


def _port(kind: NodeType, port: Port, as_bt: bool) -> Schema:
    if port.type == "node":
        return {"allOf": [_NODE], "description": port.about}
    if port.type == "nodes":
        return {"allOf": [_NODES], "description": port.about}
    if kind.name == "use" and port.name in ("inputs", "outputs"):
        return {"type": ["object", "null"], "description": port.about}
    if port.or_node:
        return {"anyOf": [port_schema(port, as_bt), _NODE], **_told(port_line(port))}
    return {**port_schema(port, as_bt), **_told(port_line(port))}


def _body(kind: NodeType) -> object:
    """Return what an editor writes behind the type key: the required ports, to be filled in."""
    required = [port for port in kind.ports.values() if port.required]
    if kind.main is not None and required in ([], [kind.main]):
        return f"${{1:{_hint(kind.main)}}}"
    if kind.listed is not None and required in ([], [kind.listed]):
        return ["$1"]
    if not required:
        return None
    return {port.name: _filled(port, number) for number, port in enumerate(required, 1)}


def _filled(port: Port, number: int) -> object:
    if port.type in ("node", "nodes"):
        return [f"${number}"] if port.type == "nodes" else f"${{{number}:home}}"
    return f"${{{number}:{_hint(port)}}}"


def _hint(port: Port) -> str:
    """Return an example of a value, in the signs that snippets leave alone."""
    if port.choices:
        return port.choices[0]
    if port.direction == "out" or port.type == "variable":
        return f"\\${port.name}"
    return {"duration": "1s", "length": "5cm", "angle": "30deg", "int": "1", "number": "1", "bool": "true"}.get(
        port.type, port.name
    )


def _snippet(name: str, body: object) -> Schema:
    return {"label": name, "description": f"{name} with what it needs", "body": body}


def markdown(kind: NodeType) -> str:
    """Return what a node does, with its ports as a table, for editors."""
    about = (inspect.getdoc(kind.cls) or "") if kind.cls is not None else ""
    text = about.partition("\nPorts:")[0].strip()
    if not kind.ports:
        return text
    rows = [
        f"| `{port.name}`{' *' if port.required else ''} | {port.direction} | {port.form} | {default_text(port)} "
        f"| {port.about} |"
        for port in kind.ports.values()
    ]
    return "\n".join([text, "", "| port | | type | default | |", "|---|---|---|---|---|", *rows]).strip()


def default_text(port: Port) -> str:
    """Return the default of a port as an author would write it, empty for none."""
    if port.default is REQUIRED or port.default is None:
        return ""
    if isinstance(port.default, bool):
        return str(port.default).lower()
    unit = {"duration": "s", "length": "m", "angle": "rad"}.get(port.type, "")
    return f"{port.default:g}{unit}" if isinstance(port.default, int | float) else str(port.default)


def port_line(port: Port) -> str:
    """Return what a port is, with direction, type and default, on one line."""
    marks = [port.direction, port.form, *(["required"] if port.required else [])]
    default = default_text(port)
    return f"{port.about} ({', '.join(marks)}{f', default {default}' if default else ''})"


def _summary(kind: NodeType) -> str:
    return (inspect.getdoc(kind.cls) or kind.name).partition("\n")[0] if kind.cls is not None else kind.name


def _told(about: str) -> Schema:
    return {"description": about, "markdownDescription": about}


def _with(made: Schema, about: str) -> Schema:
    return {**made, **_told(about)}


def _listed(types: object) -> list[str]:
    return [str(each) for each in types] if isinstance(types, list) else [str(types)]
