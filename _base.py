"""What every room may use: the base error with a place, near-miss hints, registries.

Only the standard library is imported here.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import inspect
import json
import os
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TextIO, TypeVar

T = TypeVar("T")
FEW = 12
"""Names that a message lists in full."""


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
    """A name is in no registry (unknown node, backend, driver, scene).

    With no name near, the message lists all of them where they are few and the fix does not.
    """

    def __init__(self, noun: str, name: str, known: Iterable[str], fix: str) -> None:
        names = sorted(set(known))
        near = near_misses(name, names)
        hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
        if not near and 0 < len(names) <= FEW and not all(each in fix for each in names):
            fix += f"; there is {', '.join(names)}"
        super().__init__(f"unknown {noun} {name!r}{hint}\n  fix:  {fix}")
        self.noun, self.name, self.near = noun, name, near


class NameTakenError(KnotholeError):
    """Two definitions claim one registry name."""


class PluginError(KnotholeError):
    """What another distribution announces by an entry point cannot be used."""

    def __init__(self, point: importlib.metadata.EntryPoint, noun: str, problem: str) -> None:
        owner = point.dist.name if point.dist is not None else "an unknown distribution"
        super().__init__(
            f"the {noun} {point.name!r} of {owner} (entry point {point.group}: {point.name} = {point.value}) "
            f"{problem}\n"
            f"  fix:  repair or remove the distribution {owner}"
        )
        self.point = point


def drop_output(stream: TextIO) -> None:
    """Let what is still to be written to a stream go nowhere, since nobody can read it: a pipe that was closed."""
    with suppress(OSError, ValueError):  # it is no file, or closed
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)


def headline(error: BaseException) -> str:
    """Return the first line of what an error says, or what it is where it says nothing."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def parse_json(text: str | bytes) -> Any:
    """Return what a text from outside says as JSON; ``json.loads`` would end in ``RecursionError`` for a hostile one.

    Raises:
        ValueError: It is no JSON, or nested too deep.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def near_misses(name: str, known: Iterable[str], limit: int = 3, cutoff: float = 0.55) -> tuple[str, ...]:
    """Return the known names closest to ``name``, closest first, at most ``limit``.

    Closest is what takes the fewest slips of the fingers (``slips``), then what has the same letters, then what has
    most of them in common.

    Args:
        name: What was written.
        known: What could be meant; of a sequence the earlier name is the closer one where nothing else tells.
        limit: How many to return.
        cutoff: Share of letters in common that is needed, in [0, 1]; names of up to three letters need one slip only.

    >>> near_misses("expcet", ["accept", "except", "expect"])
    ('expect', 'except')
    """
    names = list(dict.fromkeys(known)) if isinstance(known, Sequence) else sorted(set(known))
    close = difflib.get_close_matches(name, names, n=4 * limit, cutoff=cutoff)
    if len(name) <= 4:
        close += [
            each
            for each in names
            if each not in close and len(each) <= 4 and abs(len(each) - len(name)) <= 1 and slips(name, each) == 1
        ]
    letters = sorted(name)
    return tuple(sorted(close, key=lambda each: (slips(name, each), sorted(each) != letters))[:limit])


def slips(a: str, b: str) -> int:
    """Return how many slips make one text of another: a letter left out, added, replaced, or two neighbours swapped.

    Source: the optimal string alignment distance of F. J. Damerau, *A technique for computer detection and correction
    of spelling errors*, Communications of the ACM 7 (3), 1964, and V. I. Levenshtein, 1966.
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


class Place(NamedTuple):
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


def _is_like(thing: object, others: Iterable[object]) -> bool:
    """Tell whether a thing is what the others are: a class with their common bases, a callable, or of their type."""
    known = list(others)
    if known and all(isinstance(other, type) for other in known):
        common = set.intersection(*(set(inspect.getmro(other)) for other in known if isinstance(other, type)))
        return isinstance(thing, type) and common <= set(inspect.getmro(thing))
    if all(inspect.isroutine(other) or isinstance(other, type) for other in known):
        return callable(thing)
    return isinstance(thing, tuple({type(other) for other in known}))


def _described(thing: object) -> str:
    return f"the class {thing.__qualname__}" if isinstance(thing, type) else f"a {type(thing).__name__}"


class Registry(Generic[T]):
    """Names of one kind of thing (node, backend, driver), found in three ways.

    A room's own files register by decorator when they are imported; the registry imports them on
    first look-up. Other distributions register through the entry-point group: the entry point is
    the thing itself, or its module registers the name; a broken one is a ``PluginError`` at every
    look-up. A user's file registers when it is imported.

    Args:
        noun: Word used in messages, such as ``"node"``.
        package: Package below ``knothole`` whose modules register, such as ``"behaviors"``.
        group: Entry-point group of other distributions, such as ``"knothole.behaviors"``.
        fix: Last line of the message for an unknown name.
        deep: Import the sub-rooms of the package as well.
        elsewhere: Asked for a name that nobody registered; returns the thing, or None.
    """

    def __init__(
        self,
        noun: str,
        package: str,
        group: str,
        fix: str,
        deep: bool = False,
        elsewhere: Callable[[str], T | None] | None = None,
    ) -> None:
        self.noun, self.package, self.group, self.fix, self.deep = noun, package, group, fix, deep
        self.elsewhere = elsewhere
        self._things: dict[str, T] = {}
        self._found = self._finding = False

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
        if self._found or self._finding:
            return
        self._finding = True
        try:
            self._find_shipped()
            self._find_plugins()
            self._found = True
        finally:
            self._finding = False

    def _find_shipped(self) -> None:
        rooms = [importlib.import_module(f"{__package__}.{self.package}")]
        while rooms:
            room = rooms.pop()
            for info in sorted(pkgutil.iter_modules(room.__path__), key=lambda m: m.name):
                if not info.name.startswith("_") and (not info.ispkg or self.deep):
                    module = importlib.import_module(f"{room.__name__}.{info.name}")
                    if info.ispkg:
                        rooms.append(module)

    def _find_plugins(self) -> None:
        shipped = tuple(self._things.values())
        for point in sorted(importlib.metadata.entry_points(group=self.group), key=lambda e: e.name):
            if point.name in self._things:
                continue
            try:
                loaded = point.load()
            except Exception as error:
                self._things.pop(point.name, None)
                problem = f"cannot be loaded: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
                raise PluginError(point, self.noun, problem) from error
            if point.name in self._things:
                continue
            if not _is_like(loaded, shipped):
                raise PluginError(
                    point, self.noun, f"is no {self.noun} but {_described(loaded)}, and does not register that name"
                )
            self._things[point.name] = loaded

    def get(self, name: str) -> T:
        """Return the thing called ``name``.

        Raises:
            UnknownNameError: Nothing has the name; the nearest names are in the message.
        """
        self._find()
        thing = self._things.get(name)
        if thing is None and self.elsewhere is not None:
            thing = self.elsewhere(name)
        if thing is None:
            raise UnknownNameError(self.noun, name, self._things, self.fix)
        return thing

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
