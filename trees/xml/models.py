"""Read <TreeNodesModel> to declared nodes: the header key ``nodes`` of a document."""

from __future__ import annotations

import re
from typing import Final

from ...behaviors.node import NODES
from ...behaviors.ports import VALUE_TYPES, element_type
from ..bt_text import read_bt_text
from ..literals import LiteralError
from ..problems import Problem
from ..reading.document import Item, Items, Pairs, Scalar, Source
from .elements import Attribute, Comment, Element
from .items import CommentKeeper, Entry, inner_comments, items, nothing, pairs, word
from .names import CATEGORIES, KEEP, PORTS, STRUCTURE, declared_key, meta_key, value_text

BIDIRECTIONAL: Final = "bidirectional_port"
_CPP: Final = {"number": "double", "int": "int", "bool": "bool", "text": "std::string", "any": "BT::AnyTypeAllowed"}
"""Type here → how BehaviorTree.CPP spells it."""
_OTHERS: Final = {
    "float": "number",
    "long double": "number",
    "string": "text",
    "std::string_view": "text",
    "char const*": "text",
    "short": "int",
    "long": "int",
    "unsigned": "int",
    "unsigned int": "int",
    "unsigned long": "int",
    "size_t": "int",
    "std::size_t": "int",
    **{
        f"{std}{u}int{bits}{t}": "int"
        for std in ("std::", "")
        for u in ("u", "")
        for bits in (8, 16, 32, 64)
        for t in ("_t", "")
    },
}
_HERE: Final = {cpp: name for name, cpp in _CPP.items()} | _OTHERS
_VECTOR = re.compile(r"(?:std::)?(?:vector|deque)<\s*(.*?)\s*(?:,\s*std::allocator<.*>\s*)?>\Z")
_PORT_NAME = re.compile(r"[^\s:{}\[\]$]+\Z")
_WIDE: Final = 90
"""Longest declaration of a port on one line."""


def type_of(cpp: str) -> str:
    """Return the type that a type of C++ is here, ``any`` for those that only the robot's programs know."""
    listed = _VECTOR.match(cpp)
    if listed is not None:
        element = type_of(listed[1])
        return f"list[{element}]" if not element_type(element) else "list"
    named = _HERE.get(cpp)
    return named or (cpp if cpp in VALUE_TYPES and cpp not in _CPP else "any")


def cpp_of(type: str) -> str:
    """Return how a type is written in a model."""
    element = element_type(type) if type.startswith("list[") else ""
    return f"std::vector<{cpp_of(element)}>" if element else _CPP.get(type, type)


def model_ports(model: Element) -> list[Entry]:
    """Return the ports of a declaration that stands in another file."""
    reader = ModelReader(Source("", ""), [], [], CommentKeeper(), False)
    return [reader.port(each)[:2] for each in model.elements if _is_port(each)]


