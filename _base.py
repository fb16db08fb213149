"""What every room may use: the base error with a place, near-miss hints, registries.

Only the standard library is imported here.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class KnotholeError(Exception):
    """Root of every error that knothole raises on purpose.

    The message is written for the author of a tree: what is wrong, why, and what to do.
    """


class MissingExtraError(KnotholeError):
    """A feature needs a package that is not installed."""

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs the package {package!r}, which is not installed\n  fix:  pip install 'knothole[{extra}]'"
        )
        self.feature, self.package, self.extra = feature, package, extra


class UnknownNameError(KnotholeError):
    """A name is in no registry (unknown node, backend, driver, scene)."""

    def __init__(self, noun: str, name: str, known: Iterable[str], fix: str) -> None:
        near = near_misses(name, known)
        hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
        super().__init__(f"unknown {noun} {name!r}{hint}\n  fix:  {fix}")
        self.noun, self.name, self.near = noun, name, near


class NameTakenError(KnotholeError):
    """Two definitions claim one registry name."""


def near_misses(name: str, known: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Return the known names closest to ``name``, closest first, at most ``limit``."""
    return tuple(difflib.get_close_matches(name, sorted(set(known)), n=limit, cutoff=0.55))


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands in a file: 1-based line and column."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def _source_of(thing: object) -> str:
    code = getattr(thing, "__code__", None)
    if code is not None:
        return f"{code.co_filename}:{code.co_firstlineno}"
    return f"{getattr(thing, '__module__', '?')}.{getattr(thing, '__qualname__', thing)}"


class Registry(Generic[T]):
    """Names of one kind of thing (node, backend, driver), found in three ways.

    A room's own files register by decorator when they are imported; the registry imports them on
    first look-up. Other distributions register through the entry-point group. A user's file
    registers when it is imported.

    Args:
        noun: Word used in messages, such as ``"node"``.
        package: Package below ``knothole`` whose modules register, such as ``"behaviors"``.
        group: Entry-point group of other distributions, such as ``"knothole.behaviors"``.
        fix: Last line of the message for an unknown name.
    """

    def __init__(self, noun: str, package: str, group: str, fix: str) -> None:
        self.noun, self.package, self.group, self.fix = noun, package, group, fix
        self._things: dict[str, T] = {}
        self._found = False

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files its subject under ``name``.

        Raises:
            NameTakenError: Another thing has the name; both places are shown.
        """

        def keep(thing: T) -> T:
            old = self._things.get(name)
            if old is not None and _source_of(old) != _source_of(thing):
                raise NameTakenError(
                    f"the {self.noun} name {name!r} is taken\n"
                    f"  first:   {_source_of(old)}\n"
                    f"  second:  {_source_of(thing)}\n"
                    f"  fix:  give one of them another name"
                )
            self._things[name] = thing
            return thing

        return keep

    def _find(self) -> None:
        if self._found:
            return
        self._found = True
        root = importlib.import_module(f"{__package__}.{self.package}")
        for info in sorted(pkgutil.iter_modules(root.__path__), key=lambda m: m.name):
            if not info.name.startswith("_"):
                importlib.import_module(f"{root.__name__}.{info.name}")
        for point in sorted(importlib.metadata.entry_points(group=self.group), key=lambda e: e.name):
            if point.name not in self._things:
                loaded = point.load()
                if point.name not in self._things:
                    self._things[point.name] = loaded

    def get(self, name: str) -> T:
        """Return the thing called ``name``.

        Raises:
            UnknownNameError: Nothing has the name; the nearest names are in the message.
        """
        self._find()
        try:
            return self._things[name]
        except KeyError:
            raise UnknownNameError(self.noun, name, self._things, self.fix) from None

    def __contains__(self, name: object) -> bool:
        self._find()
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        self._find()
        return iter(sorted(self._things))

    def __len__(self) -> int:
        self._find()
        return len(self._things)

    def items(self) -> Mapping[str, T]:
        """Return name → thing, names sorted."""
        self._find()
        return {name: self._things[name] for name in sorted(self._things)}


def import_needed(module: str, feature: str, extra: str) -> object:
    """Import ``module`` or say which extra brings it.

    Raises:
        MissingExtraError: The module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and module.split(".")[0] == error.name.split(".")[0]:
            raise MissingExtraError(feature, module.split(".")[0], extra) from error
        raise


def is_imported(module: str) -> bool:
    """Tell whether ``module`` is already loaded, without loading it."""
    return module in sys.modules
