"""The leaf ``imagine``: pictures from words by the model, and of wished arrangements by the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from knothole.app.models.truth import SceneTruth
from knothole.app.running.options import RunOptions
from knothole.app.running.session import run_tree
from knothole.behaviors.means.grounded import GroundedObject
from knothole.behaviors.means.picture import Picture
from knothole.behaviors.means.wishes import WishError, read_wishes
from knothole.behaviors.step import FAILURE, SUCCESS, NodeFault
from knothole.robots.arranging import ArrangementError, Wish
from knothole.robots.pose import Pose
from knothole.sim.arranging import WorldArranger, arranged
from knothole.sim.draw import load_scene
from knothole.sim.objects import ObjectSpec
from knothole.sim.panda import PandaSim
from knothole.sim.world import World
from knothole.tests.rig import Bench
from knothole.trees.tracing.recording import read_trace
from knothole.vlm.script_file import ScriptError, read_script
from knothole.vlm.scripted import Scripted

RED = ObjectSpec("cube", "red", (0.05, 0.05, 0.05), (0.45, 0.10, 0.025))
BLUE = ObjectSpec("cube", "blue", (0.05, 0.05, 0.05), (0.55, 0.25, 0.025))
TRAY = ObjectSpec("tray", "blue", (0.26, 0.19, 0.025), (0.50, -0.25, 0.0125))
PLATE = ObjectSpec("plate", "white", (0.20, 0.20, 0.02), (0.35, 0.3, 0.01))
ON_PLATE = ObjectSpec("ball", "red", (0.05, 0.05, 0.05), (0.35, 0.3, 0.032))
ITEMS = (RED, BLUE, TRAY, PLATE, ON_PLATE)


def script(tmp_path: Path, text: str = '"a tidy table": {imagine: tidy.png}\n') -> Bench:
    Image.fromarray(np.full((8, 12, 3), (10, 200, 30), np.uint8)).save(tmp_path / "tidy.png")
    (tmp_path / "answers.yaml").write_text(text, encoding="utf-8")
    bench = Bench()
    bench.broker.runner.backend = Scripted(read_script(tmp_path / "answers.yaml"))  # type: ignore[attr-defined]
    return bench


def test_words_become_a_picture_on_the_blackboard_and_in_the_trace(tmp_path: Path):
    bench = script(tmp_path)
    assert bench.run(bench.leaf("imagine", prompt="a tidy table")) is SUCCESS
    picture = bench.out("image")
    assert isinstance(picture, Picture)
    assert picture.rgb.shape == (8, 12, 3)
    assert (picture.id, picture.origin) == ("imagined#1", "imagined")
    assert bench.pictures == ["imagined#1"]


def test_it_can_begin_with_what_is_seen_or_with_a_picture(tmp_path: Path):
    bench = script(tmp_path)
    frames = []
    bench.broker.listener = lambda event: frames.append(event.frame) if event.what == "asked" else None
    assert bench.run(bench.leaf("imagine", prompt="a tidy table")) is SUCCESS
    assert bench.run(bench.leaf("imagine", prompt="a tidy table", look=True)) is SUCCESS
    assert bench.run(bench.leaf("imagine", prompt="a tidy table", base=bench.out("image"))) is SUCCESS
    assert [frame and frame.id for frame in frames] == [None, "table#1", "imagined#2"]


def test_a_model_that_makes_no_picture_is_a_failure_with_its_words(tmp_path: Path):
    bench = script(tmp_path, '"a tidy table": {problem: refused}\n')
    leaf = bench.leaf("imagine", prompt="a tidy table")
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message == "no picture: refused"


def test_a_script_that_names_no_picture_file_is_a_mistake_with_its_place(tmp_path: Path):
    with pytest.raises(ScriptError) as error:
        script(tmp_path, '"a": {imagine: gone.png}\n"b": {imagine: {calls: [tidy.png, gone.png]}}\n')
    assert [mistake.what for mistake in error.value.mistakes] == ["there is no picture 'gone.png'"] * 2
    assert [mistake.place and mistake.place.line for mistake in error.value.mistakes] == [1, 2]


@pytest.mark.parametrize(
    "ports",
    [{}, {"prompt": "a", "object": "b"}, {"object": "a", "arrangement": [{"object": "a", "into": "b"}]}],
    ids=str,
)
def test_it_takes_a_prompt_or_an_arrangement(ports):
    bench = Bench()
    with pytest.raises(NodeFault, match="imagine needs one of prompt, object and arrangement"):
        bench.tick(bench.leaf("imagine", **ports))


def test_without_a_simulated_world_it_says_that_it_cannot():
    bench = Bench()
    leaf = bench.leaf("imagine", arrangement=[{"object": "red cube", "into": "blue tray"}])
    assert bench.run(leaf) is FAILURE
    words = "the robot 'kinematic' cannot show a wished arrangement: that takes a simulated world"
    assert leaf.feedback_message == words


class Fixed:
    """An arranger that gives one picture, or says why it cannot."""

    def __init__(self, problem: str = "") -> None:
        self.problem, self.wishes = problem, list[Wish]()

    def picture(self, wishes: Sequence[Wish], camera: str):
        self.wishes = list(wishes)
        if self.problem:
            raise ArrangementError(self.problem)
        return np.zeros((4, 4, 3), np.uint8)


def test_wishes_reach_who_shows_them_and_what_cannot_be_is_a_failure():
    bench = Bench()
    bench.context.arranger = shows = Fixed()
    wishes = [
        {"object": "the red cube", "into": "blue tray"},
        {"object": "can", "at": ["0.5m", "-10cm"], "yaw": "90deg"},
    ]
    assert bench.run(bench.leaf("imagine", arrangement=wishes)) is SUCCESS
    assert shows.wishes[0] == Wish("the red cube", into="blue tray")
    assert shows.wishes[1].at == pytest.approx((0.5, -0.1))
    assert shows.wishes[1].yaw == pytest.approx(np.pi / 2)
    assert str(bench.out("image")) == "arranged (arranged#1)"
    assert bench.run(bench.leaf("imagine", object="can", at=[0.5, -0.1], yaw=0.5)) is SUCCESS
    assert shows.wishes == [Wish("can", at=(0.5, -0.1), yaw=0.5)]
    bench.context.arranger = Fixed("the scene has no 'cup'\n  fix:  name another")
    leaf = bench.leaf("imagine", arrangement=wishes)
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message == "it cannot be shown: the scene has no 'cup'"


def test_a_grounded_object_is_told_from_others_of_its_name_by_its_place():
    pose = Pose((0.4, 0.1, 0.02))
    thing = GroundedObject(
        "red cube", (0, 0, 1, 1), (0.4, 0.1, 0.02), (0.05,) * 3, 0.0, pose, 0.05, 0.0, "t", "t#1", 0.0
    )
    assert read_wishes([{"object": thing, "onto": thing}]) == [Wish("red cube", (0.4, 0.1, 0.02), onto="red cube")]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "an arrangement is a list of wishes"),
        ("red cube", "an arrangement is a list of wishes"),
        (["red cube"], r"arrangement\[0\] is 'red cube', no wish"),
        ([{"object": "a", "in": "b"}], r"arrangement\[0\] has the unknown key 'in'\n  did you mean:  into"),
        ([{"object": "a"}], r"arrangement\[0\] needs `object` and one of at, into, onto"),
        ([{"object": "a", "into": "b", "onto": "c"}], "one of at, into, onto"),
        ([{"into": "b"}], "needs `object`"),
        ([{"object": "a", "at": "here"}], r"arrangement\[0\].at is 'here', no place"),
        ([{"object": "a", "at": ["0.5", "1m"]}], r"arrangement\[0\].at has '0.5'\n  fix:  write a number with a unit"),
        ([{"object": "a", "at": [1, 1], "yaw": "far"}], r"arrangement\[0\].yaw has 'far'"),
    ],
)
def test_what_is_no_wish_says_why(value, words):
    with pytest.raises(WishError, match=words):
        read_wishes(value)


def test_things_go_where_they_are_wished_and_the_others_stay():
    wishes = [Wish("red cube", onto="blue cube"), Wish("plate", at=(0.6, 0.0)), Wish("the tray", at=(0.4, -0.2))]
    red, blue, tray, plate, ball = arranged(ITEMS, wishes)
    assert red.xyz == pytest.approx((0.55, 0.25, 0.075))
    assert blue == BLUE
    assert tray.xyz == pytest.approx((0.4, -0.2, 0.0125))
    assert plate.xyz == pytest.approx((0.6, 0.0, 0.01))
    assert ball.xyz == pytest.approx((0.6, 0.0, 0.032)), "what stands on the plate goes with it"


def test_things_in_one_container_stand_beside_each_other_on_its_floor():
    red, blue, tray, *_ = arranged(ITEMS, [Wish("red cube", into="tray"), Wish("blue cube", into="blue tray")])
    floor = tray.xyz[2] + tray.size[2] * (0.24 - 0.5)
    assert red.xyz == pytest.approx((0.5, -0.25, floor + 0.025))
    assert blue.xyz[2] == pytest.approx(floor + 0.025)
    assert np.hypot(red.xyz[0] - blue.xyz[0], red.xyz[1] - blue.xyz[1]) > 0.05


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish("green cup", at=(0.5, 0.0)), "the scene has no 'green cup'"),
        (Wish("reed cube", at=(0.5, 0.0)), "did you mean:  red cube"),
        (Wish("cube", at=(0.5, 0.0)), "the scene has 2 things called 'cube'"),
        (Wish("red cube", into="blue cube"), "nothing goes into the blue cube"),
        (Wish("red cube", onto="red cube"), "the red cube cannot be on itself"),
    ],
)
def test_a_wish_that_cannot_be_says_why(wish, words):
    with pytest.raises(ArrangementError, match=words):
        arranged(ITEMS, [wish])


def test_the_simulator_renders_the_goal_and_leaves_the_world_as_it_is():
    with World(load_scene("tidy_table", 0)) as world:
        before = [world.pose(k) for k in range(len(world.objects))]
        loose = next(body.spec for body in world.objects if body.spec.loose)
        shows = WorldArranger(world)
        now = shows.picture([Wish(loose.name, at=(0.5, 0.3))], "")
        there = shows.picture([Wish(loose.name, into="blue tray")], "table")
        assert now.shape == (256, 256, 3)
        assert (np.abs(now.astype(int) - there).max(axis=2) > 30).sum() > 100
        assert [world.pose(k) for k in range(len(world.objects))] == before
        with pytest.raises(ArrangementError, match="the camera 'wrist' cannot show an arrangement"):
            shows.picture([Wish(loose.name, at=(0.5, 0.3))], "wrist")


def test_the_truth_of_a_wished_picture_is_known_by_its_id():
    with World(load_scene("tidy_table", 0)) as world:
        truth = SceneTruth(world, PandaSim(world))
        bench = Bench()
        bench.context.frames = truth.saw
        bench.context.arranger = WorldArranger(world, truth.arranged)
        assert bench.run(bench.leaf("imagine", object="the red can", into="the blue tray")) is SUCCESS
        picture = bench.out("image")
        assert isinstance(picture, Picture)
        facts = truth(picture.frame)
        assert facts is not None
        can = next(thing for thing in facts.objects if thing.name == "red can")
        assert (can.relation, facts.objects[can.support].name) == ("in", "blue tray")


TREE = """\
knothole: 1
tree: goal
root:
  sequence:
    - ground: {query: "every loose object", all: true, objects: $loose}
    - imagine: {object: "$loose[0]", into: "blue tray", image: $goal}
    - compare: {question: "Is it as in the first picture?", to: $goal, expect: no, on_unsure: failure}
"""


def test_a_run_in_simulation_imagines_a_goal_and_keeps_it_in_the_trace(tmp_path: Path):
    (tmp_path / "goal.yaml").write_text(TREE, encoding="utf-8")
    box = "{box: [0.55, 0.5, 0.62, 0.57], label: red cube}"
    (tmp_path / "a.yaml").write_text(f'"every loose object": [{box}]\n"Is it *": no\n', encoding="utf-8")
    options = RunOptions(
        str(tmp_path / "goal.yaml"), "tidy_table", 0, f"scripted:{tmp_path / 'a.yaml'}", trace=tmp_path / "t.mcap"
    )
    done = run_tree(options)
    assert done.status == "SUCCESS", done.reason
    recording = read_trace(tmp_path / "t.mcap")
    assert "arranged#1" in [message.data["frame_id"] for message in recording.topic("/frames")]
    assert recording.blackboard()["goal"]["picture"] == "arranged#1"
    assert any(message.data["frame"].startswith("arranged#1+table#") for message in recording.topic("/questions"))