class ModelReader:
    """Reads the models of one file; the arguments are those of ``NodeMaker``."""

    def __init__(
        self, source: Source, problems: list[Problem], lost: list[Problem], keeper: CommentKeeper, native: bool
    ) -> None:
        self.source, self.problems, self.lost, self.keeper, self.native = source, problems, lost, keeper, native
        self._names: set[str] = set()

    def read(self, model: Element) -> list[Entry] | None:
        """Return the keys of a document for a <TreeNodesModel>; None where it only describes nodes of this language."""
        self._names = set()
        nodes: list[Entry] = []
        others: list[tuple[Pairs, int]] = []
        waiting: list[str] = []
        tail: Item | None = None
        count = 0
        if model.text:
            self._text(model)
        for each in model.inside:
            if isinstance(each, Comment):
                if waiting or not self.keeper.take_beside(each, tail):
                    waiting.append(each.text)
                continue
            tail = None
            id = each.get("ID")
            if self.native and id is not None and id.text in NODES and each.get("_own") is not None:
                count += 1
                continue
            if each.tag.text not in CATEGORIES or id is None:
                self._unknown(each)
                others.append((self.generic(each), len(nodes)))
                self.keeper.above(others[-1][0], waiting)
            else:
                nodes.append(self._node(each, id, waiting))
                tail = nodes[-1][0] if not each.inside else None
            waiting = []
        if count and not (nodes or others or waiting or model.attributes):
            return None
        declared = pairs(nodes, model)
        key = word("nodes", model)
        self.keeper.below(declared, waiting if nodes else [])
        return [*self._besides(model, nodes, others, [] if nodes else waiting), (key, declared)]

    def _besides(
        self, model: Element, nodes: list[Entry], others: list[tuple[Pairs, int]], below: list[str]
    ) -> list[Entry]:
        """Return the key ``xml`` with what is no declaration."""
        inside: list[Entry] = []
        if model.attributes:
            kept = [(word(each.name.text, each.name), word(each.value.text, each.value)) for each in model.attributes]
            inside.append((word("attributes", model), pairs(kept, model)))
        listed = [
            self._before(item, model, nodes[number][0].text if number < len(nodes) else "") for item, number in others
        ]
        if listed:
            inside.append((word("elements", model), items(listed, model)))
        inside.extend(inner_comments(below, model, ""))
        return [(word("xml", model), pairs(inside, model))] if inside else []

    # one node ------------------------------------------------------------------------------------------------------
    def _node(self, element: Element, id: Scalar, waiting: list[str]) -> Entry:
        key = word(self._key(id.text), id)
        fields: list[Entry] = [(word("id", id), word(id.text, id))] if key.text != id.text else []
        fields.append((word("kind", element), word(CATEGORIES[element.tag.text], element)))
        meta: list[Entry] = []
        for each in element.attributes:
            if each.name.text == "_description":
                fields.append((word("about", each.name), word(each.value.text, each.value)))
            elif each.name.text != "ID":
                meta.append(meta_entry(each))
        parts, below = self._parts(element, key)
        fields.extend(parts)
        if meta:
            fields.append((word("meta", element), pairs(meta, element)))
        item = pairs(fields, element, flow=len(fields) < 3 and not parts and not below)
        self.keeper.below(item, below)
        self.keeper.above(key, self.keeper.at_keys(waiting, [name for name, _ in fields]))
        return key, item

    def _key(self, id: str) -> str:
        key = declared_key(id)
        while key in self._names:
            key = f"stub.{key}"
        self._names.add(key)
        return key

    def _parts(self, element: Element, key: Scalar) -> tuple[list[Entry], list[str]]:
        """Return the keys ``ports``, ``metadata`` and ``elements``, and the comments after the last element."""
        runs: dict[str, tuple[list[Entry], Element]] = {}
        others: list[tuple[Pairs, Element, str]] = []
        names: set[str] = set()
        waiting: list[str] = []
        tail: Item | None = key if element.elements else None
        if element.text:
            self._text(element)
        for each in element.inside:
            if isinstance(each, Comment):
                if waiting or not self.keeper.take_beside(each, tail):
                    waiting.append(each.text)
                continue
            tail = None
            kind = _part(each)
            name = each.get("name")
            again = kind in runs and (kind == "metadata" or next(reversed(runs)) != kind)
            if kind == "elements" or again or (kind == "ports" and name is not None and name.text in names):
                if not _is_port(each) and each.tag.text != "MetadataFields":
                    self._unknown(each)
                others.append((self.generic(each), each, ""))
                self.keeper.above(others[-1][0], waiting)
            elif kind == "ports":
                made, port, own = self.port(each)
                names.add(made.text)
                runs.setdefault(kind, ([], each))[0].append((made, port))
                self.keeper.above(made, self.keeper.at_keys(waiting, own))
                tail = made if not each.inside else None
                others = [(item, at, before or made.text) for item, at, before in others]
            else:
                heading = word(kind, each)
                runs[kind] = [(heading, self._metadata(each))], each
                self.keeper.above(heading, waiting)
                others = [(item, at, before or f"<{each.tag.text}>") for item, at, before in others]
            waiting = []
        entries = [
            (word("ports", at), pairs(made, at)) if kind == "ports" else made[0] for kind, (made, at) in runs.items()
        ]
        if others:
            listed = [self._before(item, at, before) for item, at, before in others]
            entries.append((word("elements", others[0][1]), items(listed, element)))
        return entries, waiting

    def _before(self, item: Pairs, at: Element, before: str) -> Pairs:
        """Say of an element before which other one it stands."""
        if not before:
            return item
        made = pairs([*item.pairs, (word("before", at), word(before, at))], at)
        self.keeper.moved(item, made)
        return made

    def port(self, element: Element) -> tuple[Scalar, Item, list[Scalar]]:
        """Return the name, the declaration and the keys of a port."""
        tag = element.tag.text
        name = element.get("name")
        assert name is not None
        fields: list[Entry] = [(word("direction", element), word(PORTS.get(tag, "inout"), element))]
        meta: list[Entry] = [] if tag in PORTS else [(word("xml", element), word(tag, element))]
        default = element.get("default")
        for each in element.attributes:
            word_, value = each.name.text, each.value
            if word_ == "type":
                here = self._type(value.text, default)
                fields.append((word("type", each.name), word(here, value)))
                if cpp_of(here) != value.text:
                    meta.append((word(KEEP + "type", each.name), word(value.text, value)))
            elif word_ == "default":
                fields.append((word("default", each.name), word(value_text(value.text), value)))
            elif word_ != "name":
                meta.append(meta_entry(each))
        text = element.text
        if text:
            line, column = element.text_at
            fields.append((word("about", element), word(text, Scalar(text, "plain", line, column, line, column + 1))))
        if meta:
            fields.append((word("meta", element), pairs(meta, element, flow=True)))
        inside = [each.text for each in element.inside if isinstance(each, Comment)]
        wide = sum(len(each.text) for _, each in fields if isinstance(each, Scalar)) > _WIDE or "\n" in text
        item = pairs(fields, element, flow=not (wide or inside or meta))
        self.keeper.below(item, inside)
        return word(name.text, name), item, [key for key, _ in fields]

    def _type(self, cpp: str, default: Scalar | None) -> str:
        """Return the type of a port here; ``any`` where its default is no value of it."""
        here = type_of(cpp)
        if default is not None and not re.match(r"\s*\{.*\}\s*\Z", default.text, re.DOTALL):
            try:
                read_bt_text(default.text, here)
            except LiteralError:
                return "any"
        return here

    def _metadata(self, element: Element) -> Items:
        listed: list[Item] = []
        waiting: list[str] = []
        for each in element.inside:
            if isinstance(each, Comment):
                waiting.append(each.text)
                continue
            fields = [(word(a.name.text, a.name), word(a.value.text, a.value)) for a in each.attributes]
            listed.append(pairs(fields, each, flow=len(fields) > 1))
            self.keeper.above(listed[-1], waiting)
            waiting = []
        made = items(listed, element)
        self.keeper.below(made, waiting)
        return made

    # anything else -------------------------------------------------------------------------------------------------
    def generic(self, element: Element) -> Pairs:
        """Return any element as ``{TAG: {attributes: …, text: …, elements: […]}}``."""
        inside: list[Entry] = []
        if element.attributes:
            kept = [(word(each.name.text, each.name), word(each.value.text, each.value)) for each in element.attributes]
            inside.append((word("attributes", element), pairs(kept, element)))
        if element.text:
            inside.append((word("text", element), word(element.text, element)))
            if element.inside:
                self._text(element)
        listed: list[Item] = []
        waiting: list[str] = []
        for each in element.inside:
            if isinstance(each, Comment):
                waiting.append(each.text)
                continue
            listed.append(self.generic(each))
            self.keeper.above(listed[-1], waiting)
            waiting = []
        if waiting and not listed:
            inside.extend(inner_comments(waiting, element, ""))
        elif listed:
            made = items(listed, element)
            inside.append((word("elements", element), made))
            self.keeper.below(made, waiting)
        return pairs(
            [(word(element.tag.text, element), pairs(inside, element) if inside else nothing(element))], element
        )

    def _unknown(self, element: Element) -> None:
        tag = element.tag.text
        has_no_id = tag in CATEGORIES and element.get("ID") is None
        self.problems.append(
            self.source.problem(
                element.tag,
                "K047" if has_no_id else "K046",
                f"<{tag}> has no ID" if has_no_id else f"<{tag}> is not known in a <TreeNodesModel>",
                why="it declares nothing then" if has_no_id else "it is kept as it stands and means nothing here",
                fix=f'write <{tag} ID="NAME">'
                if has_no_id
                else "correct its name, or leave it to the program it is for",
                width=len(tag),
                severity="warning",
            )
        )

    def _text(self, element: Element) -> None:
        self.lost.append(text_problem(self.source, element))


