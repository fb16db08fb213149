"""What happens by itself in a scene leaves a world that is as the script says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pybullet as p
import pytest

from knothole.sim.draw import MissingObjectError, load_scene
from knothole.sim.goals import judge
from knothole.sim.layout import standing
from knothole.sim.mishaps import MISHAPS, random_disturbances
from knothole.sim.objects import ObjectSpec, tray_size
from knothole.sim.recipe import SceneError, read_recipe
from knothole.sim.scene import TABLE_CAMERA, Disturbance, Goal, SceneSpec
from knothole.sim.truth import WorldTruth, frame_truth, world_truth
from knothole.sim.world import HZ, World

CUBE = standing(ObjectSpec("cube", "red", (0.05, 0.05, 0.05)), 0.42, 0.1, 0.0, 0.0)
CAN = standing(ObjectSpec("can", "blue", (0.06, 0.06, 0.09)), 0.55, -0.1, 0.0, 0.0)
TRAY = standing(ObjectSpec("tray", "white", tray_size(0.3, 0.2)), 0.5, 0.28, 0.0, 0.0)


def scene(*events: Disturbance, objects: tuple[ObjectSpec, ...] = (CUBE, CAN, TRAY)) -> SceneSpec:
    return SceneSpec("test", 3, objects, robot=False, disturbances=events)


def after(spec: SceneSpec, seconds: float) -> WorldTruth:
    with World(spec) as world:
        world.step(round(seconds * HZ))
        world.settle(3.0)
        return world_truth(world)


def test_a_new_object_falls_to_where_the_script_says() -> None:
    event = Disturbance(0.5, "add", what="green ball", to=(0.6, 0.05, 0.03))
    with World(scene(event)) as world:
        world.step(round(0.4 * HZ))
        assert len(world.objects) == 3
        world.step(round(0.2 * HZ))
        assert [body.spec.name for body in world.objects][3:] == ["green ball"]
        world.settle(3.0)
        new = world_truth(world).objects[3]
    assert new.relation == "table"
    assert new.xyz[:2] == pytest.approx((0.6, 0.05), abs=0.02)


def test_a_new_object_without_a_place_lands_where_there_is_room() -> None:
    truth = after(scene(Disturbance(0.2, "add", what="yellow can")), 0.5)
    assert (truth.objects[3].relation, truth.objects[3].touching) == ("table", ())
    assert truth.objects[3].upright


def test_a_new_object_counts_for_the_goal_and_the_old_ones_keep_theirs() -> None:
    spec = scene(Disturbance(0.2, "add", what="yellow cube", to=(0.4, -0.2, 0.0)))
    with World(spec) as world:
        before = world_truth(world)
        world.step(HZ)
        now = world_truth(world)
    missing = judge(Goal("everything_in_tray"), before, now).missing
    assert "the yellow cube is not in the white tray" in missing
    plate = replace(before, objects=(*before.objects[:2], replace(before.objects[2])))
    assert not judge(Goal("plate_clear", (("plate", "tray"),)), plate, now).missing


def test_two_things_change_places() -> None:
    truth = after(scene(Disturbance(0.2, "swap", what="red cube", other="blue can")), 0.4)
    cube, can, _ = truth.objects
    assert cube.xyz == pytest.approx((0.55, -0.1, 0.025), abs=0.003)
    assert can.xyz == pytest.approx((0.42, 0.1, 0.045), abs=0.003)
    assert (cube.upright, can.upright) == (True, True)


def test_a_thing_on_the_table_and_one_in_a_tray_change_places() -> None:
    inside = standing(CUBE, 0.5, 0.28, 0.006, 0.0)
    truth = after(scene(Disturbance(0.2, "swap", what="cube", other="can"), objects=(inside, CAN, TRAY)), 0.4)
    assert [(o.relation, o.support) for o in truth.objects] == [("table", -1), ("in", 2), ("table", -1)]


def test_what_is_put_where_something_stands_lands_on_it() -> None:
    truth = after(scene(Disturbance(0.2, "move", what="red cube", to=(0.55, -0.1, 0.0))), 0.4)
    assert (truth.objects[0].relation, truth.objects[0].support) == ("on", 1)
    assert truth.objects[1].xyz == pytest.approx(CAN.xyz, abs=0.003)


def test_a_box_hides_an_object_for_a_while() -> None:
    spec = scene(Disturbance(0.5, "occlude", until=0.9, what="blue can"))
    shares = []
    with World(spec) as world:
        for _ in range(6):
            views = frame_truth(world, world.render(TABLE_CAMERA), TABLE_CAMERA).views
            shares.append((views[1].visible_fraction, views[0].visible_fraction))
            world.step(round(0.25 * HZ))
        assert world.screen is None
        assert world_truth(world).objects[1].xyz == pytest.approx(CAN.xyz, abs=0.003)
    assert [can < 0.05 for can, _ in shares] == [False, False, False, True, False, False]
    assert all(cube > 0.9 for _, cube in shares)


def test_a_box_waits_until_the_arm_leaves_it_room() -> None:
    spec = replace(scene(Disturbance(0.1, "occlude", what="blue can"), objects=(CAN,)), robot=True)
    with World(spec) as world:
        assert world.robot is not None
        # The arm lies stretched out over the place where the box would stand.
        world.pose_robot([-0.14, 1.05, 0.0, -1.2, 0.0, 2.2, 0.8], 0.08)
        near = []
        for joints in ([-0.14, 1.05, 0.0, -1.2, 0.0, 2.2, 0.8], [1.5, -0.4, 0.0, -2.0, 0.0, 1.6, 0.8]):
            for _ in range(30):
                world.pose_robot(joints, 0.08)
                world.step()
            near.append(world.screen is not None)
    assert near == [False, True]


@pytest.mark.parametrize("seed", range(8))
def test_random_scripts_keep_things_upright_apart_and_in_the_workspace(seed: int) -> None:
    spec = load_scene(("tidy_table", "sort_by_color", "clear_plate", "table")[seed % 4], seed)
    events = random_disturbances(spec, seed, 6, begin=0.2, pause=(0.4, 0.8))
    assert len(events) == 6
    assert [e.at for e in events] == sorted(e.at for e in events)
    with World(replace(spec, robot=False, disturbances=events)) as world:
        world.step(round((max(e.until or e.at for e in events) + 0.8) * HZ))
        assert world.settle(3.0)
        assert world.hand is None
        assert world.screen is None
        truth = world_truth(world)
        assert len(truth.objects) == len(spec.objects) + sum(e.do == "add" for e in events)
        for k, thing in enumerate(truth.objects):
            assert 0.30 < thing.xyz[0] < 0.70
            assert abs(thing.xyz[1]) < 0.40
            assert thing.upright
            for other in thing.touching:
                points = p.getClosestPoints(
                    world.objects[k].id, world.objects[other].id, 0.0, physicsClientId=world.client
                )
                assert all(point[8] > -0.003 for point in points)


def test_random_scripts_depend_on_scene_and_seed_alone_and_draw_every_kind() -> None:
    spec = load_scene("tidy_table", 2)
    assert random_disturbances(spec, 5) == random_disturbances(spec, 5)
    assert random_disturbances(spec, 5) != random_disturbances(spec, 6)
    drawn = Counter(e.do for seed in range(12) for e in random_disturbances(spec, seed, 4))
    assert set(drawn) == set(MISHAPS)
    assert {e.do for seed in range(6) for e in random_disturbances(spec, seed, 4, kinds=("add",))} == {"add"}


def test_a_script_of_unknown_things_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing called 'quake' can happen; known: hand_in, move"):
        random_disturbances(load_scene("tidy_table", 2), 5, kinds=("quake",))


BAD = [
    ("{at: 2s, do: oclude, what: can}", "4:18", "nothing called 'oclude' can happen", "did you mean:  occlude"),
    ("{at: 2s, do: swap, what: can}", "4:5", "'swap' needs to know with what", "add `with: blue can`"),
    ("{at: 2s, do: swap, what: can, with: can}", "4:41", "a thing cannot change places with itself", "another thing"),
    ("{at: 2s, do: add}", "4:5", "'add' needs to know what", "add `what: red cube`"),
    ("{at: 2s, do: add, what: can}", "4:29", "'can' is no thing", "write a color and a shape, such as `red cube`"),
    ("{at: 2s, do: move, what: red cub}", "4:30", "'red cub' is no thing", "did you mean:  red cube"),
    ("{at: 2s, do: move, what: can, until: 3s}", "4:42", "'move' has no 'until'", "it takes at, what, to"),
    ("{at: 2s, do: occlude, what: can, until: 1s}", "4:45", "it would end before it begins", "a time after 2s"),
]


@pytest.mark.parametrize(("event", "where", "what", "hint"), BAD, ids=[b[2] for b in BAD])
def test_a_wrong_disturbance_says_where_and_what(tmp_path: Path, event: str, where: str, what: str, hint: str) -> None:
    path = tmp_path / "scene.yaml"
    path.write_text(f"scene: x\nobjects: [{{shape: can}}]\ndisturbances:\n  - {event}\n")
    with pytest.raises(SceneError) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(f"{path}:{where}: error: {what}")
    assert hint in str(caught.value)


def test_a_disturbance_needs_its_object_in_the_scene_that_was_drawn(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    head = "scene: mine\nobjects:\n  - {shape: cube, color: red}\ndisturbances:\n"
    path.write_text(head + "  - {at: 2s, do: move, what: blue cube}\n")
    with pytest.raises(MissingObjectError) as caught:
        load_scene(str(path), 4)
    assert str(caught.value) == (
        "scene 'mine', seed 4: the disturbance 'move' at 2 s needs a blue cube, but there is none\n"
        "  why:  this seed drew red cube\n"
        "  fix:  give color and shape of one object, so that each seed draws it"
    )
    path.write_text(head + "  - {at: 2s, do: add, what: red cube}\n")
    with pytest.raises(MissingObjectError, match="adds a red cube, but there is one"):
        load_scene(str(path), 4)
    path.write_text(head + "  - {at: 1s, do: add, what: blue cube}\n  - {at: 2s, do: move, what: blue cube}\n")
    assert [e.do for e in load_scene(str(path), 4).disturbances] == ["add", "move"]
