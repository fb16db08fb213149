"""The search for ways to break a rule: what it finds can happen, and what happens it had found."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf, Wiring
from knothole.behaviors.step import RUNNING, Status
from knothole.trees.builder import BuiltTree, build
from knothole.trees.invariants.enforcing import Enforcer
from knothole.trees.invariants.reader import read_invariants_text
from knothole.trees.invariants.reporting import check_invariants
from knothole.trees.invariants.rules import Rule
from knothole.trees.invariants.searching import Finding, search
from knothole.trees.loader import load_text
from knothole.trees.spec import TreeSpec

NEAR = "inputs: {near: {type: bool, default: false}}\n"
CASES = [
    ("  pick: cup\n", "pick", "broken"),
    ("  pick: cup\n", "place", "none"),
    ("  place: {into: tray}\n", '{skill: place, into: "bowl"}', "holds"),
    ("  place: {into: tray}\n", '{skill: place, into: "the tray"}', "broken"),
    ("  pick: cup\n", "pick while $near", "broken"),
    ("  pick: cup\n  when: $near == false\n", "pick while $near", "holds"),
    ("  guard:\n    check: {check: not $near}\n    child: {pick: cup}\n", "pick while $near", "holds"),
    ("  sequence:\n    - check: $near\n    - pick: cup\n", "pick unless $near", "holds"),
    ("  selector:\n    - check: $near\n    - pick: cup\n", "pick unless $near", "broken"),
    ("  sequence:\n    - set: {name: $near, to: false}\n    - home\n    - pick: cup\n", "pick while $near", "holds"),
    ("  sequence:\n    - pick: cup\n    - set: {name: $near, to: true}\n  repeat: 2\n", "pick while $near", "broken"),
    ("  sequence:\n    - pick: cup\n    - set: {name: $near, to: true}\n", "pick while $near == true", "broken"),
    ("  run_step: {step: {skill: home, args: {}}}\n", "pick while $near", "broken"),
]


def rules(*lines: str) -> tuple[Rule, ...]:
    return read_invariants_text("knothole_invariants: 1\nrules:\n" + "".join(f"  - never: {line}\n" for line in lines))


def tree(root: str, inputs: str = NEAR) -> TreeSpec:
    return load_text(f"knothole: 1\ntree: t\n{inputs}root:\n{root}", "t.yaml")


@pytest.mark.parametrize(("root", "rule", "verdict"), CASES, ids=[f"{k}" for k in range(len(CASES))])
def test_a_rule_can_be_broken_or_holds(root, rule, verdict):
    report = check_invariants(tree(root), rules(rule))
    assert [finding.verdict for finding in report.findings] == ([] if verdict == "none" else [verdict])
    assert [problem.code for problem in report.problems] == (["K510"] if verdict == "broken" else [])


GUARDED = """
  guard:
    check:
      see: {question: "Is it clear?"}
      name: look
    child:
      sequence:
        - home
        - pick: cup
      retry: 2
