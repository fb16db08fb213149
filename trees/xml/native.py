"""Read trees of our own language from XML that ``native_writer.py`` has written: the same nodes, key by key.

An element is a node, its ID the type key. Attributes are ports, ``_NAME`` common keys. A child that is in no list and
not *the* child says with ``_in`` under which key it stands.
"""

from __future__ import annotations

from typing import Final

from ...behaviors.ports import COMMON_KEYS, HOOK_KEYS
from ..problems import TreeError
from ..reading.document import Item, Scalar
from .elements import Attribute, Element
from .items import Entry, inner_comments, items, nothing, pairs, word
from .models import text_problem
from .names import CATEGORIES, KEEP, registered
from .native_values import decode
from .nodes import Made, NodeMaker, keys_in_order

SLOT: Final = "_in"
"""Attribute that names the key an element stands under; ``KEY[]`` for one of a list."""
SHAPE: Final = "_as"
"""Attribute that says ``mapping`` or ``nothing`` where a value could be shorter or longer."""
ORDER: Final = "_order"
"""Attribute with the common keys of a node in their order, where it is another one; ``-`` is the type key."""
PORT_ORDER: Final = "_ports"
"""Attribute with the ports of a node in their order, where it is another one."""
META: Final = "_meta."
PORT: Final = "_port."
"""Begins the attribute of a port whose name means something else in XML."""


