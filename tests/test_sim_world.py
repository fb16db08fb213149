from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pybullet_data
import pytest
from PIL import Image

from knothole.sim.camera import CameraSpec, project
from knothole.sim.draw import load_scene
from knothole.sim.goals import judge
from knothole.sim.layout import lying, standing
from knothole.sim.meshes import unit_mesh
from knothole.sim.objects import SHAPES, ObjectSpec, random_size, tray_size
from knothole.sim.recipe import SceneError
from knothole.sim.robot_model import thinned
from knothole.sim.scene import TABLE_CAMERA, Disturbance, Goal, SceneSpec
from knothole.sim.truth import frame_truth, world_truth
from knothole.sim.variety import posed_scene
from knothole.sim.world import World

CUBE = ObjectSpec("cube", "red", (0.05, 0.05, 0.05))
TRAY = standing(ObjectSpec("tray", "blue", tray_size(0.32, 0.23)), 0.5, 0.25, 0.0, 0.0)


def scene(*objects: ObjectSpec, **more: object) -> SceneSpec:
    return SceneSpec("test", 0, objects, robot=False, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", SHAPES)
def test_faces_wind_outward(shape: str) -> None:
    mesh = unit_mesh(shape)
    a, b, c = mesh.corners[:, 0], mesh.corners[:, 1], mesh.corners[:, 2]
    face = np.cross(b - a, c - a)
    assert np.all(np.einsum("ij,ij->i", face, mesh.normals.sum(axis=1)) > 0)
    # The volume enclosed by outward faces is positive.
    assert np.einsum("ij,ij->", a, np.cross(b, c)) > 0


@pytest.mark.parametrize("shape", SHAPES)
def test_a_dropped_object_comes_to_rest_on_the_table(shape: str) -> None:
    item = ObjectSpec(shape, "green", random_size(shape, np.random.default_rng(5)))
    with World(scene(standing(item, 0.5, 0.0, 0.0, 0.4))) as world:
        world.put(0, (0.5, 0.0, item.size[2] / 2 + 0.04))
        assert world.settle(4.0)
        thing = world_truth(world).objects[0]
        assert thing.relation == "table"
        assert thing.upright
        assert thing.xyz[2] == pytest.approx(item.size[2] / 2, abs=0.003)


@pytest.mark.parametrize("shape", ["can", "bottle", "ball"])
def test_round_things_stop_rolling(shape: str) -> None:
    item = ObjectSpec(shape, "green", random_size(shape, np.random.default_rng(5)))
    with World(scene(lying(item, 0.5, 0.0, 0.001, 1.0))) as world:
        import pybullet as p

        p.resetBaseVelocity(world.objects[0].id, [0.2, -0.1, 0], physicsClientId=world.client)
        assert world.settle(6.0)


def test_things_in_a_tray_stay_in_it_and_are_known_to_be() -> None:
    can = ObjectSpec("can", "red", (0.06, 0.06, 0.09))
    objects = (
        TRAY,
        replace(CUBE, xyz=(0.45, 0.25, 0.1)),
        replace(lying(can, 0.55, 0.25, 0.05, 0.3)),
        replace(CUBE, color="green", xyz=(0.45, 0.25, 0.16)),
        replace(CUBE, color="white", xyz=(0.5, -0.2, 0.025)),
    )
    with World(scene(*objects)) as world:
        world.settle(3.0)
        truth = world_truth(world)
        assert [truth.inside(k, 0) for k in range(5)] == [False, True, True, True, False]
        assert truth.objects[1].relation == "in"
        assert (truth.objects[3].relation, truth.objects[3].support) == ("on", 1)
        assert not truth.objects[2].upright
        goal = Goal("everything_in_tray", (("tray", "blue tray"),))
        verdict = judge(goal, truth, truth)
        assert verdict.missing == ("the white cube is not in the blue tray",)


def test_depth_and_pose_of_a_picture_agree_with_the_world() -> None:
    spec = scene(replace(CUBE, xyz=(0.5, 0.1, 0.025)))
    with World(spec, physics=False) as world:
        picture = world.render(TABLE_CAMERA)
        truth = frame_truth(world, picture, TABLE_CAMERA)
        view = truth.views[0]
        u, v, depth = project(np.array([[0.5, 0.1, 0.05]]), TABLE_CAMERA.world_from_camera, TABLE_CAMERA.intrinsics)[0]
        assert picture.mask[round(v), round(u)] == world.objects[0].id
        assert picture.depth[round(v), round(u)] == pytest.approx(depth, abs=0.004)
        assert view.visible_fraction > 0.95
        x0, y0, x1, y1 = np.array(view.box_xyxy) * 256
        assert x1 - x0 >= 15
        assert y1 - y0 >= 15
        assert x0 < u < x1


def test_pixels_lift_to_the_table_within_two_millimeters() -> None:
    with World(scene(), physics=False) as world:
        camera = CameraSpec("c", (0.9, -0.4, 0.6), (0.5, 0.0, 0.0), 50.0)
        picture = world.render(camera)
        fx, fy, cx, cy = camera.intrinsics
        for u, v in ((60, 128), (128, 128), (200, 200)):
            z = float(picture.depth[v, u])
            local = np.array([(u - cx) / fx * z, (v - cy) / fy * z, z, 1.0])
            assert (camera.world_from_camera @ local)[2] == pytest.approx(0.0, abs=0.002)


def test_what_hides_another_lowers_its_visible_fraction() -> None:
    bottle = ObjectSpec("bottle", "green", (0.06, 0.06, 0.18))
    spec = scene(replace(CUBE, xyz=(0.42, 0.0, 0.025)), standing(bottle, 0.50, 0.0, 0.0, 0.0))
    with World(spec, physics=False) as world:
        views = frame_truth(world, world.render(TABLE_CAMERA), TABLE_CAMERA).views
        assert views[0].visible_fraction < 0.6
        assert views[1].visible_fraction > 0.95


def test_a_hand_comes_and_goes_by_the_script() -> None:
    spec = scene(disturbances=(Disturbance(at=1.0, do="hand_in", until=2.5),))
    with World(spec) as world:
        seen = []
        for _ in range(8):
            world.step(120)
            seen.append(world_truth(world).hand_in_workspace)
        assert seen == [False, False, True, True, True, False, False, False]


def test_a_moved_object_is_where_the_script_put_it() -> None:
    event = Disturbance(at=0.5, do="move", what="red cube", to=(0.6, -0.2, 0.0))
    with World(scene(replace(CUBE, xyz=(0.4, 0.1, 0.025)), disturbances=(event,))) as world:
        world.step(240)
        assert world.pose(0)[0] == pytest.approx((0.6, -0.2, 0.025), abs=0.002)


def test_posed_training_scenes_say_what_they_show() -> None:
    relations, held_seen = set(), False
    for seed in range(1_000_000, 1_000_040):
        scene_ = posed_scene(seed, views=1)
        with World(scene_.spec, physics=False) as world:
            if scene_.posture is not None:
                world.pose_robot(scene_.posture.joints, scene_.posture.width)
            truth = world_truth(world)
            relations |= {o.relation for o in truth.objects}
            held_seen |= any(o.relation == "held" for o in truth.objects)
            assert sum(o.relation == "held" for o in truth.objects) <= 1
    assert {"table", "in", "on"} <= relations
    assert held_seen


@pytest.mark.parametrize("file", ["duck_vhacd.urdf", "kiva_shelf/model.sdf"])
def test_urdf_and_sdf_files_are_scenes(file: str) -> None:
    spec = load_scene(str(Path(pybullet_data.getDataPath()) / file), 0)
    with World(replace(spec, robot=False), physics=False) as world:
        assert len(world_truth(world).objects) >= 1


NO_MESH = """<robot name="r"><link name="base"><collision><geometry><mesh filename="gone.obj"/></geometry></collision>
</link></robot>"""


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("broken.urdf", "<robot>\n  <link></robot>", "2:11: error: no valid XML: mismatched tag"),
        ("empty.urdf", "", "1:1: error: no valid XML: no element found"),
        ("bare.urdf", "<robot/>", "1:1: error: <robot> has no <link>"),
        ("other.sdf", "<robot><link/></robot>", "1:1: error: the root is <robot>, not <sdf>"),
        ("meshless.urdf", NO_MESH, "1:1: error: the simulator cannot load this file, or a mesh it names"),
    ],
)
def test_a_broken_urdf_or_sdf_is_a_scene_error(
    tmp_path: Path, name: str, text: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SceneError) as caught:
        World(load_scene(str(path), 0))
    assert f"{path}:{message}" in str(caught.value)
    assert "\n  fix:  " in str(caught.value)
    assert capfd.readouterr().out == ""


