"""Find trees and check them with all that they use: in the same file, its folder, the configured paths, the library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from .._base import near_misses
from .checking.dataflow import Checked
from .checking.ignores import apply_ignores
from .checking.rules import check_trees
from .files import Files, TreeFile
from .finding import find, library, read_documents
from .language.grammar import TreeReader
from .language.node_names import NodeNames
from .language.tree_header import HeaderReader, has_tree
from .problems import Problem, TreeError, in_order
from .reading.document import Documents, Scalar, Source
from .reading.reader import gc_paused, read_text
from .recursion import deep_recursion
from .spec import TreeSpec

__all__ = ["Loader", "check", "check_and_load", "check_text", "find", "library", "load", "load_text"]

MAX_USES: Final = 64
UNMADE: Final = ("K140", "K141")
"""What a ``$(…)`` that stands for nothing is reported under; nothing more is said of its place."""
MAX_NODES: Final = 100_000
"""Nodes of a tree and all that it uses, each use counted as the copy it is."""


def load(path_or_name: str | Path, search: Sequence[str | Path] = ()) -> TreeSpec:
    """Return the tree of a file that is run, checked, with every tree that it uses: the main one, else the first.

    Args:
        path_or_name: A file, YAML or XML of BehaviorTree.CPP, or the name of a tree: ``NAME.yaml`` is looked for in the
            working folder, in ``search`` and in the library, else a file there that declares the tree.
        search: Folders with trees, before the library.

    Raises:
        TreeError: There is no such file, or it has mistakes; all of them are in the error.
    """
    loader = Loader(search)
    return loader.main(loader.file(find(path_or_name, search)), str(path_or_name))


def load_text(text: str, file: str = "<text>", search: Sequence[str | Path] = ()) -> TreeSpec:
    """Return the tree of a text that is run, checked. Trees that it uses are found from the working folder.

    Raises:
        TreeError: The text has mistakes.
    """
    loader = Loader(search)
    return loader.main(loader.text(text, file))


def check(path_or_name: str | Path, search: Sequence[str | Path] = ()) -> list[Problem]:
    """Return all problems of a file and of the trees it uses, warnings included, sorted by place."""
    loader = Loader(search)
    try:
        loader.file(find(path_or_name, search))
    except TreeError as error:
        return list(error.problems)
    return loader.sorted_problems()


def check_and_load(
    path_or_name: str | Path, search: Sequence[str | Path] = ()
) -> tuple[list[Problem], TreeSpec | None]:
    """Return what ``check`` returns, and the tree that is run; None where there is none or it has errors."""
    loader = Loader(search)
    try:
        trees = loader.file(find(path_or_name, search))
    except TreeError as error:
        return list(error.problems), None
    try:
        return loader.sorted_problems(), loader.main(trees, str(path_or_name))
    except TreeError:
        return loader.sorted_problems(), None


def check_text(text: str, file: str = "<text>", search: Sequence[str | Path] = ()) -> list[Problem]:
    """Return all problems of a text, as ``check`` does of a file."""
    loader = Loader(search)
    try:
        loader.text(text, file)
    except TreeError as error:
        return list(error.problems)
    return loader.sorted_problems()


class Loader:
    """Reads files once, checks each tree once, and keeps all problems.

    Args:
        search: Folders with trees, before the library.
        buffers: Resolved path → text that counts instead of the file, as in an editor that has not saved it.
    """

    def __init__(self, search: Sequence[str | Path] = (), buffers: Mapping[str, str] | None = None) -> None:
        self.search = [Path(folder) for folder in search]
        self.problems: list[Problem] = []
        self._files = Files(self.problems, self.search, buffers or {})
        self._first: TreeFile | None = None
        self._open: list[tuple[str, int, str]] = []
        self._sizes: dict[int, int] = {}
        self._checked: list[Checked] = []

    def sorted_problems(self) -> list[Problem]:
        """Return the problems top to bottom, each once."""
        return list(in_order(self.problems))

    def file(self, path: Path) -> list[TreeSpec | None]:
        """Check all trees of a file; documents without a tree, and trees that cannot be used, are None.

        Raises:
            TreeError: The file cannot be read or is neither YAML nor XML of trees.
        """
        with gc_paused():
            return self.documents(read_documents(path))

    def text(self, text: str, file: str) -> list[TreeSpec | None]:
        """Check all trees of a YAML text.

        Raises:
            TreeError: The text is no YAML.
        """
        with gc_paused():
            return self.documents(read_text(text, file))

    def documents(self, documents: Documents) -> list[TreeSpec | None]:
        """Check all trees of documents that are read already."""
        with deep_recursion(), gc_paused():
            self._first = file = self._files.keep(documents)
            trees = [self._tree(file, number) for number in range(len(file.names))]
            self._check_main(file)
            self._main_tree(file)  # it may stand in an included file, and has to be checked too
            checked, self._checked = self._checked, []
            self.problems.extend(check_trees(checked))
            self.problems[:] = apply_ignores(self.problems, self._files.sources(), [documents.source.file])
            return trees

    def main(self, trees: Sequence[TreeSpec | None], wanted: str = "") -> TreeSpec:
        """Return the tree that is run, of what ``file``, ``text`` or ``documents`` returned last.

        Args:
            trees: What was returned.
            wanted: What the author asked for; where it is the name of a tree of the file, and not that of the file,
                this tree is run.

        Raises:
            TreeError: There were mistakes, or no document holds a tree.
        """
        errors = [problem for problem in self.problems if problem.severity == "error"]
        file = self._first
        assert file is not None
        if not errors:
            named = wanted in file.names and wanted != Path(file.source.file).stem
            chosen = trees[file.names.index(wanted)] if named else self._main_tree(file)
            tree = chosen or next((tree for tree in trees if tree is not None), None)
            if tree is not None:
                return tree
            root = file.documents.roots[0]
            message, fix = "this file has no tree to run", "write `tree:` and `root:`, or run a file that includes it"
            errors = [file.source.problem(root, "K138", message, fix=fix)]
        raise TreeError(errors, self._files.looked())

    def _main_tree(self, file: TreeFile) -> TreeSpec | None:
        """Return the tree that the header key ``main`` names, None where there is none."""
        main = file.header.main
        for near in self._files.reach(file) if main is not None else ():
            if main is not None and main.text in near.names:
                tree = self._tree(near, near.names.index(main.text))
                if tree is not None:
                    return tree
        return None

    def names(self) -> NodeNames:
        """Return the node types known in the file that was read last."""
        return self._files.nodes(self._first) if self._first is not None else NodeNames()

    def files(self) -> set[str]:
        """Return the resolved paths of all files that were read."""
        return self._files.paths()

    def tree_names(self) -> list[str]:
        """Return the names of the trees that the file read last may use."""
        return sorted(self._files.tree_names(self._first)) if self._first is not None else []

    def named(self, name: str) -> TreeSpec | None:
        """Return the tree that ``use`` would find in the file read last, None when there is none."""
        if self._first is None:
            return None
        before = len(self.problems)
        try:
            with deep_recursion():
                return self._used(self._first, self._first.source, Scalar(name, "plain", 1, 1, 1, 1))
        finally:
            del self.problems[before:]

    def _tree(self, file: TreeFile, number: int) -> TreeSpec | None:
        if number in file.trees:
            return file.trees[number]
        file.trees[number] = None
        source, root = file.source, file.documents.roots[number]
        nodes = self._files.nodes(file)
        mine: list[Problem] = []
        if not has_tree(root):
            HeaderReader(source, self.problems).read(root, number == 0)
            return None
        others = tuple(name for i, name in enumerate(file.names) if i != number and name)
        self._open.append((file.key, number, file.names[number]))
        try:
            reader = TreeReader(source, mine, partial(self._used, file), nodes)
            tree = reader.read(root, others, number == 0)
        finally:
            self._open.pop()
        if tree is not None:
            complete = not any(problem.severity == "error" for problem in mine)
            self._checked.append(Checked(tree, source, complete, reader.doubtful))
            self._count(tree, source, mine)
        unmade = {problem.place for problem in file.documents.problems if problem.code in UNMADE}
        self.problems.extend(problem for problem in mine if problem.place not in unmade)
        file.trees[number] = tree
        return tree

    def _count(self, tree: TreeSpec, source: Source, problems: list[Problem]) -> None:
        size = 0
        reported = False
        for node in tree.walk():
            size += 1 + (self._sizes.get(id(node.uses), 0) if node.uses is not None else 0)
            reported = reported or self._sizes.get(id(node.uses), 0) > MAX_NODES
            if size > MAX_NODES and not reported:
                problems.append(
                    source.problem(
                        (node.place.line, node.place.column),
                        "K007",
                        f"this tree and what it uses have more than {MAX_NODES} nodes",
                        fix="use fewer subtrees",
                        width=len(node.type),
                    )
                )
                reported = True
        self._sizes[id(tree)] = size

    def _check_main(self, file: TreeFile) -> None:
        main = file.header.main
        names = [name for each in self._files.reach(file) for name in each.names if name]
        if main is not None and main.text not in names:
            self.problems.append(
                file.source.problem(
                    main,
                    "K135",
                    f"there is no tree {main.text!r} here to be the main one",
                    guess=near_misses(main.text, names),
                    fix="name a tree of this file or of one that it includes",
                )
            )

    def _used(self, here: TreeFile, source: Source, name: Scalar, stub: bool = False) -> TreeSpec | None:
        """Find the tree that a ``use`` or ``bt.SubTree`` names; see ``Resolver``."""
        for near in self._files.reach(here):
            if name.text in near.names:
                return self._enter(near, near.names.index(name.text), source, name)
        path = self._files.path_of(source, name.text)
        if path is None:
            if not stub:
                self._files.no_tree(here, name)
            return None
        file = self._files.read(path)
        if file is None:
            return None
        wanted = name.text if name.text in file.names else Path(name.text).stem
        if wanted in file.names:
            return self._enter(file, file.names.index(wanted), source, name)
        numbers = [number for number, root in enumerate(file.documents.roots) if has_tree(root)]
        if not numbers:
            self._files.no_tree(here, name)
            return None
        main = file.header.main
        first = file.names.index(main.text) if main is not None and main.text in file.names else numbers[0]
        return self._enter(file, first, source, name)

    def _enter(self, file: TreeFile, number: int, source: Source, name: Scalar) -> TreeSpec | None:
        here = (file.key, number)
        around = [each[:2] for each in self._open]
        if here in around:
            cycle = [each[2] for each in self._open[around.index(here) :]] + [file.names[number]]
            self.problems.append(
                source.problem(
                    name,
                    "K118",
                    f"the tree {name.text!r} includes itself",
                    why=" → ".join(cycle),
                    fix="break the circle; `repeat` and `retry` run a node again",
                )
            )
            return None
        if len(self._open) >= MAX_USES:
            self.problems.append(
                source.problem(
                    name,
                    "K118",
                    f"trees use trees more than {MAX_USES} levels deep",
                    fix="put some of them into one tree",
                )
            )
            return None
        return self._tree(file, number)
