"""What is known of the entries that scripts of a file use: who else writes them, and what kind of value they hold.

Only what a script means by its text counts, so that ``modern.py`` changes nothing it cannot prove.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ...behaviors.ports import CONDITION_KEYS
from ..formulas.script_syntax import Assign, Chain, Choice, Constant, Name, Node, Prefix
from ..formulas.scripts import Script, ScriptError, walk
from ..node_types import node_type
from ..reading.document import Documents, Item, Items, Pairs, Scalar

SCRIPTS: Final = ("bt.Script", "bt.ScriptCondition")
_REFERENCE = re.compile(r"\$(@?)([A-Za-z_][A-Za-z0-9_]*)")
_BY_NAME: Final = {"bt.SetBlackboard": "output_key", "bt.UnsetBlackboard": "key"}
"""Nodes that name an entry without a dollar."""
Entry = tuple[str, str]
"""Tree and name; the tree is ``@`` for the root blackboard."""


@dataclass(frozen=True)
class Found:
    """One script of a document: where it stands, and the tree whose names it uses."""

    item: Scalar
    tree: str
    script: Script | None
    condition: bool


class Entries:
    """The entries of all trees of a file.

    Args:
        documents: The file.

    Attributes:
        scripts: ``id`` of a script's scalar → what it is.
    """

    def __init__(self, documents: Documents) -> None:
        self._same: dict[Entry, Entry] = {}
        self._foreign: dict[Entry, str] = {}
        self._used: dict[str, set[str]] = {}
        self._maps: list[tuple[str, str, Pairs]] = []
        self._names = [_text(root, "tree") for root in documents.roots]
        self._declared = {key.text: value for root in documents.roots for key, value in _pairs(root, "nodes")}
        self.scripts: dict[int, Found] = {}
        main = _text(documents.roots[0], "main") or next((name for name in self._names if name), "")
        for root, tree in zip(documents.roots, self._names, strict=True):
            self._used.setdefault(tree, set())
            for header in ("params", "inputs", "outputs"):
                for key, _ in _pairs(root, header):
                    self._write((tree, key.text), f"the header key {header}")
            body = root.get("root") if isinstance(root, Pairs) else None
            if body is not None:
                self._visit(body, tree)
        self._join_trees(main)
        self._values: dict[Entry, list[tuple[str, Node, bool]]] = {}
        for found in self.scripts.values():
            for node in (n for s in (found.script.statements if found.script else ()) for n in walk(s)):
                if isinstance(node, Assign):
                    entry, value = self.entry(found.tree, node.target), assigned(node)
                    first = node.sign == ":=" and not self._reads(value, entry, found.tree)
                    self._values.setdefault(entry, []).append((found.tree, value, first))
        self._kinds: dict[Entry, str] = {}
        self._settle()

    def _visit(self, item: Item, tree: str, type: str = "", port: str = "") -> None:
        if isinstance(item, Scalar):
            self._mention(item, tree, type, port)
        elif isinstance(item, Items):
            for each in item.items:
                self._visit(each, tree, type, port)
        else:
            for key, value in item:
                self._pair(key.text, value, tree, type)

    def _pair(self, key: str, value: Item, tree: str, type: str) -> None:
        if key in SCRIPTS:
            code = value.get("code") if isinstance(value, Pairs) else value
            if isinstance(code, Scalar):
                self._script(code, tree, key == "bt.ScriptCondition")
                return
        if key in CONDITION_KEYS:
            code = value.get("script") if isinstance(value, Pairs) else None
            if isinstance(code, Scalar):
                self._script(code, tree, True)
                return
        if key == "bt.SubTree" and isinstance(value, Pairs):
            self._maps.append((tree, _text(value, "ID"), value))
            for port, given in value:
                if isinstance(given, Scalar) and (found := _REFERENCE.match(given.text)) is not None:
                    self._used.setdefault("@" if found[1] else tree, set()).add(found[2])
                elif isinstance(given, Scalar) and given.text == "$=":
                    self._used.setdefault(tree, set()).add(port.text)
            return
        known = node_type(key) is not None or key in self._declared
        self._visit(value, tree, key if known else type, "" if known else key)

    def _script(self, item: Scalar, tree: str, condition: bool) -> None:
        try:
            script = Script(item.text)
        except ScriptError:
            script = None
        self.scripts[id(item)] = Found(item, tree, script, condition)
        for name in script.names() if script is not None else ():
            self._used.setdefault("@" if name.root else tree, set()).add(name.name)

    def _mention(self, item: Scalar, tree: str, type: str, port: str) -> None:
        if _BY_NAME.get(type) in (port, "" if type == "bt.UnsetBlackboard" else port) and not item.text.startswith("$"):
            self._write((tree, item.text), type)
            return
        found = _REFERENCE.match(item.text)
        if found is None or item.text == "$$":
            return
        entry = ("@" if found[1] else tree, found[2])
        self._used.setdefault(entry[0], set()).add(entry[1])
        if not self._only_reads(type, port):
            self._write(entry, f"{type or 'a node'}, whose port has a type or writes")

    def _only_reads(self, type: str, port: str) -> bool:
        """Tell whether a port reads an entry and does not give it a type."""
        kind = node_type(type)
        if kind is not None:
            declared = kind.ports.get(port) if port else kind.main
            return declared is not None and declared.direction == "in" and declared.type in ("any", "text")
        for key, value in _pairs(self._declared.get(type), "ports"):
            if key.text == port:
                return _text(value, "direction") == "in" and _text(value, "type") in ("", "any", "text")
        return False

    def _write(self, entry: Entry, who: str) -> None:
        self._foreign.setdefault(entry, who)
        self._used.setdefault(entry[0], set()).add(entry[1])

    def _join_trees(self, main: str) -> None:
        for name in self._used.get("@", ()):
            self._join(("@", name), (main, name))
        for _ in range(len(self._maps) + 1):  # names travel through subtrees of subtrees
            before = sum(map(len, self._used.values()))
            for tree, inner, given in self._maps:
                self._remap(tree, inner, given)
            if sum(map(len, self._used.values())) == before:
                break

    def _remap(self, tree: str, inner: str, given: Pairs) -> None:
        ports = {key.text: value for key, value in given if isinstance(value, Scalar)}
        for port, value in ports.items():
            if port in ("ID", "_autoremap"):
                continue
            found = _REFERENCE.fullmatch(value.text)
            outer = ("@" if found[1] else tree, found[2]) if found is not None else (tree, port)
            if found is None and value.text != "$=":
                self._write((inner, port), "a value of bt.SubTree")
                continue
            self._used.setdefault(inner, set()).add(port)
            self._used.setdefault(outer[0], set()).add(outer[1])
            self._join(outer, (inner, port))
            if inner not in self._names:
                self._write(outer, f"the tree {inner}, which is not in this file")
        if "_autoremap" in ports and ports["_autoremap"].text in ("true", "1"):
            for name in self._used.get(inner, set()) | self._used.get(tree, set()):
                if name not in ports and not name.startswith("_"):
                    self._used[tree].add(name)
                    self._used.setdefault(inner, set()).add(name)
                    self._join((tree, name), (inner, name))
                    if inner not in self._names:
                        self._write((tree, name), f"the tree {inner}, which is not in this file")

    def _join(self, a: Entry, b: Entry) -> None:
        self._same[self._root(a)] = self._root(b)

    def _root(self, entry: Entry) -> Entry:
        while (above := self._same.get(entry, entry)) != entry:
            entry = above
        return entry

    def entry(self, tree: str, name: Name) -> Entry:
        """Return the entry that a name of a script stands for, one for all its names."""
        return self._root(("@" if name.root else tree, name.name))

    def _settle(self) -> None:
        foreign = {self._root(entry) for entry in self._foreign}
        self._kinds = {entry: "?" for entry in self._values if entry not in foreign}
        for _ in range(len(self._kinds) + 2):
            before = dict(self._kinds)
            for entry, kind in before.items():
                self._kinds[entry] = self._kind_of(entry, kind)
            if self._kinds == before:
                break

    def _kind_of(self, entry: Entry, kind: str) -> str:
        values = self._values[entry]
        kinds = {self.kind(value, tree) for tree, value, first in values if first} - {"?"}
        if "bool" in kinds and kinds <= {"bool", "double"}:
            kinds = {"double"} if "double" in kinds else {"bool"}
        found = kinds.pop() if len(kinds) == 1 else "" if kinds else kind
        others = {self.kind(value, tree) for tree, value, first in values if not first}
        if found == "bool" and others - {"bool", "?"}:
            found = "double"
        return "" if "" in others or ("text" in others and found != "text") else found

    def _reads(self, node: Node, entry: Entry, tree: str) -> bool:
        """Tell whether a value surely reads the entry: then it is a fault where the entry does not exist yet."""
        if isinstance(node, Name):
            return self.entry(tree, node) == entry
        if isinstance(node, Prefix):
            return self._reads(node.operand, entry, tree)
        if isinstance(node, Choice):
            return self._reads(node.condition, entry, tree)
        if isinstance(node, Chain) and not node.compares:
            return any(self._reads(each, entry, tree) for each in (node.first, *(o for _, o, _ in node.rest)))
        return False

    def kind(self, node: Node, tree: str) -> str:
        """Return what a piece of script gives: ``int``, ``double``, ``bool`` (0.0 or 1.0), ``text``; empty: unknown."""
        if isinstance(node, Constant):
            if isinstance(node.value, str):
                return "text"
            return "int" if isinstance(node.value, int) else "bool" if node.word else "double"
        if isinstance(node, Name):
            return self._kinds.get(self.entry(tree, node), "")
        if isinstance(node, Prefix):
            return "bool" if node.sign == "!" else "double"
        if isinstance(node, Choice):
            kinds = {self.kind(node.then, tree), self.kind(node.other, tree)} - {"?"}
            return kinds.pop() if len(kinds) == 1 else ""
        if isinstance(node, Chain):
            if node.compares or node.rest[0][0] in ("&&", "||"):
                return "bool"
            first = self.kind(node.first, tree)
            return "text" if first == "text" else "?" if first == "?" else "double"
        return self._kinds.get(self.entry(tree, node.target), "")

    def unknown(self, tree: str, name: Name) -> str:
        """Say why nothing is known of an entry; empty when its kind is known."""
        entry = self.entry(tree, name)
        if self._kinds.get(entry, "") not in ("", "?"):
            return ""
        writers = {who for other, who in self._foreign.items() if self._root(other) == entry}
        if writers:
            return f"{name} is also bound to {min(writers)}, and a script keeps the type that an entry has"
        if entry not in self._kinds:
            return f"{name} is written nowhere in this file; it may be the name of a constant"
        return f"{name} is given values of different types"


def assigned(node: Assign) -> Node:
    """Return the value that a statement assigns, the old one included where it is ``+=`` or a relative."""
    if node.sign in (":=", "="):
        return node.value
    return Chain(node.target, ((node.sign[0], node.value, node.column),))


def _pairs(item: Item | None, key: str) -> Iterator[tuple[Scalar, Item]]:
    value = item.get(key) if isinstance(item, Pairs) else None
    return iter(value) if isinstance(value, Pairs) else iter(())


def _text(item: Item | None, key: str) -> str:
    value = item.get(key) if isinstance(item, Pairs) else None
    return value.text if isinstance(value, Scalar) else ""
