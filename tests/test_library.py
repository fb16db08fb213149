"""The trees that come with knothole: each one on the kinematic driver with scripted answers, one in physics."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from knothole.app.humans.scripted_human import ScriptedHuman
from knothole.app.running.evaluate import evaluate
from knothole.app.running.options import RunOptions
from knothole.behaviors.context import Context
from knothole.behaviors.step import RUNNING
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.robots.pose import Pose
from knothole.tests.rig import PERIOD, region
from knothole.trees.builder import BuiltTree, build
from knothole.trees.loader import check, library, load
from knothole.vlm.broker import Broker
from knothole.vlm.language.grammar import parse, parse_query
from knothole.vlm.scripted import Scripted

TREES = sorted(file.stem for file in library().glob("*.yaml"))
HAND = "Is a hand inside the workspace?"


def cube(color: str, x: float, y: float) -> dict[str, object]:
    return {"shape": "cube", "color": color, "size": (0.05, 0.05, 0.05), "xyz": (x, y)}


def tray(color: str, y: float) -> dict[str, object]:
    return {"shape": "tray", "color": color, "size": (0.30, 0.22, 0.025), "xyz": (0.5, y)}


class Stage:
    """A tree on the kinematic driver among props, with scripted answers.

    A scripted answer that is a list of texts becomes the boxes of the props so called; a text that is no prop stays.
    """

    def __init__(
        self, name: str, props: list[dict[str, object]], script: Mapping[str, object], **inputs: object
    ) -> None:
        self.robot = DRIVERS.get("kinematic")(DriverOptions(settings={"props": props}))
        self.names = {prop.name for prop in self.robot.props}
        answers = {question: self._answer(answer) for question, answer in script.items()}
        self.broker = Broker(Scripted(answers), stepped=True, latency=0.1)
        self.said: list[str] = []
        self.context = Context(self.robot, self.broker, rng=np.random.default_rng(0), say=self.said.append)
        self.tree: BuiltTree = build(load(name), self.context)
        self.asked: list[str] = []
        self.broker.listener = lambda event: self.asked.append(event.ticket.question.text)

    def _answer(self, answer: object) -> object:
        if isinstance(answer, list) and all(isinstance(name, str) for name in answer):
            return [region(self.robot, name) for name in answer]
        if isinstance(answer, Mapping) and "calls" in answer:
            return {"calls": [self._answer(each) for each in answer["calls"]]}
        return region(self.robot, answer) if isinstance(answer, str) and answer in self.names else answer

    def run(self, limit: float = 200.0) -> str:
        """Tick to the end; return the root's status."""
        while True:
            self.context.tick += 1
            self.context.now = self.robot.now()
            self.broker.collect(self.context.now)
            self.tree.tick()
            self.broker.flush(self.context.now)
            if self.tree.root.status is not RUNNING:
                return str(self.tree.root.status.name)
            assert self.context.now < limit, self.tree.root.feedback_message
            self.robot.advance(self.context.now + PERIOD)

    def inside(self, name: str, container: str) -> bool:
        """Tell whether the middle of a prop is over a container."""
        box = self._prop(container)
        away = np.abs(np.array(self._prop(name).xyz) - np.array(box.xyz))
        return bool(away[0] < box.size[0] / 2 and away[1] < box.size[1] / 2 and away[2] < 0.1)

    def _prop(self, name: str):
        return next(prop for prop in self.robot.props if prop.name == name)


@pytest.mark.parametrize("name", TREES)
def test_a_tree_of_the_library_checks_without_a_word(name):
    assert [str(problem) for problem in check(name)] == []


def test_what_the_trees_ask_is_in_the_language_of_the_embedded_model():
    for question in (
        HAND,
        "Is everything inside the blue tray?",
        "Is every red object inside the red tray?",
        "Is every blue object inside the blue tray?",
        "Is there anything on the white plate?",
        "Is the red cube on the blue cube?",
        "How many loose objects are there?",
    ):
        assert parse(question) is not None, question
    for query in (
        "every loose object",
        "every loose red object",
        "every object on the white plate",
        "the red cube",
    ):
        assert parse_query(query) is not None, query


TABLE = [tray("blue", -0.25), cube("red", 0.45, 0.10), cube("green", 0.55, 0.25)]


def test_tidy_table_puts_everything_away():
    script = {
        HAND: "no",
        "every loose object": ["red cube", "green cube"],
        "the blue tray": "blue tray",
        "Is everything inside the blue tray?": "yes",
    }
    stage = Stage("tidy_table", TABLE, script)
    assert stage.run() == "SUCCESS"
    assert stage.inside("red cube", "blue tray")
    assert stage.inside("green cube", "blue tray")


def test_tidy_table_comes_back_for_what_it_overlooked():
    script = {
        HAND: "no",
        "every loose object": {"calls": [["red cube"], ["green cube"]]},
        "the blue tray": "blue tray",
        "Is everything inside the blue tray?": {"calls": ["no", "yes"]},
    }
    stage = Stage("tidy_table", TABLE, script)
    assert stage.run() == "SUCCESS"
    assert stage.inside("red cube", "blue tray")
    assert stage.inside("green cube", "blue tray")


