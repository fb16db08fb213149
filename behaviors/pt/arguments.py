"""Arguments of a constructor of py_trees, and the ports that they are made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..ports import Port

Convert = Callable[[Any], object]


@dataclass(frozen=True)
class Argument:
    """One argument of a constructor and the ports it comes from.

    Attributes:
        name: Of the parameter.
        ports: What the author gives.
        make: Gives the argument for a node.
        live: True when the argument follows later changes by itself, so that a changed port needs no new instance.
    """

    name: str
    ports: tuple[Port, ...]
    make: Callable[[Any], object]
    live: bool = False


def given(port: Port, convert: Convert | None = None, name: str = "") -> Argument:
    """Return an argument that is the value of a port."""
    turn = convert or (lambda value: value)
    return Argument(name or port.name, (port,), lambda node: turn(node.get(port.name)))


def entry(port: Port) -> Argument:
    """Return an argument that is the blackboard key of the entry which a ``variable`` port names."""
    return Argument(port.name, (port,), lambda node: node.key(port.name), live=True)


def generator(port: Port) -> Argument:
    """Return an argument that is a function: it reads the port whenever it is called."""
    return Argument(port.name, (port,), lambda node: lambda: node.get(port.name), live=True)


def same(a: Mapping[str, object], b: Mapping[str, object]) -> bool:
    """Tell whether two sets of arguments are equal; what cannot be compared is not."""
    try:
        return a.keys() == b.keys() and all(a[name] is b[name] or bool(a[name] == b[name]) for name in a)
    except Exception:
        return False
