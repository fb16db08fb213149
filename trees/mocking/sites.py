"""Every node of a tree and of all it uses, by the path it has in a run, and the words that pick some of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ..._base import near_misses
from ..recursion import deep_recursion
from ..spec import NodeSpec, TreeSpec

_BY: Final = ("type", "name")
_STUB: Final = "is:stub"
_NEAR: Final = 2000
"""Paths that are compared for a near miss."""


@dataclass(frozen=True)
class Site:
    """One node where it is run: a tree that is used twice has its nodes at two sites.

    Attributes:
        path: Its path in the run, through used trees.
        spec: The node.
    """

    path: str
    spec: NodeSpec


def sites(tree: TreeSpec) -> tuple[Site, ...]:
    """Return all nodes of a tree and of the trees it uses, in the order they are written."""
    with deep_recursion():
        return tuple(_sites(tree.root, ""))


def _sites(spec: NodeSpec, prefix: str) -> Iterator[Site]:
    path = prefix + spec.path
    yield Site(path, spec)
    for below in (*spec.parts.values(), *spec.children, *spec.hooks.values()):
        yield from _sites(below, prefix)
    if spec.uses is not None:
        yield from _sites(spec.uses.root, f"{path}/")


@dataclass(frozen=True)
class Selector:
    """Picks nodes: a path, one with ``*`` and ``**``, ``type:pick``, ``name:put one away``, ``is:stub``, or one word.

    In a path ``*`` stands for any text within a segment and ``**`` for any number of segments; with either of them a
    segment without a number, ``see``, means ``see[1]`` and ``see[2]`` as well. One word without a slash is the type or
    the name of a node. ``is:stub`` picks what is only declared.

    Attributes:
        text: As written.
        kind: How it picks.
    """

    text: str
    kind: Literal["path", "pattern", "name", "type", "word", "stub"] = field(init=False)
    _pattern: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by, colon, _ = self.text.partition(":")
        if self.text == _STUB:
            kind = "stub"
        elif colon and by in _BY:
            kind = by
        elif "*" in self.text:
            kind = "pattern"
        else:
            kind = "path" if "/" in self.text else "word"
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "_pattern", _compiled(self.text) if kind == "pattern" else None)

    @property
    def rank(self) -> tuple[int, ...]:
        """How specific it is, for comparing: exact path, then fewer wildcards and more words, then name, then type."""
        order = {"path": 5, "word": 4, "pattern": 3, "name": 2, "type": 1, "stub": 0}[self.kind]
        segments = self.text.split("/")
        deep = segments.count("**")
        words = sum("*" not in segment for segment in segments)
        stars = sum("*" in segment for segment in segments) - deep
        numbered = sum("[" in segment for segment in segments)
        return (order, -deep, -stars, words, numbered) if self.kind == "pattern" else (order,)

    def matches(self, site: Site) -> bool:
        """Tell whether it picks a node."""
        if self.kind in ("path", "pattern"):
            return self.on_path(site.path)
        if self.kind == "stub":
            return site.spec.kind.cls is None or (site.spec.type == "bt.SubTree" and site.spec.uses is None)
        wanted = self.text.partition(":")[2].strip() if self.kind in _BY else self.text
        by_type, by_name = site.spec.type == wanted, site.spec.name == wanted
        return (by_type and self.kind != "name") or (by_name and self.kind != "type")

    def on_path(self, path: str) -> bool:
        """Tell whether it picks by path, and this one."""
        return self._pattern.fullmatch(path) is not None if self._pattern is not None else path == self.text

    def among(self, all_sites: Sequence[Site]) -> list[Site]:
        """Return what it picks; a text that is somebody's whole path means that node alone."""
        exact = [site for site in all_sites if site.path == self.text]
        return exact or [site for site in all_sites if self.matches(site)]

    def near(self, all_sites: Sequence[Site]) -> tuple[str, ...]:
        """Return what may have been meant, closest first."""
        if self.kind in _BY:
            known = {getattr(site.spec, self.kind) for site in all_sites}
            wanted = self.text.partition(":")[2].strip()
            return tuple(f"{self.kind}:{each}" for each in near_misses(wanted, known))
        if self.kind == "word":
            return near_misses(self.text, {word for site in all_sites for word in (site.spec.type, site.spec.name)})
        if self.kind == "path":
            return self._near_paths(all_sites)
        if self.kind == "stub":
            return ()
        known = {re.sub(r"\[\d+\]\Z", "", word) for site in all_sites for word in site.path.split("/")}
        for segment in self.text.split("/"):
            if "*" not in segment and re.sub(r"\[\d+\]\Z", "", segment) not in known:
                return tuple(self.text.replace(segment, each) for each in near_misses(segment, known))
        return ()

    def _near_paths(self, all_sites: Sequence[Site]) -> tuple[str, ...]:
        paths = [site.path for site in all_sites]
        last = self.text.rpartition("/")[2]
        same_end = [path for path in paths if re.sub(r"\[\d+\]\Z", "", path.rpartition("/")[2]) == last]
        near = near_misses(self.text, (same_end or paths)[:_NEAR])
        return near or tuple(same_end[:3])


def _compiled(text: str) -> re.Pattern[str]:
    parts: list[str] = []
    segments = text.split("/")
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if segment == "**":
            parts.append("[^/]+(?:/[^/]+)*" if last else "(?:[^/]+/)*")
            continue
        word = "[^/]*".join(map(re.escape, segment.split("*")))
        any_number = "" if "[" in segment else r"(?:\[\d+\])?"
        parts.append(word + any_number + ("" if last else "/"))
    return re.compile("".join(parts))
