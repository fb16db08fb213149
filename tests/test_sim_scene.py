from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from knothole._base import UnknownNameError
from knothole.sim.draw import load_scene, scene_names, training_scene
from knothole.sim.layout import footprint, gap
from knothole.sim.objects import LOOSE_SHAPES, SHAPES, ObjectSpec, random_size
from knothole.sim.recipe import SceneError
from knothole.sim.variety import posed_scene


def test_shipped_scenes_are_these() -> None:
    assert scene_names() == (
        "clean_up",
        "clear_plate",
        "fetch_and_hand_over",
        "set_the_table",
        "sort_by_color",
        "sort_on_request",
        "stack_two",
        "table",
        "tidy_table",
        "watch_and_stop",
    )


@pytest.mark.parametrize("name", scene_names())
def test_same_seed_gives_the_same_scene_and_another_seed_another(name: str) -> None:
    assert load_scene(name, 7) == load_scene(name, 7)
    assert load_scene(name, 7) != load_scene(name, 8)


@pytest.mark.parametrize("name", scene_names())
def test_things_on_the_table_keep_three_centimeters_and_can_be_reached(name: str) -> None:
    for seed in range(25):
        ground = [o for o in load_scene(name, seed).objects if abs(o.xyz[2] - o.size[2] / 2) < 1e-9]
        for k, item in enumerate(ground):
            assert math.hypot(*item.xyz[:2]) < 0.75
            assert all(gap(footprint(item), footprint(other)) > 0.0299 for other in ground[:k])


def test_tidy_table_has_distinct_loose_things_and_one_blue_tray() -> None:
    for seed in range(25):
        objects = load_scene("tidy_table", seed).objects
        names = [o.name for o in objects]
        assert len(names) == len(set(names))
        assert 3 <= sum(o.loose for o in objects) <= 5
        assert [o.name for o in objects if o.shape == "tray"] == ["blue tray"]


@pytest.mark.parametrize("shape", LOOSE_SHAPES)
def test_loose_shapes_fit_between_the_fingers(shape: str) -> None:
    rng = np.random.default_rng(3)
    assert all(random_size(shape, rng)[0] < 0.07 for _ in range(50))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_has_a_mass_of_a_household_thing(shape: str) -> None:
    item = ObjectSpec(shape, "red", random_size(shape, np.random.default_rng(1)))
    assert 0.02 < item.mass < 1.0


def test_training_and_evaluation_seeds_never_meet() -> None:
    with pytest.raises(ValueError, match="scene seeds are from 0 to 99999, not 100000"):
        load_scene("tidy_table", 100_000)
    with pytest.raises(ValueError, match="training seeds start at 1000000, not 999999"):
        training_scene("tidy_table", 999_999)
    with pytest.raises(ValueError, match="training seeds start at 1000000, not 5"):
        posed_scene(5)


def test_unknown_scene_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as caught:
        load_scene("tidy_tabel", 0)
    assert str(caught.value) == (
        "unknown scene 'tidy_tabel'\n  did you mean:  tidy_table\n"
        "  fix:  name a scene of the project or give the path of a file"
    )


BAD = [
    ("", "1:1", "the file is empty"),
    ("scene: x\n", "1:1", "the key 'objects' is missing"),
    ("scene: x\nobjcts: []\n", "2:1", "unknown key 'objcts'"),
    ("scene: x\nobjects:\n  - {shape: cubes}\n", "3:13", "'cubes' is unknown here"),
    ("scene: x\nobjects:\n  - {shape: cube, colour: red}\n", "3:19", "unknown key 'colour'"),
    ("scene: x\nobjects:\n  - {shape: cube, at: [1, 2]}\n", "3:24", "'1' is no value with a unit"),
    ("scene: x\nobjects:\n  - {shape: cube, count: [3, 1]}\n", "3:26", "this is no count"),
    ("scene: x\nscene: y\nobjects: []\n", "2:1", "the key 'scene' stands here twice"),
    ("scene: x\nobjects: []\ndisturbances:\n  - {at: 2s, do: hand}\n", "4:18", "nothing called 'hand' can happen"),
    ("scene: [x\n", "2:1", "no valid YAML"),
]


@pytest.mark.parametrize(("text", "where", "what"), BAD, ids=[b[2] for b in BAD])
def test_a_wrong_scene_file_says_where_and_what(tmp_path: Path, text: str, where: str, what: str) -> None:
    path = tmp_path / "scene.yaml"
    path.write_text(text)
    with pytest.raises(SceneError) as caught:
        load_scene(str(path), 0)
    assert str(caught.value).startswith(f"{path}:{where}: error: {what}")
    assert "\n  fix:  " in str(caught.value)


def test_a_scene_file_sets_places_goal_and_disturbances(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "scene: mine\n"
        "objects:\n"
        "  - {shape: cube, color: red, at: [40cm, -0.1m], yaw: 0deg, size: [5cm, 5cm, 5cm]}\n"
        "goal: {stacked: {top: red cube, bottom: blue cube}}\n"
        "disturbances:\n"
        "  - {at: 2s, do: hand_in, until: 4s}\n"
    )
    spec = load_scene(str(path), 0)
    assert spec.objects[0].xyz == pytest.approx((0.4, -0.1, 0.025))
    assert spec.goal is not None
    assert dict(spec.goal.args) == {"top": "red cube", "bottom": "blue cube"}
    assert (spec.disturbances[0].at, spec.disturbances[0].until) == (2.0, 4.0)
