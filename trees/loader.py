"""Find trees and check them with all that they use: in the same file, its folder, the configured paths, the library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Final

from .._base import Place, near_misses
from .language.dataflow import check_entries
from .language.document import Documents, Item, Pairs, Scalar, Source
from .language.grammar import TreeReader
from .language.reader import gc_paused, read_file, read_text
from .language.rules import check_rules
from .problems import Problem, TreeError, in_order
from .recursion import deep_recursion
from .spec import TreeSpec

SUFFIXES: Final = (".yaml", ".yml")
MAX_USES: Final = 64
MAX_NODES: Final = 100_000
"""Nodes of a tree and all that it uses, each use counted as the copy it is."""


def load(path_or_name: str | Path, search: Sequence[str | Path] = ()) -> TreeSpec:
    """Return the first tree of a file, checked, with every tree that it uses.

    Args:
        path_or_name: A file, or the name of a tree: ``NAME.yaml`` is looked for in the working folder, in ``search``
            and in the library.
        search: Folders with trees, before the library.

    Raises:
        TreeError: There is no such file, or it has mistakes; all of them are in the error.
    """
    loader = Loader(search)
    trees = loader.file(find(path_or_name, search))
    return _first(trees, loader.problems)


def load_text(text: str, file: str = "<text>", search: Sequence[str | Path] = ()) -> TreeSpec:
    """Return the first tree of a text, checked. Trees that it uses are found from the working folder.

    Raises:
        TreeError: The text has mistakes.
    """
    loader = Loader(search)
    trees = loader.text(text, file)
    return _first(trees, loader.problems)


def check(path_or_name: str | Path, search: Sequence[str | Path] = ()) -> list[Problem]:
    """Return all problems of a file and of the trees it uses, warnings included, sorted by place."""
    loader = Loader(search)
    try:
        loader.file(find(path_or_name, search))
    except TreeError as error:
        return list(error.problems)
    return loader.sorted_problems()


def check_text(text: str, file: str = "<text>", search: Sequence[str | Path] = ()) -> list[Problem]:
    """Return all problems of a text, as ``check`` does of a file."""
    loader = Loader(search)
    try:
        loader.text(text, file)
    except TreeError as error:
        return list(error.problems)
    return loader.sorted_problems()


def find(path_or_name: str | Path, search: Sequence[str | Path] = ()) -> Path:
    """Return the file that a path or a tree name means.

    Raises:
        TreeError: There is none; near names of trees are in the error.
    """
    text = str(path_or_name)
    path = Path(path_or_name)
    if path.suffix in SUFFIXES or "/" in text or "\\" in text or "\0" in text:
        return path
    folders = [Path(), *(Path(folder) for folder in search), library()]
    found = _in_folders(text, folders)
    if found is not None or path.exists():
        return found or path
    known = sorted({file.stem for folder in folders for file in _trees_in(folder)})
    raise TreeError(
        [
            Problem(
                Place(text, 1, 1),
                "K001",
                f"there is no tree {text!r}",
                why="it is no file, and no folder of trees has it",
                guess=near_misses(text, known),
                fix="correct the name, or give the path of a file",
            )
        ]
    )


def library() -> Path:
    """Return the folder of the trees that come with knothole."""
    return Path(str(files("knothole.trees").joinpath("library")))


def _in_folders(name: str, folders: Sequence[Path]) -> Path | None:
    candidates = (folder / f"{name}{suffix}" for folder in folders for suffix in SUFFIXES)
    return next((file for file in candidates if file.is_file()), None)


def _trees_in(folder: Path) -> Iterator[Path]:
    try:
        yield from (file for file in folder.iterdir() if file.suffix in SUFFIXES)
    except OSError:
        return


def _first(trees: Sequence[TreeSpec | None], problems: Sequence[Problem]) -> TreeSpec:
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors or trees[0] is None:
        raise TreeError(errors)
    return trees[0]


@dataclass
class _File:
    documents: Documents
    names: list[str]
    trees: dict[int, TreeSpec | None] = field(default_factory=dict)


class Loader:
    """Reads files once, checks each tree once, and keeps all problems.

    Args:
        search: Folders with trees, before the library.
    """

    def __init__(self, search: Sequence[str | Path] = ()) -> None:
        self.search = [Path(folder) for folder in search]
        self.problems: list[Problem] = []
        self._files: dict[str, _File | None] = {}
        self._open: list[tuple[str, int, str]] = []
        self._sizes: dict[int, int] = {}

    def sorted_problems(self) -> list[Problem]:
        """Return the problems top to bottom, each once."""
        return list(in_order(self.problems))

    def file(self, path: Path) -> list[TreeSpec | None]:
        """Check all trees of a file.

        Raises:
            TreeError: The file cannot be read or is no YAML.
        """
        return self._all(str(path), read_file(path))

    def text(self, text: str, file: str) -> list[TreeSpec | None]:
        """Check all trees of a text.

        Raises:
            TreeError: The text is no YAML.
        """
        return self._all(file, read_text(text, file))

    def _all(self, key: str, documents: Documents) -> list[TreeSpec | None]:
        with deep_recursion(), gc_paused():
            file = self._keep(key, documents)
            return [self._tree(key, file, number) for number in range(len(file.names))]

    def _keep(self, key: str, documents: Documents) -> _File:
        names = [_name_of(root) for root in documents.roots]
        self.problems.extend(documents.problems)
        for number, name in enumerate(names):
            if name and name in names[:number]:
                root = documents.roots[number]
                at = root.get("tree") if isinstance(root, Pairs) else None
                self.problems.append(
                    documents.source.problem(
                        at or root,
                        "K116",
                        f"a second tree {name!r} in this file",
                        why="other trees could not tell which one is meant",
                        fix="give one of them another name",
                    )
                )
        file = self._files[_key(key)] = _File(documents, names)
        return file

    def _tree(self, key: str, file: _File, number: int) -> TreeSpec | None:
        if number in file.trees:
            return file.trees[number]
        file.trees[number] = None
        source = file.documents.source
        others = tuple(name for i, name in enumerate(file.names) if i != number and name)
        self._open.append((_key(key), number, file.names[number]))
        mine: list[Problem] = []
        try:
            reader = TreeReader(source, mine, partial(self._used, file))
            tree = reader.read(file.documents.roots[number], others)
        finally:
            self._open.pop()
        if tree is not None:
            complete = not any(problem.severity == "error" for problem in mine)
            mine.extend(check_entries(tree, source, complete, reader.doubtful))
            mine.extend(check_rules(tree, source))
            self._count(tree, source, mine)
        self.problems.extend(mine)
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

    def _used(self, here: _File, source: Source, name: Scalar) -> TreeSpec | None:
        """Find the tree that a ``use`` names; see ``Resolver``."""
        if name.text in here.names:
            return self._enter(source.file, here, here.names.index(name.text), source, name)
        path = self._path_of(source, name.text)
        if path is None:
            near = {each for each in here.names if each} | {
                file.stem for folder in self._folders(source) for file in _trees_in(folder)
            }
            self.problems.append(
                source.problem(
                    name,
                    "K117",
                    f"there is no tree {name.text!r}",
                    why="it is in none of: this file, its folder, the configured paths, the library",
                    guess=near_misses(name.text, near),
                    fix="correct the name, or put its file beside this one",
                )
            )
            return None
        key = _key(str(path))
        if key not in self._files:
            try:
                self._keep(str(path), read_file(path))
            except TreeError as error:
                self.problems.extend(error.problems)
                self._files[key] = None
        file = self._files[key]
        if file is None:
            return None
        wanted = Path(name.text).stem
        return self._enter(str(path), file, file.names.index(wanted) if wanted in file.names else 0, source, name)

    def _enter(self, key: str, file: _File, number: int, source: Source, name: Scalar) -> TreeSpec | None:
        here = (_key(key), number)
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
        return self._tree(key, file, number)

    def _folders(self, source: Source) -> list[Path]:
        return [Path(source.file).parent, *self.search, library()]

    def _path_of(self, source: Source, name: str) -> Path | None:
        if "\0" in name:
            return None
        if name.endswith(SUFFIXES):
            path = Path(source.file).parent / name
            return path if path.is_file() else None
        if "/" in name:
            return None
        return _in_folders(name, self._folders(source))


def _key(path: str) -> str:
    try:
        return str(Path(path).resolve())
    except (OSError, ValueError):
        return path


def _name_of(root: Item) -> str:
    value = root.get("tree") if isinstance(root, Pairs) else None
    return value.text if isinstance(value, Scalar) else ""
