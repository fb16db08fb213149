"""The leaf ``see``: three outcomes, hysteresis, age, and what it costs."""

from __future__ import annotations

import pytest

from knothole.behaviors.means.verdict import judge
from knothole.behaviors.step import FAILURE, RUNNING, SUCCESS, NodeFault
from knothole.robots.pose import Pose
from knothole.tests.rig import Bench

QUESTION = "Is the tray full?"


@pytest.mark.parametrize(
    ("p", "last", "expected"),
    [
        (0.80, "unsure", "yes"),
        (0.79, "unsure", "unsure"),
        (0.79, "yes", "yes"),
        (0.71, "yes", "yes"),
        (0.69, "yes", "unsure"),
        (0.79, "no", "unsure"),
        (0.20, "unsure", "no"),
        (0.21, "unsure", "unsure"),
        (0.29, "no", "no"),
        (0.31, "no", "unsure"),
        (0.29, "yes", "unsure"),
        (0.20, "yes", "no"),
        (0.80, "no", "yes"),
    ],
)
def test_a_standing_verdict_is_sticky(p, last, expected):
    assert judge(p, 0.8, 0.2, last) == expected


def test_with_a_full_margin_a_verdict_stands_until_the_other_threshold():
    assert judge(0.21, 0.8, 0.2, "yes", margin=1.0) == "yes"
    assert judge(0.20, 0.8, 0.2, "yes", margin=1.0) == "no"
    assert judge(0.79, 0.8, 0.2, "no", margin=1.0) == "no"
    assert judge(0.50, 0.8, 0.2, "unsure", margin=1.0) == "unsure"


@pytest.mark.parametrize(
    ("answer", "ports", "expected"),
    [
        ("yes", {}, SUCCESS),
        ("no", {}, FAILURE),
        ("no", {"expect": "no"}, SUCCESS),
        (0.85, {}, SUCCESS),
        (0.85, {"accept": 0.9, "on_unsure": "failure"}, FAILURE),
        ({"yes": 0.5, "neither": 0.5}, {"expect": "yes", "on_unsure": "failure"}, FAILURE),
        ({"no": 0.1, "neither": 0.9}, {"expect": "no"}, FAILURE),
        ({"problem": "covered"}, {"on_unsure": "failure"}, FAILURE),
    ],
    ids=str,
)
def test_an_answer_becomes_a_status(answer, ports, expected):
    bench = Bench({QUESTION: answer})
    assert bench.run(bench.leaf("see", question=QUESTION, **ports)) is expected


def test_the_reason_has_the_question_and_the_probability():
    bench = Bench({QUESTION: 0.1})
    leaf = bench.leaf("see", question=QUESTION)
    bench.run(leaf)
    assert leaf.feedback_message == f"{QUESTION!r}: p(yes) = 0.10"


def test_a_problem_of_the_backend_is_unsure_with_its_text():
    bench = Bench({QUESTION: {"problem": "the camera is covered"}})
    leaf = bench.leaf("see", question=QUESTION)
    assert bench.ticks(leaf, 3) == ["R"] * 3
    assert leaf.feedback_message == "unsure: the camera is covered"


def test_thresholds_that_cross_are_refused():
    bench = Bench()
    with pytest.raises(NodeFault, match=r"reject \(0.5\) must be below accept \(0.5\)"):
        bench.tick(bench.leaf("see", question=QUESTION, accept=0.5, reject=0.5))


def test_it_runs_until_its_first_answer_and_never_blocks():
    bench = Bench({QUESTION: "yes"}, latency=2.0)
    leaf = bench.leaf("see", question=QUESTION)
    assert bench.ticks(leaf, 41) == ["R"] * 40 + ["S"]
    assert bench.broker.counters.model_calls == 1


def test_a_watch_repeats_its_verdict_without_a_call_while_nothing_changes():
    bench = Bench({QUESTION: "yes"})
    leaf = bench.leaf("see", question=QUESTION, max_age=0.5)
    assert set(bench.ticks(leaf, 40)[1:]) == {"S"}
    assert bench.broker.counters.model_calls == 1
    assert len(bench.pictures) < 10


def test_a_watch_asks_again_when_the_scene_changes_and_stays_decided_meanwhile():
    bench = Bench({QUESTION: {"times": {"0s": "yes", "0.6s": "no"}}}, latency=0.1)
    leaf = bench.leaf("see", question=QUESTION, max_age=0.5)
    statuses = []
    for _ in range(30):
        bench.robot.put("red cube", Pose((0.45, 0.1 + 0.01 * (bench.context.tick % 12), 0.025)))
        statuses.append(bench.tick(leaf).name[0])
    assert "".join(statuses).strip("RSF") == ""
    first_no = statuses.index("F")
    assert "R" not in statuses[3:first_no]
    assert set(statuses[first_no:]) == {"F"}
    assert 0.6 <= 0.05 * first_no <= 1.15


