"""Which nodes of a tree were ticked over all its cases, with which outcomes, and which of its branches were taken."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from ...behaviors.ports import CONDITION_KEYS
from ...trees.draw import render
from ...trees.loader import load
from ...trees.mocking.sites import Site, sites
from ...trees.node_types import NodeType
from ...trees.problems import TreeError
from ...trees.spec import Literal, NodeSpec, TreeSpec
from .play import Played

OUTCOMES: Final = ("SUCCESS", "FAILURE", "RUNNING", "SKIPPED")
_CHOOSING: Final = ("selector", "if", "switch", "try", "recovery", "round_robin")
"""Flows whose children are alternatives."""
_SECTION = re.compile(r"^    Status:\n(?P<body>.*?)(?:\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class NodeCoverage:
    """One node.

    Attributes:
        path: Its path in the run.
        spec: The node.
        counts: Outcome → ticks; also ``HALTED`` and ``UNSURE``.
        possible: Outcomes that its documentation names.
        branches: What may happen here besides → whether it did.
    """

    path: str
    spec: NodeSpec
    counts: Mapping[str, int]
    possible: tuple[str, ...]
    branches: Mapping[str, bool]

    @property
    def ticked(self) -> bool:
        """True when it was ticked at all."""
        return any(self.counts.get(outcome, 0) for outcome in OUTCOMES)

    @property
    def missing(self) -> list[str]:
        """What did not happen: of a leaf SUCCESS and FAILURE, of every node its branches."""
        wanted = [each for each in ("SUCCESS", "FAILURE") if each in self.possible] if self.spec.is_leaf else []
        return [each for each in wanted if not self.counts.get(each)] + [
            name for name, taken in self.branches.items() if not taken
        ]

    @property
    def mark(self) -> str:
        """``covered``, ``partly`` or ``never``."""
        return "never" if not self.ticked else "partly" if self.missing else "covered"

    def to_json(self) -> dict[str, object]:
        """Return ``{path, type, line, mark, counts, missing, branches}``."""
        return {
            "path": self.path,
            "type": self.spec.type,
            "file": self.spec.place.file,
            "line": self.spec.place.line,
            "mark": self.mark,
            "counts": {name: count for name, count in self.counts.items() if count},
            "missing": self.missing,
            "branches": dict(self.branches),
        }


@dataclass(frozen=True)
class TreeCoverage:
    """One tree: its nodes, those of the trees it uses included."""

    tree: TreeSpec
    nodes: tuple[NodeCoverage, ...]

    @property
    def totals(self) -> dict[str, tuple[int, int]]:
        """Return ``nodes``, ``outcomes`` and ``branches`` → how many of how many."""
        outcomes = [(node, each) for node in self.nodes for each in node.possible]
        branches = [taken for node in self.nodes for taken in node.branches.values()]
        return {
            "nodes": (sum(node.ticked for node in self.nodes), len(self.nodes)),
            "outcomes": (sum(bool(node.counts.get(each)) for node, each in outcomes), len(outcomes)),
            "branches": (sum(branches), len(branches)),
        }

    @property
    def marks(self) -> dict[str, str]:
        """Return path → mark, for a drawing."""
        return {node.path: node.mark for node in self.nodes}

    def picture(self, format: str) -> bytes:
        """Return the drawing with its marks, used trees whole."""
        return render(self.tree, format, expand=True, marks=self.marks)

    def to_json(self) -> dict[str, object]:
        """Return ``{tree, file, nodes: [reached, all], …, each: […]}``."""
        totals = {name: list(pair) for name, pair in self.totals.items()}
        each = [node.to_json() for node in self.nodes]
        return {"tree": self.tree.name, "file": self.tree.file, **totals, "each": each}

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {got} of {all}" for name, (got, all) in self.totals.items())
        lines = [f"coverage of {self.tree.name} ({self.tree.file}): {counts}"]
        sign = {"covered": "●", "partly": "◐", "never": "○"}
        width = min(100, max(len(node.path) for node in self.nodes))
        for node in self.nodes:
            seen = ", ".join(f"{name} {count}" for name, count in node.counts.items() if count and name != "UNSURE")
            gaps = f"   missing: {', '.join(node.missing)}" if node.ticked and node.missing else ""
            lines.append(f"  {sign[node.mark]} {node.path:<{width}}  {seen or 'never ticked'}{gaps}")
        return "\n".join(lines)


@dataclass
class Coverage:
    """Collects what runs covered.

    Attributes:
        trees: File of a tree → the tree.
    """

    trees: dict[str, TreeSpec] = field(default_factory=dict)
    _counts: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)

    def add(self, tree: TreeSpec, played: Played) -> None:
        """Add one run of a tree, which is given as it is without mocks."""
        self.trees.setdefault(tree.file, tree)
        counts = self._counts.setdefault(tree.file, {})
        for path, outcomes in played.recorder.outcomes.items():
            counts.setdefault(path, Counter()).update(outcomes)
        for path, inner in played.recorder.inner.items():
            held = sum(played.recorder.outcomes[path][each] for each in OUTCOMES)
            ran = sum(played.recorder.outcomes[inner][each] for each in OUTCOMES)
            counts[path].update({"RAN": ran, "HELD": max(0, held - ran)})

    def dump(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return plain data, for another process to ``absorb``."""
        return {file: {path: dict(each) for path, each in counts.items()} for file, counts in self._counts.items()}

    def absorb(self, data: Mapping[str, Mapping[str, Mapping[str, int]]], search: Sequence[Path] = ()) -> list[str]:
        """Add what another process collected; return files that cannot be read again, such as those a test removed."""
        lost: list[str] = []
        for file, counts in data.items():
            try:
                if file not in self.trees:
                    self.trees[file] = load(file, search)
            except TreeError:
                lost.append(file)
                continue
            mine = self._counts.setdefault(file, {})
            for path, outcomes in counts.items():
                mine.setdefault(path, Counter()).update(outcomes)
        return lost

    def results(self) -> list[TreeCoverage]:
        """Return the coverage of each tree, in the order of their files."""
        return [TreeCoverage(self.trees[file], tuple(self._nodes(file))) for file in sorted(self.trees)]

    def _nodes(self, file: str) -> Iterator[NodeCoverage]:
        counts = self._counts.get(file, {})
        for site in sites(self.trees[file]):
            own = counts.get(site.path, Counter())
            shown = {name: own[name] for name in (*OUTCOMES, "HALTED", "UNSURE")}
            yield NodeCoverage(site.path, site.spec, shown, _possible(site.spec.kind), dict(_branches(site, counts)))


