"""Where trees are: files by path or name, the library, and which file of a folder declares a tree."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from .._base import Place, near_misses
from .problems import Problem, TreeError
from .reading.document import Documents
from .reading.reader import read_file

SUFFIXES: Final = (".yaml", ".yml", ".xml")
_MAX_BYTES: Final = 20_000_000
"""Larger files are not looked into for the trees they declare."""
_IN_YAML = re.compile(
    r"""^tree:[ \t]+(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^\s#'"].*?))[ \t]*(?:#.*)?$""", re.MULTILINE
)
_OTHER = re.compile(r"^knothole_(?:test|mocks):", re.MULTILINE)
"""A test file says ``tree: NAME`` as well, and means one that is elsewhere."""
_IN_XML = re.compile(r"""<BehaviorTree\b[^<>]*?\bID\s*=\s*(?:"([^"]*)"|'([^']*)')""")


def find(path_or_name: str | Path, search: Sequence[str | Path] = ()) -> Path:
    """Return the file that a path or a tree name means: ``NAME.yaml`` and so on, else the first that declares the tree.

    Raises:
        TreeError: There is none; near names of trees are in the error.
    """
    text = str(path_or_name)
    path = Path(path_or_name)
    if path.suffix in SUFFIXES or "/" in text or "\\" in text or "\0" in text:
        return path
    folders = [Path(), *(Path(folder) for folder in search), library()]
    found = in_folders(text, folders)
    if found is not None or path.exists():
        return found or path
    index = TreeIndex()
    declared = next((file for folder in folders if (file := index.find(text, folder, Path("_")))), None)
    if declared is not None:
        return declared
    known = {file.stem for folder in folders for file in trees_in(folder)}
    known.update(name for folder in folders for name in index.names(folder))
    raise TreeError(
        [
            Problem(
                Place(text, 1, 1),
                "K001",
                f"there is no tree {text!r}",
                why="it is no file, and no folder of trees has it",
                guess=near_misses(text, sorted(known)),
                fix="correct the name, or give the path of a file",
            )
        ]
    )


def library() -> Path:
    """Return the folder of the trees that come with knothole."""
    return Path(str(files("knothole.trees").joinpath("library")))


def in_folders(name: str, folders: Sequence[Path]) -> Path | None:
    """Return the file in one of the folders whose name without suffix is ``name``."""
    candidates = (folder / f"{name}{suffix}" for folder in folders for suffix in SUFFIXES)
    return next((file for file in candidates if is_file(file)), None)


def trees_in(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder that may hold trees."""
    try:
        yield from (file for file in folder.iterdir() if file.suffix in SUFFIXES)
    except OSError:
        return


def read_documents(path: Path) -> Documents:
    """Read a file of trees, YAML or XML of BehaviorTree.CPP by its suffix.

    Raises:
        TreeError: The file cannot be read or is neither.
    """
    if path.suffix == ".xml":
        from .xml.reader import read_xml_file

        return read_xml_file(path)
    return read_file(path)


class TreeIndex:
    """Which files of a folder declare which trees; each folder is looked through once, when it is first asked."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, list[Path]]] = {}

    def names(self, folder: Path) -> list[str]:
        """Return the names of the trees that files of the folder declare."""
        return list(self._of(folder))

    def find(self, name: str, folder: Path, beside: Path) -> Path | None:
        """Return the file of ``folder`` that declares the tree ``name``.

        Of several, one whose name has the same ``PACKAGE__`` prefix as the file ``beside``; where that file has such a
        prefix, files of other packages do not count.
        """
        package = _package(beside)
        found = [path for path in self._of(folder).get(name, ()) if not package or _package(path) in (package, "")]
        return min(found, key=lambda path: (_package(path) != package, path.name), default=None)

    def _of(self, folder: Path) -> dict[str, list[Path]]:
        index = self._folders.get(folder)
        if index is None:
            index = self._folders[folder] = {}
            for path in sorted(trees_in(folder)):
                for name in _declared_in(path):
                    index.setdefault(name, []).append(path)
        return index


def _package(path: Path) -> str:
    prefix, mark, _ = path.stem.partition("__")
    return prefix if mark else ""


def _declared_in(path: Path) -> list[str]:
    """Return the names of the trees of a file without reading it whole as YAML or XML."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return []
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return []
    if path.suffix == ".xml":
        return [html.unescape(double or single) for double, single in _IN_XML.findall(text)]
    if _OTHER.search(text):
        return []
    return [double or single.replace("''", "'") or plain for double, single, plain in _IN_YAML.findall(text)]


def is_file(path: Path) -> bool:
    """Tell whether a path is a file; one that cannot be, such as too long a name, is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
