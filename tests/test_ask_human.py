"""The leaf ``ask_human``: options, default, deadline; a human from a script, in tests and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from knothole.app.api import load
from knothole.app.humans.scripted_human import ScriptedHuman, human_of
from knothole.app.settings.config import Config
from knothole.app.testing.case import judge
from knothole.app.testing.reader import read_suite
from knothole.behaviors.blackboard import UNSET
from knothole.behaviors.step import FAILURE, SUCCESS, NodeFault
from knothole.tests.calling import call
from knothole.tests.rig import Bench
from knothole.trees.problems import TreeError

WHICH = "Which cube?"
TREE = """\
knothole: 1
tree: polite
root:
  sequence:
    - ask_human: {question: "Which cube?", options: [red, blue], default: red, deadline: 5s, answer: $color}
    - ask_human: {question: "May I take the ${color} one?", options: [yes, no], expect: yes, deadline: 2s}
    - say: "I take the ${color} one."
"""


def bench(answers: dict[str, list[str]] | None) -> Bench:
    made = Bench()
    made.context.human = None if answers is None else ScriptedHuman(answers)
    return made


@pytest.mark.parametrize(
    ("answers", "ports", "status", "answer"),
    [
        ({WHICH: ["blue"]}, {}, SUCCESS, "blue"),
        ({"Which *?": ["blue"]}, {}, SUCCESS, "blue"),
        ({WHICH: ["blue"]}, {"expect": "blue"}, SUCCESS, "blue"),
        ({WHICH: ["blue"]}, {"expect": ["red", "green"]}, FAILURE, "blue"),
        ({WHICH: ["pink"]}, {"deadline": 0.2}, FAILURE, UNSET),
        ({WHICH: []}, {"deadline": 0.2}, FAILURE, UNSET),
        ({WHICH: []}, {"deadline": 0.2, "default": "red"}, SUCCESS, "red"),
        ({WHICH: []}, {"deadline": 0.2, "default": "red", "expect": "blue"}, FAILURE, "red"),
        (None, {}, FAILURE, UNSET),
        (None, {"default": "red"}, SUCCESS, "red"),
        ({WHICH: ["the third from the left"]}, {"options": ()}, SUCCESS, "the third from the left"),
    ],
    ids=str,
)
def test_an_answer_a_default_or_a_reason(answers, ports, status, answer):
    rig = bench(answers)
    leaf = rig.leaf("ask_human", question=WHICH, **{"options": ["red", "blue"], **ports})
    assert rig.run(leaf) is status
    assert rig.out("answer") == answer
    assert leaf.feedback_message


def test_it_says_what_it_waits_for_and_why_it_failed():
    rig = bench({WHICH: []})
    leaf = rig.leaf("ask_human", question=WHICH, deadline=0.5)
    assert rig.ticks(leaf, 10) == ["R"] * 10
    assert leaf.feedback_message == "asks the human: Which cube?"
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message == "'Which cube?': no answer within 0.5 s, and no default"
    alone = bench(None)
    leaf = alone.leaf("ask_human", question=WHICH)
    assert alone.run(leaf) is FAILURE
    assert leaf.feedback_message == "'Which cube?': there is no human to ask, and no default"


def test_a_default_says_that_it_is_one():
    rig = bench(None)
    leaf = rig.leaf("ask_human", question=WHICH, default="red")
    rig.run(leaf)
    assert leaf.feedback_message == "red, by default"


def test_an_option_may_be_a_number_and_comes_back_as_it_is():
    rig = bench({WHICH: ["2"]})
    assert rig.run(rig.leaf("ask_human", question=WHICH, options=[1, 2, 3])) is SUCCESS
    assert (rig.out("answer"), rig.out("chosen")) == ("2", 2)


def test_things_of_one_label_are_numbered_and_come_back_as_they_are():
    rig = bench({WHICH: ["red cube 2"]})
    things = [SimpleNamespace(label="red cube"), SimpleNamespace(label="blue cube"), SimpleNamespace(label="red cube")]
    assert rig.run(rig.leaf("ask_human", question=WHICH, options=things)) is SUCCESS
    assert rig.out("chosen") is things[2]


def test_a_default_that_is_no_option_and_options_that_are_the_same_are_faults():
    rig = bench(None)
    with pytest.raises(NodeFault, match=r"the default 'pink' is none of the options\n  fix:  write one of red, blue"):
        rig.tick(rig.leaf("ask_human", question=WHICH, options=["red", "blue"], default="pink"))
    with pytest.raises(NodeFault, match="two options are the same: red, red"):
        rig.tick(rig.leaf("ask_human", question=WHICH, options=["red", "red"]))


def test_the_deadline_stands_still_in_a_pause():
    rig = bench({WHICH: []})
    leaf = rig.leaf("ask_human", question=WHICH, deadline=0.5)
    rig.ticks(leaf, 5)
    leaf._pause()
    rig.run(rig.leaf("wait", duration=5.0))
    leaf._resume()
    assert rig.ticks(leaf, 4) == ["R"] * 4


def test_question_and_answer_are_in_the_trace():
    rig = bench({WHICH: ["blue"]})
    told = []
    rig.context.emit = lambda channel, data: told.append((channel, dict(data)))
    rig.run(rig.leaf("ask_human", question=WHICH, options=["red", "blue"]))
    assert [channel for channel, _ in told] == ["human", "human"]
    assert told[0][1]["asked"] == WHICH
    assert told[1][1]["answer"] == "blue"


CASES = """\
knothole_test: 1
tree: polite.yaml
human: {"May I take the * one?": yes}
cases:
  the human chooses:
    human: {"Which cube?": blue}
    expect: {status: success, said: ["I take the blue one."]}
  the default counts when nobody answers:
    human: {"Which cube?": []}
    expect: {status: success, said: ["I take the red one."], ticks: {min: 100, max: 103}}
  the human says no:
    human: {"Which cube?": blue, "May I take the blue one?": [no, yes]}
    expect: {status: failure, reason: "no, not yes"}
