"""Read BehaviorTree.CPP's XML to documents of the tree language, with the places and comments of the XML.

One document for each child of ``<root>``, in order; docs/xml.md has the rules. What the files use and nobody declares
is declared in a last document, marked ``inferred: true``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..problems import Problem, TreeError
from ..reading.document import Documents, Item, Pairs
from ..reading.reader import gc_paused
from ..recursion import deep_recursion
from .elements import Comment, Element, XmlFile, parse_file, parse_text
from .items import CommentKeeper, Entry, blocks_of, items, pairs, texts, word
from .models import ModelReader, text_problem
from .names import KEEP, ROOT_KEYS
from .native import NativeMaker
from .nodes import NodeMaker
from .usage import Usage, is_native

_PLACES: Final = ("knothole", "include", "nodes", "tree", "root")
"""Header keys whose comments stand at elements of their own."""
MAX_TOLD: Final = 1000
"""Mistakes of a refused file that are told; nobody reads more, and a hostile file has any number."""
NATIVE: Final = "knothole"
"""Attribute of ``<root>`` of files that hold trees of our own language."""


def read_xml(text: str, file: str = "<text>", models: Sequence[Path] = (), keep: bool = False) -> Documents:
    """Read XML text; ``file`` is the name in messages and the place that ``<include>`` starts from.

    Args:
        text: The text.
        file: Name in messages.
        models: Files whose ``TreeNodesModel`` declares nodes that the text uses.
        keep: Keep nodes that have too many children as they stand, for a conversion; otherwise they are made such that
            the rest of the tree can be checked.

    Raises:
        TreeError: The text is no XML, or holds what the tree language has no place for.
    """
    return _Reader(parse_text(text, file), models, keep).read()


def read_xml_file(path: str | Path, models: Sequence[Path] = (), keep: bool = False) -> Documents:
    """Read an XML file; see ``read_xml``.

    Raises:
        TreeError: The file cannot be read, or as ``read_xml``.
    """
    return _Reader(parse_file(path), models, keep).read()


class _Reader:
    def __init__(self, file: XmlFile, models: Sequence[Path], keep: bool) -> None:
        self.file, self.source, self.keep = file, file.source, keep
        self.root = file.root
        self.keeper = CommentKeeper()
        self.problems: list[Problem] = list(file.problems)
        self.lost: list[Problem] = []
        self.documents: list[Pairs] = []
        self.native = self.root.get(NATIVE) is not None
        self.models = ModelReader(self.source, self.problems, self.lost, self.keeper, self.native)
        self.usage = Usage(file, models)
        parts = self.source, self.problems, self.lost, self.keeper, self.usage, keep
        self.nodes, self.own = NodeMaker(*parts), NativeMaker(*parts)

    def read(self) -> Documents:
        self._check_root()
        with deep_recursion(), gc_paused():
            self._children()
        if self.lost:
            raise TreeError([*self.lost, *self.problems][:MAX_TOLD])
        return Documents(self.source, tuple(self.documents), self.problems, comments=self.keeper.comments)

    def _children(self) -> None:
        waiting: list[Comment] = []
        includes: list[Item] = []
        model: tuple[Element, list[Entry]] | None = None
        models = 0
        for each in self.root.inside:
            if isinstance(each, Comment):
                waiting.append(each)
                continue
            blocks, waiting = blocks_of(waiting), []
            tag = each.tag.text
            if model is not None and not _with_nodes(each):
                self._add(model[0], model[1])
                model = None
            if tag == "include":
                includes.append(self._include(each, blocks))
            elif tag == "BehaviorTree":
                held = model[1] if model is not None else []
                self._tree(each, blocks, includes, held)
                includes, model = [], None
            elif tag == "TreeNodesModel":
                models += 1
                if models == 2:
                    self._second_model(each)
                entries = self._model(each, blocks, includes)
                includes = []
                model = (each, entries) if entries is not None else None
            else:
                self._other(each, blocks, includes)
                includes = []
        if model is not None:
            self._add(model[0], model[1])
        if includes or not self.documents:
            self._add(self.root, self._header(self.root, includes))
        self._ends(waiting)

    # the root ------------------------------------------------------------------------------------------------------
    def _check_root(self) -> None:
        tag = self.root.tag
        if tag.text != "root":
            raise TreeError(
                [
                    self.source.problem(
                        tag,
                        "K044",
                        f"the outermost element is <{tag.text}>, not <root>",
                        why='a file of BehaviorTree.CPP version 4 holds one <root BTCPP_format="4">',
                        fix="convert files of trees; models and trees stand inside <root>",
                        width=len(tag.text),
                    )
                ]
            )
        if self.root.text:
            self.lost.append(text_problem(self.source, self.root))
        format = self.root.get("BTCPP_format")
        if format is None:
            if not self.native:
                self.problems.append(
                    self.source.problem(
                        tag,
                        "K045",
                        "<root> does not say for which version it is written",
                        why="files of version 3 look alike and mean other things",
                        fix='write <root BTCPP_format="4"> if it is for version 4',
                        width=4,
                        severity="warning",
                    )
                )
        elif format.text.strip() != "4":
            self.lost.append(
                self.source.problem(
                    format,
                    "K045",
                    f"BTCPP_format is {format.text!r}, only version 4 is read here",
                    why="in version 3 some nodes have other names and meanings, and <SubTreePlus> remaps by itself",
                    fix='bring the tree to version 4 and write BTCPP_format="4"',
                )
            )

    def _header(self, at: Element, includes: list[Item]) -> list[Entry]:
        """Return the keys that a document begins with."""
        version = self.root.get(NATIVE)
        shown = word(version.text, version) if version is not None else word("1", at)
        entries: list[Entry] = [(word("knothole", at), shown)]
        if not self.documents:
            self.keeper.above(entries[0][0], blocks_of(self.file.before))
            entries.extend(self._root_entries())
        if includes:
            entries.append((word("include", at), items(includes, at)))
        return entries

    def _root_entries(self) -> list[Entry]:
        at = self.root
        main = at.get("main_tree_to_execute")
        inside: list[Entry] = []
        if not self.native:
            inside.append((word("form", at), word(self.usage.form, at)))
        for each in at.attributes:
            name = each.name.text
            if (name == "main_tree_to_execute" and each.value.text) or (
                self.native and name in (NATIVE, "BTCPP_format")
            ):
                continue
            kept = name in ROOT_KEYS or name.startswith(KEEP)
            shown = KEEP + name if kept and not (self.native and name == "form") else name
            inside.append((word(shown, each.name), word(each.value.text, each.value)))
        if self.file.instructions:
            inside.append((word("instructions", at), items((word(i.text, i) for i in self.file.instructions), at)))
        entries: list[Entry] = [(word("xml", at), pairs(inside, at))] if inside else []
        if main is not None and main.text:
            entries.append((word("main", main), word(main.text, main)))
        return entries

    def _add(self, at: Element, entries: list[Entry]) -> Pairs:
        document = pairs(entries, at)
        self.documents.append(document)
        return document

    # children of the root ------------------------------------------------------------------------------------------
    def _include(self, element: Element, blocks: list[str]) -> Item:
        path = element.get("path")
        if path is None:
            self.problems.append(
                self.source.problem(
                    element.tag,
                    "K054",
                    "<include> has no path",
                    fix='write <include path="FILE.xml"/>',
                    width=len(element.tag.text),
                )
            )
        if element.text:
            self.lost.append(text_problem(self.source, element))
        item: Item
        if path is not None and len(element.attributes) == 1 and not element.inside:
            item = word(path.text, path)
        else:
            item = texts(((each.name.text, each) for each in element.attributes), element)
            for inner in element.inside:
                if isinstance(inner, Comment):
                    self.keeper.below(item, [inner.text])
                else:
                    self.lost.append(self._unknown(inner, "<include>"))
        self.keeper.above(item, blocks)
        return item

    def _unknown(self, element: Element, where: str) -> Problem:
        return self.source.problem(
            element.tag,
            "K046",
            f"<{element.tag.text}> does not belong in {where}",
            fix="delete it, or correct its name",
            width=len(element.tag.text),
        )

    def _model(self, element: Element, blocks: list[str], includes: list[Item]) -> list[Entry] | None:
        made = self.models.read(element)
        if made is None:
            if not self.documents and not includes:
                return None
            if not includes:
                self.keeper.below(self.documents[-1], blocks)
                return None
        entries = self._header(element, includes)
        first = bool(self.documents)
        for key, value in made or ():
            held = next((n for n, each in enumerate(entries) if each[0].text == key.text), None)
            if held is None:
                entries.append((key, value))
            else:  # the key ``xml`` of the first document, of what <root> and the model have besides
                old = entries[held][1]
                both = [*old.pairs, *value.pairs] if isinstance(old, Pairs) and isinstance(value, Pairs) else []
                entries[held] = (entries[held][0], pairs(both, element))
        self.keeper.above(entries[0][0] if first and not includes else entries[-1][0], blocks)
        return entries

    def _second_model(self, element: Element) -> None:
        self.lost.append(
            self.source.problem(
                element.tag,
                "K046",
                "this is a second <TreeNodesModel>",
                why="BehaviorTree.CPP loads no file with two",
                fix="put what it declares into the first",
                width=len(element.tag.text),
            )
        )

    def _other(self, element: Element, blocks: list[str], includes: list[Item]) -> None:
        problem = self._unknown(element, "<root>")
        self.problems.append(
            Problem(
                problem.place,
                "K046",
                problem.message,
                "BehaviorTree.CPP passes over it",
                (),
                problem.fix,
                problem.snippet,
                problem.width,
                "warning",
            )
        )
        entries = self._header(element, includes)
        kept = self.models.generic(element)
        inside = next((value for key, value in entries if key.text == "xml"), None)
        others = inside.pairs if isinstance(inside, Pairs) else ()
        key = word("element", element)
        entries = [each for each in entries if each[0].text != "xml"]
        entries.append((word("xml", element), pairs([*others, (key, kept)], element)))
        self.keeper.above(key, blocks)
        self._add(element, entries)

    def _tree(self, element: Element, blocks: list[str], includes: list[Item], held: list[Entry]) -> None:
        entries = held or self._header(element, includes)
        first = not self.documents
        if element.text:
            self.lost.append(text_problem(self.source, element))
        attributes = [each for each in element.attributes if not (held and each.name.text == "_with_nodes")]
        if is_native(self.root, element):
            tree = self.own.tree(element, attributes)
        else:
            if self.native:
                attributes = [each for each in attributes if each.name.text != "_dialect"]
            tree = self.nodes.tree(element, attributes)
        blocks = self.keeper.at_keys(blocks, [key for key, _ in (*entries, *tree) if key.text not in _PLACES])
        top = tree[0][0] if first or held or includes else entries[0][0]
        entries.extend(tree)
        self.keeper.above(top, blocks)
        self._add(element, entries)

    def _ends(self, waiting: list[Comment]) -> None:
        """Hang what stands behind the last tree, and declare what nobody has declared."""
        at = self.root
        inferred = self.usage.inferred(self.keep)
        if not inferred and not self.file.after:
            self.keeper.comments.last.extend(blocks_of(waiting))
            return
        self.keeper.below(self.documents[-1], blocks_of(waiting))
        self.keeper.comments.last.extend(blocks_of(self.file.after))
        key = (word("nodes", at), pairs(inferred, at)) if inferred else (word("xml", at), pairs((), at))
        self.documents.append(pairs([(word("knothole", at), word("1", at)), key], at))


def _with_nodes(element: Element) -> bool:
    """Tell whether a tree belongs into the document of the model before it."""
    return element.tag.text == "BehaviorTree" and element.get("_with_nodes") is not None
