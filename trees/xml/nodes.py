"""Make nodes of the tree language from the elements inside <BehaviorTree>."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ..problems import Problem
from ..reading.document import Item, Items, Pairs, Scalar, Source
from .elements import Attribute, Comment, Element
from .items import CommentKeeper, Entry, inner_comments, items, nothing, pairs, word
from .models import meta_entry, text_problem
from .names import (
    CATEGORIES,
    CONDITIONS,
    HOOKS,
    KEEP,
    STRUCTURE,
    SUBTREE,
    SUBTREE_TAGS,
    is_script,
    registered,
    value_text,
)
from .usage import Usage, Used

AUTOREMAP: Final = "_autoremap"


class Made(NamedTuple):
    """A node that was made of an element.

    Attributes:
        item: The node.
        above: Comments before the element.
        tail: What a comment on the same line hangs on, None where the element ends on another one.
    """

    item: Item
    above: list[str]
    tail: Item | None


class _Keys(NamedTuple):
    """What the attributes of an element become."""

    first: list[Entry]
    ports: list[Entry]
    last: list[Entry]
    meta: list[Entry]


class NodeMaker:
    """Makes the nodes of one file.

    Args:
        source: The file.
        problems: Collects mistakes that lose nothing.
        lost: Collects what has no place in the tree language.
        keeper: Takes the comments.
        usage: The node types of the file.
        keep: Keep a wrong number of children as it stands.
    """

    def __init__(
        self,
        source: Source,
        problems: list[Problem],
        lost: list[Problem],
        keeper: CommentKeeper,
        usage: Usage,
        keep: bool,
    ) -> None:
        self.source, self.problems, self.lost, self.keeper = source, problems, lost, keeper
        self.usage, self.keep = usage, keep
        self.unnamed = 0  # trees without an ID, which BehaviorTree.CPP numbers like this

    # the tree ------------------------------------------------------------------------------------------------------
    def tree(self, element: Element, attributes: list[Attribute]) -> list[Entry]:
        """Return the keys from ``tree`` to ``root`` of the document that a <BehaviorTree> becomes."""
        id = element.get("ID")
        name = word(id.text, id) if id is not None else word(f"BehaviorTree_{self.unnamed}", element)
        self.unnamed += id is None
        entries: list[Entry] = [(word("tree", element), name), (word("dialect", element), word("bt", element))]
        meta: list[Entry] = [] if id is not None else [(word("xml", element), word("unnamed", element))]
        for each in attributes:
            if each.name.text == "_description":
                entries.append((word("about", each.name), word(each.value.text, each.value)))
            elif each.name.text != "ID":
                meta.append(meta_entry(each))
        inside, below = self.inside(element, name)
        if not inside:
            meta.extend(inner_comments(below, element, KEEP))
        if meta:
            entries.append((word("meta", element), pairs(meta, element)))
        if inside:
            entries.append(self._root(element, inside, below))
        return entries

    def _root(self, element: Element, inside: list[Made], below: list[str]) -> Entry:
        key = word("root", element)
        value = inside[0].item
        if len(inside) > 1:
            self._count(element.elements[1], "a <BehaviorTree> has exactly one node", "put them below a <Sequence>")
            value = self._listed(element, inside)
            if not self.keep:
                value = pairs([(word("bt.Sequence", element), value)], element)
        else:
            self.keeper.above(key, inside[0].above)
            if below and isinstance(value, Scalar):
                value = pairs([(value, nothing(element))], element)
        self.keeper.below(value, below)
        return key, value

    # nodes ---------------------------------------------------------------------------------------------------------
    def inside(self, parent: Element, start: Item | None) -> tuple[list[Made], list[str]]:
        """Return the nodes in an element, and the comments behind the last of them.

        Args:
            parent: The element.
            start: What a comment on the line of its tag hangs on.
        """
        made: list[Made] = []
        waiting: list[str] = []
        tail = start if parent.elements else None
        for each in parent.inside:
            if isinstance(each, Comment):
                if waiting or not self.keeper.take_beside(each, tail):
                    waiting.append(each.text)
                continue
            made.append(self.node(each, waiting))
            tail = made[-1].tail
            waiting = []
        return made, waiting

    def node(self, element: Element, waiting: list[str]) -> Made:
        """Return the node that an element becomes."""
        tag = element.tag.text
        id = element.get("ID")
        if tag in SUBTREE_TAGS:
            used = Used(SUBTREE, "subtree", "SubTree", True)
            key = word(SUBTREE, element)
        elif tag in CATEGORIES and id is not None:
            used = self.usage.find(id.text)
            key = word(used.key, id)
        else:
            used = self.usage.find(tag)
            key = word(used.key, element)
            if tag in CATEGORIES:
                self._missing_id(element)
        keys = self._attributes(element, used)
        if element.text:
            self._text(element)
        inside, below = self.inside(element, key)
        value = self._value(element, used, keys, inside, below)
        body = [(key, value)]
        if keys.meta:
            keys.last.append((word("meta", element), pairs(keys.meta, element)))
        entries = [*keys.first, *keys.last, *body] if inside else [*body, *keys.first, *keys.last]
        item: Item = pairs(entries, element)
        if len(entries) == 1 and isinstance(value, Scalar) and value.is_null:
            item = key
        above = self.keeper.at_keys(waiting, keys_in_order(entries, key, ()))
        tail = key if isinstance(value, Pairs | Items) or value.is_null else value
        return Made(item, above, None if element.elements else tail)

    def _attributes(self, element: Element, used: Used) -> _Keys:
        keys = _Keys([], [], [], [])
        tag = element.tag.text
        kind = registered(used.key)
        verbose = (tag in CATEGORIES or tag in SUBTREE_TAGS) and element.get("ID") is not None
        for each in element.attributes:
            name, value = each.name.text, each.value
            if name == "ID" and verbose:
                if used.key == SUBTREE:
                    keys.ports.insert(0, (word(name, each.name), word(value.text, value)))
            elif name == "name":
                keys.first.append((word(name, each.name), word(value.text, value)))
            elif name == "_description":
                keys.first.append((word("about", each.name), word(value.text, value)))
            elif name in CONDITIONS:
                script = (word("script", each.name), word(value.text, value))
                keys.last.append((word(CONDITIONS[name], each.name), pairs([script], element, flow=True)))
            elif name in HOOKS:
                code = pairs([(word("code", each.name), word(value.text, value))], element, flow=True)
                hook = pairs([(word("bt.Script", each.name), code)], element, flow=True)
                keys.last.append((word(HOOKS[name], each.name), hook))
            elif name == AUTOREMAP and used.key == SUBTREE:
                keys.ports.append((word(name, each.name), word(value.text, value)))
            elif name.startswith("_") or name in STRUCTURE or name == "ID":
                if name == "ID":
                    self._surplus_id(each)
                keys.meta.append(meta_entry(each))
            else:
                text = value.text if is_script(kind, name) else value_text(value.text)
                keys.ports.append((word(name, each.name), word(text, value)))
        form = self._form(element, used)
        if form:
            keys.meta.append((word("xml", element), word(form, element)))
        return keys

    def _form(self, element: Element, used: Used) -> str:
        """Return how an element is written where it differs from the rest of the file."""
        tag = element.tag.text
        if used.key == SUBTREE:
            return "" if tag == "SubTree" else tag
        if tag not in CATEGORIES or element.get("ID") is None:
            return "compact" if self.usage.form == "verbose" or tag in CATEGORIES else ""
        return tag if self.usage.form == "compact" or tag != used.tag else ""

    def _value(self, element: Element, used: Used, keys: _Keys, inside: list[Made], below: list[str]) -> Item:
        """Return what stands behind the type key."""
        ports = keys.ports
        if not inside:
            if below and not ports:
                keys.meta.extend(inner_comments(below, element, KEEP))
            elif used.key == SUBTREE and len(ports) == 1 and ports[0][0].text == "ID" and not below:
                return ports[0][1]
            value = pairs(ports, element) if ports else nothing(element)
            if used.kind == "control" and not ports:
                return items((), element)
            self.keeper.below(value, below if ports else [])
            return value
        if used.kind == "decorator" and len(inside) == 1:
            key = word("child", element)
            self.keeper.above(key, inside[0].above)
            value = pairs([*ports, (key, inside[0].item)], element)
            self.keeper.below(value, below)
            return value
        listed = self._listed(element, inside)
        self.keeper.below(listed, below)
        if used.kind == "control":
            return pairs([*ports, (word("children", element), listed)], element) if ports else listed
        return self._too_many(element, used, ports, listed)

    def _listed(self, element: Element, inside: list[Made]) -> Items:
        for each in inside:
            self.keeper.above(each.item, each.above)
        return items((each.item for each in inside), element)

    def _too_many(self, element: Element, used: Used, ports: list[Entry], listed: Items) -> Item:
        name = used.key
        if used.kind == "decorator":
            self._count(
                element.elements[1], f"{name!r} takes one child", "put them below a <Sequence>, or take one out"
            )
        else:
            self._count(element.elements[0], f"{name!r} takes no children", "move them out, behind it")
        if self.keep:
            return pairs([*ports, (word("children", element), listed)], element)
        if used.kind == "decorator":
            child = pairs([(word("bt.Sequence", element), listed)], element)
            return pairs([*ports, (word("child", element), child)], element)
        return pairs(ports, element) if ports else nothing(element)

    # mistakes ------------------------------------------------------------------------------------------------------
    def _count(self, at: Element, message: str, fix: str) -> None:
        why = "this is one too many"
        tag = at.tag
        self.problems.append(self.source.problem(tag, "K048", message, why=why, fix=fix, width=len(tag.text)))

    def _missing_id(self, element: Element) -> None:
        tag = element.tag.text
        self.problems.append(
            self.source.problem(
                element.tag,
                "K047",
                f"<{tag}> has no ID",
                why=f"<{tag}> only says what kind of node this is; which one, its ID says",
                fix=f'write <{tag} ID="NAME" …>',
                width=len(tag),
            )
        )

    def _surplus_id(self, attribute: Attribute) -> None:
        self.problems.append(
            self.source.problem(
                attribute.name,
                "K055",
                "an element that is named after its node takes no ID",
                fix="delete it; an instance is named with `name`",
                width=2,
            )
        )

    def _text(self, element: Element) -> None:
        self.lost.append(text_problem(self.source, element))


def keys_in_order(entries: list[Entry], type_key: Scalar, slots: Sequence[Scalar]) -> list[Scalar]:
    """Return the keys of a node that comments can be about, in the order they are written: ports at the type key."""
    found: list[Scalar] = []
    for key, value in entries:
        if key is not type_key:
            found.append(key)
        elif isinstance(value, Pairs):
            found.extend(each for each, _ in value)
    stands = {id(each) for each in slots}
    return [each for each in found if id(each) not in stands and each.text not in STRUCTURE]
