"""knothole: behavior trees for robots that see.

Public names load on first use, so that ``import knothole`` needs neither torch nor PyBullet:

>>> import knothole
>>> tree = knothole.load("tidy_table")
>>> tree.name
'tidy_table'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ._base import KnotholeError as KnotholeError
    from .app.api import Run as Run
    from .app.api import Tree as Tree
    from .app.api import load as load
    from .behaviors.node import Leaf as Leaf
    from .behaviors.node import behavior as behavior
    from .behaviors.ports import REQUIRED as REQUIRED
    from .behaviors.ports import Port as Port
    from .robots.contract import driver as driver
    from .trees.debugging.control import Control as Control
    from .trees.problems import TreeError as TreeError
    from .vlm.contract import backend as backend

_PUBLIC = {
    "Control": "trees.debugging.control",
    "KnotholeError": "_base",
    "Leaf": "behaviors.node",
    "Port": "behaviors.ports",
    "REQUIRED": "behaviors.ports",
    "Run": "app.api",
    "Tree": "app.api",
    "TreeError": "trees.problems",
    "backend": "vlm.contract",
    "behavior": "behaviors.node",
    "driver": "robots.contract",
    "load": "app.api",
}


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
