"""Rules over facts: what leaves have brought about, while a tree runs and in the search before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from knothole.behaviors.means.effects import parse_fact
from knothole.tests.test_invariant_search import rules, tree
from knothole.trees.invariants.facts import DOUBTFUL, after, at_first
from knothole.trees.invariants.reporting import check_invariants
from knothole.trees.problems import TreeError

PICK = (parse_fact("holding(object)"),)
PLACE = tuple(map(parse_fact, ("hand_empty", "inside(object, into)", "on(object, onto)")))
SEARCHED = [
    ("pick: cup", "pick unless hand_empty", "holds"),
    ("sequence: [{pick: cup}, {pick: tin}]", "pick unless hand_empty", "broken"),
    ("sequence: [{pick: cup}, {pick: tin}]", "pick while not hand_empty", "broken"),
    ("sequence: [{pick: cup}, {place: {into: tray}}, {pick: tin}]", "pick unless hand_empty", "holds"),
    ("sequence: [{pick: cup}, {place: {into: tray}}]", "place unless holding(cup)", "holds"),
    ("place: {into: tray}", "place unless holding(cup)", "broken"),
    ("selector: [{pick: cup}, {place: {into: tray}}]", "place unless holding(cup)", "broken"),
    ("sequence: [{pick: red cube}, home: ]", "home while holding(blue cube)", "holds"),
    ("sequence: [{pick: the cube}, home: ]", "home while holding(blue cube)", "broken"),
    ("sequence: [{ground: {query: cup, object: $c}}, {pick: $c}, home: ]", "home unless holding(cup)", "broken"),
    ("sequence: [{run_step: {step: {skill: home, args: {}}}}, {pick: cup}]", "pick unless hand_empty", "broken"),
    ("sequence: [{pick: cup, timeout: 1s}, {place: {into: tray}}]", "place unless not hand_empty", "holds"),
]


@pytest.mark.parametrize(("root", "rule", "verdict"), SEARCHED)
def test_a_rule_over_a_fact_can_be_broken_or_holds(root: str, rule: str, verdict: str) -> None:
    report = check_invariants(tree(f"  {root.replace('home: ]', 'home]')}\n", ""), rules(rule))
    assert [finding.verdict for finding in report.findings] == [verdict]


def test_the_counterexample_is_told() -> None:
    report = check_invariants(tree("  sequence: [{pick: cup}, {pick: tin}]\n", ""), rules("pick unless hand_empty"))
    (problem,) = report.problems
    assert problem.code == "K510"
    assert problem.why == ("counterexample\n        tick 1: pick[1] gives SUCCESS; pick[2] is ticked, and refused")


@pytest.mark.parametrize(
    ("fact", "known", "effects", "values", "then"),
    [
        ("holding(cup)", False, PICK, {"object": "the cup"}, True),
        ("holding(cup)", True, PLACE, {"object": "cup", "into": "tray"}, False),
        ("inside(cup, tray)", None, PLACE, {"object": "cup", "into": "a tray"}, True),
        ("inside(cup, tray)", None, PLACE, {"object": "cup", "onto": "tray"}, None),
        ("hand_empty", True, PICK, {"object": DOUBTFUL}, False),
        ("holding(red cube)", False, PICK, {"object": "cube"}, None),
        ("holding(red cube)", False, PICK, {"object": "blue cube"}, False),
        ("not holding(red cube)", True, PICK, {"object": "red cube"}, False),
    ],
)
def test_what_is_known_after_a_leaf(fact, known, effects, values, then) -> None:
    assert after(known, parse_fact(fact), effects, values) is then


def test_at_first_the_hand_alone_is_known() -> None:
    assert at_first(parse_fact("hand_empty")) is True
    assert at_first(parse_fact("holding(cup)")) is False
    assert at_first(parse_fact("hand_empty"), holding=True) is False
    assert at_first(parse_fact("inside(cup, tray)")) is None


def test_a_fact_that_is_none_is_told_with_its_place() -> None:
    with pytest.raises(TreeError) as caught:
        rules("pick unless holding(a, b)")
    (problem,) = caught.value.problems
    assert (problem.code, problem.place.column, problem.fix) == ("K504", 24, "write it as `holding(a)`")


RUN = """\
knothole: 1
tree: t
invariants: never.yaml
root:
  sequence:
    - pick: "red cube"
    - {second}
"""
SCENE = """\
scene: two
about: A red cube and a blue one.
objects:
  - {shape: cube, color: red, at: [0.45m, -0.15m], yaw: 0deg, size: [0.05m, 0.05m, 0.05m]}
  - {shape: cube, color: blue, at: [0.50m, 0.15m], yaw: 0deg, size: [0.05m, 0.05m, 0.05m]}
"""
RULES = "knothole_invariants: 1\nrules:\n  - never: pick unless hand_empty\n  - never: place unless holding(red cube)\n"


@pytest.mark.parametrize(("second", "code"), [("place: {at: [0.55m, -0.05m, 0m]}", 0), ('pick: "blue cube"', 1)])
def test_a_run_refuses_what_a_fact_forbids_and_nothing_else(
    tmp_path: Path, knothole: Callable[..., CompletedProcess[str]], second: str, code: int
) -> None:
    (tmp_path / "t.yaml").write_text(RUN.replace("{second}", second), encoding="utf-8")
    (tmp_path / "two.yaml").write_text(SCENE, encoding="utf-8")
    (tmp_path / "never.yaml").write_text(RULES, encoding="utf-8")
    done = knothole("run", "t.yaml", "--scene", "two.yaml", "--vlm", "oracle", "--robot", "ghost", "--json")
    result = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == code, result
    assert ("never pick unless hand_empty" in result["reason"]) == bool(code)
