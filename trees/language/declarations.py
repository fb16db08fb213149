"""The header key ``nodes``: node types that a file declares, so that a tree can be checked before its leaves exist."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ..._base import near_misses
from ...behaviors.ports import COMMON_KEYS, VALUE_TYPES, Direction, Port
from ..bt_text import read_bt_text
from ..literals import LiteralError
from ..node_types import NodeType, node_type
from ..problems import Problem
from ..reading.document import Item, Items, Pairs, Scalar, Source
from ..spec import Reference
from .constants import kind_of, text_of
from .interface_grammar import near_types, value_type
from .interpolation import whole_entry

KINDS: Final[Mapping[str, str]] = {
    "action": "leaf",
    "condition": "leaf",
    "control": "composite",
    "decorator": "decorator",
    "subtree": "leaf",
}
"""``kind`` of a declaration → kind of the node type."""
DIRECTIONS: Final[tuple[Direction, ...]] = ("in", "out", "inout")
_KEYS: Final = ("id", "kind", "about", "ports", "metadata", "elements", "meta", "inferred", "open")
_PORT_KEYS: Final = ("direction", "type", "default", "about", "meta")
_PORT_NAME = re.compile(r"[^\s:{}\[\]$]+\Z")


class DeclarationReader:
    """Reads the declared nodes of one file; what is wrong goes to ``problems``."""

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        self.source, self.problems = source, problems

    def read(self, item: Item) -> dict[str, NodeType]:
        """Return the declared node types by their type key."""
        if isinstance(item, Scalar) and item.is_null:
            return {}
        if not isinstance(item, Pairs):
            self._report(
                item,
                "K130",
                f"key 'nodes' takes a mapping, not {kind_of(item)}",
                fix="write `NAME: {kind: action}` for each node",
            )
            return {}
        found: dict[str, NodeType] = {}
        for key, value in item:
            kind = self._node(key, value)
            if kind is not None:
                found[key.text] = kind
        return found

    def _node(self, key: Scalar, item: Item) -> NodeType | None:
        if not isinstance(item, Pairs):
            self._report(item, "K130", f"node {key.text!r} takes a mapping", fix="write {kind: action, ports: {…}}")
            return None
        fields = {name.text: value for name, value in item}
        for name, _ in item:
            if name.text not in _KEYS:
                self._report(
                    name,
                    "K103",
                    f"unknown key {name.text!r} of a declared node",
                    guess=near_misses(name.text, _KEYS),
                    fix=f"it has the keys {', '.join(_KEYS)}",
                )
        if not self._name(key, fields):
            return None
        model = self._kind(key, fields)
        ports = self._ports(key, fields["ports"]) if "ports" in fields else {}
        for flag in ("open", "inferred"):
            self._flag(flag, fields)
        if "metadata" in fields and not _is_list_of_mappings(fields["metadata"]):
            self._report(
                fields["metadata"], "K130", "'metadata' takes a list of mappings of texts", fix="write [{NAME: TEXT}]"
            )
        kind = KINDS[model]
        if kind == "composite":
            ports["children"] = Port("children", "nodes", "its nodes, in order", default=None)
        elif kind == "decorator":
            ports["child"] = Port("child", "node", "the node it decorates")
        flow = "any" if kind != "leaf" else ""
        open = _is_true(fields.get("open"))
        return NodeType(key.text, kind, ports, flow=flow, open=open, dialect="stub", model=model)

    def _name(self, key: Scalar, fields: Mapping[str, Item]) -> bool:
        """Check the type key: the ID of the node itself, or ``stub.ID`` where that name is taken."""
        id = fields.get("id")
        if id is not None and not (isinstance(id, Scalar) and id.text):
            self._report(id, "K130", f"'id' of node {key.text!r} takes text", fix="write the ID that the XML has")
        taken = node_type(key.text) is not None
        if taken or key.text in COMMON_KEYS:
            self._report(
                key,
                "K131",
                f"{key.text!r} is {'a node' if taken else 'a common key'} of the language already",
                why="each name means one thing",
                fix=f"declare it as `stub.{key.text}` with `id: {key.text}`",
            )
            return False
        return True

    def _kind(self, key: Scalar, fields: Mapping[str, Item]) -> str:
        item = fields.get("kind")
        if item is None:
            fix = f"write `kind: action`, or {', '.join(list(KINDS)[1:])}"
            self._report(key, "K130", f"node {key.text!r} does not say of which kind it is", fix=fix)
            return "action"
        text = item.text if isinstance(item, Scalar) else ""
        if text not in KINDS:
            self._report(
                item,
                "K130",
                f"{text!r} is no kind of node" if text else f"'kind' of node {key.text!r} takes a word",
                guess=near_misses(text, KINDS),
                fix=f"write one of {', '.join(KINDS)}",
            )
            return "action"
        return text

    def _flag(self, name: str, fields: Mapping[str, Item]) -> None:
        item = fields.get(name)
        if item is not None and not (isinstance(item, Scalar) and item.text in ("true", "false")):
            self._report(
                item, "K130", f"{name!r} takes true or false, not {kind_of(item)}", fix=f"write `{name}: true`"
            )

    def _ports(self, node: Scalar, item: Item) -> dict[str, Port]:
        if isinstance(item, Scalar) and item.is_null:
            return {}
        if not isinstance(item, Pairs):
            fix = "write `NAME: {direction: in}` for each port"
            self._report(item, "K130", f"'ports' of node {node.text!r} takes a mapping", fix=fix)
            return {}
        found: dict[str, Port] = {}
        for key, value in item:
            port = self._port(key, value)
            if port is not None:
                found[key.text] = port
        return found

    def _port(self, key: Scalar, item: Item) -> Port | None:
        if isinstance(item, Scalar) and item.is_null:
            return Port(key.text, "any", "", "inout", None)
        if not isinstance(item, Pairs):
            self._report(item, "K130", f"port {key.text!r} takes a mapping", fix="write {direction: in, type: text}")
            return None
        if not _PORT_NAME.match(key.text) or key.text in ("child", "children"):
            fix = "use letters, digits and _" if key.text not in ("child", "children") else "give it another name"
            self._report(key, "K130", f"{key.text!r} is no name for a port of a declared node", fix=fix)
            return None
        fields = {name.text: value for name, value in item}
        for name, _ in item:
            if name.text not in _PORT_KEYS:
                self._report(
                    name,
                    "K103",
                    f"unknown key {name.text!r} of a declared port",
                    guess=near_misses(name.text, _PORT_KEYS),
                    fix=f"it has the keys {', '.join(_PORT_KEYS)}",
                )
        direction = self._direction(fields.get("direction"))
        type = self._type(fields.get("type"))
        about = fields.get("about")
        words = text_of(about) if isinstance(about, Scalar) else ""
        default = self._default(key, fields["default"], type) if "default" in fields else None
        return Port(key.text, type, words, direction, default)

    def _direction(self, item: Item | None) -> Direction:
        if item is None:
            return "inout"
        text = item.text if isinstance(item, Scalar) else ""
        found = next((each for each in DIRECTIONS if each == text), None)
        if found is None:
            meant = {"input": "in", "output": "out", "input_port": "in", "output_port": "out"}.get(text)
            self._report(
                item,
                "K130",
                f"'direction' takes in, out or inout, not {kind_of(item)}",
                guess=(meant,) if meant else near_misses(text, DIRECTIONS),
                fix="write `direction: in`",
            )
        return found or "inout"

    def _type(self, item: Item | None) -> str:
        kind = value_type(item) if item is not None else "any"
        if not kind and item is not None:
            text = item.text if isinstance(item, Scalar) else ""
            self._report(
                item,
                "K130",
                f"{text!r} is no type of a port" if text else "'type' takes a word",
                guess=near_types(text),
                fix=f"use one of {', '.join(VALUE_TYPES)}, list[TYPE]",
            )
        return kind or "any"

    def _default(self, key: Scalar, item: Item, type: str) -> object:
        if not isinstance(item, Scalar):
            fix = "write it as text, such as 1;2;3"
            self._report(item, "K130", f"'default' of port {key.text!r} takes text, not {kind_of(item)}", fix=fix)
            return None
        text = text_of(item)
        entry = whole_entry(text)
        if entry is not None:
            return Reference(entry.name, self.source.place(item), entry.accessors, entry.root)
        if text == "$=":
            return Reference(key.text, self.source.place(item))
        try:
            return read_bt_text(text.replace("$$", "$"), type)
        except LiteralError as error:
            label = f"the default of port {key.text!r}"
            self._report(item, error.code, f"{label} {error}", why=error.why, guess=error.guess, fix=error.fix)
            return None

    def _report(
        self, item: Item, code: str, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        self.problems.append(self.source.problem(item, code, message, why=why, guess=guess, fix=fix))


def _is_true(item: Item | None) -> bool:
    return isinstance(item, Scalar) and item.text == "true"


def _is_list_of_mappings(item: Item) -> bool:
    return isinstance(item, Items) and all(isinstance(each, Pairs) for each in item.items)
