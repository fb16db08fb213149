"""The files of one check: each read once, with what it includes, and which of them holds a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .._base import near_misses
from .finding import SUFFIXES, TreeIndex, in_folders, is_file, library, read_documents, trees_in
from .language.generate import expand
from .language.includes import FileHeader, find_included, read_file_header
from .language.node_names import NodeNames
from .problems import Problem, TreeError
from .reading.document import Documents, Item, Pairs, Scalar, Source
from .reading.reader import read_text
from .spec import TreeSpec

_GUESSES: Final = 300
"""Unknown trees that get a guess; comparing more would take minutes in a hostile file."""


@dataclass(eq=False)
class TreeFile:
    """A file that was read.

    Attributes:
        documents: What stands in it, constants and loops written out.
        names: The name of the tree of each document, empty where there is none.
        header: What its headers say for all its trees.
        trees: Document → its tree, as far as they are read.
    """

    documents: Documents
    names: list[str]
    header: FileHeader
    trees: dict[int, TreeSpec | None] = field(default_factory=dict)
    _reach: tuple[TreeFile, ...] | None = None
    _nodes: NodeNames | None = None

    @property
    def source(self) -> Source:
        """Its text."""
        return self.documents.source

    @property
    def key(self) -> str:
        """Its resolved path, by which files are told apart."""
        return key_of(self.source.file)


class Files:
    """Reads files once, and finds the one that has a tree.

    Args:
        problems: Collects mistakes.
        search: Folders with trees, before the library.
        buffers: Resolved path → text that counts instead of the file.
    """

    def __init__(self, problems: list[Problem], search: Sequence[Path], buffers: Mapping[str, str]) -> None:
        self.problems, self.search, self.buffers = problems, search, buffers
        self._index = TreeIndex()
        self._files: dict[str, TreeFile | None] = {}
        self._guessed = 0

    def sources(self) -> dict[str, Source]:
        """Return the texts of all files that were read, by their path as given."""
        return {each.source.file: each.source for each in self._files.values() if each is not None}

    def paths(self) -> set[str]:
        """Return the resolved paths of all files that were looked at."""
        return set(self._files)

    def looked(self) -> set[str]:
        """Return the paths of all files that were looked at, and the folders in which others were searched for."""
        folders = {key_of(str(folder)) for folder in self.search}
        return self.paths() | folders | {str(Path(path).parent) for path in self.paths()}

    def keep(self, documents: Documents) -> TreeFile:
        """Take a file that was read.

        Raises:
            TreeError: Its loops and constants make too much.
        """
        documents = documents if documents.source.file.endswith(".xml") else expand(documents)
        source = documents.source
        names = [_name_of(root) for root in documents.roots]
        self.problems.extend(documents.problems)
        for number, name in enumerate(names):
            if name and name in names[:number]:
                root = documents.roots[number]
                at = root.get("tree") if isinstance(root, Pairs) else None
                self.problems.append(
                    source.problem(
                        at or root,
                        "K116",
                        f"a second tree {name!r} in this file",
                        why="other trees could not tell which one is meant",
                        fix="give one of them another name",
                    )
                )
        file = TreeFile(documents, names, read_file_header(documents, self.problems))
        self._files[file.key] = file
        return file

    def read(self, path: Path) -> TreeFile | None:
        """Return a file, read at most once; if it is no tree file its mistakes are reported, and it is None."""
        key = key_of(str(path))
        if key not in self._files:
            try:
                text = self.buffers.get(key)
                self.keep(read_documents(path) if text is None else read_text(text, str(path)))
            except TreeError as error:
                self.problems.extend(error.problems)
                self._files[key] = None
        return self._files[key]

    def reach(self, file: TreeFile) -> tuple[TreeFile, ...]:
        """Return a file and all that it includes, nearest first, each once."""
        if file._reach is None:
            found = {file.key: file}
            left = [file]
            for each in left:
                for included in self._included(each):
                    if found.setdefault(included.key, included) is included and included not in left:
                        left.append(included)
            file._reach = tuple(left)
        return file._reach

    def nodes(self, file: TreeFile) -> NodeNames:
        """Return the node types known in a file: of two declarations of one name the nearest counts."""
        if file._nodes is None:
            near = reversed(self.reach(file))
            file._nodes = NodeNames({name: kind for each in near for name, kind in each.header.declared.items()})
        return file._nodes

    def tree_names(self, file: TreeFile) -> set[str]:
        """Return the names of the trees that a file may use."""
        found = {name for each in self.reach(file) for name in each.names if name}
        for folder in self._folders(file.source):
            found.update(path.stem for path in trees_in(folder))
            found.update(self._index.names(folder))
        return found

    def path_of(self, source: Source, name: str) -> Path | None:
        """Return the file in which a tree is that is in none of the included ones, None when there is none."""
        if "\0" in name:
            return None
        if name.endswith(SUFFIXES):
            path = Path(source.file).parent / name
            return path if is_file(path) else None
        folders = self._folders(source)
        found = None if "/" in name or "\\" in name else in_folders(name, folders)
        if found is None:
            indexed = (self._index.find(name, folder, Path(source.file)) for folder in folders)
            found = next((path for path in indexed if path is not None), None)
        return found

    def no_tree(self, here: TreeFile, name: Scalar) -> None:
        """Report that there is no such tree; one that an XML file names may be elsewhere, and has a stub meanwhile."""
        self._guessed += 1
        source = here.source
        self.problems.append(
            source.problem(
                name,
                "K117",
                f"there is no tree {name.text!r}",
                why="it is in none of: this file, what it includes, its folder, the configured paths, the library",
                guess=near_misses(name.text, self.tree_names(here)) if self._guessed < _GUESSES else (),
                fix="correct the name, or put its file beside this one",
                severity="warning" if source.file.endswith(".xml") else "error",
            )
        )

    def _included(self, file: TreeFile) -> list[TreeFile]:
        found: list[TreeFile] = []
        for include in file.header.includes:
            path = find_included(file.source, include, self.search)
            if path is None:
                package = f", and in the ROS package {include.package!r}" if include.package else ""
                self.problems.append(
                    file.source.problem(
                        include.path,
                        "K132",
                        f"there is no file {include.path.text!r} to include",
                        why=f"it is looked for beside this file and in the configured paths{package}",
                        fix="correct the path",
                        severity="warning" if include.package else "error",
                    )
                )
                continue
            included = self.read(path)
            if included is not None:
                found.append(included)
        return found

    def _folders(self, source: Source) -> list[Path]:
        return [Path(source.file).parent, *self.search, library()]


def key_of(path: str) -> str:
    """Return what a path is called when it is resolved."""
    try:
        return str(Path(path).resolve())
    except (OSError, ValueError):
        return path


def _name_of(root: Item) -> str:
    value = root.get("tree") if isinstance(root, Pairs) else None
    return value.text if isinstance(value, Scalar) else ""
