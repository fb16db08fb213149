"""Check a tree against the robot and the backend it is to run with, before the first tick."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .._base import near_misses
from ..behaviors.ports import Port
from ..robots.contract import Capabilities
from .node_types import NodeType
from .problems import Problem
from .reading.document import Source
from .spec import Literal, NodeSpec, TreeSpec


def check_capabilities(tree: TreeSpec, capabilities: Capabilities) -> list[Problem]:
    """Return what a tree needs that a robot does not have: skills, cameras, depth; used trees included."""
    problems: list[Problem] = []
    for source, node, kind in _nodes(tree, {}):
        missing = sorted(kind.skills - capabilities.skills)
        if missing:
            problems.append(
                source.problem(
                    (node.place.line, node.place.column),
                    "K401",
                    f"{node.type!r} needs {' and '.join(missing)}, which this robot does not have",
                    why=f"it has {', '.join(sorted(capabilities.skills)) or 'no skills'}",
                    fix="choose another robot with --robot, or another node",
                    width=len(node.type),
                )
            )
        if kind.visual or "camera" in kind.ports:
            problems.extend(_camera(source, node, kind, capabilities))
    return list(dict.fromkeys(problems))


def check_latency(tree: TreeSpec, latency: float) -> list[Problem]:
    """Return questions whose ``max_age`` is below the latency of the backend, [s]: no answer could be fresh enough."""
    problems: list[Problem] = []
    for source, node, kind in _nodes(tree, {}):
        value = node.values.get("max_age")
        if (
            kind.visual
            and isinstance(value, Literal)
            and isinstance(value.value, int | float)
            and value.value < latency
        ):
            problems.append(
                source.problem(
                    (value.place.line, value.place.column),
                    "K404",
                    f"max_age {value.value:g}s is below the latency of this backend, {latency:g}s",
                    why="each answer would be too old when it comes",
                    fix=f"write at least {_rounded_up(latency)}, or choose a faster backend with --vlm",
                    width=5,
                )
            )
    return list(dict.fromkeys(problems))


def _nodes(tree: TreeSpec, sources: dict[str, Source]) -> Iterator[tuple[Source, NodeSpec, NodeType]]:
    """Yield the nodes of a tree and of all it uses, each tree once, with the file they stand in."""
    seen: set[int] = set()
    trees = [tree]
    while trees:
        this = trees.pop()
        if id(this) in seen:
            continue
        seen.add(id(this))
        source = sources.setdefault(this.file, Source(str(Path(this.file)), this.text))
        for node in this.walk():
            kind = node.kind
            if not kind.mocked:
                yield source, node, kind
            if node.uses is not None:
                trees.append(node.uses)


def _camera(source: Source, node: NodeSpec, kind: NodeType, capabilities: Capabilities) -> Iterator[Problem]:
    value = node.values.get("camera")
    name = ""
    if isinstance(value, Literal):
        name = str(value.value)
    elif value is not None:
        return
    place = value.place if value is not None else node.place
    width = len(name) or len(node.type)
    if (name and name not in capabilities.cameras) or not capabilities.cameras:
        known = ", ".join(capabilities.cameras)
        yield source.problem(
            (place.line, place.column),
            "K402",
            f"this robot has no camera {name!r}" if name else f"{node.type!r} needs a camera, this robot has none",
            guess=near_misses(name, capabilities.cameras),
            fix=f"it has {known}" if known else "choose another robot with --robot",
            width=width,
        )
        return
    camera = name or capabilities.cameras[0]
    if _needs_depth(kind) and camera not in capabilities.depth:
        yield source.problem(
            (place.line, place.column),
            "K403",
            f"{node.type!r} needs depth, the camera {camera!r} of this robot measures none",
            why="the place of an object comes from depth",
            fix=f"use one of {', '.join(sorted(capabilities.depth))}" if capabilities.depth else "choose another robot",
            width=width,
        )


def _needs_depth(kind: NodeType) -> bool:
    return any(_is_place(port) for port in kind.ports.values()) and kind.visual


def _is_place(port: Port) -> bool:
    return port.direction != "in" and port.type in ("object", "objects", "point", "pose")


def _rounded_up(seconds: float) -> str:
    return f"{int(seconds * 1000 + 0.999)}ms" if seconds < 1 else f"{int(seconds * 10 + 0.999) / 10:g}s"
