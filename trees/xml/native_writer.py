"""Write trees of our own language as elements, so that they travel where only XML does; read back by ``native.py``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...behaviors.ports import HOOK_KEYS, REQUIRED, Port
from ..language.common_grammar import is_common
from ..node_types import NodeType
from ..reading.document import Item, Items, Pairs, Scalar
from .items import is_inner_comment
from .layout import Note, Tag, add_inside
from .models import cpp_of
from .names import KEEP, LOAD_TIME, PORTS, STRUCTURE, registered
from .native import META, ORDER, PORT, PORT_ORDER, SHAPE, SLOT
from .native_values import encode
from .refusals import Refusals
from .remarks import Remarks, notes

_MODEL: Final = "_own"
"""Attribute of the models that are written for other programs and not read back."""
_SLOTS: Final = {"for": ("do",), "if": ("then", "else")}
_PORT_TAGS: Final = {direction: tag for tag, direction in PORTS.items()}


class NativeWriter:
    """Writes the trees of our own of one file.

    Args:
        refused: Collects what cannot be written.
        remarks: The comments.
    """

    def __init__(self, refused: Refusals, remarks: Remarks) -> None:
        self.refused, self.remarks = refused, remarks
        self.used: dict[str, NodeType] = {}

    def tree(self, document: Pairs) -> Tag:
        """Return the <BehaviorTree> of a document."""
        tag = Tag("BehaviorTree")
        for key, value in document:
            if key.text == "tree":
                tag.attributes.append(("ID", self.refused.text(value)))
                tag.inside.extend(Note(text, True) for text in self.remarks.beside(value, key))
            elif key.text == "about":
                self.refused.attribute(tag, key, "_description", self.refused.text(value))
            elif key.text == "meta":
                self._meta(tag, value)
            elif key.text == "root":
                tag.inside.extend(notes([*self.remarks.above(key), *self.remarks.beside(key)]))
                if isinstance(value, Items):
                    self.refused(value, "K064", "'root' takes one node", "put the list below `sequence:`")
                elif not (isinstance(value, Scalar) and value.is_null):
                    self._node(tag, value)
            elif is_inner_comment(key.text, KEEP):
                tag.inside.append(Note(self.refused.text(value)))
            elif key.text not in ("knothole", "main", "xml", "include", "nodes"):
                self._attribute(tag, key, f"_{key.text}", value)
        return tag

    def models(self) -> Iterator[Tag]:
        """Yield the models of the nodes that the trees use."""
        for name, kind in self.used.items():
            tag = Tag(_tag_of(kind), [("ID", name), (_MODEL, "true")])
            for port in kind.ports.values():
                if port.type not in ("node", "nodes"):
                    tag.inside.append(_port_model(port))
            yield tag

    # nodes ---------------------------------------------------------------------------------------------------------
    def _node(self, parent: Tag, item: Item, slot: str = "") -> None:
        """Write a node, with what hangs on its keys above it and what hangs below it behind it."""
        lead: list[str] = []
        body: list[tuple[Scalar, Item]] = []
        if isinstance(item, Scalar) and not item.is_null:
            key, value = item, None
        else:
            found = [(k, v) for k, v in item if not is_common(k, v)] if isinstance(item, Pairs) else []
            if not isinstance(item, Pairs) or len(found) != 1:
                fix = "a node is a type key, or a mapping with one type key and common keys beside it"
                self.refused(item, "K064", "this is no node", fix)
                return
            (key, value) = found[0]
            lead = self.remarks.above(item.pairs[0][0], key)
            body = [each for each in item if each[0] is not key]
        tag = self._tag(key, value)
        if slot:
            tag.attributes.append((SLOT, slot))
        beside = self.remarks.beside(item, key, *([value] if isinstance(value, Scalar) else []))
        inside = Tag("")
        blocks = self._value(tag, inside, key, value, value is not None and not body)
        if body and isinstance(item, Pairs):
            written = ["-" if each is key else each.text for each, _ in item]
            parts = [_of(written, ("-",)), _of(written, ("name", "about")), _others(written), _of(written, HOOK_KEYS)]
            self._order(tag, ORDER, written, [*parts, _of(written, ("meta",))])
        hooks = Tag("")  # before the children: a comment behind the last child then belongs to the list
        for name, each in body:
            blocks += self._common(tag, hooks, name, each)
        inside.inside[:0] = hooks.inside
        parent.inside.extend(notes([*lead, *blocks]))
        parent.inside.append(tag)
        lines = [Note(text, True) for text in beside]
        add_inside(parent, tag, inside, lines)
        parent.inside.extend(notes(self.remarks.below(item)))

    def _tag(self, key: Scalar, value: Item | None) -> Tag:
        kind = registered(key.text)
        if kind is not None:
            self.used.setdefault(key.text, kind)
            held = isinstance(value, Pairs) and any(_holds_node(port, value) for port in kind.ports.values())
            name = "Decorator" if held else _tag_of(kind)
        elif isinstance(value, Items) or (isinstance(value, Pairs) and value.get("children") is not None):
            name = "Control"
        else:
            child = key.text in LOAD_TIME or (isinstance(value, Pairs) and value.get("child") is not None)
            name = "Decorator" if child else "Action"
        return Tag(name, [("ID", self.refused.text(key))])

    def _value(self, tag: Tag, inside: Tag, key: Scalar, value: Item | None, alone: bool) -> list[str]:
        """Write what stands behind the type key, which may stand alone; return the comments that hang on its keys."""
        if value is None or (isinstance(value, Scalar) and value.is_null):
            if alone or (value is not None and _is_listed(key.text, tag)):
                tag.attributes.append((SHAPE, "nothing"))
            return []
        kind = registered(key.text)
        main = kind.main if kind is not None else None
        if isinstance(value, Items):
            if not _is_listed(key.text, tag):
                self.refused(value, "K064", f"{key.text!r} takes no list", "write its ports as `port: value`")
            self._children(inside, value)
            return []
        if isinstance(value, Scalar):
            if main is None:
                fix = "write its ports as `port: value`"
                self.refused(value, "K062", f"{key.text!r} has no main port that this could be the value of", fix)
            else:
                self._attribute(tag, value, _port_attribute(main.name), value)
            return []
        return self._mapping(tag, inside, key, value, main)

    def _mapping(self, tag: Tag, inside: Tag, key: Scalar, value: Pairs, main: Port | None) -> list[str]:
        names = [name.text for name, _ in value]
        short = main is not None and names == [main.name] and isinstance(value.pairs[0][1], Scalar)
        if short or names in ([], ["children"]):
            tag.attributes.append((SHAPE, "mapping"))
        nodes = _node_ports(key.text, value)
        slots = [name for name in names if name in nodes and name not in STRUCTURE]
        ports = [name for name in names if name not in nodes]
        self._order(
            tag, PORT_ORDER, names, [ports, slots, [name for name in names if name in nodes and name in STRUCTURE]]
        )
        blocks: list[str] = []
        for name, each in sorted(value, key=lambda entry: entry[0].text in nodes and entry[0].text in STRUCTURE):
            if name.text not in nodes:
                blocks += self.remarks.at_key(name, each)
                self._attribute(tag, name, _port_attribute(name.text), each)
                continue
            blocks += [f"{name.text}: {text}" for text in self.remarks.beside(name)]
            inside.inside.extend(notes(self.remarks.above(name)))
            if isinstance(each, Items):
                self._children(inside, each, "" if name.text == "children" else f"{name.text}[]")
            elif isinstance(each, Scalar) and each.is_null:
                self.refused(each, "K064", f"{name.text!r} has no node", "write a node below it")
            else:
                self._node(inside, each, "" if name.text == "child" else name.text)
        inside.inside.extend(notes(self.remarks.below(value)))
        return blocks

    def _children(self, parent: Tag, listed: Items, slot: str = "") -> None:
        if slot and not listed.items:
            self.refused(listed, "K064", "an empty list of nodes has no elements in XML", "take it out")
        for each in listed.items:
            parent.inside.extend(notes(self.remarks.above(each)))
            self._node(parent, each, slot)
        parent.inside.extend(notes([*self.remarks.below(listed), *self.remarks.beside(listed)]))

    def _order(self, tag: Tag, name: str, written: list[str], parts: list[list[str]]) -> None:
        """Note the order of keys where reading the attributes and elements would give another one."""
        if written != [each for part in parts for each in part]:
            tag.attributes.append((name, " ".join(written)))

    # keys ----------------------------------------------------------------------------------------------------------
    def _common(self, tag: Tag, inside: Tag, key: Scalar, value: Item) -> list[str]:
        name = key.text
        if name in HOOK_KEYS:
            blocks = [f"{name}: {text}" for text in self.remarks.beside(key)]
            inside.inside.extend(notes(self.remarks.above(key)))
            self._node(inside, value, name)
            return blocks
        blocks = self.remarks.at_key(key, value)
        if name == "name":
            self.refused.attribute(tag, key, "name", self.refused.text(value))
        elif name == "about":
            self.refused.attribute(tag, key, "_description", self.refused.text(value))
        elif name == "meta":
            self._meta(tag, value)
        else:
            self._attribute(tag, key, f"_{name}", value)
        return blocks

    def _meta(self, tag: Tag, item: Item) -> None:
        if not isinstance(item, Pairs):
            self.refused(item, "K064", "'meta' takes a mapping", "write {NAME: TEXT}")
            return
        for key, value in item:
            if is_inner_comment(key.text, KEEP):
                tag.inside.append(Note(self.refused.text(value)))
            else:
                self.refused.attribute(tag, key, META + key.text, self.refused.text(value))

    def _attribute(self, tag: Tag, at: Item, name: str, value: Item) -> None:
        if isinstance(value, Scalar):
            self.refused.text(value)
        self.refused.attribute(tag, at, name, encode(value))


def _of(names: list[str], these: tuple[str, ...]) -> list[str]:
    return [name for name in names if name in these]


def _others(names: list[str]) -> list[str]:
    return [name for name in names if name not in ("-", "name", "about", "meta", *HOOK_KEYS)]


def _port_attribute(name: str) -> str:
    return PORT + name if name in ("ID", "name") or name.startswith("_") else name


def _node_ports(key: str, value: Pairs) -> tuple[str, ...]:
    """Return the ports that hold nodes in what stands below a type key."""
    kind = registered(key)
    if kind is not None:
        ports = kind.ports.values()
        return tuple(p.name for p in ports if p.type in ("node", "nodes") or _holds_node(p, value))
    return _SLOTS.get(key, STRUCTURE)


def _holds_node(port: Port, value: Pairs) -> bool:
    return port.or_node and isinstance(value.get(port.name), Pairs)


def _is_listed(key: str, tag: Tag) -> bool:
    """Tell whether the children of a node stand in a list."""
    kind = registered(key)
    return kind.listed is not None if kind is not None else tag.name == "Control"


def _tag_of(kind: NodeType) -> str:
    if kind.listed is not None or len(kind.single) > 1:
        return "Control"
    return "Decorator" if kind.single else "Action"


def _port_model(port: Port) -> Tag:
    tag = Tag(_PORT_TAGS[port.direction], [("name", port.name), ("type", cpp_of(port.type))], text=port.about)
    if port.default is not REQUIRED and port.default is not None and isinstance(port.default, str | int | float | bool):
        value = port.default
        tag.attributes.append(("default", str(value).lower() if isinstance(value, bool) else str(value)))
    return tag