"""


def test_trees_are_tested_with_what_the_human_says(tmp_path: Path):
    (tmp_path / "polite.yaml").write_text(TREE, encoding="utf-8")
    (tmp_path / "polite_test.yaml").write_text(CASES, encoding="utf-8")
    suite = read_suite(tmp_path / "polite_test.yaml", Config())
    verdicts = [judge(case, Config()) for case in suite.cases]
    assert [verdict.explanation for verdict in verdicts] == ["", "", ""]


def test_a_test_that_does_not_say_what_the_human_answers_is_told_so(tmp_path: Path):
    (tmp_path / "polite.yaml").write_text(TREE.replace(", deadline: 2s", ""), encoding="utf-8")
    text = "knothole_test: 1\ntree: polite.yaml\nhuman: {no: yes}\nmax_ticks: 200\ncases: {one: {expect: success}}\n"
    (tmp_path / "polite_test.yaml").write_text(text, encoding="utf-8")
    verdict = judge(read_suite(tmp_path / "polite_test.yaml", Config()).cases[0], Config())
    assert "no answer: the human has no answer to 'Which cube?'" in verdict.explanation


def test_the_command_line_takes_the_human_from_a_file(tmp_path: Path):
    (tmp_path / "polite.yaml").write_text(TREE, encoding="utf-8")
    (tmp_path / "human.yaml").write_text('"Which cube?": blue\n"May *": yes\n', encoding="utf-8")
    tree, human = str(tmp_path / "polite.yaml"), str(tmp_path / "human.yaml")
    trace = str(tmp_path / "a.mcap")
    code, out, err = call(f"run {tree} --robot none --human {human} --trace {trace} --json")
    assert code == 0, out + err
    assert json.loads(out.splitlines()[-1])["status"] == "SUCCESS"


def test_from_python_a_run_gets_its_human(tmp_path: Path):
    (tmp_path / "polite.yaml").write_text(TREE, encoding="utf-8")
    human = ScriptedHuman({"Which cube?": ["blue"], "May *": ["yes"]})
    with load(tmp_path / "polite.yaml").bind(robot="none", vlm="oracle", human=human) as run:
        done = run.run()
        assert (done.status, run.blackboard["color"]) == ("SUCCESS", "blue")


def test_nobody_at_the_terminal_means_default_or_failure(tmp_path: Path):
    (tmp_path / "polite.yaml").write_text(TREE, encoding="utf-8")
    code, out, _ = call(f"run {tmp_path / 'polite.yaml'} --robot none --trace {tmp_path / 'a.mcap'}")
    assert code == 1
    assert "'May I take the red one?': there is no human to ask, and no default" in out


def test_mistakes_in_a_file_of_answers_are_told_at_once(tmp_path: Path):
    (tmp_path / "human.yaml").write_text('"A?": {b: c}\n"D?":\n', encoding="utf-8")
    with pytest.raises(TreeError) as error:
        human_of(tmp_path / "human.yaml")
    assert [problem.place.line for problem in error.value.problems] == [1, 2]