def text_problem(source: Source, element: Element) -> Problem:
    """Return the problem of text where there is no place for it."""
    return source.problem(
        element.text_at,
        "K051",
        f"text stands in <{element.tag.text}>",
        why="attributes say everything here; BehaviorTree.CPP passes over this text",
        fix="delete it, or make it a comment <!-- … -->",
    )


def meta_entry(attribute: Attribute) -> Entry:
    """Return the entry of ``meta`` that an attribute becomes which has no other place."""
    return word(meta_key(attribute.name.text), attribute.name), word(attribute.value.text, attribute.value)


def _is_port(element: Element) -> bool:
    return (element.tag.text in PORTS or element.tag.text == BIDIRECTIONAL) and element.get("name") is not None


def _part(element: Element) -> str:
    """Return the key of a declaration that an element in it belongs to."""
    name = element.get("name")
    if _is_port(element) and name is not None and _PORT_NAME.match(name.text) and name.text not in STRUCTURE:
        plain = not element.elements and not (element.text and any(isinstance(e, Comment) for e in element.inside))
        return "ports" if plain else "elements"
    if element.tag.text == "MetadataFields" and not element.attributes and not element.text:
        fit = all(each.tag.text == "Metadata" and not each.inside and not each.text for each in element.elements)
        return "metadata" if fit else "elements"
    return "elements"
