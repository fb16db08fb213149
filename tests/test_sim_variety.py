"""Training scenes: their spread, what is kept out of training, and labels that agree with geometry."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from knothole.app.models.data import training_split
from knothole.app.models.truth import DOOR_SHOWS, PERSON_SHOWS, frame_facts, outside_pixels
from knothole.sim.camera import CameraSpec
from knothole.sim.furniture import WALL_X
from knothole.sim.hand import HandSpec, in_workspace
from knothole.sim.layout import lying, standing
from knothole.sim.look import TEXTURES, UNSEEN_TEXTURES, texture_file
from knothole.sim.meshes import slab_file
from knothole.sim.objects import ObjectSpec
from knothole.sim.scene import TABLE_CAMERA, SceneSpec
from knothole.sim.truth import FrameTruth, frame_truth, world_truth
from knothole.sim.variety import PosedScene, Split, posed_scene
from knothole.sim.variety.splits import UNSEEN_RISES, rise_of
from knothole.sim.world import World
from knothole.vlm.facts import UNSEEN_PAIRS

SEEDS = range(3_500_000, 3_500_150)
CUBE = ObjectSpec("cube", "red", (0.05, 0.05, 0.05))
CAN = ObjectSpec("can", "blue", (0.06, 0.06, 0.09))
BALL = ObjectSpec("ball", "green", (0.05, 0.05, 0.05))
TRAY = standing(ObjectSpec("tray", "white", (0.28, 0.20, 0.025)), 0.5, 0.2, 0.0, 0.0)


@pytest.fixture(scope="module")
def trained() -> list[PosedScene]:
    return [posed_scene(seed, 2, training_split()) for seed in SEEDS]


def look(scene: PosedScene) -> list[FrameTruth]:
    with World(scene.spec, physics=False) as world:
        if scene.posture is not None:
            world.pose_robot(scene.posture.joints, scene.posture.width)
        return [frame_truth(world, world.render(camera), camera) for camera in scene.cameras]


def textures(scene: PosedScene) -> set[int]:
    found = {scene.spec.look.texture, scene.spec.look.floor_texture}
    if scene.spec.furniture is not None:
        found |= {block.texture for block in scene.spec.furniture.blocks}
    return found


def in_band(scene: PosedScene) -> list[bool]:
    return [any(a - 1e-9 <= rise_of(c) <= b + 1e-9 for a, b in UNSEEN_RISES) for c in scene.cameras]


def test_scenes_are_tables_counters_and_shelves_in_this_mix(trained: list[PosedScene]) -> None:
    kinds = Counter((scene.spec.setting, scene.spec.robot) for scene in trained)
    share = {kind: count / len(trained) for kind, count in kinds.items()}
    assert share["table", True] == pytest.approx(0.60, abs=0.12)
    assert share["table", False] == pytest.approx(0.20, abs=0.09)
    assert share["counter", False] == pytest.approx(0.12, abs=0.07)
    assert share["shelf", False] == pytest.approx(0.08, abs=0.06)
    assert max(len(scene.spec.objects) for scene in trained) == 8


def test_a_seed_and_a_split_give_one_scene() -> None:
    for unseen in ((), ("pairs",), ("textures", "heights")):
        for seed in SEEDS[:12]:
            assert posed_scene(seed, 2, training_split(unseen)) == posed_scene(seed, 2, training_split(unseen))
    assert posed_scene(SEEDS[0], 2, training_split()) != posed_scene(SEEDS[1], 2, training_split())


def test_training_draws_no_unseen_texture_height_or_pair(trained: list[PosedScene]) -> None:
    for scene in trained:
        assert textures(scene) <= {-1, *range(TEXTURES)}
        assert not any(in_band(scene))
        assert not {(o.color, o.shape) for o in scene.spec.objects} & UNSEEN_PAIRS
    assert {(o.color, o.shape) for s in trained for o in s.spec.objects} > {("red", "mug"), ("purple", "can")}


def test_unseen_scenes_show_what_was_asked_for_and_nothing_else_unseen() -> None:
    for seed in SEEDS[:40]:
        patterned = posed_scene(seed, 2, training_split({"textures"}))
        assert textures(patterned) - {-1} <= set(UNSEEN_TEXTURES)
        assert textures(patterned) - {-1}
        assert not any(in_band(patterned))
        seen_from = posed_scene(seed, 2, training_split({"heights"}))
        assert all(in_band(seen_from))
        assert not textures(seen_from) & set(UNSEEN_TEXTURES)
        paired = posed_scene(seed, 2, training_split({"pairs"}))
        names = [(o.color, o.shape) for o in paired.spec.objects]
        assert sum(name in UNSEEN_PAIRS for name in names) == 1
        assert not any(in_band(paired))


@pytest.mark.parametrize("hole", [None, (1, 2, 1, 3)])
def test_faces_of_a_slab_wind_outward_and_a_hole_leaves_cells_out(hole: tuple[int, int, int, int] | None) -> None:
    points, normals, faces = [], [], []
    for line in Path(slab_file((3, 4), hole)).read_text().splitlines():
        kind, *values = line.split()
        if kind in ("v", "vn"):
            (points if kind == "v" else normals).append([float(value) for value in values])
        elif kind == "f":
            faces.append([[int(n) for n in value.split("/")] for value in values])
    corner = np.array([[points[v - 1] for v, _, _ in face] for face in faces])
    outward = np.array([normals[face[0][2] - 1] for face in faces])
    turn = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    assert np.all(np.einsum("ij,ij->i", turn, outward) > 0)
    assert np.all(np.einsum("ij,ij->i", corner.mean(axis=1), outward) == pytest.approx(0.5))
    assert len(faces) == 2 * (12 - (0 if hole is None else 2)) + 10


def test_unseen_textures_are_pictures_of_their_own() -> None:
    files = {texture_file(index) for index in (*range(TEXTURES), *UNSEEN_TEXTURES)}
    assert len(files) == TEXTURES + len(UNSEEN_TEXTURES)


def test_pairs_that_nobody_named_cannot_be_shown() -> None:
    with pytest.raises(ValueError, match=r"only where Split\.pairs names some"):
        posed_scene(SEEDS[0], 2, Split(unseen=frozenset({"pairs"})))


@pytest.mark.parametrize(
    ("other", "touching"),
    [
        (standing(CAN, 0.5551, 0.0, 0.0, 0.0), True),
        (standing(CAN, 0.5562, 0.0, 0.0, 0.0), True),
        (standing(CAN, 0.5585, 0.0, 0.0, 0.0), False),
        (standing(CAN, 0.5, 0.01, 0.05, 0.0), True),
        (standing(CAN, 0.5, 0.01, 0.054, 0.0), False),
        (standing(BALL, 0.5501, 0.0, 0.0, 0.0), True),
        (lying(CAN, 0.5, 0.058, 0.0, 0.0), False),
        (lying(CAN, 0.5, 0.0555, 0.0, 0.0), True),
    ],
)
def test_things_within_two_millimeters_touch(other: ObjectSpec, touching: bool) -> None:
    spec = SceneSpec("x", 0, (standing(CUBE, 0.5, 0.0, 0.0, 0.0), other), robot=False)
    with World(spec, physics=False) as world:
        assert [o.touching for o in world_truth(world).objects] == ([(1,), (0,)] if touching else [(), ()])


def test_what_carries_and_what_is_carried_touch(trained: list[PosedScene]) -> None:
    spec = SceneSpec(
        "x", 0, (TRAY, standing(CUBE, 0.5, 0.2, 0.006, 0.0), standing(BALL, 0.5, 0.2, 0.056, 0.0)), robot=False
    )
    with World(spec, physics=False) as world:
        assert [o.touching for o in world_truth(world).objects] == [(1,), (0, 2), (1,)]
    side_by_side = 0
    for scene in trained[:50]:
        with World(scene.spec, physics=False) as world:
            objects = world_truth(world).objects
        for k, thing in enumerate(objects):
            assert all(k in objects[other].touching for other in thing.touching)
            if thing.relation in ("on", "in"):
                assert thing.support in thing.touching
            side_by_side += any(objects[j].support != k and thing.support != j for j in thing.touching)
    assert side_by_side > 5


def test_things_on_counters_and_shelves_stand_there_by_physics(trained: list[PosedScene]) -> None:
    furnished = [s for s in trained if s.spec.furniture is not None and s.spec.objects][:16]
    assert {s.spec.setting for s in furnished} == {"counter", "shelf"}
    for scene in furnished:
        spec = replace(scene.spec, screen=None)
        with World(spec, physics=False) as world:
            posed = world_truth(world)
        with World(spec) as world:
            world.settle(2.0)
            rested = world_truth(world)
        for before, after in zip(posed.objects, rested.objects, strict=True):
            assert after.xyz == pytest.approx(before.xyz, abs=0.02)
            assert (after.relation, after.support) == (before.relation, before.support)
        assert any(o.relation == "table" for o in posed.objects)


def test_a_door_is_open_where_it_has_left_the_front_of_its_cupboard(trained: list[PosedScene]) -> None:
    states = []
    for scene in trained:
        furniture = scene.spec.furniture
        if furniture is None or furniture.setting != "counter":
            continue
        panels = [block for block in furniture.blocks if block.part == "door"]
        assert (furniture.door_open is None) == (not panels)
        if not panels:
            continue
        states.append(furniture.door_open)
        deep = max(b.xyz[0] + b.size[0] / 2 for b in furniture.blocks if b.part == "inside") - WALL_X
        forward = panels[0].xyz[0] - WALL_X - deep
        assert furniture.door_open == (forward > 0.3 * panels[0].size[1])
        for truth in look(scene):
            shown = frame_facts(truth).door_open
            assert shown == (furniture.door_open if truth.door_pixels >= DOOR_SHOWS else None)
    assert 3 <= sum(bool(state) for state in states) <= len(states) - 3


def test_a_door_out_of_the_picture_has_no_state(trained: list[PosedScene]) -> None:
    scene = next(s for s in trained if s.spec.furniture is not None and s.spec.furniture.door_open is not None)
    away = CameraSpec("c", (0.5, 0.0, 0.6), (1.5, 0.0, 0.0), 40.0)
    [truth] = look(replace(scene, cameras=(away,)))
    assert truth.world.door_open is not None
    assert frame_facts(truth).door_open is None


def test_a_person_is_near_and_outside_of_the_workspace(trained: list[PosedScene]) -> None:
    near = 0
    for scene in [s for s in trained if s.spec.person is not None]:
        assert scene.spec.person is not None
        assert not in_workspace(scene.spec.person.points(), 0.03)
        for truth in look(scene):
            facts = frame_facts(truth)
            assert facts.hand_in_workspace == truth.world.hand_in_workspace
            assert facts.person_near == (outside_pixels(truth) >= PERSON_SHOWS)
            near += facts.person_near
    assert near > 8


@pytest.mark.parametrize(
    ("hand", "inside", "near"),
    [
        (None, False, False),
        (HandSpec((0.5, 0.0, 0.1), yaw=math.pi), True, False),
        (HandSpec((0.1, 0.42, 0.1), yaw=-math.pi / 4), False, True),
    ],
    ids=["nobody", "a hand inside", "a hand beside"],
)
def test_a_hand_is_inside_or_somebody_is_near(hand: HandSpec | None, inside: bool, near: bool) -> None:
    spec = SceneSpec("x", 0, (standing(CUBE, 0.5, 0.0, 0.0, 0.0),), robot=False, hand=hand)
    [truth] = look(PosedScene(spec, None, (TABLE_CAMERA,)))
    facts = frame_facts(truth)
    assert (facts.hand_in_workspace, facts.person_near) == (inside, near)


def test_every_object_of_a_crowded_scene_is_somewhere_of_its_own(trained: list[PosedScene]) -> None:
    crowded = [s for s in trained if len(s.spec.objects) >= 6]
    assert len(crowded) > 10
    for scene in crowded:
        centers = np.array([o.xyz for o in scene.spec.objects])
        apart = np.linalg.norm(centers[:, None] - centers[None], axis=2) + np.eye(len(centers))
        assert apart.min() > 0.004
