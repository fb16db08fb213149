"""Write documents of the tree language as BehaviorTree.CPP's XML, comments included; the inverse of ``reader.py``.

What XML has no place for is an error that says so; nothing is left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..._base import near_misses
from ..language.tree_header import HEADER
from ..reading.document import Comments, Documents, Item, Items, Pairs, Scalar
from ..reading.reader import gc_paused
from ..recursion import deep_recursion
from .items import is_inner_comment
from .layout import Note, Tag, lay_out
from .model_writer import Declared, ModelWriter
from .names import KEEP, ROOT_KEYS
from .native_writer import NativeWriter
from .node_writer import NodeWriter
from .refusals import Refusals
from .remarks import Remarks, notes

_PLACES: Final = ("knothole", "include", "nodes", "tree", "root")
"""Header keys whose comments stand at elements of their own."""
_WRITTEN: Final = ("knothole", "tree", "about", "meta", "dialect", "main", "xml", "include", "nodes", "root")


def write_xml(documents: Documents, comments: Comments) -> str:
    """Return the XML text of the documents of a file.

    Args:
        documents: As read from YAML or XML.
        comments: The comments on their items.

    Raises:
        TreeError: Something in the documents cannot be said in XML; all such places are in the error.
    """
    with deep_recursion(), gc_paused():
        return _Writer(documents, comments).run()


class _Writer:
    def __init__(self, documents: Documents, comments: Comments) -> None:
        self.roots = documents.roots
        self.refused = Refusals(documents.source)
        self.remarks = Remarks(comments)
        self.root = Tag("root")
        self.before: list[Note] = []
        first = self.roots[0] if self.roots else None
        xml = first.get("xml") if isinstance(first, Pairs) else None
        self.xml = xml if isinstance(xml, Pairs) else None
        form = self.xml.get("form") if self.xml is not None else None
        self.declared = Declared(self.roots)
        self.models = ModelWriter(self.refused, self.remarks)
        self.own = NativeWriter(self.refused, self.remarks)
        self.native = any(isinstance(root, Pairs) and _is_own(root) for root in self.roots)
        compact = not (isinstance(form, Scalar) and form.text == "verbose")
        self.nodes = NodeWriter(self.refused, self.remarks, self.declared, compact)

    def run(self) -> str:
        instructions = self._root_attributes()
        tail = self.roots[-1] if len(self.roots) > 1 and self._is_tail(self.roots[-1]) else None
        for number, root in enumerate(self.roots):
            if root is not tail:
                self._document(number, root)
        after: list[Note] = []
        if tail is not None:
            self.root.inside.extend(notes(self.remarks.within(tail)))
            after = notes(self.remarks.comments.last)
        else:
            self.root.inside.extend(notes(self.remarks.comments.last))
        models = list(self.own.models())
        if models:
            self._describe(models)
        self.refused.stop()
        return lay_out(self.root, self.before, after, instructions)

    # the root ------------------------------------------------------------------------------------------------------
    def _root_attributes(self) -> list[str]:
        instructions: list[str] = []
        root = self.root
        first = self.roots[0]
        if self.native:
            version = first.get("knothole") if isinstance(first, Pairs) else None
            root.attributes.append(("knothole", self.refused.text(version) if version is not None else "1"))
        elif self.xml is None:
            root.attributes.append(("BTCPP_format", "4"))
        for key, value in self.xml or ():
            if key.text == "instructions":
                instructions = self._instructions(value)
            elif is_inner_comment(key.text, ""):
                continue  # the model writer takes it
            elif key.text not in ROOT_KEYS or (self.native and key.text == "form"):
                self.refused.attribute(root, key, key.text.removeprefix(KEEP), self.refused.text(value))
        main = first.get("main") if isinstance(first, Pairs) else None
        if main is not None:
            root.attributes.append(("main_tree_to_execute", self.refused.text(main)))
        return instructions

    def _instructions(self, item: Item) -> list[str]:
        listed = item.items if isinstance(item, Items) else (item,)
        found = [(each, self.refused.text(each)) for each in listed]
        for each, text in found:
            if "?>" in text:
                self.refused(each, "K061", "'?>' ends a processing instruction", "take it out")
        return [text for _, text in found]

    def _is_tail(self, root: Item) -> bool:
        """Tell whether a document is only there for what XML has no element for: what was inferred, and an end."""
        if not isinstance(root, Pairs):
            return False
        keys = {key.text: value for key, value in root}
        xml, nodes = keys.get("xml"), keys.get("nodes")
        if keys.keys() == {"knothole", "xml"}:
            return isinstance(xml, Pairs) and not xml.pairs
        return keys.keys() == {"knothole", "nodes"} and isinstance(nodes, Pairs) and _all_inferred(nodes)

    def _describe(self, models: list[Tag]) -> None:
        """Add the models of our own nodes, which other programs show, to the models of the file."""
        home = _model_of(self.root)
        if home is None:
            home = Tag("TreeNodesModel")
            last = next(n for n, each in reversed(list(enumerate(self.root.inside))) if isinstance(each, Tag))
            self.root.inside.insert(last + 1, home)
        home.inside.extend(models)

    # documents -----------------------------------------------------------------------------------------------------
    def _document(self, number: int, root: Item) -> None:
        if not isinstance(root, Pairs):
            self.refused(root, "K064", "this document is no mapping", "begin it with `knothole: 1`")
            return
        keys = {key.text: (key, value) for key, value in root}
        if "knothole" not in keys:
            key = root.pairs[0][0] if root.pairs else root
            self.refused(key, "K064", "this is no document of a tree file", "begin it with `knothole: 1` if it is one")
            return
        top = self._top(number, root, keys)
        at_keys = list(self._at_keys(root))
        inside = self.root.inside
        if "include" in keys:
            inside.extend(notes(top))
            inside.extend(self._includes(*keys["include"]))
            top = []
        nodes = keys.get("nodes")
        written = nodes is not None and not (isinstance(nodes[1], Pairs) and _all_inferred(nodes[1]))
        has_tree = "tree" in keys or "root" in keys
        joined = False
        if nodes is not None and not written:
            at_keys += self.remarks.at_key(*nodes)
        if nodes is not None and written:
            blocks = notes([*top, *self.remarks.above(nodes[0]), *([] if has_tree else at_keys)])
            xml = keys["xml"][1] if "xml" in keys else None
            made = self.models.write(nodes[0], nodes[1], xml if isinstance(xml, Pairs) else None)
            joined = self._join([*blocks, *made])
            top = []
        elif "xml" in keys and isinstance(keys["xml"][1], Pairs) and keys["xml"][1].get("element") is not None:
            inside.extend(self._element(keys["xml"][1], top))
            top = []
        if has_tree:
            above = self.remarks.above(keys["tree"][0]) if "tree" in keys else []
            inside.extend(notes([*top, *above, *at_keys]))
            own = _is_own(root)
            tree = self.own.tree(root) if own else self.nodes.tree(root)
            if self.native and not own:
                tree.attributes.append(("_dialect", "bt"))
            if nodes is not None and written and not joined:
                tree.attributes.append(("_with_nodes", "true"))
            inside.append(tree)
            top = at_keys = []
        if not written or has_tree:
            inside.extend(notes([*top, *at_keys]))
        inside.extend(notes(self.remarks.below(root)))

    def _join(self, made: list[Tag | Note]) -> bool:
        """Add a model to the one of the file, since BehaviorTree.CPP takes one; tell whether there was one."""
        home = _model_of(self.root)
        if home is None:
            self.root.inside.extend(made)
            return False
        for each in made:
            if isinstance(each, Tag):
                home.attributes.extend(new for new in each.attributes if new[0] not in dict(home.attributes))
                home.inside.extend(each.inside)
            else:
                home.inside.append(each)
        return True

    def _top(self, number: int, root: Pairs, keys: dict[str, tuple[Scalar, Item]]) -> list[str]:
        """Return the comments that the document begins with; those of the first stand before <root>."""
        head = keys.get("knothole")
        blocks = self.remarks.above(root.pairs[0][0], *(head or ()))
        if head is not None:
            blocks += self.remarks.beside(*head)
        if number:
            return blocks
        self.before.extend(notes([*self.remarks.comments.first, *blocks]))
        return []

    def _at_keys(self, root: Pairs) -> Iterator[str]:
        for key, value in root:
            if key.text == "xml" and isinstance(value, Pairs):
                yield from self._at_xml(key, value)
            elif key.text not in _PLACES:
                yield from self.remarks.at_key(key, value)
            near = near_misses(key.text, HEADER) if key.text not in HEADER else ()
            if near:
                self.refused(key, "K060", f"unknown key {key.text!r}", f"write {near[0]!r}, or take it out")
            elif key.text not in _WRITTEN and not _is_own(root):
                self.refused(
                    key,
                    "K060",
                    f"a tree of BehaviorTree.CPP has no {key.text!r}",
                    "take it out; or take out `dialect: bt`, and the XML keeps all but is for knothole alone",
                )

    def _at_xml(self, key: Scalar, xml: Pairs) -> Iterator[str]:
        """Yield the comments at the key ``xml``, without those of elements in it, which are written with these."""
        kept = [(name, value) for name, value in xml if name.text not in ("element", "elements")]
        inner = [text for name, value in kept for text in self.remarks.at_key(name, value)]
        beside = self.remarks.beside(key)
        for text in (*self.remarks.above(key), *beside[1:], *inner, *self.remarks.below(xml)):
            yield f"xml:\n{text}"
        yield from (f"xml: {text}" for text in beside[:1])

    def _includes(self, key: Scalar, item: Item) -> Iterator[Tag | Note]:
        yield from notes([*self.remarks.above(key), *self.remarks.beside(key)])
        for each in item.items if isinstance(item, Items) else (item,):
            yield from notes(self.remarks.above(each))
            tag = Tag("include")
            if isinstance(each, Pairs):
                for name, value in each:
                    self.refused.attribute(tag, name, name.text, self.refused.text(value))
                tag.inside.extend(notes(self.remarks.below(each)))
            else:
                tag.attributes.append(("path", self.refused.text(each)))
            yield tag
            yield from notes(self.remarks.within(each))

    def _element(self, xml: Pairs, top: list[str]) -> list[Tag | Note]:
        made: list[Tag | Note] = []
        for key, value in xml:
            if key.text == "element":
                made.extend(notes([*top, *self.remarks.above(key)]))
                self.models.generic(made, value)
        return made


def _model_of(root: Tag) -> Tag | None:
    return next((each for each in root.inside if isinstance(each, Tag) and each.name == "TreeNodesModel"), None)


def _is_own(root: Pairs) -> bool:
    """Tell whether a document holds a tree of our own language."""
    dialect = root.get("dialect")
    has_tree = root.get("tree") is not None or root.get("root") is not None
    return has_tree and not (isinstance(dialect, Scalar) and dialect.text == "bt")


def _all_inferred(nodes: Pairs) -> bool:
    """Tell whether nodes are only declared because they are used."""
    declared = [value for _, value in nodes]
    return bool(declared) and all(isinstance(each, Pairs) and _is_true(each.get("inferred")) for each in declared)


def _is_true(item: Item | None) -> bool:
    return isinstance(item, Scalar) and item.text == "true"
