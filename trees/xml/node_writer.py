"""Write the nodes of a tree of dialect ``bt`` as elements."""

from __future__ import annotations

from typing import Final

from ...behaviors.ports import CONDITION_KEYS, HOOK_KEYS
from ..language.common_grammar import is_common
from ..reading.document import Item, Items, Pairs, Scalar
from .items import is_inner_comment
from .layout import Note, Tag, add_inside
from .model_writer import Declared, Node
from .names import (
    CATEGORIES,
    CONDITIONS,
    HOOKS,
    KEEP,
    LOAD_TIME,
    STRUCTURE,
    SUBTREE,
    SUBTREE_TAGS,
    category,
    id_of,
    is_script,
    is_xml_name,
    meta_attribute,
    port_text,
    registered,
)
from .refusals import Refusals
from .remarks import Remarks, notes

_CONDITION_OF: Final = {key: attribute for attribute, key in CONDITIONS.items()}
_HOOK_OF: Final = {key: attribute for attribute, key in HOOKS.items()}
_MISSPELT: Final = "correct its name, or take off the prefix where it is a node of your own"
_FOREIGN: Final = "use one of its own, such as bt.Sequence; or take out `dialect: bt`: then XML keeps it for knothole"
_INSTEAD: Final = {
    "retry": "use bt.RetryUntilSuccessful",
    "repeat": "use bt.Repeat",
    "timeout": "use bt.Timeout",
    "when": "use skip_if with {script: …}, which is its opposite",
}