"""


def test_results_of_nodes_are_followed_through_a_guard():
    found = search(tree(GUARDED), read_invariants_text(
        "knothole_invariants: 1\nrules:\n"
        "  - {never: {moves: arm}, while: {node: look, gave: FAILURE}}\n"
        "  - {never: {moves: arm}, unless: {node: look, gave: SUCCESS}}\n"
        "  - {never: pick, unless: {node: home, gave: SUCCESS}}\n"
        "  - {never: home, while: {node: pick, gave: FAILURE}}\n"
    ))  # fmt: skip
    assert [finding.verdict for finding in found.findings] == ["holds", "holds", "holds", "broken"]
    assert found.graph.number_of_nodes() == found.states + 1


def test_a_counterexample_is_told_tick_by_tick_at_the_node_that_is_refused():
    root = (
        '  sequence:\n    - see: {question: "Is it clear?"}\n      name: look\n    - pick: cup\n      name: take it\n'
    )
    (problem,) = check_invariants(tree(root), rules("pick while $near")).problems
    assert str(problem) == (
        "t.yaml:8:7: warning K510: 'pick' can be ticked against a rule: never pick while $near\n"
        "    8 |     - pick: cup\n"
        "      |       ^^^^\n"
        "  why:  counterexample\n"
        "        it begins with $near = true\n"
        "        tick 1: see 'look' gives SUCCESS; pick 'take it' is ticked, and refused\n"
        "  fix:  let the tree wait or look first; a run refuses it (<invariants>:3:5)"
    )


def test_what_is_too_large_is_not_decided_and_says_so():
    many = "  sequence:\n" + '    - see: {question: "Is it clear?"}\n' * 6 + "  retry: 50\n"
    ruled = rules("see\n    while: {node: nobody, gave: SUCCESS}")
    (finding,) = search(tree(many), ruled, most_ticks=300).findings
    assert finding.verdict == "undecided"
    assert finding.note.startswith("too large: ")
    assert finding.note.endswith("states and 300 ticks did not reach the end")
    ruled = rules("see\n    while: {node: sequence, gave: SUCCESS}")
    (problem,) = check_invariants(tree(many), ruled, most_ticks=300).problems
    assert (problem.code, problem.severity) == ("K511", "warning")


def test_rules_over_what_does_not_exist_are_mistakes():
    spec = tree("  sequence:\n    - home\n    - pick: cup\n")
    found = check_invariants(spec, read_invariants_text(
        "knothole_invariants: 1\nrules:\n"
        "  - never: pick while $naer\n"
        "  - {never: pick, while: {node: hoem, gave: FAILURE}}\n"
    )).problems  # fmt: skip
    assert [(problem.code, problem.severity, problem.guess) for problem in found] == [
        ("K512", "error", ("$near",)),
        ("K513", "error", ("home",)),
    ]


class Plays(Leaf):
    """Gives what a function says, and writes what it says into an entry."""

    def __init__(self, wiring: Wiring, says: Any) -> None:
        super().__init__(wiring)
        self.says = says

    def step(self) -> Status:
        letter = self.says(self.path)
        return {"S": self.succeed, "F": self.fail, "R": self.running}[letter]("said")


LEAVES = ("home", "pick: cup", "place: {into: tray}", 'see: {question: "Clear?"}', "open_gripper")
CHECKS = ("check: $near", "check: not $near", "set: {name: $near, to: true}", "set: {name: $near, to: false}")


def random_tree(rng: random.Random, depth: int, indent: str) -> str:
    """Return the text of a random node after a dash or a key."""
    kind = rng.random()
    if depth == 0 or kind < 0.25:
        text = rng.choice(LEAVES)
        common = rng.choice(
            ("", "", "", f"{indent}when: $near\n", f"{indent}while: not $near\n", f"{indent}retry: 2\n")
        )
        return f"{text}\n{common}"
    below = indent + "    "
    if kind < 0.8:
        name = rng.choice(("sequence", "selector", "sequence", "reactive_sequence", "parallel"))
        children = []
        for _ in range(rng.randint(2, 3)):
            if name == "sequence" and rng.random() < 0.3:
                children.append(f"{indent}  - {rng.choice(CHECKS)}\n")
            else:
                children.append(f"{indent}  - {random_tree(rng, depth - 1, below)}")
        return f"{name}:\n{''.join(children)}"
    if kind < 0.9:
        check = rng.choice(("check: not $near", 'see: {question: "Clear?"}'))
        return f"guard:\n{indent}  check: {{{check}}}\n{indent}  child:\n{below}{random_tree(rng, depth - 1, below)}"
    name = rng.choice(("inverter", "repeat", "failure_is_success"))
    if name == "repeat":
        return f"sequence:\n{indent}  - {random_tree(rng, depth - 1, below)}{indent}repeat: 2\n"
    return f"inverter:\n{indent}  child:\n{below}{random_tree(rng, depth - 1, below)}"


RULES = (
    "pick while $near",
    "place unless $near",
    "{moves: arm}\n    while: {node: see, gave: FAILURE}",
    "pick\n    unless: {node: home, gave: SUCCESS}",
    "home\n    while: {node: pick, gave: RUNNING}",
    "open_gripper\n    while: {node: place, gave: FAILURE}",
)


def drawn(seed: int) -> TreeSpec | None:
    """Return a random tree, None where the checker has something against it."""
    rng = random.Random(seed)
    text = f"knothole: 1\ntree: t\n{NEAR}root:\n  {random_tree(rng, rng.randint(1, 3), '  ')}"
    try:
        return load_text(text, "t.yaml")
    except Exception:
        return None


def play(
    spec: TreeSpec, ruled: tuple[Rule, ...], says: Any, near: bool, ticks: int
) -> tuple[list[set[int]], BuiltTree]:
    """Run a tree with the real enforcer; return which rules refused something, tick by tick."""
    context = Context()
    context.invariants = Enforcer(ruled, context)
    refused: list[set[int]] = []
    context.emit = lambda channel, data: refused[-1].update(k for k, r in enumerate(ruled) if str(r) in str(data))
    free = [node.path for node in spec.walk() if node.is_leaf and node.type not in ("check", "set")]
    overrides = {path: (lambda wiring: Plays(wiring, says)) for path in free}
    built = build(spec, context, {"near": near}, overrides)
    for _ in range(ticks):
        context.tick += 1
        refused.append(set())
        built.tick()
        if built.root.status is not RUNNING:
            break
    return refused, built


SPECS = [(seed, spec) for seed in range(90) if (spec := drawn(seed)) is not None]


def test_there_are_trees_enough():
    assert len(SPECS) >= 30


@pytest.mark.parametrize("seed", [seed for seed, _ in SPECS])
def test_what_a_run_does_against_a_rule_the_search_had_found(seed):
    spec, ruled = dict(SPECS)[seed], rules(*RULES)
    verdicts = [finding.verdict for finding in search(spec, ruled, most_ticks=6000).findings]
    rng = random.Random(seed)
    for _ in range(40):
        refused, _ = play(spec, ruled, lambda path: rng.choice("SFR"), rng.random() < 0.5, 12)
        for rule in set().union(*refused):
            assert verdicts[rule] != "holds", f"{ruled[rule]} was broken in a run"


def follow(spec: TreeSpec, ruled: tuple[Rule, ...], finding: Finding) -> list[set[int]]:
    """Script the leaves of a run as a counterexample says."""
    script = [choice for moment in finding.moments for choice in moment.choices if choice.what.startswith("gives ")]
    at = 0

    def says(path: str) -> str:
        nonlocal at
        choice = script[at]
        at += 1
        assert choice.path == path
        return choice.what.removeprefix("gives ")[0]

    near = any(choice.what == "$near = true" for choice in finding.start)
    refused, _ = play(spec, ruled, says, near, len(finding.moments))
    return refused


@pytest.mark.parametrize("seed", [seed for seed, _ in SPECS])
def test_a_counterexample_happens_when_its_outcomes_are_scripted(seed):
    spec, ruled = dict(SPECS)[seed], rules(*RULES)
    for number, finding in enumerate(search(spec, ruled, most_ticks=6000).findings):
        if finding.verdict == "broken":
            refused = follow(spec, ruled, finding)
            assert number in refused[len(finding.moments) - 1], str(finding.rule)


def test_the_command_line_prints_it_and_strict_counts_it(tmp_path: Path):
    (tmp_path / "never.yaml").write_text("knothole_invariants: 1\nrules:\n  - never: pick while $near\n")
    (tmp_path / "t.yaml").write_text(f"knothole: 1\ntree: t\n{NEAR}root:\n  pick: cup\n")

    def check(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "knothole.cli", "check", "t.yaml", "--invariants", "never.yaml", *words]
        return subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = check()
    assert done.returncode == 0
    assert "tick 1: pick is ticked, and refused" in done.stdout
    assert "invariants: 1 can be broken" in done.stdout
    assert check("--strict").returncode == 2
    (found,) = json.loads(check("--json").stdout)
    assert (found["code"], found["line"], found["severity"]) == ("K510", 5, "warning")
