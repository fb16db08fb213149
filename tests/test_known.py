"""Which thing is which from picture to picture: ids, what is new, what is lost; and ``track``, which follows one."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from knothole.behaviors.blackboard import Blackboard
from knothole.behaviors.means.grounded import GroundedObject, lift
from knothole.behaviors.means.known import LIMIT, doubts, match, overlap
from knothole.behaviors.step import FAILURE, RUNNING, SUCCESS, NodeFault
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.robots.pose import Pose
from knothole.robots.seeing import View
from knothole.sim.draw import load_scene
from knothole.sim.panda import PandaSim
from knothole.sim.world import World
from knothole.tests.rig import Bench, box_of, region
from knothole.trees.changing.encoding import decode, encode
from knothole.vlm.questions import Answer, Region

RED, BLUE = (0.7, 0.15, -0.2), (0.15, 0.2, -0.2)


def thing(label: str, x: float, y: float, tint=RED, size=(0.05, 0.05, 0.05), camera="table") -> GroundedObject:
    xyz, box = (x, y, size[2] / 2), (0.5 + y, x, 0.55 + y, x + 0.05)
    return GroundedObject(label, box, xyz, size, 0.0, Pose(xyz), size[2], 0.0, camera, "t#1", 0.0, tint=tint)


@pytest.mark.parametrize(
    ("before", "now", "pairs"),
    [
        ([], [("red cube", 0.5, 0.0, RED)], {}),
        ([("red cube", 0.5, 0.0, RED)], [], {}),
        ([("red cube", 0.5, 0.0, RED)], [("red block", 0.5, 0.0, RED)], {0: 0}),
        ([("red cube", 0.5, 0.0, RED)], [("red cube", 0.6, 0.4, RED)], {0: 0}),
        ([("red cube", 0.5, 0.0, RED)], [("blue cube", 0.5, 0.0, BLUE)], {}),
        ([("a", 0.5, 0.0, RED), ("b", 0.5, 0.2, RED)], [("a", 0.5, 0.2, RED), ("b", 0.5, 0.0, RED)], {0: 1, 1: 0}),
        ([("a", 0.5, 0.0, RED), ("a", 0.5, 0.2, RED)], [("a", 0.5, 0.2, RED), ("a", 0.7, 0.3, RED)], {0: 1, 1: 0}),
        ([("a", 0.5, 0.0, RED), ("a", 0.5, 0.2, BLUE)], [("a", 0.5, 0.2, RED), ("a", 0.5, 0.0, BLUE)], {0: 0, 1: 1}),
    ],
    ids=["new", "gone", "another name", "moved", "another color", "names change", "one of two moved", "swapped"],
)  # fmt: skip
def test_things_are_matched_all_at_once(before, now, pairs):
    assert match([thing(*each) for each in before], [thing(*each) for each in now]) == pairs


def test_doubts_add_up_and_boxes_that_overlap_take_distance_away():
    cube = thing("red cube", 0.5, 0.0)
    assert doubts(cube, cube) == 0.0
    assert doubts(cube, replace(cube, label="block")) == 0.5
    far = thing("red cube", 0.5, 0.3)
    assert doubts(cube, far) == pytest.approx(1.0)
    assert doubts(cube, replace(far, box_xyxy=cube.box_xyxy)) == 0.0
    assert doubts(cube, thing("red cube", 0.5, 0.0, size=(0.3, 0.3, 0.05))) == pytest.approx(1.0)
    assert doubts(cube, thing("red cube", 0.5, 0.0, BLUE)) > LIMIT


def test_overlap_is_symmetric_and_between_none_and_all():
    a, b = (0.1, 0.1, 0.3, 0.3), (0.2, 0.1, 0.4, 0.3)
    assert overlap(a, a) == pytest.approx(1.0)
    assert overlap(a, b) == overlap(b, a) == pytest.approx(1 / 3)
    assert overlap(a, (0.5, 0.5, 0.6, 0.6)) == overlap(a, (0.1, 0.1, 0.1, 0.1)) == 0.0


class Table:
    """A bench whose answers are the boxes of the props as they stand when asked."""

    def __init__(self, *names: str) -> None:
        self.bench = Bench()
        self.names = list(names)
        self.bench.broker.runner.backend = self  # type: ignore[attr-defined]
        self.name, self.model, self.kinds, self.remote, self.asked = "table", "table", frozenset({"ground"}), False, 0

    def ask(self, frame: Any, questions: Any) -> list[Answer]:
        self.asked += 1
        regions = [Region(tuple(box_of(self.bench.robot, name)), name) for name in self.names]  # type: ignore[arg-type]
        return [Answer("ground", regions=tuple(regions)) for _ in questions]

    def close(self) -> None:
        pass

    def look(self, **ports: object) -> dict[str, int]:
        leaf = self.bench.leaf("ground", query="things", all=True, **ports)
        self.status, self.note = self.bench.run(leaf), leaf.feedback_message
        return {thing.label: thing.id for thing in self.bench.out("objects")}  # type: ignore[attr-defined]

    def out(self, port: str) -> list[str]:
        return [thing.label for thing in self.bench.out(port)]  # type: ignore[attr-defined]


def test_a_thing_keeps_its_id_where_it_stands_and_where_it_is_moved():
    table = Table("red cube", "green can", "yellow ball")
    first = table.look()
    assert sorted(first.values()) == [1, 2, 3]
    assert table.out("found") == ["red cube", "green can", "yellow ball"]
    table.bench.robot.put("red cube", Pose((0.62, -0.05, 0.025)))
    table.names.reverse()
    assert table.look() == first
    assert (table.out("found"), table.out("lost")) == ([], [])


def test_what_is_gone_is_told_once_and_is_known_again_when_it_comes_back():
    table = Table("red cube", "green can")
    first = table.look()
    table.names.remove("green can")
    table.look()
    assert table.out("lost") == ["green can"]
    assert table.note.endswith("lost green can")
    table.look()
    assert table.out("lost") == []
    table.names.append("green can")
    assert table.look() == first
    assert table.out("found") == ["green can"]


def test_a_look_that_filters_does_not_call_things_lost():
    table = Table("red cube", "blue tray")
    table.look()
    table.look(max_width=0.08)
    assert table.out("lost") == []


def test_when_nothing_is_left_the_failure_names_what_was_lost():
    table = Table("red cube")
    table.look()
    table.names.clear()
    table.look()
    assert table.status is FAILURE
    assert table.note == "nothing found for 'things'; lost red cube"


def test_identical_things_keep_their_ids_in_physics_while_one_is_moved():
    with World(load_scene("sort_by_color", 3)) as world:
        robot = PandaSim(world)
        bench = Bench(robot=robot)

        def seen() -> dict[str, int]:
            frame = robot.capture("table")
            view = View(frame, robot.arm, robot.state().q)
            boxes = [view_box(world, robot, k) for k in range(len(world.objects))]
            regions = tuple(Region(box, world.objects[k].spec.name) for k, box in enumerate(boxes) if box)
            pairs, _ = lift(Answer("ground", regions=regions), view, "x")
            from knothole.behaviors.means.known import recognize

            told = recognize(bench.context, [thing for thing, _ in pairs], "every object", True, "table")
            return {f"{thing.label} {k}": thing.id for k, thing in enumerate(told.things)}

        before = seen()
        index = next(k for k, body in enumerate(world.objects) if body.spec.loose)
        x, y, z = world.pose(index)[0]
        world.put(index, (x + 0.02, y - 0.01, z))
        assert sorted(seen().values()) == sorted(before.values())


def view_box(world: World, robot: PandaSim, index: int) -> tuple[float, float, float, float] | None:
    picture = robot.picture(robot.capture("table"))
    assert picture is not None
    rows, columns = np.nonzero(picture.mask == world.objects[index].id)
    if len(rows) < 30:
        return None
    return columns.min() / 256, rows.min() / 256, (columns.max() + 1) / 256, (rows.max() + 1) / 256


def test_the_point_or_the_pixels_of_a_region_decide_what_is_meant():
    robot = DRIVERS.get("kinematic")(DriverOptions())
    a, b, c, d = box_of(robot, "red cube")
    u, v = (a + c) / 2, (b + d) / 2
    point = {"box": [u - 0.004, v - 0.004, u + 0.004, v + 0.004], "point": [u, v], "label": "red cube"}
    bench = Bench({"the cube": point}, robot)
    assert bench.run(bench.leaf("ground", query="the cube")) is SUCCESS
    cube = bench.out("object")
    assert isinstance(cube, GroundedObject)
    assert cube.xyz[:2] == pytest.approx((0.45, 0.10), abs=0.006)
    assert cube.point_uv == pytest.approx((u, v))
    assert cube.mask is not None
    frame = robot.capture("table")
    marked = Region((0.0, 0.0, 1.0, 1.0), "cube", mask=cube.mask)
    pairs, _ = lift(Answer("ground", regions=(marked,)), View(frame), "cube")
    assert pairs[0][0].xyz == pytest.approx(cube.xyz, abs=1e-6)


def test_what_is_known_and_its_pixels_survive_a_checkpoint():
    table = Table("red cube")
    table.look()
    things = table.bench.context.notes["things"]
    cube: Any = table.bench.out("object")
    kept = decode(json.loads(json.dumps(encode([things, cube]))), lambda path: None, Blackboard())
    assert kept == [things, cube]
    assert np.array_equal(kept[1].mask, cube.mask)
    assert cube.mask.sum() > 50
    assert kept[0][0].thing.mask is None


def tracked(**more: object) -> tuple[Bench, Any]:
    found = Bench()
    bench = Bench({"red cube": more.pop("answer", []), "the cube": region(found.robot, "red cube")}, found.robot)
    assert bench.run(bench.leaf("ground", query="the cube")) is SUCCESS
    leaf = bench.leaf("track", object=bench.out("object"), **more)
    leaf.wiring.outputs["object"] = bench.cells["object"]
    return bench, leaf


def test_track_keeps_the_place_fresh_without_asking_a_model():
    bench, leaf = tracked()
    asked = bench.broker.counters.model_calls
    for step in range(20):
        x, y = 0.45 + 0.01 * step, 0.10 - 0.01 * step
        bench.robot.put("red cube", Pose((x, y, 0.025)))
        assert set(bench.ticks(leaf, 4)) == {"R"}
        now = bench.out("object")
        assert math.dist(now.xyz[:2], (x, y)) < 0.008
    assert (now.label, now.id) == ("red cube", 1)
    assert now.stamp == pytest.approx(bench.context.now, abs=0.2)
    assert bench.broker.counters.model_calls == asked


def test_a_tracked_thing_out_of_sight_fails_after_its_time_and_keeps_its_last_place():
    bench, leaf = tracked(lost_after=1.0)
    bench.ticks(leaf, 10)
    last = bench.out("object")
    bench.robot.put("red cube", Pose((0.45, 0.10, -0.5)))
    since = bench.context.now
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message == "red cube was out of sight for 1 s"
    assert 0.8 <= bench.context.now - since <= 1.5
    assert bench.out("object") == last


def test_a_thing_that_jumped_is_found_again_by_the_model():
    found = Bench()
    found.robot.put("red cube", Pose((0.62, -0.10, 0.025)))
    there = region(found.robot, "red cube")
    bench, leaf = tracked(answer=there, lost_after=5.0)
    bench.ticks(leaf, 10)
    bench.robot.put("red cube", Pose((0.62, -0.10, 0.025)))
    bench.robot.put("green can", Pose((0.45, 0.10, 0.045)))
    assert set(bench.ticks(leaf, 40)) == {"R"}
    assert bench.out("object").xyz[:2] == pytest.approx((0.62, -0.10), abs=0.008)
    assert bench.out("object").id == 1


def test_a_pause_does_not_count_as_being_out_of_sight():
    bench, leaf = tracked(lost_after=1.0)
    bench.ticks(leaf, 5)
    leaf._pause()
    bench.run(bench.leaf("wait", duration=5.0))
    leaf._resume()
    assert bench.tick(leaf) is RUNNING


def test_track_takes_an_object_from_ground_only():
    bench = Bench()
    with pytest.raises(NodeFault, match="port 'object' is 'the red cube', no object from ground"):
        bench.tick(bench.leaf("track", object="the red cube"))