class NodeWriter:
    """Writes the nodes of one file.

    Args:
        refused: Collects what cannot be written.
        remarks: The comments.
        declared: The nodes that the file declares.
        compact: Whether elements are named after their nodes, not after the category.
    """

    def __init__(self, refused: Refusals, remarks: Remarks, declared: Declared, compact: bool) -> None:
        self.refused, self.remarks, self.declared, self.compact = refused, remarks, declared, compact

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
        root = next(((key, value) for key, value in document if key.text == "root"), None)
        if root is not None and not (isinstance(root[1], Scalar) and root[1].is_null):
            key, value = root
            tag.inside.extend(notes([*self.remarks.above(key), *self.remarks.beside(key)]))
            if isinstance(value, Items):
                self._children(tag, value)
            else:
                self._node(tag, value)
        return tag

    def _children(self, parent: Tag, listed: Items) -> None:
        for each in listed.items:
            parent.inside.extend(notes(self.remarks.above(each)))
            self._node(parent, each)
        parent.inside.extend(notes(self.remarks.below(listed)))
        parent.inside.extend(notes(self.remarks.beside(listed)))

    def _node(self, parent: Tag, item: Item) -> None:
        """Write a node, with what hangs on its keys above it and what hangs below it behind it."""
        if isinstance(item, Scalar) and not item.is_null:
            tag = self._tag(item, item, None)
            parent.inside.append(tag)
            parent.inside.extend(Note(text, True) for text in self.remarks.beside(item))
            return
        found = [(key, value) for key, value in item if not is_common(key, value)] if isinstance(item, Pairs) else []
        if not isinstance(item, Pairs) or len(found) != 1:
            self.refused(
                item,
                "K064",
                "this is no node",
                "a node is a type key, or a mapping with one type key and common keys beside it",
            )
            return
        key, value = found[0]
        meta = item.get("meta")
        form = meta.get("xml") if isinstance(meta, Pairs) else None
        tag = self._tag(key, value, form)
        above = self.remarks.above(item.pairs[0][0], key)
        beside = self.remarks.beside(item, key, *([value] if isinstance(value, Scalar) else []))
        blocks: list[str] = []
        inside = Tag("")
        for name, each in item:
            if name is key:
                blocks += self._value(tag, inside, key, value)
            else:
                blocks += self.remarks.at_key(name, each)
                self._common(tag, name, each)
        parent.inside.extend(notes([*above, *blocks]))
        parent.inside.append(tag)
        lines = [Note(text, True) for text in beside]
        add_inside(parent, tag, inside, lines)
        parent.inside.extend(notes(self.remarks.below(item)))

    # the tag -------------------------------------------------------------------------------------------------------
    def _tag(self, key: Scalar, value: Item, form: Item | None) -> Tag:
        if form is not None and not (isinstance(form, Scalar) and form.text in ("compact", *CATEGORIES, *SUBTREE_TAGS)):
            tags = ", ".join(CATEGORIES)
            self.refused(form, "K061", "'xml' of 'meta' says how a node is written", f"write compact, or one of {tags}")
            form = None
        written = form.text if isinstance(form, Scalar) else ""
        if key.text == SUBTREE:
            return Tag(written if written in SUBTREE_TAGS else "SubTree")
        node = self._known(key, value)
        compact = written == "compact" or (not written and self.compact)
        if compact and is_xml_name(node.id) and (node.id not in CATEGORIES or written == "compact"):
            return Tag(node.id)
        return Tag(
            written if written in CATEGORIES else node.tag, [("ID", self.refused.text(key._replace(text=node.id)))]
        )

    def _known(self, key: Scalar, value: Item) -> Node:
        declared = self.declared.nodes.get(key.text)
        if declared is not None:
            return declared
        kind = registered(key.text)
        misspelt = kind is None and key.text.startswith(("bt.", "nav2."))
        if misspelt or key.text in LOAD_TIME or (kind is not None and kind.dialect not in ("bt", "nav2")):
            self.refused(
                key,
                "K060",
                f"BehaviorTree.CPP has no node {key.text!r}",
                _MISSPELT if misspelt else _FOREIGN,
            )
        if kind is not None:
            return Node(id_of(key.text), category(kind))
        listed = isinstance(value, Items) or (isinstance(value, Pairs) and value.get("children") is not None)
        child = isinstance(value, Pairs) and value.get("child") is not None
        return Node(id_of(key.text), "Control" if listed else "Decorator" if child else "Action")

    # the value -----------------------------------------------------------------------------------------------------
    def _value(self, tag: Tag, inside: Tag, key: Scalar, value: Item) -> list[str]:
        """Write what stands behind the type key; return the comments that hang on its keys."""
        if isinstance(value, Items):
            self._children(inside, value)
            return []
        if isinstance(value, Scalar):
            if not value.is_null:
                self._main(tag, key, value)
            return []
        blocks: list[str] = []
        kind = registered(key.text)
        for name, each in value:
            if name.text == "children" and isinstance(each, Items):
                blocks += [f"{name.text}: {text}" for text in self.remarks.beside(name)]
                inside.inside.extend(notes(self.remarks.above(name)))
                self._children(inside, each)
            elif name.text == "child":
                blocks += [f"{name.text}: {text}" for text in self.remarks.beside(name)]
                inside.inside.extend(notes(self.remarks.above(name)))
                self._node(inside, each)
            else:
                blocks += self.remarks.at_key(name, each)
                self._port(tag, name, each, verbatim=name.text == "ID" or is_script(kind, name.text))
        below = notes(self.remarks.below(value))
        inside.inside.extend(below)
        return blocks

    def _main(self, tag: Tag, key: Scalar, value: Scalar) -> None:
        kind = registered(key.text)
        main = kind.main if kind is not None else None
        if main is None:
            fix = "write its ports as `port: value`"
            self.refused(value, "K062", f"{key.text!r} has no main port that this could be the value of", fix)
            return
        name = value._replace(text=main.name)
        self._port(tag, name, value, verbatim=main.name == "ID" or is_script(kind, main.name))

    def _port(self, tag: Tag, key: Scalar, value: Item, verbatim: bool) -> None:
        text = self.refused.text(value)
        if isinstance(value, Scalar) and value.is_null:
            self.refused(value, "K062", f"the port {key.text!r} has no value", 'write "" for an empty text')
        if key.text.startswith("_") and not (key.text == "_autoremap" and tag.name in SUBTREE_TAGS):
            fix = f"write it under `meta:` as `{key.text[1:]}`"
            self.refused(key, "K061", "attributes that begin with '_' are no ports for BehaviorTree.CPP", fix)
            return
        if key.text in STRUCTURE:
            self.refused(value, "K064", f"{key.text!r} holds nodes", "write a node below it, or a list of nodes")
            return
        self.refused.attribute(tag, key, key.text, text if verbatim or key.text.startswith("_") else port_text(text))

    # common keys ---------------------------------------------------------------------------------------------------
    def _common(self, tag: Tag, key: Scalar, value: Item) -> None:
        name = key.text
        if name == "name":
            self.refused.attribute(tag, key, "name", self.refused.text(value))
        elif name == "about":
            self.refused.attribute(tag, key, "_description", self.refused.text(value))
        elif name == "meta":
            self._meta(tag, value)
        elif name in _CONDITION_OF:
            script = value.get("script") if isinstance(value, Pairs) and len(value.pairs) == 1 else None
            if script is None:
                fix = f"write `{name}: {{script: …}}` with a script of BehaviorTree.CPP"
                self.refused(value, "K063", f"{name!r} must be a script here", fix)
            else:
                self.refused.attribute(tag, key, _CONDITION_OF[name], self.refused.text(script))
        elif name in _HOOK_OF:
            script = _script_of(value)
            if script is None:
                fix = f'write `{name}: {{bt.Script: {{code: "…"}}}}`, or put the node into the tree'
                self.refused(
                    value, "K063", f"{name!r} must be a bt.Script here", fix, "BehaviorTree.CPP runs no node there"
                )
            else:
                self.refused.attribute(tag, key, _HOOK_OF[name], self.refused.text(script))
        else:
            self.refused(
                key, "K060", f"BehaviorTree.CPP has no {name!r}", _INSTEAD.get(name, "put the node into the tree")
            )

    def _meta(self, tag: Tag, item: Item) -> None:
        if not isinstance(item, Pairs):
            self.refused(item, "K064", "'meta' takes a mapping", "write {NAME: TEXT}")
            return
        for key, value in item:
            text = self.refused.text(value)
            if is_inner_comment(key.text, KEEP):
                tag.inside.append(Note(text))
            elif key.text == "xml" and tag.name == "BehaviorTree":
                tag.attributes = [each for each in tag.attributes if each[0] != "ID"]
            elif key.text != "xml":
                self.refused.attribute(tag, key, meta_attribute(key.text), text)


def _script_of(item: Item) -> Item | None:
    """Return the text of ``{bt.Script: {code: TEXT}}`` or ``{bt.Script: TEXT}``, None for any other node."""
    if not isinstance(item, Pairs) or len(item.pairs) != 1 or item.pairs[0][0].text != "bt.Script":
        return None
    value = item.pairs[0][1]
    if isinstance(value, Scalar):
        return None if value.is_null else value
    return value.get("code") if isinstance(value, Pairs) and len(value.pairs) == 1 else None


assert set(_CONDITION_OF) | {"when"} == set(CONDITION_KEYS)
assert set(_HOOK_OF) | {"finally"} == set(HOOK_KEYS)
