"""What a file uses: its form, and the nodes that nobody declares, with the kind that their use tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...behaviors.node import NODES
from ..node_types import NodeType
from ..problems import TreeError
from .elements import Element, XmlFile, parse_file
from .items import Entry, pairs, word
from .models import model_ports
from .names import CATEGORIES, SUBTREE_TAGS, TAGS, category, declared_key, registered, registered_key

_LEAVES: Final = ("action", "condition", "subtree")
MAX_INCLUDES: Final = 64


@dataclass
class Used:
    """A node type as one file knows it.

    Attributes:
        key: Type key.
        kind: ``action``, ``condition``, ``control``, ``decorator`` or ``subtree``.
        tag: What it is called in the verbose form.
        known: True when nobody has to be told of it: it is built in, or this file declares it.
        first: Where it is used first, if it is not known.
        model: Its declaration in another file.
    """

    key: str
    kind: str
    tag: str
    known: bool
    first: Element | None = None
    model: Element | None = None


class Usage:
    """The node types of one file: built in, declared here or in what is included, or told by their use.

    Args:
        file: The file.
        models: Files whose models declare nodes that it uses.
    """

    def __init__(self, file: XmlFile, models: Sequence[Path]) -> None:
        self.types: dict[str, Used] = {}
        self._trees: set[str] = set()
        self._elsewhere: dict[str, Element] = {}
        self._subtrees: dict[str, Element] = {}
        folder = Path(file.source.file).parent
        self._take(file.root, own=True)
        self._take_trees(file.root)
        for path in models:
            self._take(parse_file(path).root, own=False)
        self._includes(file.root, folder, set())
        verbose = compact = 0
        for element in _nodes(file.root):
            if element.tag.text in SUBTREE_TAGS:
                id = element.get("ID")
                if id is not None and id.text and "\n" not in id.text and id.text not in self._trees:
                    self._subtrees.setdefault(id.text, element)
                continue
            if element.tag.text in CATEGORIES and element.get("ID") is not None:
                verbose += 1
            else:
                compact += 1
            self._use(element)
        self.form = "compact" if compact > verbose else "verbose"

    def find(self, id: str) -> Used:
        """Return the node type of an ID that the file uses."""
        return self.types[id]

    def inferred(self, subtrees: bool) -> list[Entry]:
        """Return the declarations of the nodes that the file uses and does not declare, in the order of their use.

        Args:
            subtrees: Whether to declare also the trees that are neither here nor in what is included.
        """
        made: list[Entry] = []
        for id, used in self.types.items():
            if used.first is None or used.key in NODES:
                continue
            made.append(_declaration(id, used.key, used.kind, used.first, used.model))
        taken = {used.key for used in self.types.values()}
        for id, at in self._subtrees.items() if subtrees else ():
            key = declared_key(id)
            key = f"stub.{id}" if key in taken else key
            if key not in taken:
                made.append(_declaration(id, key, "subtree", at, self._elsewhere.get(id)))
        return made

    def _take(self, root: Element, own: bool) -> None:
        """Take the declared nodes of a file."""
        for model in root.elements:
            if model.tag.text != "TreeNodesModel":
                continue
            self._take_subtrees(model, known=own)
            for each in model.elements:
                id = each.get("ID")
                kind = CATEGORIES.get(each.tag.text)
                if id is None or kind is None or kind == "subtree" or id.text in self.types:
                    continue
                key = registered_key(id.text)
                if key and (key.startswith("bt.") or _fits(each, registered(key))):
                    continue
                self.types[id.text] = Used(declared_key(id.text), kind, each.tag.text, own, None, None if own else each)

    def _take_subtrees(self, model: Element, known: bool) -> None:
        for each in model.elements:
            id = each.get("ID")
            if each.tag.text == "SubTree" and id is not None:
                if known:
                    self._trees.add(id.text)
                else:
                    self._elsewhere.setdefault(id.text, each)

    def _take_trees(self, root: Element) -> None:
        ids = (each.get("ID") for each in root.elements if each.tag.text == "BehaviorTree")
        self._trees.update(id.text for id in ids if id is not None)

    def _includes(self, root: Element, folder: Path, seen: set[Path]) -> None:
        """Take the declared nodes of included files as known; what cannot be read is reported when it is loaded."""
        for each in root.elements:
            path = each.get("path")
            if each.tag.text != "include" or path is None or "\0" in path.text or len(seen) >= MAX_INCLUDES:
                continue
            file = folder / path.text
            if file in seen or file.suffix != ".xml":
                continue
            seen.add(file)
            try:
                inner = parse_file(file).root
            except TreeError:
                continue
            self._take(inner, own=False)
            self._take_trees(inner)
            self._includes(inner, file.parent, seen)

    def _use(self, element: Element) -> None:
        tag = element.tag.text
        id = element.get("ID")
        verbose = tag in CATEGORIES and id is not None
        name = id.text if verbose and id is not None else tag
        count = len(element.elements)
        used = self.types.get(name)
        if used is None:
            self.types[name] = self._first_use(element, name, tag if verbose else "", count)
            return
        if used.first is None:
            used.first = None if used.known else element
        if not verbose and not used.known and used.model is None:
            if count > 1 and used.kind != "control":
                used.kind, used.tag = "control", "Control"
            elif count == 1 and used.kind in _LEAVES:
                used.kind, used.tag = "decorator", "Decorator"

    def _first_use(self, element: Element, name: str, tag: str, count: int) -> Used:
        key = registered_key(name)
        kind = registered(key) if key else None
        if kind is not None:
            model = CATEGORIES[category(kind)]
            return Used(key, model, TAGS[model], True)
        if tag:
            return Used(declared_key(name), CATEGORIES[tag], tag, False, element)
        model = "action" if count == 0 else "decorator" if count == 1 else "control"
        return Used(declared_key(name), model, TAGS[model], False, element)


def _declaration(id: str, key: str, kind: str, at: Element, model: Element | None) -> Entry:
    """Return the entry of ``nodes`` for what is used and not declared; ``model`` is its declaration in another file."""
    fields: list[Entry] = [(word("id", at), word(id, at))] if key != id else []
    ports = model_ports(model) if model is not None else []
    fields += [(word("kind", at), word(kind, at)), (word("inferred", at), word("true", at))]
    fields.append((word("ports", at), pairs(ports, at)) if ports else (word("open", at), word("true", at)))
    return word(key, at), pairs(fields, at, flow=not ports)


def _fits(model: Element, kind: NodeType | None) -> bool:
    """Tell whether a model describes the built-in node of the same name, not another one."""
    ports = {name.text for each in model.elements if (name := each.get("name")) is not None}
    return kind is not None and category(kind) == model.tag.text and ports <= set(kind.ports)


def is_native(root: Element, tree: Element) -> bool:
    """Tell whether a tree is one of our own language, of an element <root> that says so."""
    return root.get("knothole") is not None and tree.get("_dialect") is None


def _nodes(root: Element) -> Iterator[Element]:
    """Yield the elements of all nodes of BehaviorTree.CPP's trees, in order."""
    trees = [each for each in root.elements if each.tag.text == "BehaviorTree" and not is_native(root, each)]
    stack = [each for tree in reversed(trees) for each in reversed(tree.elements)]
    while stack:
        element = stack.pop()
        yield element
        stack.extend(reversed(element.elements))
