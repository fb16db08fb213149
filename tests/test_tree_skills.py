"""Trees as skills: what their headers say, who may name them, how they are planned with and listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from knothole.tests.acting import scene
from knothole.tests.calling import call
from knothole.trees.growing.tree_skills import outline, tree_skill
from knothole.trees.loader import check, load
from knothole.trees.problems import TreeError

PUT = """\
knothole: 1
tree: put_it
about: Put one thing away.
inputs:
  thing: {type: text, about: "what"}
  speed: {type: number, default: 0.5, min: 0.1, max: 1}
  seen: {type: list, default: []}
skill:
  needs: [hand_empty, "visible(thing)"]
  effects: ["inside(thing, _)"]
root:
  sequence:
    - pick: $thing
    - place: {into: "the blue tray"}
    - check: "$speed > 0 and len($seen) == 0"
"""
USER = """\
knothole: 1
tree: errand
root:
  sequence:
    - plan: {instruction: Go., skills: [%s], steps: $steps}
    - check: "len($steps) > 0"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "put_it.yaml").write_text(PUT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_header_makes_a_skill_whose_arguments_are_the_inputs(folder):
    skill = tree_skill("put_it")
    assert skill is not None
    assert (skill.name, skill.tree, skill.about) == ("put_it", "put_it", "Put one thing away.")
    assert [(port.name, port.required) for port in skill.ports] == [("thing", True), ("speed", False)]
    assert [str(fact) for fact in skill.needs] == ["hand_empty", "visible(thing)"]
    assert [str(fact) for fact in skill.effects] == ["inside(thing, _)"]
    assert skill.things == ("thing",)
    schema = skill.schema()["properties"]["args"]
    assert schema["properties"]["speed"] == {"description": "", "type": "number", "minimum": 0.1, "maximum": 1.0}


@pytest.mark.parametrize("words", ["", "  ", "a cup\nor a bowl"], ids=["empty", "blank", "two lines"])
@pytest.mark.parametrize("leaf", ["plan", "achieve"])
def test_words_for_no_thing_in_an_input_that_facts_are_about_are_refused(folder, leaf, words):
    plan = [{"skill": "put_it", "args": {"thing": words}}]
    made = scene(
        f"root:\n  {leaf}: {{instruction: go, skills: [put_it], attempts: 1}}\n", {"go": plan}, search=[folder]
    )
    result = made.run()
    wrong = "no valid plan: step 1: argument 'thing' of put_it must be words for a thing, on one line"
    assert (result.status, result.reason) == ("FAILURE", wrong)


def test_a_tree_without_the_header_is_none_and_neither_is_what_is_not_there(folder):
    assert tree_skill("tidy_table") is None
    assert tree_skill("nobody_has_this_tree") is None


def test_a_skill_with_mistakes_is_no_skill_but_an_error(folder):
    (folder / "put_it.yaml").write_text(PUT.replace("hand_empty", "hand_emty"), encoding="utf-8")
    with pytest.raises(TreeError, match="'hand_emty' is no fact that is known"):
        tree_skill("put_it")


def test_a_tree_may_name_the_skill_and_a_slip_is_told(folder):
    (folder / "errand.yaml").write_text(USER % "home, put_it", encoding="utf-8")
    assert [problem.code for problem in check(folder / "errand.yaml") if problem.severity == "error"] == []
    (folder / "errand.yaml").write_text(USER % "home, place, plase, tidy_table, errand", encoding="utf-8")
    found = [(problem.code, problem.place.column) for problem in check(folder / "errand.yaml")]
    assert [code for code, _ in found] == ["K151", "K151", "K118"]


def test_a_tree_that_is_planned_with_by_what_it_plans_with_is_a_circle(folder):
    (folder / "put_it.yaml").write_text(PUT + '    - plan: {instruction: "a", skills: [errand]}\n', encoding="utf-8")
    (folder / "errand.yaml").write_text((USER % "put_it").replace("root:", "skill: {}\nroot:"), encoding="utf-8")
    assert "K118" in {problem.code for problem in check(folder / "errand.yaml")}


def test_the_header_survives_xml_and_the_formatter(folder):
    before = load("put_it").skill
    assert call("convert put_it.yaml put_it.xml")[0] == 0
    assert call("convert put_it.xml again.yaml")[0] == 0
    assert load("again.yaml").skill == before
    assert call("fmt put_it.yaml")[0] == 0
    assert load("put_it").skill == before


def test_skills_are_listed_with_what_they_need_and_bring_about(folder):
    (folder / "knothole.toml").write_text('trees = ["."]\n', encoding="utf-8")
    code, out, _ = call("nodes --skills")
    assert code == 0
    assert (
        "  pick(object, force?)\n"
        "      Take a thing into the hand and carry it to the home posture, out of the camera's way.\n"
        "      needs: hand_empty, visible(object), clear(object)\n"
        "      brings about: holding(object)\n" in out
    )
    assert "trees\n" in out
    assert "  put_it(thing, speed?)\n      Put one thing away.\n      needs: hand_empty, visible(thing)\n" in out
    code, out, _ = call("nodes --skills --json")
    table = {row["name"]: row for row in json.loads(out)}
    assert (table["put_it"]["tree"], table["pick"]["tree"]) == (True, False)
    assert table["pick"]["schema"]["properties"]["skill"] == {"const": "pick"}
    assert "plan" not in table


def test_a_node_says_what_it_is_as_a_step(folder):
    code, out, _ = call("nodes place")
    assert code == 0
    assert "As a step of a plan:\n    needs not hand_empty, holding(object), clear(onto)\n    brings about" in out
    row = json.loads(call("nodes place --json")[1])[0]
    assert row["effects"] == ["hand_empty", "inside(object, into)", "on(object, onto)"]


def test_a_planned_tree_is_drawn_and_one_with_mistakes_is_shown_as_it_is():
    drawn = outline("knothole: 1\ntree: planned\nroot:\n  sequence:\n    - home\n")
    assert drawn.splitlines() == ["planned", "▣ sequence", "└── ▸ home"]
    assert outline("knothole: 1\nroot: nothing") == "knothole: 1\nroot: nothing"
