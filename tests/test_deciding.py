"""The leaves that decide by what is seen, a choice, a level, a number: tables, freshness, and the word of a human."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from knothole.behaviors.blackboard import UNSET
from knothole.behaviors.step import FAILURE, RUNNING, SUCCESS, NodeFault
from knothole.robots.pose import Pose
from knothole.tests.rig import Bench, region
from knothole.trees.checking.costs import model_calls
from knothole.trees.loader import check_text, load_text

COLOR, FULL, CUBES = "What color is the cube?", "How full is the tray?", "How many cubes are there?"
COLORS, LEVELS = ["red", "green", "blue"], ["empty", "half full", "full"]


class Person:
    """A human who gives the same answer after a time of the run clock; None says nothing."""

    def __init__(self, bench: Bench, words: str | None, after: float = 0.0) -> None:
        self.bench, self.words, self.after = bench, words, after
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.withdrawn = 0

    def ask(self, prompt: str, options: Sequence[str] = (), default: str = "", deadline: float | None = None):
        self.asked.append((prompt, tuple(options)))
        person, since = self, self.bench.context.now

        class Inquiry:
            refused, gone = 0, False

            @property
            def answer(self) -> str | None:
                return person.words if person.bench.context.now - since >= person.after else None

            def withdraw(self) -> None:
                person.withdrawn += 1

        return Inquiry()

    def wait(self, stopped: Callable[[], bool]) -> None:
        raise AssertionError("the bench never waits")


@pytest.mark.parametrize(
    ("answer", "ports", "status", "chosen"),
    [
        ("red", {}, SUCCESS, "red"),
        ({"red": 0.5, "green": 0.3}, {}, SUCCESS, "red"),
        ({"red": 0.5, "green": 0.31}, {"on_unsure": "failure"}, FAILURE, UNSET),
        ({"red": 0.49, "green": 0.1}, {"on_unsure": "failure"}, FAILURE, UNSET),
        ({"red": 0.49, "green": 0.1}, {}, RUNNING, UNSET),
        ({"red": 0.5, "green": 0.3}, {"lead": 0.3, "on_unsure": "failure"}, FAILURE, UNSET),
        ({"neither": 0.9, "red": 0.1}, {}, FAILURE, UNSET),
        ({"red": 0.95}, {"expect": "red"}, SUCCESS, "red"),
        ({"red": 0.95}, {"expect": "blue"}, FAILURE, "red"),
        ({"red": 0.95}, {"expect": ["blue", "red"]}, SUCCESS, "red"),
        ({"problem": "covered"}, {"on_unsure": "failure"}, FAILURE, UNSET),
    ],
    ids=str,
)
def test_which_takes_an_option_that_is_likely_and_stands_out(answer, ports, status, chosen):
    bench = Bench({COLOR: answer})
    leaf = bench.leaf("which", question=COLOR, options=COLORS, **ports)
    assert bench.ticks(leaf, 2)[-1] == status.name[0], leaf.feedback_message
    assert bench.out("answer") == chosen


def test_which_writes_the_option_as_it_is_its_number_and_the_probabilities():
    found = Bench()
    bench = Bench({"cubes": [region(found.robot, "red cube"), region(found.robot, "green can")]}, found.robot)
    assert bench.run(bench.leaf("ground", query="cubes", all=True)) is SUCCESS
    things = bench.out("objects")
    other = Bench({"Which is nearer?": {"red cube": 0.1, "green can": 0.9}}, found.robot)
    leaf = other.leaf("which", question="Which is nearer?", options=things)
    assert other.run(leaf) is SUCCESS
    assert (other.out("answer"), other.out("chosen"), other.out("index")) == ("green can", things[1], 1)
    assert other.out("probability") == pytest.approx(0.9)
    assert other.out("probabilities") == pytest.approx({"red cube": 0.1, "green can": 0.9})
    assert leaf.feedback_message == "green can (p = 0.90)"


@pytest.mark.parametrize("options", [[], ["red"], ["red", "red"], "red"], ids=str)
def test_which_has_nothing_to_choose_from_and_asks_nothing(options):
    bench = Bench({COLOR: "red"})
    leaf = bench.leaf("which", question=COLOR, options=options)
    assert bench.run(leaf) is FAILURE
    assert "which needs at least two different options" in leaf.feedback_message
    assert bench.broker.counters.model_calls == 0


@pytest.mark.parametrize(
    ("answer", "ports", "status"),
    [
        ("full", {}, SUCCESS),
        ({"empty": 0.3, "half full": 0.3, "full": 0.4}, {}, SUCCESS),
        ({"full": 0.2, "neither": 0.8}, {}, FAILURE),
        ("full", {"at_least": "half full"}, SUCCESS),
        ("full", {"at_least": "2"}, SUCCESS),
        ("empty", {"at_least": "half full"}, FAILURE),
        ("full", {"at_most": "half full"}, FAILURE),
        ("half full", {"at_least": "2", "at_most": "2"}, SUCCESS),
        ({"empty": 0.5, "full": 0.5}, {"at_least": "full", "on_unsure": "failure"}, FAILURE),
        ({"empty": 0.5, "full": 0.5}, {"at_least": "full"}, RUNNING),
        ({"empty": 0.25, "half full": 0.35, "full": 0.4}, {"at_least": "half full"}, SUCCESS),
    ],
    ids=str,
)
def test_score_is_a_condition_on_the_probability_of_a_range(answer, ports, status):
    bench = Bench({FULL: answer})
    leaf = bench.leaf("score", question=FULL, levels=LEVELS, **ports)
    assert bench.ticks(leaf, 2)[-1] == status.name[0], leaf.feedback_message


def test_score_writes_level_number_and_expected_value():
    bench = Bench({FULL: {"empty": 0.1, "half full": 0.2, "full": 0.5}})
    leaf = bench.leaf("score", question=FULL, levels=LEVELS)
    assert bench.run(leaf) is SUCCESS
    assert (bench.out("level"), bench.out("number")) == ("full", 3)
    assert bench.out("value") == pytest.approx((0.1 + 0.4 + 1.5) / 0.8)
    assert leaf.feedback_message == "full (2.5 of 3)"


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ({"at_least": "brimming"}, "at_least names no level: 'brimming'"),
        ({"at_least": "4"}, "at_least names no level: '4'"),
        ({"at_least": "full", "at_most": "empty"}, r"at_least \(full\) lies above at_most \(empty\)"),
        ({"accept": 0.2}, r"reject \(0.3\) must be below accept \(0.2\)"),
    ],
)
def test_a_range_that_cannot_be_is_a_fault(ports, words):
    bench = Bench({FULL: "full"})
    with pytest.raises(NodeFault, match=words):
        bench.tick(bench.leaf("score", question=FULL, levels=LEVELS, **ports))


@pytest.mark.parametrize(
    ("answer", "ports", "status", "count"),
    [
        ("2", {}, SUCCESS, 2),
        ("0", {}, SUCCESS, 0),
        ({"2": 0.5, "3": 0.5}, {}, RUNNING, UNSET),
        ({"2": 0.5, "3": 0.5}, {"at_least": 2}, SUCCESS, 2),
        ({"2": 0.5, "3": 0.5}, {"at_most": 1}, FAILURE, 2),
        ({"2": 0.7, "3": 0.3}, {"equals": 2}, SUCCESS, 2),
        ({"2": 0.7, "3": 0.3}, {"equals": 3, "on_unsure": "failure"}, FAILURE, UNSET),
        ({"2": 0.9}, {"equals": 3}, FAILURE, 2),
        ({"0": 0.9}, {"at_least": 1, "at_most": 3}, FAILURE, 0),
    ],
    ids=str,
)
def test_count_judges_the_probability_of_all_numbers_that_fit(answer, ports, status, count):
    bench = Bench({CUBES: answer})
    leaf = bench.leaf("count", things="cubes", **ports)
    assert bench.ticks(leaf, 2)[-1] == status.name[0], leaf.feedback_message
    assert bench.out("count") == count


def test_count_by_grounding_counts_what_can_be_measured_each_once():
    found = Bench()
    cube, can = region(found.robot, "red cube"), region(found.robot, "green can")
    ghost = {"box": [0.46, 0.9, 0.54, 0.98], "label": "ghost"}
    bench = Bench({"things": [cube, cube, can, ghost]}, found.robot)
    leaf = bench.leaf("count", things="things", by="grounding", equals=2)
    assert bench.run(leaf) is SUCCESS
    assert [thing.label for thing in bench.out("objects")] == ["red cube", "green can"]
    assert "red cube: found twice" in leaf.feedback_message


def test_count_by_grounding_of_nothing_is_zero():
    bench = Bench({"mice": []})
    assert bench.run(bench.leaf("count", things="mice", by="grounding")) is SUCCESS
    assert (bench.out("count"), bench.out("objects")) == (0, [])


def test_a_bound_that_no_answer_can_reach_is_a_fault():
    bench = Bench({CUBES: "2"})
    with pytest.raises(NodeFault, match=r"12 is more than can be told from 10\n  fix:  raise `most` \(up to 25\)"):
        bench.tick(bench.leaf("count", things="cubes", at_least=12))
    assert bench.run(bench.leaf("count", things="cubes", at_least=12, by="grounding", on_unsure="failure")) is FAILURE


@pytest.mark.parametrize(
    ("name", "ports", "script", "said"),
    [
        ("which", {"question": COLOR, "options": COLORS}, {COLOR: {"red": 0.4, "blue": 0.4}}, "blue"),
        (
            "score",
            {"question": FULL, "levels": LEVELS, "at_least": "full"},
            {FULL: {"empty": 0.5, "full": 0.5}},
            "full",
        ),
        ("count", {"things": "cubes", "equals": 3}, {CUBES: {"2": 0.5, "3": 0.5}}, "3"),
    ],
)
def test_a_human_decides_what_the_model_cannot(name, ports, script, said):
    bench = Bench(script)
    person = Person(bench, said, after=0.48)
    bench.context.human = person
    leaf = bench.leaf(name, on_unsure="ask_human", **ports)
    assert bench.ticks(leaf, 13) == ["R"] * 11 + ["S"] * 2
    assert len(person.asked) == 1
    assert said in person.asked[0][1]
    assert leaf.feedback_message.endswith("says the human")


def test_a_human_who_says_nothing_in_time_leaves_it_unsure_with_the_reason():
    bench = Bench({COLOR: {"red": 0.4, "blue": 0.4}})
    bench.context.human = Person(bench, None)
    leaf = bench.leaf("which", question=COLOR, options=COLORS, on_unsure="ask_human", ask_deadline=1.0)
    assert set(bench.ticks(leaf, 20)) == {"R"}
    assert leaf.feedback_message.startswith("unsure, asked the human: red 0.40, blue 0.40")
    assert set(bench.ticks(leaf, 5)) == {"R"}
    assert leaf.feedback_message.startswith("unsure, the human did not answer: red 0.40, blue 0.40")


def test_without_a_human_it_is_told_that_there_is_none():
    bench = Bench({COLOR: {"red": 0.4, "blue": 0.4}})
    leaf = bench.leaf("which", question=COLOR, options=COLORS, on_unsure="ask_human")
    assert set(bench.ticks(leaf, 5)) == {"R"}
    assert leaf.feedback_message.startswith("unsure, and there is no human to ask: red 0.40")


def test_a_halt_takes_the_question_to_the_human_back():
    bench = Bench({COLOR: {"red": 0.4, "blue": 0.4}})
    person = bench.context.human = Person(bench, None)
    leaf = bench.leaf("which", question=COLOR, options=COLORS, on_unsure="ask_human")
    bench.ticks(leaf, 3)
    bench.halt(leaf)
    assert person.withdrawn == 1


def test_the_clock_of_the_human_stands_still_in_a_pause():
    bench = Bench({COLOR: {"red": 0.4, "blue": 0.4}})
    bench.context.human = Person(bench, None)
    leaf = bench.leaf("which", question=COLOR, options=COLORS, on_unsure="ask_human", ask_deadline=1.0)
    bench.ticks(leaf, 3)
    leaf._pause()
    bench.run(bench.leaf("wait", duration=5.0))
    leaf._resume()
    bench.ticks(leaf, 10)
    assert leaf.feedback_message.startswith("unsure, asked the human")
    bench.ticks(leaf, 15)
    assert leaf.feedback_message.startswith("unsure, the human did not answer")


TREE = "knothole: 1\ntree: t\nroot:\n  {}\n"
GUARD = "guard: {{check: {{{}}}, child: {{wait: 1s}}}}"


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (GUARD.format('which: {question: "A?", options: [a, b], expect: a}'), ["K301"]),
        (GUARD.format('which: {question: "A?", options: [a, b], expect: a, max_age: 500ms}'), []),
        (GUARD.format('score: {question: "A?", levels: [a, b], at_least: b, rate: 2}'), []),
        (GUARD.format('count: {things: "cubes", at_least: 2}'), ["K301"]),
        (GUARD.format('compare: "Has anything moved?"'), ["K301"]),
        (GUARD.format('watch: "Has anything moved?"'), ["K301"]),
        ('repeat: {times: 3, child: {sequence: [{ground: {query: "a", object: $a}}, {track: $a}]}}', []),
        ("track: $a", ["K202"]),
        ('which: {question: "A?", options: [a, b], on_unsure: maybe}', ["K108"]),
        ('count: {things: "cubes", most: 30}', ["K107"]),
    ],
)
def test_the_checker_knows_the_leaves(body, codes):
    assert [problem.code for problem in check_text(TREE.format(body))] == codes


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ('which: {question: "A?", options: [a, b], expect: a, on_unsure: failure}', (1, 1)),
        ("compare: {to: start, on_unsure: failure}", (1, 1)),
        ('imagine: {object: "a", into: "b"}', (1, 1)),
        ('chat: "Hello"', (1, 1)),
        ("ask_human: Who?", (0, 0)),
        ("photo", (0, 0)),
    ],
)
def test_the_checker_knows_what_they_cost(body, calls):
    cost = model_calls(load_text(TREE.format(body)))
    assert (cost.per_tick, cost.per_run) == calls


def test_a_watch_asks_again_only_when_something_changed_or_the_question_did():
    bench = Bench({COLOR: "red"})
    leaf = bench.leaf("which", question=COLOR, options=COLORS, max_age=0.5)
    assert set(bench.ticks(leaf, 20)[1:]) == {"S"}
    assert bench.broker.counters.model_calls == 1
    bench.robot.put("red cube", Pose((0.55, -0.05, 0.025)))
    assert set(bench.ticks(leaf, 20)) == {"S"}
    assert bench.broker.counters.model_calls == 2
    leaf.wiring.inputs["options"] = lambda: ["red", "pink"]
    assert bench.ticks(leaf, 2) == ["R", "S"]
    leaf.wiring.inputs["expect"] = lambda: "pink"
    assert bench.ticks(leaf, 2) == ["R", "F"]


def test_what_a_human_said_stands_until_the_model_says_something_else_for_sure():
    doubt = {"red": 0.4, "blue": 0.4}
    bench = Bench({COLOR: {"calls": [doubt, doubt, "green"]}})
    bench.context.human = Person(bench, "blue")
    leaf = bench.leaf("which", question=COLOR, options=COLORS, on_unsure="ask_human", max_age=0.4)
    bench.ticks(leaf, 3)
    for x, answer in ((0.52, "blue"), (0.60, "green")):
        bench.robot.put("red cube", Pose((x, -0.05, 0.025)))
        bench.ticks(leaf, 12)
        assert bench.out("answer") == answer


def test_a_verdict_too_old_on_a_changed_scene_is_unsure():
    bench = Bench({COLOR: "red"}, latency=1.0)
    leaf = bench.leaf("which", question=COLOR, options=COLORS, max_age=0.4)
    for _ in range(40):
        bench.robot.put("red cube", Pose((0.45, 0.1 + 0.01 * (bench.context.tick % 12), 0.025)))
        assert bench.tick(leaf) is RUNNING


def test_look_again_asks_about_a_new_picture_until_it_is_sure():
    bench = Bench({COLOR: {"calls": [{"red": 0.4}, {"red": 0.4}, "red"]}}, latency=0.1)
    leaf = bench.leaf("which", question=COLOR, options=COLORS, on_unsure="look_again")
    assert bench.run(leaf) is SUCCESS
    assert bench.broker.counters.model_calls == 3