class NativeMaker(NodeMaker):
    """Makes the nodes of trees of our own; the arguments are those of ``NodeMaker``."""

    def tree(self, element: Element, attributes: list[Attribute]) -> list[Entry]:
        """Return the keys from ``tree`` to ``root`` of the document that a <BehaviorTree> becomes."""
        entries: list[Entry] = []
        meta: list[Entry] = []
        tail: Item = element.tag
        for each in attributes:
            name = each.name.text
            if name == "ID":
                tail = word(each.value.text, each.value)
                entries.insert(0, (word("tree", element), tail))
            elif name == "_description":
                entries.append((word("about", each.name), word(each.value.text, each.value)))
            elif name.startswith(META):
                meta.append((word(name.removeprefix(META), each.name), word(each.value.text, each.value)))
            else:
                entries.append((word(name.removeprefix("_"), each.name), self._decoded(each)))
        if meta:
            entries.append((word("meta", element), pairs(meta, element)))
        inside, below = self.inside(element, tail)
        if inside:
            entries.append(self._root(element, inside, below))
        elif below:
            entries.extend(inner_comments(below, element, KEEP))
        return entries

    def node(self, element: Element, waiting: list[str]) -> Made:
        """Return the node that an element becomes."""
        tag = element.tag.text
        named = element.get("ID") if tag in CATEGORIES else None
        key = word(named.text, named) if named is not None else word(tag, element)
        if element.text:
            self.lost.append(text_problem(self.source, element))
        first, ports, last, meta = self._keys(element)
        inside, below = self.inside(element, key)
        slots, children = self._slots(element, inside)
        hooks = [each for each in slots if each[0].text in HOOK_KEYS]
        ports += [each for each in slots if each[0].text not in HOOK_KEYS]
        value = self._native_value(element, key, ports, children, below, meta)
        if meta:
            hooks.append((word("meta", element), pairs(meta, element)))
        body: Entry = (key, value)
        entries = _ordered([(word("-", element), value), *first, *last, *hooks], element.get(ORDER))
        entries = [body if each.text == "-" else (each, item) for each, item in entries]
        item: Item = pairs(entries, element)
        if len(entries) == 1 and isinstance(value, Scalar) and value.is_null and element.get(SHAPE) is None:
            item = key
        above = self.keeper.at_keys(waiting, keys_in_order(entries, key, [slot for slot, _ in slots]))
        tail: Item = value if isinstance(value, Scalar) and not value.is_null else key
        return Made(item, above, None if element.elements else tail)

    def _keys(self, element: Element) -> tuple[list[Entry], list[Entry], list[Entry], list[Entry]]:
        """Return name and about, ports, other common keys, and meta."""
        first: list[Entry] = []
        ports: list[Entry] = []
        last: list[Entry] = []
        meta: list[Entry] = []
        for each in element.attributes:
            name, value = each.name.text, each.value
            common = name.removeprefix("_")
            if name in (SLOT, SHAPE, ORDER, PORT_ORDER) or (name == "ID" and element.tag.text in CATEGORIES):
                continue
            if name in ("name", "_description"):
                short = "name" if name == "name" else "about"
                first.append((word(short, each.name), word(value.text, value)))
            elif name.startswith(META):
                meta.append((word(name.removeprefix(META), each.name), word(value.text, value)))
            elif name.startswith(PORT):
                ports.append((word(name.removeprefix(PORT), each.name), self._decoded(each)))
            elif name.startswith("_") and common in COMMON_KEYS:
                last.append((word(common, each.name), self._decoded(each)))
            else:
                ports.append((word(name, each.name), self._decoded(each)))
        return first, ports, last, meta

    def _decoded(self, attribute: Attribute) -> Item:
        try:
            return decode(attribute.value.text, attribute.value)
        except TreeError as error:
            problem = error.problems[0]
            self.lost.append(
                self.source.problem(
                    attribute.value,
                    "K052",
                    f"the value of {attribute.name.text!r} cannot be read: {problem.message}",
                    why="a value that begins with [, { or a quote is YAML on one line",
                    fix='correct it; a text that begins so stands in quotes, "…"',
                )
            )
            return attribute.value

    def _slots(self, element: Element, inside: list[Made]) -> tuple[list[Entry], list[Made]]:
        """Return the nodes that stand under keys of their own, and those that are children."""
        singles: list[Entry] = []
        lists: dict[str, list[Made]] = {}
        children: list[Made] = []
        order: list[tuple[str, Element]] = []
        for each, made in zip(element.elements, inside, strict=True):
            slot = each.get(SLOT)
            name = slot.text if slot is not None else ""
            if not name:
                children.append(made)
                continue
            if name.endswith("[]"):
                if name not in lists:
                    order.append((name, each))
                lists.setdefault(name, []).append(made)
                continue
            order.append((name, each))
            key = word(name, each)
            self.keeper.above(key, made.above)
            singles.append((key, made.item))
        found: list[Entry] = []
        for name, at in order:
            if name.endswith("[]"):
                found.append((word(name[:-2], at), self._listed(at, lists[name])))
            else:
                found.append(singles.pop(0))
        return found, children

    def _native_value(
        self,
        element: Element,
        key: Scalar,
        ports: list[Entry],
        children: list[Made],
        below: list[str],
        meta: list[Entry],
    ) -> Item:
        """Return what stands behind the type key."""
        shape = element.get(SHAPE)
        written = shape.text if shape is not None else ""
        kind = registered(key.text)
        tag = element.tag.text
        composite = kind.listed is not None if kind is not None else tag == "Control" or len(children) > 1
        if children and composite:
            listed = self._listed(element, children)
            self.keeper.below(listed, below)
            if not ports and written != "mapping":
                return listed
            entries = [*ports, (word("children", element), listed)]
            return pairs(_ordered(entries, element.get(PORT_ORDER)), element)
        if children:
            child = word("child", element)
            self.keeper.above(child, children[0].above)
            ports = [*ports, (child, children[0].item)]
        elif composite and not ports and written != "nothing":
            return items((), element)
        if not ports:
            meta.extend(inner_comments(below, element, KEEP))
            return pairs((), element) if written == "mapping" else nothing(element)
        main = kind.main if kind is not None else None
        if (
            len(ports) == 1
            and main is not None
            and ports[0][0].text == main.name
            and written != "mapping"
            and not below
        ):
            value = ports[0][1]
            if isinstance(value, Scalar):
                return value
        made = pairs(_ordered(ports, element.get(PORT_ORDER)), element)
        self.keeper.below(made, below)
        return made


def _ordered(entries: list[Entry], order: Scalar | None) -> list[Entry]:
    """Return entries in the order that an attribute names; what it does not name comes last."""
    if order is None:
        return entries
    rank = {name: number for number, name in reversed(list(enumerate(order.text.split())))}
    return sorted(entries, key=lambda entry: rank.get(entry[0].text, len(rank)))
