"""What `knothole check` says of a tree and its invariants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..._base import near_misses
from ...behaviors.means.skills import DEFAULT_SKILLS
from ..mocking.sites import Site, sites
from ..problems import Problem
from ..reading.document import Source
from ..spec import Literal, NodeSpec, Program, Reference, TreeSpec
from .rules import Gave, Known, Rule
from .searching import MOST_TICKS, Finding, search
from .telling import told


@dataclass(frozen=True)
class Report:
    """What is known of a tree and its rules.

    Attributes:
        problems: Mistakes, and counterexamples as warnings.
        findings: One for each rule that is about a node of the tree.
    """

    problems: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __str__(self) -> str:
        count = dict.fromkeys(("holds", "broken", "undecided"), 0)
        for finding in self.findings:
            count[finding.verdict] += 1
        words = {"holds": "hold", "broken": "can be broken", "undecided": "not decided"}
        said = ", ".join(f"{number} {words[verdict]}" for verdict, number in count.items() if number)
        return f"invariants: {said or 'none is about a node of it'}"


def check_invariants(tree: TreeSpec, rules: Sequence[Rule], most_ticks: int = MOST_TICKS) -> Report:
    """Search a tree for ways to break rules.

    Args:
        tree: A checked tree.
        rules: The rules of a run with it.
        most_ticks: When to give up.
    """
    every = sites(tree)
    rules = [rule for rule in rules if any(_concerns(rule, site.spec) for site in every)]
    files = _files(tree)
    problems = [problem for rule in rules for problem in _loose_ends(rule, tree, every)]
    if problems or not rules:
        return Report(tuple(problems))
    findings = search(tree, rules, most_ticks).findings
    by_path = {site.path: site.spec for site in every}
    for finding in findings:
        if finding.verdict == "broken":
            problems.append(_broken(finding, by_path[finding.path.partition("#")[0]], files))
        elif finding.verdict == "undecided":
            problems.append(_undecided(finding, tree))
    return Report(tuple(problems), findings)


def _concerns(rule: Rule, node: NodeSpec) -> bool:
    names = (node.type,) if node.uses is None else (node.type, node.uses.name)
    if node.kind.limb and "skills" in node.kind.ports:
        given = node.values.get("skills")
        skills = given.value if isinstance(given, Literal) else DEFAULT_SKILLS
        names = (*names, *(str(name) for name in skills)) if isinstance(skills, list | tuple) else names
    return any(target.means(names, node.name, node.kind.limb) for target in rule.targets)


def _files(tree: TreeSpec) -> dict[str, Source]:
    found: dict[str, Source] = {}
    waiting = [tree]
    while waiting:
        this = waiting.pop()
        if this.file not in found:
            found[this.file] = Source(this.file, this.text)
        waiting += [node.uses for node in this.walk() if node.uses is not None]
    return found


def _loose_ends(rule: Rule, tree: TreeSpec, every: Sequence[Site]) -> Iterator[Problem]:
    """Conditions on entries that nothing sets, and on nodes that do not exist: they would forbid for ever, or never."""
    known = _written(tree)
    for condition in rule.conditions:
        if isinstance(condition, Gave):
            if not condition.node.among(every):
                yield Problem(
                    rule.place,
                    "K513",
                    f"{tree.name} has no node {condition.node.text!r} that could give {condition.status}",
                    guess=condition.node.near(every),
                    fix="name a node by its name, its type or its path",
                    snippet=rule.snippet,
                )
            continue
        if isinstance(condition, Known):
            continue
        for entry in condition.expression.references:
            if entry.name in known or tree.dialect == "bt":
                continue
            yield Problem(
                condition.place,
                "K512",
                f"nothing in {tree.name} sets ${entry.name}",
                why="a rule that cannot be decided forbids: its skills would be refused for ever",
                guess=tuple(f"${name}" for name in near_misses(entry.name, sorted(known))),
                fix="declare it under `inputs`, or let a node write it",
                snippet=rule.snippet,
            )


def _written(tree: TreeSpec) -> set[str]:
    """Return the entries of the root blackboard that a tree, or one that it uses, writes or is given."""
    found = {entry.name for entry in tree.inputs} | set(tree.params)
    seen: set[int] = set()
    waiting = [(tree, True)]
    while waiting:
        this, own = waiting.pop()
        if id(this) in seen:
            continue
        seen.add(id(this))
        for node in this.walk():
            for name, value in (*node.values.items(), *node.common.items()):
                port = node.kind.ports.get(name)
                writes = port is None or port.direction != "in" or name.startswith("outputs.")
                if isinstance(value, Reference) and writes and (own or value.root):
                    found.add(value.name)
                if isinstance(value, Program):
                    found.update(each.lstrip("@") for each in value.script.writes if own or each.startswith("@"))
            if node.uses is not None:
                waiting.append((node.uses, node.type != "use"))
    return found


def _broken(finding: Finding, node: NodeSpec, files: dict[str, Source]) -> Problem:
    source = files.get(node.place.file)
    rule = finding.rule
    return Problem(
        node.place,
        "K510",
        f"{node.type!r} can be ticked against a rule: {rule}",
        why="\n        ".join(["counterexample", *told(finding)]),
        fix=f"let the tree wait or look first; a run refuses it ({rule.place})",
        snippet=source.line(node.place.line) if source is not None else "",
        width=len(node.type),
        severity="warning",
    )


def _undecided(finding: Finding, tree: TreeSpec) -> Problem:
    return Problem(
        finding.rule.place,
        "K511",
        f"not decided for {tree.name}: {finding.rule}",
        why=finding.note,
        fix="nothing has to be done: a run enforces it all the same",
        snippet=finding.rule.snippet,
        severity="warning",
    )