def test_tidy_table_with_nothing_to_do_succeeds():
    script = {HAND: "no", "every loose object": [], "Is everything inside the blue tray?": "yes"}
    stage = Stage("tidy_table", TABLE[:1], script)
    assert stage.run() == "SUCCESS"
    assert stage.said == ["I see nothing loose."]


def test_tidy_table_says_what_it_could_not_do():
    script = {HAND: "no", "every loose object": [], "Is everything inside the blue tray?": "no"}
    stage = Stage("tidy_table", TABLE, script)
    assert stage.run() == "FAILURE"
    assert "'Is everything inside the blue tray?': p(yes) = 0.00" in stage.tree.root.feedback_message


def test_tidy_table_goes_on_when_one_thing_cannot_be_had():
    far = {"shape": "cube", "color": "black", "size": (0.05, 0.05, 0.05), "xyz": (0.80, 0.35)}
    script = {
        HAND: "no",
        "every loose object": ["black cube", "red cube"],
        "the blue tray": "blue tray",
        "Is everything inside the blue tray?": "yes",
    }
    stage = Stage("tidy_table", [*TABLE[:2], far], script)
    assert stage.run() == "SUCCESS"
    assert stage.said == ["The black cube stays where it is for now."]
    assert stage.inside("red cube", "blue tray")


def test_tidy_table_survives_a_model_that_sees_badly():
    robot = DRIVERS.get("kinematic")(DriverOptions(settings={"props": TABLE}))
    red, green = region(robot, "red cube"), region(robot, "green cube")
    a, b, c, d = red["box"]
    ghost = {"box": [0.42, 0.9, 0.5, 0.98], "label": "ghost"}
    shifted = {"box": [a + 0.02, b - 0.02, c + 0.02, d + 0.01], "label": "red can"}
    script = {
        HAND: {"no": 0.85, "yes": 0.1},
        "every loose object": {"calls": [[ghost, red, shifted, region(robot, "blue tray")], [green, ghost]]},
        "the blue tray": {"calls": [region(robot, "blue tray"), [], region(robot, "blue tray")]},
        "Is everything inside the blue tray?": {"calls": [0.5, {"problem": "unreadable"}, 0.9]},
    }
    stage = Stage("tidy_table", TABLE, script)
    assert stage.run() == "SUCCESS"
    assert stage.inside("red cube", "blue tray")
    assert stage.inside("green cube", "blue tray")


def test_tidy_table_holds_still_while_a_hand_is_near_and_then_goes_on():
    script = {
        HAND: {"times": {"0s": "no", "2s": "yes", "5s": "no"}},
        "every loose object": ["red cube"],
        "the blue tray": "blue tray",
        "Is everything inside the blue tray?": "yes",
    }
    stage = Stage("tidy_table", [*TABLE[:2], cube("green", 0.62, -0.02)], script)
    stillness, looks = [], []

    def watch(frame) -> None:
        looks.append(frame.stamp)
        if 3.2 < frame.stamp < 5.0:
            stillness.append(stage.robot.state().q.copy())
        # something moves, so that each picture is news
        stage.robot.put("green cube", Pose((0.62, -0.02 - 0.02 * (len(looks) % 2), 0.025)))

    stage.context.frames = watch
    assert stage.run() == "SUCCESS"
    assert len(stillness) > 3
    assert np.ptp(np.array(stillness), axis=0).max() < 1e-3
    assert stage.inside("red cube", "blue tray")


def test_sort_by_color_brings_each_color_to_its_tray():
    props = [tray("red", 0.3), tray("blue", -0.3), cube("red", 0.45, 0.0)]
    props.append({"shape": "ball", "color": "blue", "size": (0.055, 0.055, 0.055), "xyz": (0.58, 0.08)})
    script = {
        HAND: "no",
        "every loose red object": ["red cube"],
        "every loose blue object": ["blue ball"],
        "the red tray": "red tray",
        "the blue tray": "blue tray",
        "Is every * object inside the * tray?": "yes",
    }
    stage = Stage("sort_by_color", props, script)
    assert stage.run() == "SUCCESS"
    assert stage.inside("red cube", "red tray")
    assert stage.inside("blue ball", "blue tray")


def test_stack_two_puts_one_on_the_other():
    script = {
        HAND: "no",
        "the red cube": "red cube",
        "the blue cube": "blue cube",
        "Is the red cube on the blue cube?": {"calls": ["no", "yes"]},
        "Is the blue cube below the red cube?": "yes",
    }
    stage = Stage("stack_two", [cube("red", 0.45, 0.1), cube("blue", 0.55, -0.1)], script)
    assert stage.run() == "SUCCESS"
    assert stage._prop("red cube").xyz == pytest.approx((0.55, -0.1, 0.075), abs=0.006)


def test_stack_two_with_the_work_done_does_nothing():
    script = {HAND: "no", "Is the red cube on the blue cube?": "yes", "Is the blue cube below the red cube?": "yes"}
    stage = Stage("stack_two", [cube("red", 0.45, 0.1), cube("blue", 0.55, -0.1)], script)
    assert stage.run() == "SUCCESS"
    assert stage._prop("red cube").xyz[2] == pytest.approx(0.025)


