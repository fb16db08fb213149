"""The header of a document: its keys and their shapes, apart from what single features make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ..._base import near_misses, slips
from ..problems import Problem
from ..reading.document import Item, Items, Pairs, Scalar, Source
from .constants import kind_of

HEADER: Final = (
    "knothole",
    "tree",
    "about",
    "meta",
    "dialect",
    "main",
    "xml",
    "include",
    "nodes",
    "constants",
    "params",
    "inputs",
    "outputs",
    "skill",
    "root",
)
_WITHOUT_TREE: Final = ("main", "xml", "include", "nodes")
"""Keys that make sense in a document without a tree."""
_OF_A_TREE: Final = ("tree", "root", "inputs", "outputs", "params", "skill")
FORMS: Final = ("verbose", "compact")
XML_PARTS: Final = ("attributes", "element", "elements", "instructions")
"""Keys of ``xml`` that hold parts of an XML file which mean nothing here; see docs/xml.md."""
Keys = Mapping[str, tuple[Scalar, Item]]
"""Header key → key and value as written."""


def is_headed(root: Item) -> bool:
    """Tell whether a document has the header of this language at all."""
    return isinstance(root, Pairs) and any(key.text in ("knothole", "tree", "root") for key, _ in root)


def has_tree(root: Item) -> bool:
    """Tell whether a document is meant to be a tree, not only declarations for others."""
    if not isinstance(root, Pairs):
        return True
    names = {key.text for key, _ in root}
    return bool(names.intersection(_OF_A_TREE)) or not names.intersection(_WITHOUT_TREE)


def main_of(root: Item) -> Scalar | None:
    """Return the value of the key ``main`` of the first document."""
    value = root.get("main") if isinstance(root, Pairs) else None
    return value if isinstance(value, Scalar) and value.text else None


class HeaderReader:
    """Checks the headers of the documents of one file."""

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        self.source, self.problems = source, problems

    def read(self, root: Item, first: bool = True) -> Keys | None:
        """Return the header keys of a document, None for what is no document of this language at all."""
        if not isinstance(root, Pairs) or not is_headed(root):
            self._report(root, "K113", _no_header(root), fix="write `knothole: 1`, `tree: NAME` and `root:`")
            return None
        keys = {key.text: (key, value) for key, value in root}
        for key, value in root:
            if key.text not in HEADER:
                near = near_misses(key.text, HEADER)
                self._report(
                    key,
                    "K103",
                    f"unknown key {key.text!r} of a tree",
                    guess=near,
                    fix=f"a tree has the keys {', '.join(HEADER)}",
                )
                if near and slips(key.text, near[0]) <= 2:  # read as what was meant, so that a slip is told once
                    keys.setdefault(near[0], (key, value))
        self._version(root, keys)
        self._dialect(keys)
        self._texts(keys, "meta")
        self._xml(keys)
        self._main(keys, first)
        return keys

    def _version(self, root: Pairs, keys: Keys) -> None:
        if "knothole" not in keys:
            self._report(root, "K113", "this tree does not say which language it is in", fix="begin with `knothole: 1`")
            return
        value = keys["knothole"][1]
        if not isinstance(value, Scalar) or value.text != "1":
            written = value.text if isinstance(value, Scalar) else "no number"
            self._report(
                value,
                "K113",
                f"language version {written} is not known here",
                why="this version of knothole reads version 1",
                fix="write `knothole: 1`",
            )

    def _dialect(self, keys: Keys) -> None:
        if "dialect" not in keys:
            return
        value = keys["dialect"][1]
        if not isinstance(value, Scalar) or value.text != "bt":
            self._report(
                value,
                "K134",
                f"key 'dialect' takes bt, not {kind_of(value)}",
                why="it marks a tree that came from BehaviorTree.CPP",
                fix="write `dialect: bt`, or delete the key",
            )

    def _xml(self, keys: Keys) -> None:
        texts = self._texts(keys, "xml", besides=XML_PARTS)
        form = texts.get("form")
        if form is not None and form.text not in FORMS:
            self._report(
                form,
                "K134",
                f"'form' of 'xml' takes verbose or compact, not {form.text!r}",
                guess=near_misses(form.text, FORMS),
                fix="write `form: verbose` or `form: compact`",
            )

    def _texts(self, keys: Keys, name: str, besides: Sequence[str] = ()) -> dict[str, Scalar]:
        """Check a key that takes a mapping of texts, but for what stands under the keys ``besides``."""
        if name not in keys:
            return {}
        item = keys[name][1]
        if not isinstance(item, Pairs):
            self._report(item, "K134", f"key {name!r} takes a mapping, not {kind_of(item)}", fix="write {NAME: TEXT}")
            return {}
        for key, value in item:
            if not isinstance(value, Scalar) and key.text not in besides:
                message = f"{key.text!r} of {name!r} takes text, not {kind_of(value)}"
                self._report(value, "K134", message, fix="write it in quotes")
        return {key.text: value for key, value in item if isinstance(value, Scalar)}

    def _main(self, keys: Keys, first: bool) -> None:
        if "main" not in keys:
            return
        key, value = keys["main"]
        if not first:
            fix = "move it to the header of the first document"
            self._report(key, "K135", "'main' stands only in the first document of a file", fix=fix)
        elif not isinstance(value, Scalar) or not value.text:
            fix = "write `main: NAME` with a tree of this file"
            self._report(value, "K135", f"key 'main' takes the name of a tree, not {kind_of(value)}", fix=fix)

    def _report(
        self, item: Item, code: str, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        self.problems.append(self.source.problem(item, code, message, why=why, guess=guess, fix=fix))


def _no_header(root: Item) -> str:
    if isinstance(root, Items):
        return "a tree begins with `knothole: 1`, this is a list"
    if isinstance(root, Pairs):
        return "a tree begins with `knothole: 1`, this is another kind of file"
    return "this document is empty" if root.is_null else "a tree begins with `knothole: 1`, this is text"
