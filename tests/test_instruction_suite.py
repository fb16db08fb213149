"""The suite of instructions: what is drawn, how answers are judged, the command, and the file of results."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from knothole.app.authoring.inspect import project
from knothole.app.instructing.acting import Acted
from knothole.app.instructing.drawing import Task, draw_task
from knothole.app.instructing.judging import asked_about, judge_answer
from knothole.app.instructing.options import SuiteOptions
from knothole.app.instructing.plans import plan_all
from knothole.app.instructing.results import Results, ResultsError
from knothole.app.instructing.tally import rate
from knothole.app.models.oracle import KINDS, Oracle
from knothole.app.running.stage import open_stage
from knothole.app.settings.names import register_all
from knothole.tests.instructed import TABLE
from knothole.vlm.broker import open_backend
from knothole.vlm.contract import BackendError
from knothole.vlm.language.instructions import parse_instruction
from knothole.vlm.language.planning import plan
from knothole.vlm.questions import Answer, Frame

Knothole = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("kind", ["steps", "ask", "cannot"])
def test_a_drawn_instruction_has_the_right_kind_of_answer(seed: int, kind: str) -> None:
    task = draw_task(seed, kind)  # type: ignore[arg-type]
    best = task.best
    assert {"steps": best.steps, "ask": best.ask, "cannot": best.cannot}[kind]
    assert (parse_instruction(task.words) is None) == task.apart == (seed % 2 == 1)
    if not task.apart:
        assert parse_instruction(task.words) == task.meant
    again = draw_task(seed, kind)  # type: ignore[arg-type]
    assert (again.words, again.scene, again.facts) == (task.words, task.scene, task.facts)


def test_words_can_be_those_of_the_training_alone() -> None:
    assert not draw_task(3, words="training").apart
    assert draw_task(2, words="apart").apart


def task_of(text: str) -> Task:
    meant = parse_instruction(text)
    assert meant is not None
    best = plan(meant, TABLE)
    assert best is not None
    kind = "steps" if best.steps else "ask" if best.ask else "cannot"
    frame = Frame("table#1", 0.0, np.zeros((2, 2, 3), np.uint8))
    return Task(0, kind, "put", "table", meant, text, False, TABLE, best, frame)  # type: ignore[arg-type]


def put(name: str, place: str) -> list[dict[str, object]]:
    return [{"skill": "pick", "args": {"object": name}}, {"skill": "place", "args": {"into": place}}]


RED = "Put the red cube into the blue tray."
WHICH = "Put the cube into the tray."


@pytest.mark.parametrize(
    ("text", "data", "accepted", "right", "exact"),
    [
        (RED, put("the red cube", "the blue tray"), True, True, True),
        (RED, put("the red cube", "the tray"), True, True, True),
        (RED, put("the red cube", "the blue tray") + put("the blue cube", "the tray"), True, True, False),
        (RED, put("the blue cube", "the blue tray"), True, False, False),
        (RED, [{"skill": "fly", "args": {}}], False, False, False),
        (RED, {"ask": "Which cube: the red one or the blue one?"}, True, False, False),
        (RED, {"cannot": "I do not know how to do that."}, True, False, False),
        (WHICH, {"ask": "Which cube: the red one or the blue one?"}, True, True, True),
        (WHICH, {"ask": "Which cube: the blue one or the red one?"}, True, True, True),
        (WHICH, {"ask": "Which cube: the red one or the green one?"}, True, False, False),
        (WHICH, {"ask": "Which cube?"}, True, False, False),
        (WHICH, {"ask": "Shall I?"}, True, False, False),
        (WHICH, put("the red cube", "the blue tray"), True, False, False),
        ("Put the red cube into the bowl.", {"cannot": "There is no bowl."}, True, True, True),
        ("Put the red cube into the bowl.", {"cannot": "There is no cube."}, True, True, False),
        ("Put the red cube into the bowl.", put("the red cube", "the tray"), True, False, False),
    ],
    ids=str,
)
def test_an_answer_is_judged_by_what_it_leads_to(
    text: str, data: object, accepted: bool, right: bool, exact: bool
) -> None:
    judged = judge_answer(task_of(text), Answer("plan", data=data, text=json.dumps(data)))
    assert (judged.accepted, judged.right, judged.exact) == (accepted, right, exact), judged.why


def test_an_answer_with_a_problem_is_wrong() -> None:
    judged = judge_answer(task_of(RED), Answer("plan", problem="no JSON"))
    assert (judged.accepted, judged.right, judged.why) == (False, False, "no JSON")


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Which cube: the red one or the blue one?", {1, 4}),
        ("Which blue object: the tray or the cube?", {0, 4}),
        ("Which cube: the red cube, the blue cube?", {1, 4}),
        ("Which cube: the left one or the right one?", {1, 4}),
        ("Which cube?", {1, 4}),
        ("Which unicorn?", None),
        ("Which cube: the big one or the small one?", None),
        ("What do you mean?", None),
    ],
    ids=str,
)
def test_a_question_names_the_things_that_can_be_meant(question: str, names: set[int] | None) -> None:
    assert asked_about(question, TABLE) == (None if names is None else frozenset(names))


def test_a_rate_says_how_sure_it_is() -> None:
    assert str(rate([1, 1, 1, 0], bool)) == "3/4   75%  (95 % interval: 30% to 95%)"
    assert rate([], bool).share == 0.0


def test_the_oracle_may_see_and_leave_the_planning_to_others() -> None:
    runner = open_backend("oracle:seeing", {"truth": lambda frame: None})
    assert isinstance(runner.backend, Oracle)  # type: ignore[attr-defined]
    assert runner.backend.kinds == KINDS - {"plan", "chat"}  # type: ignore[attr-defined]
    with pytest.raises(BackendError, match="does not know 'hearing'"):
        open_backend("oracle:hearing", {"truth": lambda frame: None})


ACTED = Acted(3, "put", "table", "Put it there.", True, True, "", "SUCCESS", "", 1.0, 2.0, 3, "abc")


def test_results_are_kept_and_gone_on_from(tmp_path: Path) -> None:
    file, options = tmp_path / "more" / "r.jsonl", SuiteOptions(vlm="oracle")
    Results(file, options).add(ACTED)
    assert Results(file, options).known == {3: ACTED}
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"seed": 4, "act"')  # the process ended here
    assert Results(file, options).known == {3: ACTED}
    Results(file, options).add(replace(ACTED, seed=5))
    assert set(Results(file, options).known) == {3, 5}
    with pytest.raises(ResultsError, match="run in another way"):
        Results(file, SuiteOptions(vlm="embedded"))
    file.write_text(file.read_text()[:-1])  # without the end of its last line
    assert set(Results(file, options).known) == {3}
    Results(file, options).add(replace(ACTED, seed=5))
    assert set(Results(file, options).known) == {3, 5}
    for broken in (tmp_path, tmp_path / "binary"):
        (tmp_path / "binary").write_bytes(b"\xff\xfe")
        with pytest.raises(ResultsError, match="no file of results"):
            Results(broken, options)
    file.write_text(file.read_text().splitlines()[0] + "\n{}\n" + json.dumps(ACTED.to_json()) + "\n")
    with pytest.raises(ResultsError, match=r"r\.jsonl:2"):
        Results(file, options)


@pytest.mark.long(minutes=0.2)
def test_the_command_judges_plans_without_moving_anything(knothole: Knothole) -> None:
    line = ("eval", "instructions", "--plans-only", "--seeds", "0,2", "--vlm", "oracle", "--words", "training")
    done = knothole(*line, "--at-least", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "plan accepted and right     2/2  100%" in done.stdout
    report = json.loads(knothole(*line, "--unchecked", "--json").stdout)
    assert not report["checked"]
    assert {kind: report["rates"][kind]["hits"] for kind in ("steps", "ask", "cannot")} == dict.fromkeys(
        ("steps", "ask", "cannot"), 2
    )


def test_a_wrong_first_answer_is_sent_back_before_a_plan_is_judged(tmp_path: Path) -> None:
    task = draw_task(2)
    file = tmp_path / "answers.yaml"
    file.write_text(json.dumps({task.words: {"calls": [[{"skill": "fly", "args": {}}], task.best.data]}}))
    options = SuiteOptions(vlm=f"scripted:{file}", see="oracle")
    register_all()
    first, checked = (plan_all(options, [2], ["steps"], checked)[0].judged for checked in (False, True))
    assert (first.accepted, first.right) == (False, False)
    assert (checked.accepted, checked.right) == (True, True), checked.why


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--plans-only", "--disturb", "2"), "--plans-only moves nothing"),
        (("--plans-only", "--unchecked", "--see", "oracle"), "--unchecked is for the plans of one backend"),
        (("--unchecked",), "--unchecked is for the plans of one backend"),
        (("--scene", "table"), "--scene cannot be given for a suite"),
        (("--robot", "kinematic"), "the oracle needs a simulated world"),
    ],
    ids=["plans only", "unchecked", "unchecked alone", "scene", "robot"],
)
def test_what_makes_no_sense_is_refused(more: tuple[str, ...], said: str, knothole: Knothole) -> None:
    done = knothole("eval", "instructions", "--seeds", "0", "--vlm", "oracle", *more)
    assert done.returncode == 2
    assert said in done.stderr


def test_options_of_the_suite_are_refused_for_a_tree(knothole: Knothole) -> None:
    done = knothole("eval", "tidy_table", "--seeds", "0", "--plans-only")
    assert done.returncode == 2
    assert "--plans-only cannot be given for a tree" in done.stderr


def test_a_scene_is_disturbed_as_often_as_wanted() -> None:
    with ExitStack() as stack:
        stage = open_stage(stack, "panda", "tidy_table", 3, project(), disturb=2)
        assert stage.scene is not None
        assert len(stage.scene.disturbances) == 2
        assert not {event.do for event in stage.scene.disturbances} & {"hand_in", "take"}


@pytest.mark.long(minutes=0.2)
def test_an_instruction_is_carried_out_in_physics_once(tmp_path: Path, knothole: Knothole) -> None:
    line = ("eval", "instructions", "--seeds", "4", "--vlm", "oracle", "--results", "r.jsonl", "--traces", "traces")
    done = knothole(*line, "--via", "plan_and_act", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["success"]["hits"] == report["success"]["total"] == 1
    assert [path.name for path in (tmp_path / "traces").glob("*.mcap")] == ["plan_and_act-seed4.mcap"]
    (run,) = report["runs"]
    assert (run["words"], run["status"]) == ("Transfer the yellow can into the blue tray.", "SUCCESS")
    again = knothole(*line, "--via", "plan_and_act", "--json")
    assert again.stderr == ""  # nothing was run once more
    assert json.loads(again.stdout)["runs"] == report["runs"]
