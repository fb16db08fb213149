"""Write declared nodes, the header key ``nodes``, as <TreeNodesModel>."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ..reading.document import Item, Items, Pairs, Scalar
from .items import is_inner_comment
from .layout import Note, Tag
from .models import cpp_of, type_of
from .names import KEEP, PORTS, TAGS, meta_attribute, port_text
from .refusals import Refusals
from .remarks import Remarks, notes

_TAGS: Final = {direction: tag for tag, direction in PORTS.items()}
_KEYS: Final = ("id", "kind", "about", "ports", "metadata", "elements", "meta", "inferred", "open")
_PORT_KEYS: Final = ("direction", "type", "default", "about", "meta")


class Node(NamedTuple):
    """A declared node as the writer knows it."""

    id: str
    tag: str


class Declared:
    """The nodes that the documents of a file declare, by type key."""

    def __init__(self, roots: Sequence[Item]) -> None:
        self.nodes: dict[str, Node] = {}
        for root in roots:
            nodes = root.get("nodes") if isinstance(root, Pairs) else None
            for key, value in nodes if isinstance(nodes, Pairs) else ():
                if isinstance(value, Pairs):
                    self.nodes.setdefault(key.text, Node(id_of(key, value), _tag(value)))


def id_of(key: Scalar, declaration: Pairs) -> str:
    """Return the ID of a declared node."""
    id = declaration.get("id")
    if isinstance(id, Scalar):
        return id.text
    return key.text.removeprefix("stub.")


class ModelWriter:
    """Writes the declarations of one file.

    Args:
        refused: Collects what cannot be written.
        remarks: The comments.
    """

    def __init__(self, refused: Refusals, remarks: Remarks) -> None:
        self.refused, self.remarks = refused, remarks

    def write(self, key: Scalar, nodes: Item, xml: Pairs | None) -> Iterator[Tag | Note]:
        """Yield the element of a key ``nodes`` and what goes beside it."""
        model = Tag("TreeNodesModel")
        attributes = xml.get("attributes") if xml is not None else None
        if isinstance(attributes, Pairs):
            for name, value in attributes:
                self.refused.attribute(model, name, name.text, self.refused.text(value))
        listed = xml.get("elements") if xml is not None else None
        others = list(listed.items) if isinstance(listed, Items) else []
        yield from notes(self.remarks.beside(key))
        entries = nodes.pairs if isinstance(nodes, Pairs) else ()
        if not isinstance(nodes, Pairs) and not (isinstance(nodes, Scalar) and nodes.is_null):
            self.refused(nodes, "K064", "'nodes' takes a mapping", "write `NAME: {kind: action}`")
        for name, value in entries:
            others = self._others(model, others, name.text)
            self._node(model, name, value)
        self._others(model, others)
        for name, value in xml or ():
            if is_inner_comment(name.text, ""):
                model.inside.append(Note(self.refused.text(value)))
        model.inside.extend(notes([*self.remarks.below(nodes), *self.remarks.beside(nodes)]))
        yield model

    def _others(self, tag: Tag, others: list[Item], before: str = "") -> list[Item]:
        """Write the elements that stand before a declaration or port, all of them without one; return the rest."""
        rest: list[Item] = []
        for each in others:
            at = each.get("before") if isinstance(each, Pairs) else None
            if not before or (isinstance(at, Scalar) and at.text == before):
                tag.inside.extend(notes(self.remarks.above(each)))
                self.generic(tag.inside, each)
            else:
                rest.append(each)
        return rest

    # one node ------------------------------------------------------------------------------------------------------
    def _node(self, model: Tag, key: Scalar, item: Item) -> None:
        above = self.remarks.above(key)
        if not isinstance(item, Pairs):
            self.refused(item, "K064", "a declaration takes a mapping", "write {kind: action}")
            return
        inferred = item.get("inferred")
        if isinstance(inferred, Scalar) and inferred.text == "true":
            model.inside.extend(notes([*above, *self.remarks.within(item)]))
            return
        tag = Tag(_tag(item), [("ID", id_of(key, item))])
        keys: list[str] = []
        beside = self.remarks.beside(key)
        listed = item.get("elements")
        others = list(listed.items) if isinstance(listed, Items) else []
        below: list[str] = []
        for name, value in item:
            if name.text == "ports" and isinstance(value, Pairs):
                keys += self._lead(name)
                others = self._ports(tag, value, others)
            elif name.text == "metadata" and isinstance(value, Items):
                others = self._others(tag, others, "<MetadataFields>")
                self._metadata(tag, name, value)
            elif name.text == "elements" and isinstance(value, Items):
                keys += self._lead(name)
                below = self.remarks.below(value)
            else:
                keys += self.remarks.at_key(name, value)
                self._field(tag, name, value)
        self._others(tag, others)
        tag.inside.extend(notes(below))
        tag.inside.extend(notes(self.remarks.below(item)))
        model.inside.extend(notes([*above, *keys]))
        lines = [Note(text, True) for text in beside]
        if any(isinstance(each, Tag) for each in tag.inside):
            tag.inside[:0] = lines
            lines = []
        model.inside.extend([tag, *lines])

    def _lead(self, key: Scalar) -> list[str]:
        return [f"{key.text}:\n{text}" for text in (*self.remarks.above(key), *self.remarks.beside(key))]

    def _field(self, tag: Tag, key: Scalar, value: Item) -> None:
        if key.text == "about":
            self.refused.attribute(tag, key, "_description", self.refused.text(value))
        elif key.text == "meta" and isinstance(value, Pairs):
            for name, text in value:
                self.refused.attribute(tag, name, meta_attribute(name.text), self.refused.text(text))
        elif key.text not in _KEYS:
            self.refused(key, "K060", f"a declaration has no {key.text!r}", f"it has the keys {', '.join(_KEYS)}")
        elif key.text == "open":
            fix = "declare its ports, or mark it `inferred: true`, which is not written"
            self.refused(key, "K060", "XML cannot say that a node takes any port", fix)
        elif key.text in ("id", "kind", "inferred"):
            self.refused.text(value)
        elif not (isinstance(value, Scalar) and value.is_null):
            self.refused(value, "K064", f"{key.text!r} has another shape", "see the documentation of declared nodes")

    def _ports(self, tag: Tag, ports: Pairs, others: list[Item]) -> list[Item]:
        for key, value in ports:
            others = self._others(tag, others, key.text)
            above, beside = self.remarks.above(key), self.remarks.beside(key)
            blocks, port = self._port(key, value)
            tag.inside.extend(notes([*above, *blocks]))
            tag.inside.append(port)
            tag.inside.extend(Note(text, True) for text in beside)
        tag.inside.extend(notes([*self.remarks.below(ports), *self.remarks.beside(ports)]))
        return others

    def _port(self, key: Scalar, item: Item) -> tuple[list[str], Tag]:
        fields = {name.text: value for name, value in item} if isinstance(item, Pairs) else {}
        if not isinstance(item, Pairs) and not (isinstance(item, Scalar) and item.is_null):
            self.refused(item, "K064", "a port takes a mapping", "write {direction: in, type: text}")
        meta = fields.get("meta")
        held = {name.text: value for name, value in meta} if isinstance(meta, Pairs) else {}
        direction = fields.get("direction")
        name = _TAGS.get(direction.text, "") if isinstance(direction, Scalar) else "inout_port"
        if not name and direction is not None:
            self.refused(direction, "K064", "'direction' takes in, out or inout", "write `direction: in`")
        spelt = held.pop("xml", None)
        if isinstance(spelt, Scalar) and name == "inout_port":
            name = spelt.text
        tag = Tag(name, [("name", key.text)])
        for word, value in fields.items():
            if word == "type":
                here = self.refused.text(value)
                spelt = held.pop(f"{KEEP}type", None)
                kept = spelt.text if isinstance(spelt, Scalar) and here in (type_of(spelt.text), "any") else None
                tag.attributes.append(("type", cpp_of(here) if kept is None else kept))
            elif word == "default":
                tag.attributes.append(("default", port_text(self.refused.text(value))))
            elif word == "about":
                tag.text = self.refused.text(value)
        for word, value in held.items():
            self.refused.attribute(tag, value, meta_attribute(word), self.refused.text(value))
        blocks: list[str] = []
        for name_, value in item if isinstance(item, Pairs) else ():
            blocks += self.remarks.at_key(name_, value)
            if name_.text not in _PORT_KEYS:
                self.refused(name_, "K060", f"a port has no {name_.text!r}", f"it has the keys {', '.join(_PORT_KEYS)}")
        tag.inside.extend(notes(self.remarks.below(item)))
        return blocks, tag

    def _metadata(self, tag: Tag, key: Scalar, value: Items) -> None:
        fields = Tag("MetadataFields")
        tag.inside.extend(notes([*self.remarks.above(key), *self.remarks.beside(key)]))
        for each in value.items:
            fields.inside.extend(notes(self.remarks.above(each)))
            made = Tag("Metadata")
            if not isinstance(each, Pairs):
                self.refused(each, "K064", "metadata is a list of mappings", "write `- {NAME: TEXT}`")
                continue
            for name, text in each:
                self.refused.attribute(made, name, name.text, self.refused.text(text))
            fields.inside.append(made)
            fields.inside.extend(notes(self.remarks.within(each)))
        fields.inside.extend(notes(self.remarks.below(value)))
        tag.inside.append(fields)

    # anything else -------------------------------------------------------------------------------------------------
    def generic(self, into: list[Tag | Note], item: Item) -> None:
        """Write the element of ``{TAG: {attributes: …, text: …, elements: […]}}``."""
        found = (
            next(((key, value) for key, value in item if key.text != "before"), None)
            if isinstance(item, Pairs)
            else None
        )
        if found is None:
            self.refused(item, "K064", "an element is a mapping with its tag", "write {TAG: {attributes: {…}}}")
            return
        key, value = found
        tag = Tag(key.text)
        into.append(tag)
        left: list[str] = []
        for name, inner in value if isinstance(value, Pairs) else ():
            left += [*self.remarks.above(name), *self.remarks.beside(name)]
            if name.text == "elements" and isinstance(inner, Items):
                left += [*self.remarks.above(inner), *self.remarks.beside(inner)]
                for each in inner.items:
                    tag.inside.extend(notes(self.remarks.above(each)))
                    self.generic(tag.inside, each)
                tag.inside.extend(notes(self.remarks.below(inner)))
                continue
            left += self.remarks.within(inner)
            if name.text == "attributes" and isinstance(inner, Pairs):
                for attribute, text in inner:
                    self.refused.attribute(tag, attribute, attribute.text, self.refused.text(text))
            elif name.text == "text":
                tag.text = self.refused.text(inner)
            elif is_inner_comment(name.text, ""):
                tag.inside.append(Note(self.refused.text(inner)))
            else:
                self.refused(name, "K064", f"an element has no {name.text!r}", "it has attributes, text and elements")
        around = [*self.remarks.above(item), *self.remarks.beside(item), *self.remarks.above(key)]
        around += [*self.remarks.beside(key), *self.remarks.above(value), *self.remarks.beside(value)]
        into.extend(notes([*around, *left, *self.remarks.below(value), *self._before(item), *self.remarks.below(item)]))

    def _before(self, item: Item) -> list[str]:
        """Take the comments at the key ``before``, which is no element."""
        at = item.get("before") if isinstance(item, Pairs) else None
        keys = [key for key, _ in item if key.text == "before"] if isinstance(item, Pairs) else []
        return [*self.remarks.above(*keys), *self.remarks.beside(*keys), *(self.remarks.within(at) if at else [])]


def _tag(declaration: Pairs) -> str:
    kind = declaration.get("kind")
    return TAGS.get(kind.text, "Action") if isinstance(kind, Scalar) else "Action"
