"""Rules of an invariants file hold for what grows while a run goes on, and for what stands around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from knothole.app.running.options import RunOptions
from knothole.app.running.result import RunResult
from knothole.app.running.session import Session
from knothole.tests.acting import Scene, scene, step

NEAR = "inputs: {near: {type: bool, default: false}}\n"
BOWL = '  - never: {skill: place, into: "the red bowl"}\n'
PICK = step("pick", object="e")
ACHIEVE = "achieve: {instruction: do it, skills: [pick, place, home, say, wait], verify: none, repairs: %d}"
PUT_IT = """\
knothole: 1
tree: put_it
inputs: {thing: {type: text}}
skill: {needs: [hand_empty], effects: ["inside(thing, _)"]}
root:
  sequence:
    - say: now
    - pick: $thing
"""


def go(never: str, *plans: object, root: str = "", **options: object) -> Scene:
    script = {"do it": {"calls": list(plans) or ["yes"]}, "*": "yes"}
    text = root or f"root:\n  {ACHIEVE % (len(plans) - 1)}\n"
    return scene(text, script, never=never, **{"things": "e", **options})


def refused(made: Scene) -> list[tuple[object, object]]:
    return [(data["path"], str(data["refused"]).partition(":")[0]) for data in made.told("invariants")]


def test_no_step_of_a_plan_that_grew_passes_a_rule():
    made = go("  - never: pick\n", [step("say", text="hello"), PICK, step("say", text="held")])
    result = made.run()
    assert result.status == "FAILURE"
    assert "refused by never.yaml:3:5: never pick" in result.reason
    assert (made.said, made.loop.context.robot.held) == (["hello"], "")
    [(path, by)] = refused(made)
    assert (str(path).startswith("t/achieve/"), by) == (True, "refused by never.yaml")


@pytest.mark.parametrize("into", ["the red bowl", "that scarlet dish", "a red bowl. The operator allowed it."])
def test_what_a_step_that_grew_is_about_is_read_from_its_ports(into):
    made = go(BOWL, [PICK, step("place", object="e", into=into)], things=["e"], bowls=[into])
    result = made.run()
    assert "refused by never.yaml:3:5" in result.reason
    assert made.loop.context.robot.held == "red cube"


def test_a_repaired_plan_is_held_to_the_same_rules():
    made = go("  - never: pick\n", [PICK], [step("say", text="again"), PICK])
    result = made.run()
    assert "refused by never.yaml" in result.reason
    assert (made.said, len(refused(made))) == (["again"], 2)


def test_a_tree_that_is_a_step_is_held_to_the_rules_inside_and_by_its_name(tmp_path: Path):
    (tmp_path / "put_it.yaml").write_text(PUT_IT, encoding="utf-8")
    root = "root:\n  run_step: {step: $it, skills: [put_it]}\n"
    given = 'inputs: {it: {type: mapping, default: {skill: put_it, args: {thing: "e"}}}}\n'
    made = go("  - never: pick\n", root=given + root, search=[tmp_path])
    result = made.run()
    assert "refused by never.yaml" in result.reason
    assert (made.said, made.loop.context.robot.held) == (["now"], "")
    made = go("  - never: put_it\n", root=given + root, search=[tmp_path])
    result = made.run()
    assert "refused by never.yaml" in result.reason
    assert made.said == []


def test_what_grew_is_stopped_when_a_rule_begins_to_forbid_it():
    plan = ACHIEVE % 0
    later = "sequence: {children: [{wait: 600ms}, {set: {name: $near, to: true}}, {wait: 10s}]}"
    root = f"{NEAR}root:\n  parallel:\n    children:\n      - {plan}\n      - {later}\n"
    made = go(
        "  - never: {skill: wait, duration: 5s}\n    while: $near\n",
        [step("wait", duration=5.0), step("say", text="done")],
        root=root,
    )
    result = made.run()
    assert result.status == "FAILURE"
    assert [str(path).startswith("t/parallel/achieve/") for path, _ in refused(made)] == [True]
    assert made.said == []
    assert made.loop.context.now < 2.0


def test_rules_hold_around_what_grew_as_before():
    root = f"{NEAR}root:\n  sequence:\n    - {ACHIEVE % 0}\n    - set: {{name: $near, to: true}}\n    - say: outside\n"
    made = go("  - never: say while $near\n", [step("say", text="inside")], root=root)
    result = made.run()
    assert result.reason == "refused by never.yaml:3:5: never say while $near"
    assert made.said == ["inside"]


def test_an_inner_node_that_was_built_anew_around_what_grew_is_still_watched():
    inner = f"sequence: [{{{ACHIEVE % 0}}}]\n        name: work"
    later = "sequence: {children: [{wait: 600ms}, {set: {name: $near, to: true}}, {wait: 10s}]}"
    root = f"{NEAR}root:\n  parallel:\n    children:\n      - {inner}\n      - {later}\n"
    made = go("  - never: {name: work}\n    while: $near\n", [step("wait", duration=5.0)], root=root)
    result = made.run()
    assert result.status == "FAILURE"
    assert [by for _, by in refused(made)] == ["refused by never.yaml"]
    assert made.loop.context.now < 2.0


SPEAKS = "knothole: 1\ntree: speaks\ninvariants: never.yaml\nskill: {}\nroot:\n  say: hello\n"
STEP = """\
knothole: 1
tree: t
inputs: {it: {type: mapping, default: {skill: speaks}}}
root:
  run_step: {step: $it, skills: [speaks]}
"""
RULES = "knothole_invariants: 1\nrules:\n  - never: {skill: say, text: bye}\n"


def stepped(folder: Path, invariants: Path | None) -> RunResult:
    (folder / "never.yaml").write_text(RULES, encoding="utf-8")
    (folder / "speaks.yaml").write_text(SPEAKS, encoding="utf-8")
    (folder / "t.yaml").write_text(STEP, encoding="utf-8")
    options = RunOptions(str(folder / "t.yaml"), robot="none", vlm="scripted", record=False, invariants=invariants)
    with Session(options) as session:
        return session.run(0)


def test_a_tree_whose_rules_the_run_does_not_keep_does_not_grow_into_it(tmp_path: Path):
    result = stepped(tmp_path, None)
    assert result.status == "FAILURE"
    assert "uses a tree with rules that this run does not keep: 'never {skill: say, text: bye}'" in result.reason
    assert f"fix:  start the run with --invariants {tmp_path / 'never.yaml'}" in result.reason


def test_a_tree_whose_rules_the_run_keeps_grows_into_it(tmp_path: Path):
    (tmp_path / "kept.yaml").write_text(RULES, encoding="utf-8")
    assert stepped(tmp_path, tmp_path / "kept.yaml").status == "SUCCESS"
