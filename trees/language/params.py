"""Parameters: entries of the blackboard that are set before the first tick, from a mapping or a file of one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ..finding import is_file
from ..literals import LiteralError
from ..problems import Problem, TreeError
from ..reading.document import Item, Pairs, Scalar, Source
from ..reading.raw_text import FileKind
from ..reading.reader import read_file
from ..recursion import deep_recursion
from .constants import constant_value, kind_of

PARAMS_FILE = FileKind("a file of parameters", "write `NAME: VALUE` for each parameter", "params.yaml")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def read_params(path: str | Path) -> dict[str, object]:
    """Return the parameters of a YAML file: entry name → value by the core schema of YAML 1.2.

    Raises:
        TreeError: The file cannot be read, is no YAML or no mapping; all its mistakes are in the error.
    """
    problems: list[Problem] = []
    with deep_recursion():
        values = _of_file(Path(path), problems)
    if problems:
        raise TreeError(problems)
    return values


def params_of(source: Source, item: Item, problems: list[Problem]) -> Mapping[str, object]:
    """Read the header key ``params``: a mapping, or the path of a file relative to this one."""
    if isinstance(item, Pairs):
        return _of_mapping(source, item, problems)
    if not isinstance(item, Scalar) or item.is_null or "\0" in item.text:
        message = f"key 'params' takes a file or a mapping, not {kind_of(item)}"
        problems.append(source.problem(item, "K136", message, fix="write `params: FILE.yaml`, or {NAME: VALUE}"))
        return {}
    path = Path(source.file).parent / item.text
    if not is_file(path):
        message = f"there is no file {item.text!r} with parameters"
        fix = "correct the path; it is looked for beside this file"
        problems.append(source.problem(item, "K136", message, fix=fix))
        return {}
    try:
        return _of_file(path, problems)
    except TreeError as error:
        problems.extend(error.problems)
        return {}


def _of_file(path: Path, problems: list[Problem]) -> dict[str, object]:
    documents = read_file(path, PARAMS_FILE)
    problems.extend(documents.problems)
    root = documents.roots[0]
    if not isinstance(root, Pairs) or len(documents.roots) > 1:
        several = len(documents.roots) > 1
        at = documents.roots[-1] if several else root
        message = (
            "a file of parameters is one mapping, this has a second document"
            if several
            else (f"a file of parameters is a mapping, this is {kind_of(root)}")
        )
        problems.append(documents.source.problem(at, "K136", message, fix="write `NAME: VALUE` for each parameter"))
        return {}
    return _of_mapping(documents.source, root, problems)


def _of_mapping(source: Source, item: Pairs, problems: list[Problem]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in item:
        if not _NAME.match(key.text):
            message = f"{key.text!r} is no name for an entry"
            problems.append(source.problem(key, "K136", message, fix="use letters, digits and _"))
            continue
        try:
            found[key.text] = constant_value(value, "any")
        except LiteralError as error:
            label = f"parameter {key.text!r}"
            problems.append(source.problem(value, error.code, f"{label} {error}", guess=error.guess, fix=error.fix))
    return found
