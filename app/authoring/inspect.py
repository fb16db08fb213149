"""Look at trees and nodes without running anything: check, list, explain, draw."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ...behaviors.node import NODES
from ...behaviors.ports import REQUIRED, Port
from ...trees.checking.costs import model_calls
from ...trees.invariants.reporting import check_invariants
from ...trees.loader import check_and_load, find
from ...trees.node_types import NodeType, node_type
from ...trees.problems import Problem, TreeError
from ...trees.spec import Literal, NodeSpec, TreeSpec
from ...vlm.hearing import EARS
from ..running.inputs import InputError
from ..settings.config import Config, find_config, load_behaviors, read_config
from .invariants import rules_of


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
    from ...trees.loader import load

    return load(name, (config or project()).trees)


def asks(tree: TreeSpec) -> bool:
    """Tell whether a tree, or one that it uses, has a node that asks a model."""
    return any(kind.asks for kind in _kinds(tree))


def _kinds(tree: TreeSpec) -> Iterator[NodeType]:
    """Yield the types of all nodes of a tree and of those that it uses, and of the skills that plans may use there."""
    seen: set[int] = set()
    waiting = [tree]
    while waiting:
        now = waiting.pop()
        if id(now) in seen:
            continue
        seen.add(id(now))
        for node in now.walk():
            yield node.kind
            yield from _planned(node)
            if node.uses is not None:
                waiting.append(node.uses)


def _planned(node: NodeSpec) -> Iterator[NodeType]:
    """Yield the types of the skills that a node may run as planned steps, where the file says which."""
    for port in node.kind.ports.values():
        given = node.values.get(port.name) if port.lists == "skills" else None
        if isinstance(given, Literal) and isinstance(given.value, list | tuple):
            kinds = (node_type(str(name)) for name in given.value)
            yield from (kind for kind in kinds if kind is not None)


def with_ears(vlm: str, ears: str, tree: TreeSpec, spoken: bool = False) -> str:
    """Return the chain of backends of a run, with what hears at its end where the tree listens.

    Args:
        vlm: Backend or chain, as ``--vlm`` says it.
        ears: As ``--ears`` says it; empty takes pocketsphinx.
        tree: The tree.
        spoken: Whether the human's answers are heard, which needs ears where the tree has none.

    Raises:
        InputError: Ears were given, and nothing is ever heard.
    """
    kinds = [kind for kind in _kinds(tree) if kind.asks]
    hearing = [kind for kind in kinds if getattr(kind.cls, "hears", False)]
    if ears and not hearing and not spoken:
        raise InputError(
            f"--ears {ears} has nothing to hear\n"
            f"  why:  nothing in the tree {tree.name} listens, and nobody answers by speech\n"
            "  fix:  leave --ears out, or give --human speech"
        )
    if not hearing or ears == "none" or any(one.partition(":")[0].strip() in EARS for one in vlm.split(",")):
        return vlm
    chosen = ears or EARS[0]
    return chosen if len(hearing) == len(kinds) else f"{vlm},{chosen}"


def check_trees(
    names: Sequence[str], strict: bool = False, invariants: Path | None = None
) -> tuple[list[Problem], str]:
    """Return all problems of some trees, and the same as text with a line on each good tree: what it costs at worst.

    Args:
        names: Files, or names of trees.
        strict: Count warnings as errors.
        invariants: File with rules that the trees must not break, beside those of trees and project.
    """
    config = project()
    problems: list[Problem] = []
    good: list[str] = []
    for name in names:
        found, tree = check_and_load(name, config.trees)
        more, kept = _invariants(tree, invariants, config)
        found += more
        problems += (problem for problem in found if problem not in problems)
        if all(problem.severity == "warning" for problem in found) and not (strict and found):
            good.append(f"{find(name, config.trees)}: ok{_calls(tree)}{kept}")
    if strict:
        problems = [replace(problem, severity="error") for problem in problems]
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    parts = [*(str(problem) for problem in problems), *good]
    if problems:
        parts.append(f"{_many(errors, 'error')}, {_many(warnings, 'warning')}")
    return problems, "\n\n".join(parts) if problems else "\n".join(parts)


def _invariants(tree: TreeSpec | None, given: Path | None, config: Config) -> tuple[list[Problem], str]:
    """Return what there is to say about the invariants of a tree, and a sentence that counts them."""
    if tree is None:
        return [], ""
    try:
        rules = rules_of(tree, given, config)
    except TreeError as error:
        return list(error.problems), ""
    if not rules:
        return [], ""
    report = check_invariants(tree, rules)
    return list(report.problems), f"; {report}"


def _calls(tree: TreeSpec | None) -> str:
    calls = None if tree is None else model_calls(tree)
    return f"; model calls: {calls}" if calls is not None and calls.per_tick else ""


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


DIALECTS: Final = {"bt": "BehaviorTree.CPP 4", "pt": "py_trees", "nav2": "Nav2"}
"""Prefix of node names → where they come from."""


def node_list(dialect: str = "") -> str:
    """Return one line per node: name, what it does. Without a dialect those of knothole and of the project.

    Args:
        dialect: A key of ``DIALECTS``, or empty.
    """
    project()
    chosen = {name: cls for name, cls in NODES.items().items() if _dialect_of(name) == dialect}
    width = max(len(name) for name in chosen)
    parts = []
    for kind in ("composite", "decorator", "leaf"):
        rows = [f"  {name:<{width}}  {_summary(cls)}" for name, cls in chosen.items() if _kind(cls) == kind]
        parts += ["leaves" if kind == "leaf" else f"{kind}s", *rows] if rows else []
    if not dialect:
        parts.append("other dialects")
        for prefix, origin in DIALECTS.items():
            number = sum(_dialect_of(name) == prefix for name in NODES)
            parts.append(f"  {prefix + '.*':<{width}}  {number} nodes of {origin}: knothole nodes {prefix}")
    return "\n".join([*parts, "", "knothole nodes NAME explains one"])


def node_table(wanted: str = "") -> list[dict[str, object]]:
    """Return nodes as plain data: name, kind, dialect, what it does, ports.

    Args:
        wanted: A node, a dialect, or empty for all.

    Raises:
        UnknownNameError: No node has the name.
    """
    project()
    wanted = wanted.removesuffix(".*")
    if wanted and wanted not in DIALECTS:
        NODES.get(wanted)
    return [
        {
            "name": name,
            "kind": _kind(cls),
            "dialect": _dialect_of(name),
            "about": _summary(cls),
            "ports": [
                {
                    "name": port.name,
                    "type": port.form,
                    "direction": port.direction,
                    "main": port.main,
                    "required": port.required,
                    "about": port.about,
                }
                for port in getattr(cls, "ports", ())
            ],
            "needs": list(getattr(cls, "needs", ())),
            "effects": list(getattr(cls, "effects", ())),
        }
        for name, cls in NODES.items().items()
        if wanted in ("", name, _dialect_of(name))
    ]


def _dialect_of(name: str) -> str:
    prefix, dot, _ = name.partition(".")
    return prefix if dot and prefix in DIALECTS else ""


def _kind(cls: type) -> str:
    return str(getattr(cls, "kind", "leaf"))


def node_page(name: str) -> str:
    """Return everything an author needs to know of one node, or the list of a dialect.

    Raises:
        UnknownNameError: No node has the name.
    """
    if name.removesuffix(".*") in DIALECTS:
        return node_list(name.removesuffix(".*"))
    project()
    cls = NODES.get(name)
    lines = [f"{name} ({_kind(cls)})", "", inspect.getdoc(cls) or ""]
    ports: tuple[Port, ...] = getattr(cls, "ports", ())
    if ports and "Ports:" not in (cls.__doc__ or ""):
        lines += ["", "Ports:", *(f"    {_port(port)}" for port in ports)]
    facts = [
        f"    {title} {', '.join(getattr(cls, name))}"
        for title, name in (("needs", "needs"), ("brings about", "effects"))
        if getattr(cls, name, ())
    ]
    if facts:
        lines += ["", "As a step of a plan:", *facts]
    return "\n".join(lines)


def _summary(cls: type) -> str:
    return (inspect.getdoc(cls) or "").partition("\n")[0].rstrip(".")


def _port(port: Port) -> str:
    marks: list[str] = [port.direction, port.form]
    if port.main:
        marks.append("main")
    if port.default is not REQUIRED:
        marks.append(f"default {port.default!r}")
    return f"{port.name} ({', '.join(marks)}): {port.about}"
