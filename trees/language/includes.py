"""What the documents of a file say for all of it: declared nodes, included files, the tree that is run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..._base import near_misses
from ..finding import is_file
from ..node_types import NodeType
from ..problems import Problem
from ..reading.document import Documents, Item, Items, Pairs, Scalar, Source
from .constants import kind_of
from .declarations import DeclarationReader
from .tree_header import is_headed, main_of

_KEYS: Final = ("path", "ros_pkg")


@dataclass(frozen=True)
class Include:
    """One entry of the header key ``include``: a path, and the ROS package it is in or an empty text."""

    path: Scalar
    package: str = ""


@dataclass
class FileHeader:
    """What the headers of a file say for all its trees.

    Attributes:
        declared: Declared nodes by type key.
        includes: Files whose trees and nodes are known here.
        main: Name of the tree that is run, None where it is the first.
    """

    declared: dict[str, NodeType] = field(default_factory=dict)
    includes: list[Include] = field(default_factory=list)
    main: Scalar | None = None


def read_file_header(documents: Documents, problems: list[Problem]) -> FileHeader:
    """Read ``nodes``, ``include`` and ``main`` of all documents of a file."""
    header = FileHeader()
    for number, root in enumerate(documents.roots):
        if not isinstance(root, Pairs) or not is_headed(root):
            continue
        if number == 0:
            header.main = main_of(root)
        for key, value in root:
            if key.text == "nodes":
                found = DeclarationReader(documents.source, problems).read(value)
                header.declared = {**found, **header.declared}
            elif key.text == "include":
                header.includes += _includes(documents.source, value, problems)
    return header


def _includes(source: Source, item: Item, problems: list[Problem]) -> list[Include]:
    def report(at: Item, message: str, guess: tuple[str, ...] = ()) -> None:
        fix = "write [other.yaml, {path: other.xml, ros_pkg: PACKAGE}]"
        problems.append(source.problem(at, "K132", message, guess=guess, fix=fix))

    if isinstance(item, Scalar) and item.is_null:
        return []
    if not isinstance(item, Items):
        report(item, f"key 'include' takes a list of files, not {kind_of(item)}")
        return []
    found: list[Include] = []
    for each in item.items:
        if isinstance(each, Scalar) and not each.is_null:
            found.append(Include(each))
            continue
        path, package = (each.get("path"), each.get("ros_pkg")) if isinstance(each, Pairs) else (None, None)
        if not isinstance(path, Scalar) or path.is_null or not isinstance(package, Scalar | None):
            report(each, "an included file is a path, or a mapping with 'path'")
            continue
        for key, _ in each if isinstance(each, Pairs) else ():
            if key.text not in _KEYS:
                report(key, f"unknown key {key.text!r} of an included file", near_misses(key.text, _KEYS))
        found.append(Include(path, package.text if package is not None else ""))
    return found


def find_included(source: Source, include: Include, search: Sequence[Path]) -> Path | None:
    """Return the file that an include means, None when there is none.

    It stands beside the including file or in a folder of ``search``. With a package, also below the folder of that
    name there, or in its share of ``AMENT_PREFIX_PATH``.
    """
    text = include.path.text
    if "\0" in text:
        return None
    folders = [Path(source.file).parent, *search]
    places = [folder / text for folder in folders]
    if include.package and "\0" not in include.package:
        prefixes = [Path(each) / "share" for each in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if each]
        places = [folder / include.package / text for folder in [*prefixes, *folders]] + places
    return next((place for place in places if is_file(place)), None)
