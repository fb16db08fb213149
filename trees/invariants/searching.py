"""Search the states that a tree can reach for one in which a rule is broken; the shortest way there is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import networkx as nx

from ...behaviors.step import RUNNING, Status
from ..recursion import deep_recursion
from ..spec import TreeSpec
from .choosing import Choice, Undecidable
from .modelling import Model
from .rules import Rule

MOST_TICKS: Final = 50_000
"""Ticks after which a search is given up."""
Verdict = Literal["holds", "broken", "undecided"]


@dataclass(frozen=True)
class Moment:
    """One tick of a counterexample.

    Attributes:
        choices: What went how, in order.
        ended: Nodes that were ticked and what they gave, leaves only, in order: path, status.
        root: What the root gave.
    """

    choices: tuple[Choice, ...]
    ended: tuple[tuple[str, str], ...]
    root: str


@dataclass(frozen=True)
class Finding:
    """What is known of one rule.

    Attributes:
        rule: The rule.
        verdict: ``holds`` in every state that can be reached, ``broken`` in one, or ``undecided``.
        note: Why it is not decided, or what was taken for granted; empty for nothing.
        start: What inputs the counterexample begins with.
        moments: Its ticks; the node is to be ticked in the last one.
        path: The node that is refused there.
        names: Path → display name, of all nodes of the tree.
    """

    rule: Rule
    verdict: Verdict
    note: str = ""
    start: tuple[Choice, ...] = ()
    moments: tuple[Moment, ...] = ()
    path: str = ""
    names: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass
class Search:
    """What was found of a tree.

    Attributes:
        findings: One for each rule, in order.
        states: How many states were reached.
        ticks: How many ticks it took.
        graph: The states that were reached, as numbers; edges have a ``moment``.
    """

    findings: tuple[Finding, ...]
    states: int = 0
    ticks: int = 0
    graph: Any = field(default_factory=nx.DiGraph, repr=False)


def search(tree: TreeSpec, rules: Sequence[Rule], most_ticks: int = MOST_TICKS) -> Search:
    """Return what a tree can do against each rule.

    Every state is looked at once, breadth first, so a counterexample has as few ticks as can be. Rules are enforced
    meanwhile as they are in a run: what one refuses gives FAILURE.

    Args:
        tree: A checked tree.
        rules: The rules.
        most_ticks: When to give up.
    """
    try:
        with deep_recursion():
            return _Explorer(Model(tree, rules), rules, most_ticks).explore()
    except Undecidable as why:
        return Search(tuple(Finding(rule, "undecided", str(why)) for rule in rules))


class _Explorer:
    def __init__(self, model: Model, rules: Sequence[Rule], most_ticks: int) -> None:
        self.model, self.rules, self.most_ticks = model, rules, most_ticks
        self.graph: Any = nx.DiGraph()
        self.numbers: dict[Any, int] = {}
        self.found: dict[int, Finding] = {}
        self.ticks = 0

    def explore(self) -> Search:
        """Look at every state."""
        waiting: deque[tuple[int, Any]] = deque()
        self.graph.add_node("start")
        for choices, state in self.model.starts():
            self.model.states.bring_back(state)
            number, fresh = self._number()
            if fresh:
                self.graph.add_edge("start", number, choices=choices)
                waiting.append((number, state))
        note = ""
        while waiting and len(self.found) < len(self.rules) and not note:
            number, state = waiting.popleft()
            try:
                note = self._expand(number, state, waiting)
            except Undecidable as why:
                note = str(why)
        findings = tuple(self._finding(number, note) for number in range(len(self.rules)))
        return Search(findings, len(self.numbers), self.ticks, self.graph)

    def _expand(self, number: int, state: Any, waiting: deque[tuple[int, Any]]) -> str:
        """Tick a state in every way; return why the search is given up, empty while it is not."""
        model = self.model
        for script in model.chooser.scripts():
            if self.ticks >= self.most_ticks:
                return f"too large: {len(self.numbers)} states and {self.ticks} ticks did not reach the end"
            self.ticks += 1
            model.states.bring_back(state)
            status = model.tick(script)
            for rule, path in model.broken_rules.items():
                if rule not in self.found:
                    self.found[rule] = self._counterexample(rule, number, path, status)
            if status is RUNNING:
                taken = tuple(model.chooser.taken)
                after, fresh = self._number()
                if fresh:
                    self.graph.add_edge(number, after, moment=self._moment(status))
                    waiting.append((after, model.states.take()))
                model.chooser.taken[:] = taken
        return ""

    def _number(self) -> tuple[int, bool]:
        """Return the number of the present state, and whether it is new."""
        key = self.model.states.key()
        fresh = key not in self.numbers
        return self.numbers.setdefault(key, len(self.numbers)), fresh

    def _moment(self, status: Status) -> Moment:
        """Return what happened in the tick that was just made."""
        asked = {choice.path for choice in self.model.chooser.taken}
        asked |= set(self.model.broken_rules.values())
        ended = [
            (built.path, _word(built.node)) for built in self.model.tree.nodes if built.path in asked and built.path
        ]
        return Moment(tuple(self.model.chooser.taken), tuple(ended), status.value)

    def _counterexample(self, rule: int, number: int, path: str, status: Status) -> Finding:
        way = nx.shortest_path(self.graph, "start", number)
        edges = [self.graph.edges[a, b] for a, b in zip(way, way[1:], strict=False)]
        moments = (*(edge["moment"] for edge in edges[1:]), self._moment(status))
        names = {built.path: built.name for built in self.model.tree.nodes}
        return Finding(self.rules[rule], "broken", "", edges[0]["choices"], moments, path, names)

    def _finding(self, rule: int, note: str) -> Finding:
        if rule in self.found:
            return self.found[rule]
        if note:
            return Finding(self.rules[rule], "undecided", note)
        bounded = "for lists of up to two elements" if self.model.bounded else ""
        return Finding(self.rules[rule], "holds", bounded)


def _word(node: Any) -> str:
    return "SKIPPED" if getattr(node, "skipped", False) else str(node.status.value)