def _branches(site: Site, counts: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, bool]]:
    """Yield the alternatives at a node, and whether each was taken."""
    spec, path = site.spec, site.path
    prefix = path.removesuffix(spec.path)
    if spec.kind.flow in _CHOOSING:
        for number, child in enumerate(spec.children, 1):
            yield f"child {number} {child.name}", _any(counts.get(prefix + child.path, {}))
    for key, hook in spec.hooks.items():
        yield key, _any(counts.get(prefix + hook.path, {}))
    keys = [key for key in CONDITION_KEYS if key in spec.common]
    if keys:
        wrapper = counts.get(f"{path}#{keys[0]}", {})
        yield f"{', '.join(keys)}: runs", bool(wrapper.get("RAN"))
        yield f"{', '.join(keys)}: held back", bool(wrapper.get("HELD"))
    if spec.kind.visual and "on_unsure" in spec.kind.ports:
        value = spec.values.get("on_unsure")
        way = value.value if isinstance(value, Literal) else spec.kind.ports["on_unsure"].default
        way = spec.parts["on_unsure"].name if "on_unsure" in spec.parts else way
        yield f"unsure: {way}", bool(counts.get(path, {}).get("UNSURE"))


def _any(outcomes: Mapping[str, int]) -> bool:
    return any(outcomes.get(each) for each in OUTCOMES)


@lru_cache(maxsize=1024)
def _documented(doc: str) -> tuple[str, ...]:
    found = _SECTION.search(doc)
    body = found["body"] if found is not None else ""
    heads = " ".join(re.findall(r"^        ([A-Z][A-Z, ]+):", body, flags=re.MULTILINE))
    return tuple(each for each in OUTCOMES if each in heads)


def _possible(kind: NodeType) -> tuple[str, ...]:
    """Return the outcomes that a node's documentation names; SUCCESS and FAILURE where it has none."""
    return _documented((kind.cls.__doc__ or "") if kind.cls is not None else "") or ("SUCCESS", "FAILURE")