def test_stack_two_does_not_take_one_answer_for_a_stack():
    script = {
        HAND: "no",
        "the red cube": "red cube",
        "the blue cube": "blue cube",
        "Is the red cube on the blue cube?": "yes",
        "Is the blue cube below the red cube?": {"calls": ["no", "yes"]},
    }
    stage = Stage("stack_two", [cube("red", 0.45, 0.1), cube("blue", 0.55, -0.1)], script)
    assert stage.run() == "SUCCESS"
    assert stage._prop("red cube").xyz == pytest.approx((0.55, -0.1, 0.075), abs=0.006)


def test_clear_plate_takes_the_load_off_the_plate():
    plate = {"shape": "plate", "color": "white", "size": (0.2, 0.2, 0.02), "xyz": (0.5, 0.2)}
    load_of_it = {"shape": "cube", "color": "red", "size": (0.05, 0.05, 0.05), "xyz": (0.5, 0.2, 0.045)}
    script = {
        HAND: "no",
        "every object on the white plate": ["red cube"],
        "the blue tray": "blue tray",
        "Is there anything on the white plate?": "no",
    }
    stage = Stage("clear_plate", [TABLE[0], plate, load_of_it], script)
    assert stage.run() == "SUCCESS"
    assert stage.inside("red cube", "blue tray")


def test_plan_and_act_runs_what_the_model_planned():
    plan = [
        {"skill": "pick", "args": {"object": "the red cube"}},
        {"skill": "place", "args": {"into": "the blue tray"}},
        {"skill": "say", "args": {"text": "Done."}},
    ]
    script = {
        "Put the red cube into the blue tray.": plan,
        "the red cube": "red cube",
        "the blue tray": "blue tray",
    }
    stage = Stage("plan_and_act", TABLE, script)
    assert stage.run() == "SUCCESS"
    assert stage.said == ["Done."]
    assert stage.inside("red cube", "blue tray")


def test_plan_and_act_refuses_a_plan_with_an_unknown_skill():
    stage = Stage("plan_and_act", TABLE, {"Put the red cube into the blue tray.": [{"skill": "throw", "args": {}}]})
    assert stage.run() == "FAILURE"
    assert "unknown skill 'throw'" in stage.tree.root.feedback_message


def test_take_stock_says_what_is_new_and_what_is_gone():
    script = {
        "Describe the image.": "A red cube and a green cube.",
        "How many loose objects are there?": {"calls": ["2", "1"]},
        "every loose object": {"calls": [["red cube", "green cube"], ["red cube"]]},
    }
    stage = Stage("take_stock", TABLE, script)
    taken = []

    def take(frame) -> None:
        if frame.stamp > 3.0 and not taken:
            taken.append(frame.id)
            stage.robot.put("green cube", Pose((0.55, 0.25, -0.5)))

    stage.context.frames = take
    assert stage.run() == "SUCCESS"
    assert stage.said[:4] == [
        "A red cube and a green cube.",
        "I count 2 loose objects.",
        "New is number 1, the red cube.",
        "New is number 2, the green cube.",
    ]
    assert stage.said[4:6] == ["I count 1 loose objects.", "Gone is number 2, the green cube."]


@pytest.mark.parametrize(("said", "moved"), [("green cube", "green cube"), (None, "red cube")])
def test_fetch_asked_puts_away_what_the_human_chose_or_the_first(said, moved):
    script = {HAND: "no", "every loose object": ["red cube", "green cube"], "the blue tray": "blue tray"}
    stage = Stage("fetch_asked", TABLE, script)
    if said is not None:
        stage.context.human = ScriptedHuman({"Which one shall I put into the blue tray?": [said]})
    assert stage.run() == "SUCCESS"
    assert [name for name in ("red cube", "green cube") if stage.inside(name, "blue tray")] == [moved]


@pytest.mark.parametrize(
    "name",
    [
        "stack_two",
        *(pytest.param(name, marks=pytest.mark.long) for name in ("tidy_table", "clear_plate", "sort_by_color")),
    ],
)
def test_a_tree_does_its_work_in_physics(name):
    done = evaluate(RunOptions(name, scene=name, vlm="oracle"), [0])
    assert done.successes == 1, str(done)
    assert done.episodes[0].result.status == "SUCCESS"


@pytest.mark.parametrize(
    ("instruction", "status", "reason"),
    [
        pytest.param("Clean up the table.", "SUCCESS", "", marks=pytest.mark.long(minutes=0.3)),
        ("Put the bowl into the tray.", "FAILURE", "The green bowl cannot be picked up."),
        ("Put the cube into the tray.", "FAILURE", "There is no cube."),
    ],
)
def test_plan_and_act_follows_instructions_in_physics(instruction, status, reason):
    options = RunOptions("plan_and_act", scene="tidy_table", vlm="oracle", inputs={"instruction": instruction})
    done = evaluate(options, [0])
    assert (done.episodes[0].result.status, done.episodes[0].result.reason) == (status, reason)
    assert done.successes == (status == "SUCCESS"), str(done)
