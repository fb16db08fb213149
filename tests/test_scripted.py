"""Promises of the scripted backend and of its file."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import knothole.vlm.scripted
from knothole.vlm.contract import BACKENDS, BackendError, BackendOptions
from knothole.vlm.questions import KINDS, Answer, Frame, Question
from knothole.vlm.script_file import ScriptError, read_script
from knothole.vlm.scripted import Scripted

BOX = {"box": [0.1, 0.2, 0.3, 0.4], "label": "red cube", "confidence": 0.9}


def ask(script: dict[str, object], question: Question, stamp: float = 0.0, default: object = None) -> Answer:
    frame = Frame("f", stamp, np.zeros((4, 4, 3), np.uint8))
    return Scripted(script, default).ask(frame, [question])[0]


def see(text: str) -> Question:
    return Question("yes_no", text)


@pytest.mark.parametrize(
    ("value", "yes", "no", "neither"),
    [
        ("yes", 1.0, 0.0, 0.0),
        ("no", 0.0, 1.0, 0.0),
        (0.3, 0.3, 0.7, 0.0),
        ({"yes": 0.6, "no": 0.1}, 0.6, 0.1, 0.3),
        ({"yes": 0.6, "neither": 0.3}, 0.6, 0.1, 0.3),
    ],
)
def test_yes_no(value, yes, no, neither):
    answer = ask({"Q?": value}, see("Q?"))
    assert answer.problem == ""
    assert answer.probabilities == pytest.approx({"yes": yes, "no": no})
    assert answer.neither == pytest.approx(neither)


def test_choice_and_score_take_one_of_the_choices_or_probabilities():
    question = Question("choice", "Color?", choices=("red", "blue"))
    assert ask({"Color?": "blue"}, question).probabilities == {"red": 0.0, "blue": 1.0}
    partly = ask({"Color?": {"red": 0.5}}, Question("score", "Color?", choices=("red", "blue")))
    assert (partly.p("red"), partly.p("blue"), partly.neither) == (0.5, 0.0, 0.5)
    assert "which is not a probability or one of 'red', 'blue'" in ask({"Color?": "green"}, question).problem


def test_ground_gives_boxes_or_none_and_only_the_best_unless_all():
    every = Question("ground", "cubes", all=True)
    answer = ask({"cubes": [BOX, {"box": [0, 0, 1, 1]}]}, every)
    assert [(r.box_xyxy, r.label, r.confidence) for r in answer.regions] == [
        ((0.1, 0.2, 0.3, 0.4), "red cube", 0.9),
        ((0.0, 0.0, 1.0, 1.0), "cubes", 1.0),
    ]
    assert len(ask({"cubes": [BOX, BOX]}, Question("ground", "cubes")).regions) == 1
    nothing = ask({"cubes": []}, every)
    assert nothing.regions == ()
    assert nothing.problem == ""


def test_plan_carries_text_and_data():
    plan = ask({"tidy": [{"pick": "red cube"}, "home"]}, Question("plan", "tidy"))
    assert plan.data == [{"pick": "red cube"}, "home"]
    assert plan.text == '[{"pick": "red cube"}, "home"]'
    assert ask({"tidy": "[not json"}, Question("plan", "tidy")).problem.startswith("the scripted plan is no JSON")


def test_calls_are_counted_for_each_question_by_itself_and_the_last_answer_repeats():
    says = Scripted({"Is * gone?": {"calls": ["no", "yes"]}})
    texts = ["Is a gone?", "Is b gone?", "Is a gone?", "Is a gone?", "Is b gone?"]
    assert [says.ask(None, [see(t)])[0].p("yes") for t in texts] == [0, 0, 1, 1, 1]


@pytest.mark.parametrize(("stamp", "yes"), [(0.0, 0.0), (12.4, 0.0), (12.5, 1.0), (90.0, 1.0), (120.0, 0.5)])
def test_times_are_those_of_the_frame(stamp, yes):
    script = {"Q?": {"times": {"0s": "no", "12500ms": "yes", "2min": 0.5}}}
    assert ask(script, see("Q?"), stamp).p("yes") == yes


def test_before_its_first_time_a_question_has_no_answer():
    assert ask({"Q?": {"times": {"3s": "no"}}}, see("Q?"), 1.0).problem == "the script answers 'Q?' only after 1 s"


@pytest.mark.parametrize(
    ("text", "yes"),
    [("Is it red?", 0.1), ("Is it blue?", 0.2), ("Is it green?", 0.3), ("Is it greenish?", 0.4), ("What?", 0.5)],
)
def test_the_exact_text_wins_then_the_first_pattern(text, yes):
    script = {"*": 0.5, "Is it red?": 0.1}
    script = {"/Is it (blue|red)[?]/": 0.2, "Is it *en?": 0.3, "Is it *?": 0.4} | script
    assert ask(script, see(text)).p("yes") == yes


def test_one_text_can_have_an_answer_for_each_kind():
    script = {"red cube": {"ground": BOX, "describe": "It is red."}}
    assert ask(script, Question("ground", "red cube")).regions[0].label == "red cube"
    assert ask(script, Question("describe", "red cube")).text == "It is red."
    assert "no answer to yes_no" in ask(script, see("red cube")).problem


def test_an_unmatched_question_is_a_problem_that_names_it_and_the_nearest():
    problem = ask({"Is the tray full?": "no"}, see("Is the tray ful?")).problem
    assert problem == "the script has no answer to yes_no 'Is the tray ful?'; the nearest is 'Is the tray full?'"
    assert ask({}, see("Q?"), default="yes").p("yes") == 1.0


def test_a_scripted_problem_is_unsure():
    assert ask({"Q?": {"problem": "the camera is covered"}}, see("Q?")).problem == "the camera is covered"


def test_a_file_reads_like_the_mapping_and_words_stay_words(tmp_path):
    path = tmp_path / "tray.yaml"
    path.write_text(
        '"Is it open?": no\n"Say it": {describe: "0.5"}\nevery loose object: [{box: [0, 0, 0.5, 1e0]}]\n"P?": .25\n',
        encoding="utf-8",
    )
    says = BACKENDS.get("scripted").open(BackendOptions(str(path), {"default": "yes"}))
    questions = [see("Is it open?"), Question("describe", "Say it"), Question("ground", "every loose object")]
    door, said, loose, other, chance = says.ask(None, [*questions, see("Else?"), see("P?")])
    assert (door.p("no"), said.text, loose.regions[0].box_xyxy) == (1.0, "0.5", (0.0, 0.0, 0.5, 1.0))
    assert (other.p("yes"), chance.p("yes"), says.model) == (1.0, 0.25, "tray")


def test_all_mistakes_of_a_file_are_reported_at_once_with_their_places(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text('"A?": 1.5\n"A?": no\n"/(/": no\ncubes:\n  - box: [0.1, 0.2]\n"T?": {times: {3: no}}\n')
    with pytest.raises(ScriptError) as caught:
        read_script(path)
    assert (
        str(caught.value)
        == f"""\
{path}:1:7: error: 1.5 is no probability
    1 | "A?": 1.5
      |       ^
  why:  a number is the probability of yes
  fix:  take one in 0..1, or quote it
{path}:2:1: error: 'A?' stands here twice
    2 | "A?": no
      | ^
  why:  only one of them could count
  fix:  remove one, or give its answers as {{calls: [...]}}
{path}:3:8: error: /(/ is no regular expression
    3 | "/(/": no
      |        ^
  why:  missing ), unterminated subpattern at position 0
  fix:  correct it; a pattern between slashes is a regular expression
{path}:5:10: error: a box needs four numbers
    5 |   - box: [0.1, 0.2]
      |          ^
  why:  they are x1 y1 x2 y2, relative to the image
  fix:  {{box: [0.1, 0.2, 0.3, 0.4], label: red cube}}
{path}:6:19: error: '3' is no time
    6 | "T?": {{times: {{3: no}}}}
      |                   ^
  why:  a time has a unit
  fix:  12.5s, 500ms or 2min"""
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "1:1: error: the script is empty"),
        (b"- no\n", "1:1: error: a script is a mapping"),
        (b"\tx: no\n", "1:1: error: not YAML"),
        (b'"A?": [no\n', "2:1: error: not YAML"),
        (b"\xff\xfe\x00", "1:1: error: not UTF-8 text"),
        (b"a: &x [*x]\n", "error: more than"),
        (b"a: " + b"[" * 300 + b"\n", "error: "),
        (b"{a: {calls: []}}", "error: calls needs a list of answers"),
        (b"{a: {times: {5s: no, 1s: yes}}}", "error: 1s comes too late"),
        (b"{a: {yes: 0.9, no: 0.9}}", "error: these are no probabilities"),
        (b"{a: [{box: [0.5, 0, 0.1, 1]}]}", "error: this box lies outside the image or has no area"),
        (b"{a: [{box: [0, 0, 1, 1], lable: x}]}", "error: a region has no 'lable'"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path, content, what):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(ScriptError) as caught:
        read_script(path)
    assert what in str(caught.value)
    assert str(caught.value).startswith(f"{path}:")


def test_a_missing_file_a_directory_and_no_argument_are_errors(tmp_path: Path):
    for path, why in ((tmp_path / "none.yaml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(ScriptError, match=why):
            read_script(path)
    with pytest.raises(BackendError, match="the scripted backend needs a file"):
        BACKENDS.get("scripted").open(BackendOptions())


values = st.recursive(
    st.one_of(st.text(max_size=5), st.floats(allow_nan=True), st.none(), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["calls", "times", "box", "yes", "ground", "plan", "x", "problem"]), inner),
    ),
    max_leaves=8,
)


@given(values, st.sampled_from(KINDS))
def test_any_python_value_is_refused_or_answered_never_a_crash(value, kind):
    try:
        says = Scripted({"Q?": value})
    except ScriptError:
        return
    if kind in says.kinds:
        answer = says.ask(None, [Question(kind, "Q?", choices=("yes", "x"))])[0]
        assert answer.kind == kind
        assert 0 <= sum(answer.probabilities.values()) + answer.neither <= 1 + 1e-6


def test_the_examples_of_the_documentation_hold():
    failed, tried = doctest.testmod(knothole.vlm.scripted)
    assert (failed, tried > 0) == (0, True)
