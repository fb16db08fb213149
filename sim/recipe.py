"""Scene files: YAML that says which objects a scene has and how they are drawn from a seed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from .._base import KnotholeError, Place, near_misses
from .objects import COLORS, CONTAINER_SHAPES, LOOSE_SHAPES, SHAPES
from .scene import DOINGS, Disturbance, Goal

_WIDEST = 200
"""Longest line that is shown in a message."""


class SceneError(KnotholeError):
    """A scene file is wrong; the message has file, line, column, and the line itself where ``snippet`` gives it."""

    def __init__(self, place: Place, what: str, fix: str, near: tuple[str, ...] = (), snippet: str = "") -> None:
        hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
        shown = ""
        if snippet.strip() and len(snippet) <= _WIDEST:
            shown = f"\n{place.line:>5} | {snippet}\n      | {' ' * (place.column - 1)}^"
        super().__init__(f"{place}: error: {what}{shown}{hint}\n  fix:  {fix}")
        self.place, self.near = place, near


@dataclass(frozen=True)
class Item:
    """One line of a scene file: ``count`` objects drawn alike.

    Attributes:
        shapes: Shapes to draw from.
        colors: Colors to draw from.
        count: Least and most number.
        at: Places to draw from, (x, y) [m]; empty puts it anywhere free.
        yaw: Turn about world z, [rad]; None draws it.
        size: Size, [m]; None draws it. Two numbers are a tray's inner length and width.
        carries: What stands in or on it.
    """

    shapes: tuple[str, ...]
    colors: tuple[str, ...]
    count: tuple[int, int] = (1, 1)
    at: tuple[tuple[float, float], ...] = ()
    yaw: float | None = None
    size: tuple[float, ...] | None = None
    carries: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """A scene file, read and checked."""

    name: str
    items: tuple[Item, ...]
    about: str = ""
    robot: bool = True
    goal: Goal | None = None
    disturbances: tuple[Disturbance, ...] = ()


_TOP = ("scene", "about", "objects", "robot", "goal", "disturbances")
_ITEM = ("shape", "color", "count", "at", "yaw", "size", "carries")
_EVENT = ("at", "do", "until", "what", "with", "to")
_READS: dict[str, tuple[str, ...]] = {
    "hand_in": ("until", "to"),
    "move": ("what", "to"),
    "drop": ("what", "to"),
    "add": ("what", "to"),
    "swap": ("what", "with"),
    "occlude": ("what", "until"),
    "take": ("what", "until"),
}
"""Keys that each disturbance takes beside ``at`` and ``do``."""
_UNITS = {"s": 1.0, "ms": 0.001, "min": 60.0, "m": 1.0, "cm": 0.01, "mm": 0.001, "deg": math.pi / 180, "rad": 1.0}
_TIME, _LENGTH, _ANGLE = ("s", "ms", "min"), ("m", "cm", "mm"), ("deg", "rad")


def read_recipe(path: str | Path) -> Recipe:
    """Read and check a scene file.

    Raises:
        SceneError: It cannot be read, is no YAML, or says something unknown; the first mistake is reported.
    """
    start = Place(str(path), 1, 1)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except IsADirectoryError:
        raise SceneError(start, "this is a directory, not a scene file", "name a file in it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SceneError(start, f"the file cannot be read: {error}", "check path and encoding (UTF-8)") from error
    lines = text.splitlines()
    try:
        return _Reader(str(path), lines).recipe(yaml.compose(text, Loader=yaml.SafeLoader), Path(path).stem)
    except RecursionError:
        raise SceneError(start, "nested too deep", "close each bracket, and nest less") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(str(path), mark.line + 1, mark.column + 1) if mark else start
        what, line = f"no valid YAML: {error.problem}", _line(lines, place)
        raise SceneError(place, what, "correct the syntax", snippet=line) from error
    except yaml.YAMLError as error:
        raise SceneError(start, f"no valid YAML: {' '.join(str(error).split())}", "correct the syntax") from error


def _line(lines: Sequence[str], place: Place) -> str:
    return lines[place.line - 1] if place.line <= len(lines) else ""


class _Reader:
    def __init__(self, file: str, lines: Sequence[str]) -> None:
        self.file, self.lines = file, lines

    def wrong(self, node: yaml.Node, what: str, fix: str, near: tuple[str, ...] = ()) -> SceneError:
        place = Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)
        return SceneError(place, what, fix, near, _line(self.lines, place))

    def recipe(self, node: yaml.Node | None, stem: str) -> Recipe:
        if node is None:
            raise SceneError(Place(self.file, 1, 1), "the file is empty", "write `scene: NAME` and `objects:`")
        top = self.mapping(node, _TOP)
        for key in ("scene", "objects"):
            if key not in top:
                raise self.wrong(node, f"the key {key!r} is missing", f"add `{key}:`")
        goal = self.goal(top["goal"]) if "goal" in top else None
        events = tuple(self.event(n) for n in self.sequence(top["disturbances"])) if "disturbances" in top else ()
        return Recipe(
            name=self.text(top["scene"]) or stem,
            items=tuple(self.item(n) for n in self.sequence(top["objects"])),
            about=self.text(top["about"]) if "about" in top else "",
            robot=self.flag(top["robot"]) if "robot" in top else True,
            goal=goal,
            disturbances=events,
        )

    def mapping(self, node: yaml.Node, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, "keys and values are expected here", f"write one of {', '.join(known)}")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self.text(key)
            if known and name not in known:
                near = near_misses(name, known)
                raise self.wrong(key, f"unknown key {name!r}", f"known keys are {', '.join(known)}", near)
            if name in found:
                raise self.wrong(key, f"the key {name!r} stands here twice", "remove one of them")
            found[name] = value
        return found

    def sequence(self, node: yaml.Node) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            raise self.wrong(node, "a list is expected here", "write `- …` or `[…]`")
        return list(node.value)

    def text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self.wrong(node, "a single value is expected here", "write a word or a number")
        return str(node.value)

    def flag(self, node: yaml.Node) -> bool:
        text = self.text(node)
        if text not in ("true", "false"):
            raise self.wrong(node, f"{text!r} is neither true nor false", "write true or false")
        return text == "true"

    def number(self, node: yaml.Node, units: tuple[str, ...]) -> float:
        text = self.text(node)
        match = re.fullmatch(r"([-+]?(?:\d+\.?\d*|\.\d+))\s*([a-z]*)", text)
        if match is None or match[2] not in units:
            raise self.wrong(
                node, f"{text!r} is no value with a unit", f"write a number with one of {', '.join(units)}"
            )
        return float(match[1]) * _UNITS[match[2]]

    def names(self, node: yaml.Node, known: tuple[str, ...], groups: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        parts = self.sequence(node) if isinstance(node, yaml.SequenceNode) else [node]
        found: list[str] = []
        for part in parts:
            name = self.text(part)
            if name not in known and name not in groups:
                near = near_misses(name, [*known, *groups])
                raise self.wrong(part, f"{name!r} is unknown here", f"known are {', '.join((*known, *groups))}", near)
            found += groups.get(name, (name,))
        return tuple(dict.fromkeys(found))

    def item(self, node: yaml.Node) -> Item:
        got = self.mapping(node, _ITEM)
        if "shape" not in got:
            raise self.wrong(node, "the key 'shape' is missing", "add `shape:` with a shape or `loose`")
        groups = {"loose": LOOSE_SHAPES, "container": CONTAINER_SHAPES, "any": SHAPES}
        every = tuple(COLORS)
        return Item(
            shapes=self.names(got["shape"], SHAPES, groups),
            colors=self.names(got["color"], every, {"any": every}) if "color" in got else every,
            count=self.count(got["count"]) if "count" in got else (1, 1),
            at=self.places(got["at"]) if "at" in got else (),
            yaw=self.number(got["yaw"], _ANGLE) if "yaw" in got else None,
            size=self.size(got["size"]) if "size" in got else None,
            carries=tuple(self.item(n) for n in self.sequence(got["carries"])) if "carries" in got else (),
        )

    def count(self, node: yaml.Node) -> tuple[int, int]:
        parts = self.sequence(node) if isinstance(node, yaml.SequenceNode) else [node, node]
        texts = [self.text(part) for part in parts]
        if len(texts) != 2 or not all(re.fullmatch(r"\d{1,2}", t) for t in texts) or int(texts[0]) > int(texts[1]):
            raise self.wrong(node, "this is no count", "write a number, or [least, most]")
        return int(texts[0]), int(texts[1])

    def places(self, node: yaml.Node) -> tuple[tuple[float, float], ...]:
        parts = self.sequence(node)
        if parts and isinstance(parts[0], yaml.SequenceNode):
            return tuple(self.pair(part) for part in parts)
        return (self.pair(node),)

    def pair(self, node: yaml.Node) -> tuple[float, float]:
        values = self.vector(node, (2,))
        return values[0], values[1]

    def size(self, node: yaml.Node) -> tuple[float, ...]:
        return self.vector(node, (2, 3))

    def vector(self, node: yaml.Node, lengths: tuple[int, ...]) -> tuple[float, ...]:
        parts = self.sequence(node)
        if len(parts) not in lengths:
            raise self.wrong(node, f"{len(parts)} values stand here", f"write {' or '.join(map(str, lengths))} values")
        return tuple(self.number(part, _LENGTH) for part in parts)

    def goal(self, node: yaml.Node) -> Goal:
        if isinstance(node, yaml.ScalarNode):
            return Goal(self.text(node))
        got = self.mapping(node, ())
        if len(got) != 1:
            raise self.wrong(node, "a goal is one name with its arguments", "write `goal: {NAME: {…}}`")
        [(name, args)] = got.items()
        return Goal(name, tuple(sorted((k, self.text(v)) for k, v in self.mapping(args, ()).items())))

    def event(self, node: yaml.Node) -> Disturbance:
        got = self.mapping(node, _EVENT)
        for key in ("at", "do"):
            if key not in got:
                raise self.wrong(node, f"the key {key!r} is missing", f"add `{key}:`")
        do = self.text(got["do"])
        if do not in DOINGS:
            raise self.wrong(
                got["do"], f"nothing called {do!r} can happen", f"known: {', '.join(DOINGS)}", near_misses(do, DOINGS)
            )
        for key, value in got.items():
            if key not in ("at", "do", *_READS[do]):
                raise self.wrong(value, f"{do!r} has no {key!r}", f"it takes {', '.join(('at', *_READS[do]))}")
        if "what" in _READS[do] and "what" not in got:
            raise self.wrong(node, f"{do!r} needs to know what", "add `what: red cube`")
        if do == "swap" and "with" not in got:
            raise self.wrong(node, "'swap' needs to know with what", "add `with: blue can`")
        what, other = (self.thing(got[key], do == "add") if key in got else "" for key in ("what", "with"))
        if do == "swap" and what == other:
            raise self.wrong(got["with"], "a thing cannot change places with itself", "name another thing")
        at = self.number(got["at"], _TIME)
        until = self.number(got["until"], _TIME) if "until" in got else None
        if until is not None and until <= at:
            raise self.wrong(got["until"], "it would end before it begins", f"write a time after {at:g}s")
        to = self.vector(got["to"], (3,)) if "to" in got else None
        return Disturbance(at, do, until, what, None if to is None else (to[0], to[1], to[2]), other)

    def thing(self, node: yaml.Node, full: bool) -> str:
        """Read color and shape of a thing, or its shape alone where ``full`` is not wanted."""
        text = self.text(node)
        color, _, shape = text.rpartition(" ")
        if shape not in SHAPES or (color not in COLORS if color or full else False):
            names = [f"{c} {s}" for c in COLORS for s in SHAPES] + ([] if full else list(SHAPES))
            fix = "write a color and a shape, such as `red cube`" + ("" if full else ", or a shape")
            raise self.wrong(node, f"{text!r} is no thing", fix, near_misses(text, names))
        return text
