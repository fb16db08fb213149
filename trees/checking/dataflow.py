"""Check what trees read and write: entries never set, reads before writes, outputs nobody reads, types that differ.

Trees are looked at from the innermost use outwards. Of a tree that is used with ``bt.SubTree`` its ``Border`` says what
it does to names of its own; where it is used, the remaps make these names entries of the tree around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from ..._base import Place, slips
from ..node_types import BT_TEXT
from ..problems import Problem
from ..reading.document import Source
from ..spec import Literal, NodeSpec, Reference, TreeSpec
from .entries import (
    AUTOREMAP,
    NOTHING,
    SUBTREE,
    Border,
    Condition,
    Mentions,
    Read,
    Wanted,
    Write,
    conditions_of,
    mappings_of,
    mentions_of,
    starts_with,
    wanted_by_keys,
)
from .entry_types import check_types
from .flows import State, Walk
from .outcomes import Outcomes
from .reporting import Report, Severity
from .settling import Settled
from .slips import warn_of_root_slips, warn_of_slips


@dataclass(frozen=True)
class Checked:
    """A tree that was read, and what is needed to check it.

    Attributes:
        tree: The tree.
        source: Its file.
        complete: False when other mistakes left parts of the tree out.
        doubtful: Entries that such parts mention, which may be set there; nothing is said of when they are set.
    """

    tree: TreeSpec
    source: Source
    complete: bool = True
    doubtful: Set[str] = frozenset()


class Flows:
    """What is known of the trees of one check, by ``id(tree)``.

    Attributes:
        borders: What each does to names of its own, seen from outside.
        ends: What its root can end with.
        outcomes: What its nodes can end with.
        orders: Its nodes, each before those below it.
        written: The entries that its nodes write.
        visual: The trees in which something asks a model.
        asking: A question in it without ``max_age`` and ``rate``; trees without one are left out.
    """

    def __init__(self) -> None:
        self.borders: dict[int, Border] = {}
        self.ends: dict[int, int] = {}
        self.outcomes: dict[int, Outcomes] = {}
        self.orders: dict[int, Sequence[NodeSpec]] = {}
        self.written: dict[int, Set[str]] = {}
        self.visual: set[int] = set()
        self.asking: dict[int, NodeSpec] = {}


def check_entries(trees: Sequence[Checked], flows: Flows) -> list[Problem]:
    """Return what is wrong with the entries of trees.

    Args:
        trees: All trees of one check, each after those that it uses.
        flows: Is filled.
    """
    borrowed = set()
    for each in trees:
        order = flows.orders[id(each.tree)] = list(each.tree.walk())
        borrowed |= {id(node.uses) for node in order if node.uses is not None and node.type == SUBTREE}
    checkers = []
    used = {id(node.uses) for order in flows.orders.values() for node in order if node.uses is not None}
    for each in trees:
        outside = each.tree.dialect == "bt" or id(each.tree) in borrowed
        checker = _Checker(each, flows, outside, outside and id(each.tree) not in used)
        checker.run()
        checkers.append(checker)
    if any(checker.root_reads for checker in checkers):
        known = _root_names(checkers)
        for checker in checkers:
            warn_of_root_slips(checker.root_reads, known, checker.report)
    for checker in checkers:
        if checker.outside and checker.complete:
            warn_of_slips(checker.needs, checker.counts, checker.writes, checker.report)
    return [problem for checker in checkers for problem in checker.report.problems]


class _Checker:
    """Checks one tree.

    Args:
        checked: The tree.
        flows: What is known of the trees that it uses.
        outside: True where its entries may be set from outside.
        outermost: True for such a tree that no tree uses: it starts with its inputs, and what a program adds.
    """

    def __init__(self, checked: Checked, flows: Flows, outside: bool, outermost: bool) -> None:
        self.tree, self.source = checked.tree, checked.source
        self.complete, self.doubtful = checked.complete, checked.doubtful
        self.flows, self.outside, self.outermost = flows, outside, outermost
        self.report = Report(checked.source)
        self.order = flows.orders[id(checked.tree)]
        self.mentions: dict[int, Mentions] = {}
        self.conditions: dict[int, list[Condition]] = {}
        self.writes: dict[str, list[Write]] = {}
        self.wanted: list[Wanted] = []
        self.needs: dict[str, Place] = {}
        self.reads: dict[str, Place] = {}
        self.counts: dict[str, int] = {}
        self.unset: list[Read] = []
        self.root_reads: list[Read] = []
        self.root_writes: set[str] = set()
        self.bits: dict[str, int] = {}
        self.settled = Settled()

    def run(self) -> None:
        tree, flows = self.tree, self.flows
        outcomes = flows.outcomes[id(tree)] = Outcomes(self.order, flows.ends)
        flows.ends[id(tree)] = outcomes.tree(tree)
        self._collect()
        mentioned = (node for node in self.order if id(node) in self.mentions or id(node) in self.conditions)
        writes = (write for writes in self.writes.values() for write in writes)
        self.settled = check_types(tree, writes, self.wanted, mentioned, self.outside, self.report)
        walk = Walk(self.order, self.mentions, self.conditions, outcomes, self.bits, self._read)
        start = self._mask(starts_with(tree))
        after = walk.node(tree.root, State(start, start))
        for read in self.unset:
            self._never_set(read)
        if not self.outside or self.outermost:
            self._never_made()
        self._outputs(after.success)
        if not self.outside:
            self._unread()
        flows.written[id(tree)] = {name for name, writes in self.writes.items() if writes}
        flows.borders[id(tree)] = self._border(after.success)

    def _collect(self) -> None:
        """Note what each node mentions; each name gets its bit."""
        borders = self.flows.borders
        self.writes = {name: [] for name in starts_with(self.tree)}
        for node in self.order:
            mentions = mentions_of(node, borders)
            key = id(node)
            if mentions is not NOTHING:
                self.mentions[key] = mentions
                self._note(mentions.writes)
                self.wanted.extend(mentions.wanted)
            if node.common and (conditions := conditions_of(node)):
                self.conditions[key] = conditions
                for condition in conditions:
                    self._note(condition.writes)
                self.wanted.extend(wanted_by_keys(node))
            if node.type == SUBTREE and node.uses is not None:
                self._unmapped(node, node.uses)
        self.bits = {name: 1 << number for number, name in enumerate(self.writes)}

    def _note(self, writes: Iterable[Write]) -> None:
        for write in writes:
            self.counts[write.name] = self.counts.get(write.name, 0) + 1
            if write.root:
                self.root_writes.add(write.name)
            else:
                self.writes.setdefault(write.name, []).append(write)

    def _mask(self, names: Iterable[str]) -> int:
        mask = 0
        for name in names:
            mask |= self.bits[name]
        return mask

    def _read(self, read: Read, before: State) -> None:
        if read.root:
            self.root_reads.append(read)
            return
        name = read.name
        self.counts[name] = self.counts.get(name, 0) + 1
        self.reads.setdefault(name, read.inner or read.place)
        if not read.sure or name in self.doubtful:
            return
        bit = self.bits.get(name, 0)
        if before.must & bit:
            return
        self.needs.setdefault(name, read.inner or read.place)
        if self.outside:
            if self.outermost and bit and not before.may & bit and any(not w.guessed for w in self.writes[name]):
                self._too_early(read, "warning")
            return
        if not bit:
            self.unset.append(read)
        elif before.may & bit:
            self.report.entry(
                read.place,
                name,
                "K203",
                f"${name} may be read before it is set",
                why=f"it is set by {self._writers(name)}, but not on every way to here",
                fix="set it on each way, or before with `set`",
                severity="warning",
            )
        else:
            self._too_early(read)

    def _too_early(self, read: Read, severity: Severity = "error") -> None:
        fix = "move the node that sets it before this one"
        self.report.entry(
            read.place,
            read.name,
            "K202",
            f"${read.name} is read before it is set",
            why=f"it is set by {self._writers(read.name)}, which no way to here passes",
            fix=fix if severity == "error" else f"{fix}; if it is set from outside, declare it under `inputs`",
            severity=severity,
        )

    def _never_made(self) -> None:
        """Report entries that scripts assign with ``=`` only, which needs an entry that is there already."""
        start = set(starts_with(self.tree))
        for name, writes in self.writes.items():
            if not writes or name in start or name in self.doubtful or any(write.makes for write in writes):
                continue
            if any(_declares(node, name) for node in self.order):
                continue
            near = self.report.near(name, [each for each in self.bits if each != name])
            self.report.entry(
                writes[0].place,
                name,
                "K201",
                f"nothing makes ${name}",
                why="'=' in a script needs an entry that is there already, and this stops the run",
                guess=tuple(f"${each}" for each in near),
                fix=f"write `{name} := …`, which makes it",
                severity="warning" if self.outside else "error",
            )

    def _never_set(self, read: Read) -> None:
        near = self.report.near(read.name, [*self.bits, *sorted(self.doubtful)])
        near = tuple(sorted(near, key=lambda name: (slips(read.name, name), name in self.reads)))
        why = "no input of this tree and no output of a node has this name"
        if read.inner is not None:
            why += f"; {self.report.where(read.inner)} reads it"
        self.report.entry(
            read.place,
            read.name,
            "K201",
            f"${read.name} is never set",
            why=why,
            guess=tuple(f"${name}" for name in near),
            fix="correct the name, write it with an output of a node, or declare it under `inputs`",
        )

    def _writers(self, name: str) -> str:
        lines = sorted({write.place.line for write in self.writes[name]})
        shown = ", ".join(str(line) for line in lines[:3])
        return f"line {shown}" if len(lines) == 1 else f"lines {shown}"

    def _outputs(self, success: State | None) -> None:
        given = {each.name for each in self.tree.inputs}
        for each in self.tree.outputs:
            self.reads.setdefault(each.name, each.place)
            bit = self.bits.get(each.name, 0)
            if not self.writes.get(each.name) and each.name not in given:
                if each.name not in self.doubtful:
                    self.report.at(
                        each.place,
                        len(each.name),
                        "K205",
                        f"the output {each.name!r} is never set",
                        guess=self.report.near(each.name, list(self.bits)),
                        fix=f"write it with an output of a node, `…: ${each.name}`, or delete it",
                    )
            elif success is not None and not success.must & bit:
                self.report.at(
                    each.place,
                    len(each.name),
                    "K203",
                    f"the output {each.name!r} may be left unset",
                    why="the tree can succeed on a way that does not set it",
                    fix="set it on each way",
                    severity="warning",
                )

    def _unread(self) -> None:
        """Warn of entries that a node writes and nothing reads; the element of a loop may well be left alone."""
        if not self.complete:
            return
        unset = sorted({read.name for read in self.unset} | (self.reads.keys() - self.writes.keys()))
        for name, writes in self.writes.items():
            first = writes[0] if writes else None
            if first is None or name in self.reads:
                continue
            near = self.report.near(name, unset) if len(name) > 1 and unset else ()
            if first.loop and not near:
                continue
            self.report.entry(
                first.place,
                name,
                "K206",
                f"${name} is written, and nothing reads it",
                why=f"it is written in {self.report.where(first.inner)}" if first.inner is not None else "",
                guess=tuple(f"${each}" for each in near),
                fix="correct the name" if near else "delete it, or declare it under `outputs`",
                severity="warning",
            )

    def _unmapped(self, node: NodeSpec, tree: TreeSpec) -> None:
        """Warn of names that a subtree reads, that nothing in it sets and that it is not given."""
        border = self.flows.borders.get(id(tree))
        if border is None:
            return
        given = {key[6:] for key in node.values if key.startswith("remap.")}
        given |= {name for name, _ in mappings_of(node, border)}
        auto = node.values.get(AUTOREMAP)
        for name, place in border.needs.items():
            if name in given or name in border.sets or name in border.params:
                continue
            why = f"{self.report.where(place)} reads it, and a subtree has entries of its own"
            if isinstance(auto, Literal) and auto.value is True:
                why += "; names that begin with _ are not remapped by themselves"
            self.report.at(
                node.place,
                len(node.type),
                "K208",
                f"nothing sets ${name} in the subtree {tree.name!r}",
                why=why,
                guess=self.report.near(name, sorted(given - border.names)),
                fix=f"write `{name}: $ENTRY` below it, or `{AUTOREMAP}: true`",
                severity="warning",
            )

    def _border(self, success: State | None) -> Border:
        tree, types = self.tree, self.settled.types
        needs = dict(self.needs)
        for each in tree.inputs:
            if each.default is None:
                needs.setdefault(each.name, each.place)
                self.reads.setdefault(each.name, each.place)
        must = success.must if success is not None else -1
        sets = {name: writes[0].inner or writes[0].place for name, writes in self.writes.items() if writes}
        return Border(
            needs,
            self.reads,
            sets,
            frozenset(name for name in sets if must & self.bits[name]),
            {name: (types[name], self.settled.origins[name]) for name in types if name in self.settled.origins},
            tuple(want for want in self.wanted if want.name not in types),
            tuple((w.follows, w.name, w.element) for writes in self.writes.values() for w in writes if w.follows),
            frozenset(tree.params),
        )


def _root_names(checkers: Sequence[_Checker]) -> list[str]:
    """Return the entries of the root blackboard: what is written there, and all of trees that no other tree uses."""
    used = {id(node.uses) for checker in checkers for node in checker.order if node.uses is not None}
    known: set[str] = set()
    for checker in checkers:
        known |= checker.root_writes | set(checker.tree.params)
        if id(checker.tree) not in used:
            known |= set(checker.writes) | set(checker.reads)
    return sorted(known)


def _declares(node: NodeSpec, name: str) -> bool:
    """Tell whether a port of a node in the manner of BehaviorTree.CPP names an entry, which makes it, still empty."""
    if node.kind.dialect not in BT_TEXT:
        return False
    return any(isinstance(value, Reference) and value.name == name for value in node.values.values())
