"""``convert --modern``: scripts of BehaviorTree.CPP become ``set``, ``check`` and expressions where both mean the same.

What cannot be shown to mean the same stays a script, with a note why. Whole numbers are taken to stay below 2**53, and
numbers not to be NaN. Other nodes stay as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..._base import Place
from ...behaviors.ports import CONDITION_KEYS
from ..formulas.script_syntax import Assign, Name
from ..formulas.scripts import walk
from ..reading.document import Documents, Item, Items, Pairs, Scalar
from ..recursion import deep_recursion
from .modern_entries import SCRIPTS, Entries, Found, assigned
from .modern_writer import ExpressionWriter, Unlike


@dataclass(frozen=True)
class Note:
    """A script that stays: where it stands, its text, and why."""

    place: Place
    script: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: the script {self.script!r} stays: {self.why}"


def modernise(documents: Documents) -> tuple[Documents, list[Note]]:
    """Return documents without the scripts that can be said in expressions, and a note for each that stays.

    Comments that the documents carry stay at what they belong to.
    """
    with deep_recursion():
        rewriter = _Rewriter(documents)
        roots = tuple(rewriter.document(root) for root in documents.roots)
    return replace(documents, roots=roots, comments=rewriter.comments, anchors=rewriter.anchors), rewriter.notes


class _Rewriter:
    def __init__(self, documents: Documents) -> None:
        self.source = documents.source
        self.entries = Entries(documents)
        self.notes: list[Note] = []
        self.comments = copy.deepcopy(documents.comments)
        self.anchors = dict(documents.anchors)

    def document(self, root: Item) -> Item:
        if not isinstance(root, Pairs):
            return root
        pairs = tuple((key, self.item(value) if key.text == "root" else value) for key, value in root)
        return self.instead(root, replace(root, pairs=pairs))

    def item(self, item: Item) -> Item:
        if isinstance(item, Items):
            return self.instead(item, replace(item, items=tuple(self.item(each) for each in item.items)))
        if isinstance(item, Pairs):
            return self.instead(item, replace(item, pairs=tuple(self.pair(*pair) for pair in item)))
        return item

    def pair(self, key: Scalar, value: Item) -> tuple[Scalar, Item]:
        code = value.get("code" if key.text in SCRIPTS else "script") if isinstance(value, Pairs) else value
        found = self.entries.scripts.get(id(code)) if isinstance(code, Scalar) else None
        if found is None:
            return key, self.item(value)
        try:
            return self.rewritten(key, value, found)
        except Unlike as unlike:
            self.notes.append(Note(self.source.place(found.item), found.item.text, str(unlike)))
            return key, value

    def rewritten(self, key: Scalar, value: Item, found: Found) -> tuple[Scalar, Item]:
        if found.script is None:
            raise Unlike("it is not a script that can be read")
        writer = ExpressionWriter(self.entries, found.tree)
        if isinstance(value, Pairs) and len(value.pairs) > 1:
            raise Unlike("the node has more than its script")
        if key.text == "bt.Script":
            sets = [self.set_node(found.item, *each) for each in _assigned(writer, found)]
            if len(sets) == 1:
                return self.renamed(key, "set"), self.instead(value, sets[0][1])
            nodes = tuple(_pairs(found.item, [pair]) for pair in sets)
            return self.renamed(key, "sequence"), self.instead(value, Items(nodes, value.line, value.column))
        if len(found.script.statements) > 1 or found.script.writes:
            raise Unlike("a condition that assigns is no expression")
        text = _quoted(found.item, writer.condition(found.script.statements[0]))
        if key.text in CONDITION_KEYS:
            return key, self.instead(value, text)
        return self.renamed(key, "check"), self.instead(value, text)

    def set_node(self, at: Scalar, name: str, expression: str) -> tuple[Scalar, Item]:
        ports = [(_word(at, "name"), _word(at, f"${name}")), (_word(at, "to"), _quoted(at, expression))]
        return _word(at, "set"), replace(_pairs(at, ports), flow=True)

    def renamed(self, key: Scalar, text: str) -> Scalar:
        new = key._replace(text=text, style="plain")
        self.instead(key, new)
        return new

    def instead(self, old: Item, new: Item) -> Item:
        """Hang the comments and the anchor of an item on the one that takes its place."""
        comments = self.comments
        if comments is not None:
            for texts in (comments.above, comments.below):
                if id(old) in texts:
                    texts[id(new)] = texts.pop(id(old))
            if id(old) in comments.beside:
                comments.beside[id(new)] = comments.beside.pop(id(old))
            for marks in (comments.spaced, comments.apart):
                if id(old) in marks:
                    marks.add(id(new))
        if id(old) in self.anchors:
            self.anchors[id(new)] = self.anchors.pop(id(old))
        return new


def _assigned(writer: ExpressionWriter, found: Found) -> list[tuple[str, str]]:
    """Return the entries that a script assigns, and the expressions of their values, in order."""
    assert found.script is not None
    made: list[tuple[str, str]] = []
    written: set[str] = set()
    for statement in found.script.statements:
        if not isinstance(statement, Assign):
            raise Unlike("a statement of it assigns nothing")
        target = statement.target
        if statement.sign == "=" and str(target) not in written:
            raise Unlike(f"= is a fault where {target} does not exist, set makes it")
        for name in (*(n for n in walk(statement.value) if isinstance(n, Name)), target):
            why = writer.entries.unknown(found.tree, name)
            if why:
                raise Unlike(why)
        kind = writer.entries.kind(target, found.tree)
        made.append((str(target), writer.value(assigned(statement), kind)))
        written.add(str(target))
    return made


def _word(at: Scalar, text: str) -> Scalar:
    return Scalar(text, "plain", at.line, at.column, at.line, at.column + len(text))


def _quoted(at: Scalar, text: str) -> Scalar:
    return Scalar(text, "quoted", at.line, at.column, at.line, at.column + len(text) + 2)


def _pairs(at: Scalar, pairs: Sequence[tuple[Scalar, Item]]) -> Pairs:
    return Pairs(tuple(pairs), at.line, at.column)
