"""Look at trees and nodes without running anything: check, list, explain, draw."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

from ..behaviors.node import NODES
from ..behaviors.ports import REQUIRED, Port
from ..trees.loader import check, find
from ..trees.problems import Problem
from ..trees.spec import TreeSpec
from .config import Config, find_config, load_behaviors, read_config


def project() -> Config:
    """Read the configuration of the current folder and import the leaves it names.

    Raises:
        ConfigError: ``knothole.toml`` has a mistake.
    """
    config = read_config(find_config())
    load_behaviors(config)
    return config


def load_tree(name: str, config: Config | None = None) -> TreeSpec:
    """Return a checked tree by file or name; ``config`` is read from the current folder when left out.

    Raises:
        TreeError: There is no such tree, or it has mistakes.
    """
    from ..trees.loader import load

    return load(name, (config or project()).trees)


def asks(tree: TreeSpec) -> bool:
    """Tell whether a tree, or one that it uses, has a node that asks a model."""
    seen: set[int] = set()
    waiting = [tree]
    while waiting:
        now = waiting.pop()
        if id(now) in seen:
            continue
        seen.add(id(now))
        for node in now.walk():
            if node.kind.visual:
                return True
            if node.uses is not None:
                waiting.append(node.uses)
    return False


def check_trees(names: Sequence[str]) -> tuple[list[Problem], str]:
    """Return all problems of some trees, and the same as text."""
    config = project()
    problems: list[Problem] = []
    files: list[str] = []
    for name in names:
        found = check(name, config.trees)
        problems += (problem for problem in found if problem not in problems)
        if all(problem.severity == "warning" for problem in found):
            files.append(str(find(name, config.trees)))
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    parts = [str(problem) for problem in problems] + [f"{file}: ok" for file in files]
    if problems:
        parts.append(f"{_many(errors, 'error')}, {_many(warnings, 'warning')}")
    return problems, "\n\n".join(parts) if problems else "\n".join(parts)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def node_list() -> str:
    """Return one line per node: name, kind, what it does."""
    project()
    rows = [(name, str(getattr(cls, "kind", "leaf")), _summary(cls)) for name, cls in NODES.items().items()]
    width = max(len(name) for name, _, _ in rows)
    parts = []
    for kind in ("composite", "decorator", "leaf"):
        parts.append("leaves" if kind == "leaf" else f"{kind}s")
        parts += [f"  {name:<{width}}  {about}" for name, its, about in rows if its == kind]
    return "\n".join([*parts, "", "knothole nodes NAME explains one"])


def node_page(name: str) -> str:
    """Return everything an author needs to know of one node.

    Raises:
        UnknownNameError: No node has the name.
    """
    project()
    cls = NODES.get(name)
    lines = [f"{name} ({getattr(cls, 'kind', 'leaf')})", "", inspect.getdoc(cls) or ""]
    ports: tuple[Port, ...] = getattr(cls, "ports", ())
    if ports and "Ports:" not in (cls.__doc__ or ""):
        lines += ["", "Ports:", *(f"    {_port(port)}" for port in ports)]
    return "\n".join(lines)


def _summary(cls: type) -> str:
    return (inspect.getdoc(cls) or "").partition("\n")[0].rstrip(".")


def _port(port: Port) -> str:
    marks: list[str] = [port.direction, port.type]
    if port.main:
        marks.append("main")
    if port.default is not REQUIRED:
        marks.append(f"default {port.default!r}")
    return f"{port.name} ({', '.join(marks)}): {port.about}"


def draw_tree(name: str, output: Path | None) -> str:
    """Draw a tree into a file, or return it as text when there is none.

    Raises:
        TreeError: The tree has mistakes.
        KnotholeError: The suffix of the file is unknown, or it cannot be written.
    """
    from ..trees.draw import draw

    config = project()
    tree = load_tree(name, config)
    if output is None:
        return draw(tree)
    draw(tree, output)
    return f"wrote {output}"