def test_a_verdict_that_is_too_old_on_a_changed_scene_is_unsure():
    bench = Bench({QUESTION: "yes"}, latency=1.0)
    leaf = bench.leaf("see", question=QUESTION, max_age=0.4)
    statuses = []
    for _ in range(40):
        bench.robot.put("red cube", Pose((0.45, 0.1 + 0.01 * (bench.context.tick % 12), 0.025)))
        statuses.append(bench.tick(leaf).name[0])
    assert statuses[:20] == ["R"] * 20
    assert "S" not in statuses[20:]
    assert "older than 0.4 s" in leaf.feedback_message


def test_without_max_age_a_new_execution_looks_at_the_scene_as_it_is_now():
    bench = Bench({QUESTION: {"calls": ["yes", "no"]}})
    leaf = bench.leaf("see", question=QUESTION)
    assert bench.run(leaf) is SUCCESS
    bench.run(bench.leaf("wait", duration=0.2))
    assert bench.run(leaf) is FAILURE
    assert bench.broker.counters.model_calls == 2


def test_a_failed_question_is_asked_anew_when_it_is_retried():
    bench = Bench({QUESTION: {"calls": ["no", "no", "yes"]}})
    leaf = bench.leaf("see", question=QUESTION)
    assert [bench.run(leaf) for _ in range(3)] == [FAILURE, FAILURE, SUCCESS]


def test_a_verdict_younger_than_max_age_serves_a_later_execution():
    bench = Bench({QUESTION: {"calls": ["yes", "no"]}})
    leaf = bench.leaf("see", question=QUESTION, max_age=2.0)
    assert bench.run(leaf) is SUCCESS
    bench.run(bench.leaf("wait", duration=0.5))
    assert bench.tick(leaf) is SUCCESS
    bench.run(bench.leaf("wait", duration=3.0))
    assert bench.run(leaf) is FAILURE


def test_rate_bounds_the_questions_on_a_scene_that_never_rests():
    bench = Bench({QUESTION: "yes"})
    leaf = bench.leaf("see", question=QUESTION, rate=2.0)
    for _ in range(100):
        bench.robot.put("red cube", Pose((0.45, 0.1 + 0.01 * (bench.context.tick % 12), 0.025)))
        bench.tick(leaf)
    assert 9 <= bench.broker.counters.model_calls <= 11


def test_hold_waits_for_news_and_look_again_insists():
    for policy, calls in (("hold", 1), ("look_again", 20)):
        bench = Bench({QUESTION: 0.5})
        leaf = bench.leaf("see", question=QUESTION, on_unsure=policy)
        assert bench.ticks(leaf, 40) == ["R"] * 40
        assert bench.broker.counters.model_calls >= calls
        assert policy == "look_again" or bench.broker.counters.model_calls == 1


def test_hold_decides_when_the_picture_changes():
    bench = Bench({QUESTION: {"calls": [0.5, "yes"]}})
    leaf = bench.leaf("see", question=QUESTION)
    assert bench.ticks(leaf, 5)[-1] == "R"
    bench.robot.put("red cube", Pose((0.6, -0.1, 0.025)))
    assert bench.run(leaf, 2.0) is SUCCESS


def test_a_finished_motion_forces_a_fresh_look():
    bench = Bench({QUESTION: {"calls": ["yes", "no"]}})
    leaf = bench.leaf("see", question=QUESTION, max_age=0.5)
    bench.ticks(leaf, 5)
    bench.context.notes["motion_ended"] = bench.context.now
    assert "F" in bench.ticks(leaf, 12)


def test_another_text_drops_the_verdict():
    texts = {"now": QUESTION}
    bench = Bench({QUESTION: "yes", "Is it empty?": "no"})
    leaf = bench.leaf("see", question=lambda: texts["now"], max_age=5.0)
    assert bench.run(leaf) is SUCCESS
    texts["now"] = "Is it empty?"
    assert bench.run(leaf) is FAILURE


def test_a_halted_question_is_dropped():
    bench = Bench({QUESTION: "yes"}, latency=0.5)
    leaf = bench.leaf("see", question=QUESTION)
    assert bench.tick(leaf) is RUNNING
    bench.halt(leaf)
    bench.run(bench.leaf("wait", duration=1.0))
    assert bench.tick(leaf) is RUNNING


def test_confirm_keeps_one_wrong_answer_from_overturning_a_watch():
    bench = Bench({QUESTION: {"calls": ["yes", "no", "yes", "yes", "no", "no"]}})
    leaf = bench.leaf("see", question=QUESTION, max_age=0.5, confirm=2)
    statuses = ""
    for _ in range(40):
        bench.robot.put("red cube", Pose((0.45, 0.1 + 0.01 * (bench.context.tick % 12), 0.025)))
        statuses += bench.tick(leaf).name[0]
    assert statuses.lstrip("R").startswith("S" * 20)
    assert statuses.endswith("F")


def test_confirm_asks_again_on_a_picture_that_does_not_change():
    bench = Bench({QUESTION: {"times": {"0s": "yes", "1s": "no"}}})
    leaf = bench.leaf("see", question=QUESTION, max_age=0.5, confirm=2)
    bench.ticks(leaf, 22)
    bench.robot.put("red cube", Pose((0.6, -0.1, 0.025)))
    assert bench.ticks(leaf, 20)[-1] == "F"
