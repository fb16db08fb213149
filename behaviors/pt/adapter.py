"""Any behavior, decorator or composite of py_trees as a node, named by its dotted path: ``my_pkg.nodes.Wipe``."""

from __future__ import annotations

import importlib
import inspect
import re
from types import ModuleType
from typing import Any, Final

import py_trees

from ..._base import UnknownNameError, near_misses
from ..node import behavior
from ..ports import Port
from ..step import Steps
from .adapted import Adapted, AdaptedComposite, AdaptedDecorator
from .signature import SignatureError, arguments_of, declared_ports

RESERVED: Final = frozenset({"pt", "bt", "nav2", "stub"})
"""What stands before the dot in names of the package."""
_DOTTED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+\Z")
_FLOWS: Final = (
    (py_trees.composites.Sequence, "sequence"),
    (py_trees.composites.Selector, "selector"),
    (py_trees.composites.Parallel, "parallel"),
    (py_trees.decorators.Inverter, "inverter"),
    (py_trees.decorators.Timeout, "timeout"),
)
_found: dict[str, type] = {}


class AdapterError(UnknownNameError):
    """A dotted path leads to nothing that can be a node.

    Attributes:
        why: What is missing.
        hint: What to do.
    """

    def __init__(self, name: str, why: str, hint: str, near: tuple[str, ...] = ()) -> None:
        guess = f"\n  did you mean:  {', '.join(near)}" if near else ""
        Exception.__init__(self, f"{name!r} is no node: {why}{guess}\n  fix:  {hint}")
        self.noun, self.name, self.near, self.why, self.hint = "node", name, near, why, hint


def find(name: str) -> type | None:
    """Return the node class for a dotted path, None if the name is none.

    Raises:
        AdapterError: A part of the path cannot be imported, or it leads to something that cannot be a node.
    """
    if not _DOTTED.match(name) or name.partition(".")[0] in RESERVED:
        return None
    if name not in _found:
        _found[name] = adapt(name, _thing(name))
    return _found[name]


def is_dotted(name: str) -> bool:
    """Tell whether a text has the form of a dotted path."""
    return _DOTTED.match(name) is not None


def register(name: str, dotted: str) -> None:
    """Register the class at a dotted path under the type key that authors write.

    Raises:
        AdapterError: The path leads to nothing that can be a node.
        NameTakenError: Another node has the name.
    """
    behavior(name)(adapt(name, _thing(dotted)))


def mistake_in(name: str) -> AdapterError | None:
    """Return why a dotted path leads to no node; None if it leads to one, or is no dotted path."""
    try:
        find(name)
    except AdapterError as error:
        return error
    return None


def adapt(name: str, cls: Any) -> type:
    """Return a node class that stands for a class of py_trees; one of ours is returned as it is.

    Its ports are the parameters of the constructor (``name``, ``child`` and ``children`` left out) and the ports that
    it declares with ``py_trees.ports``. A parameter with the name of a common key has ``_`` after it.

    Args:
        name: What authors write.
        cls: The class.

    Raises:
        AdapterError: It is no class of behaviors, is abstract, or needs a function.
    """
    if not (isinstance(cls, type) and issubclass(cls, py_trees.behaviour.Behaviour)):
        raise AdapterError(name, f"it is {_described(cls)}", "name a class that is derived from py_trees' Behaviour")
    if issubclass(cls, Steps) and hasattr(cls, "ports"):
        return cls
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(getattr(cls, "__abstractmethods__", ())))
        raise AdapterError(name, f"the class is abstract, it lacks {missing}", "name a class that has all methods")
    try:
        body: dict[str, Any] = {"arguments": arguments_of(cls), "declared": declared_ports(cls)}
    except SignatureError as error:
        why, _, hint = str(error).partition("\n  fix:  ")
        raise AdapterError(name, why, hint) from error
    base, structure = _base_of(cls)
    names = [port.name for part in body["arguments"] for port in part.ports]
    names += [each.port.name for side in body["declared"] for each in side] + [port.name for port in structure]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise AdapterError(name, f"two ports of it are called {', '.join(twice)}", "rename the parameter in a subclass")
    body |= {"origin": cls, "structure": structure, "flow": _flow_of(cls, base), "__doc__": _about(cls)}
    body |= {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    return type(cls.__name__, (base,), body)


def _base_of(cls: type) -> tuple[type[Adapted], tuple[Port, ...]]:
    if issubclass(cls, py_trees.decorators.Decorator):
        return AdaptedDecorator, AdaptedDecorator.structure
    if issubclass(cls, py_trees.composites.Composite):
        (children,) = AdaptedComposite.structure
        return AdaptedComposite, (Port("children", "nodes", children.about, default=()),)
    return Adapted, ()


def _flow_of(cls: Any, base: type[Adapted]) -> str:
    for known, flow in _FLOWS:
        if issubclass(cls, known) and cls.tick is known.tick and cls.update is known.update:
            return flow
    return base.flow


def _about(cls: type) -> str:
    text = inspect.getdoc(cls) if cls.__doc__ else None
    return text or f"Run {cls.__module__}.{cls.__qualname__} of py_trees."


def _thing(dotted: str) -> object:
    """Import as far as there are modules and look up the rest."""
    first, *rest = dotted.split(".")
    thing: object = _module(dotted, first)
    path = first
    for part in rest:
        parent, path = path, f"{path}.{part}"
        if hasattr(thing, part):
            thing = getattr(thing, part)
            continue
        if isinstance(thing, ModuleType) and hasattr(thing, "__path__"):
            thing = _module(dotted, path, thing)
            continue
        what = "module" if isinstance(thing, ModuleType) else "class"
        near = tuple(f"{parent}.{each}" for each in near_misses(part, dir(thing)))
        raise AdapterError(dotted, f"the {what} {parent} has no {part!r}", "correct the name", near)
    return thing


def _module(dotted: str, path: str, parent: ModuleType | None = None) -> ModuleType:
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise _broken(dotted, path, error) from error
        if parent is None:
            hint = "correct the name, or install the package that has it, or put its folder on PYTHONPATH"
            raise AdapterError(dotted, f"there is no module {path!r}", hint) from None
        part = path.rpartition(".")[2]
        near = tuple(f"{parent.__name__}.{each}" for each in near_misses(part, dir(parent)))
        raise AdapterError(dotted, f"the package {parent.__name__} has no {part!r}", "correct the name", near) from None
    except Exception as error:
        raise _broken(dotted, path, error) from error


def _broken(dotted: str, path: str, error: Exception) -> AdapterError:
    what = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return AdapterError(dotted, f"the module {path} cannot be imported: {what}", "repair the module")


def _described(thing: object) -> str:
    if isinstance(thing, type):
        return f"the class {thing.__qualname__}, which is no behavior of py_trees"
    if isinstance(thing, ModuleType):
        return f"the module {thing.__name__}"
    return f"a {type(thing).__name__}, no class"