def test_the_final_picture_is_640_by_480(tmp_path: Path) -> None:
    with World(scene(CUBE), physics=False) as world:
        world.snapshot(tmp_path / "end.png")
    with Image.open(tmp_path / "end.png") as image:
        assert image.size == (640, 480)


DIGEST = """
import hashlib
from knothole.sim.draw import load_scene
from knothole.sim.world import World
with World(load_scene("tidy_table", 3)) as world:
    world.put(1, (0.5, 0.0, 0.3))
    world.step(480)
    poses = [tuple(round(v, 6) for v in (*world.pose(k)[0], *world.pose(k)[1])) for k in range(len(world.objects))]
print(hashlib.sha256(repr(poses).encode()).hexdigest())
"""


def test_two_processes_end_in_the_same_poses() -> None:
    digests = {
        subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2


def test_thinning_merges_near_points_of_one_material_and_drops_what_shrinks_to_a_line() -> None:
    obj = (
        "mtllib a.mtl\nv 0 0 0\nv 0.001 0 0\nv 0.1 0 0\nv 0 0.1 0\nvn 0 0 1\n"
        "usemtl gray\nf 1//1 3//1 4//1\nf 1//1 2//1 4//1\nusemtl dark\nf 2//1 3//1 4//1\n"
    )
    lines = thinned(obj, 0.01).splitlines()
    assert [line for line in lines if line[0] in "fu"] == [
        "usemtl gray",
        "f 1//1 2//1 3//1",
        "usemtl dark",
        "f 4//1 5//1 6//1",
    ]
    assert sum(line.startswith("v ") for line in lines) == 6


def test_a_window_without_a_display_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(RuntimeError, match="there is no display"):
        World(scene(), gui=True)
