"""Promises of the gate: what the robot hides is no news, what it uncovers is compared, small changes are seen."""

from __future__ import annotations

import numpy as np
import pytest

from knothole.benchmarks.missed_changes import measure
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.robots.kinematics import Balls
from knothole.robots.pixels import world_to_pixels
from knothole.robots.silhouette import arm_pixels, disks, silhouette
from knothole.sim.draw import load_scene
from knothole.sim.panda import PandaSim
from knothole.sim.world import World
from knothole.vlm.broking.change import block_means
from knothole.vlm.broking.gate import Gate, grown

SIZE = 224


def image(*things: tuple[int, int, int]) -> np.ndarray:
    """Return plain ground with bright squares of an edge at a row and column."""
    made = np.full((SIZE, SIZE, 3), 120, np.uint8)
    for row, column, edge in things:
        made[row : row + edge, column : column + edge] = (230, 40, 40)
    return made


def hiding(rows: slice = slice(0, 0), columns: slice = slice(None)) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[rows, columns] = True
    return mask


NOTHING, ARM, LOW = hiding(), hiding(slice(0, 100)), hiding(slice(100, 200))


@pytest.mark.parametrize("at", range(0, SIZE - 12, 29))
def test_a_thing_of_12_px_that_comes_or_goes_is_a_change(at: int):
    gate = Gate()
    empty, there = image(), image((at, (at * 7) % (SIZE - 12), 12))
    assert gate.news(gate.show(None, "a", empty, NOTHING), "b", there, NOTHING) == "changed"
    assert gate.news(gate.show(None, "c", there, NOTHING), "d", empty, NOTHING) == "changed"
    assert gate.news(gate.show(None, "e", there, NOTHING), "f", there, NOTHING) == ""


def test_what_the_robot_hides_or_how_it_looks_there_is_no_news():
    gate = Gate()
    shown = gate.show(None, "a", image((150, 20, 12)), NOTHING)
    over = image((150, 20, 12))
    over[:100] = np.random.default_rng(0).integers(0, 256, (100, SIZE, 3), np.uint8)
    assert gate.news(shown, "b", over, ARM) == ""
    assert gate.news(shown, "b2", over, NOTHING) == "changed"
    over[150:162, 20:32] = 120
    assert gate.news(shown, "c", over, ARM) == "changed"


def test_what_changed_behind_the_robot_is_seen_when_it_is_uncovered():
    gate = Gate()
    before = image((150, 20, 12))
    shown = gate.show(None, "a", before, NOTHING)
    shown = gate.show(shown, "b", before, LOW)
    assert gate.news(shown, "c", image(), LOW) == ""
    assert gate.news(shown, "d", image(), NOTHING) == "changed"


def test_a_thing_that_the_last_answer_could_not_see_is_revealed_but_plain_ground_is_not():
    gate = Gate()
    with_thing, plain = image((150, 20, 12)), image()
    shown = gate.show(gate.show(None, "a", with_thing, NOTHING), "b", with_thing, LOW)
    assert gate.news(shown, "c", with_thing, NOTHING) == "revealed"
    assert gate.news(shown, "d", with_thing, LOW) == ""
    bare = gate.show(gate.show(None, "e", plain, NOTHING), "f", plain, LOW)
    assert gate.news(bare, "g", plain, NOTHING) == ""


def test_what_was_never_seen_is_revealed_if_there_is_something_to_see():
    gate = Gate()
    shown = gate.show(None, "a", image(), LOW)
    assert gate.news(shown, "b", image(), NOTHING) == ""
    assert gate.news(shown, "c", image((150, 20, 12)), NOTHING) == "revealed"


def test_only_the_region_of_interest_counts():
    gate = Gate()
    shown = gate.show(None, "a", image(), NOTHING)
    left, moved = (0.0, 0.0, 0.5, 1.0), image((50, 150, 20))
    assert gate.news(shown, "b", moved, NOTHING, left) == ""
    assert gate.news(shown, "b", moved, NOTHING) == "changed"
    assert gate.news(shown, "b", moved, NOTHING, (0.6, 0.2, 0.8, 0.4)) == "changed"
    assert gate.news(shown, "b", moved, NOTHING, (0.999, 0.999, 1.0, 1.0)) == ""


def test_watches_with_one_history_share_one_comparison(monkeypatch: pytest.MonkeyPatch):
    gate, compared = Gate(), []
    original = Gate._compare
    monkeypatch.setattr(Gate, "_compare", lambda *args: (compared.append(1), original(*args))[1])
    pixels = image()
    shown = [gate.show(None, "a", pixels, NOTHING) for _ in range(20)]
    assert all(each is shown[0] for each in shown)
    assert {gate.news(each, "b", pixels, NOTHING) for each in shown} == {""}
    assert len(compared) == 1


def test_a_picture_of_another_size_is_a_change():
    gate = Gate()
    shown = gate.show(None, "a", image(), NOTHING)
    small = image()[:100]
    assert gate.news(shown, "b", small, NOTHING[:100]) == "changed"
    assert gate.show(shown, "b", small, NOTHING[:100]).rgb.shape == small.shape


@pytest.mark.parametrize("shape", [(32, 48), (33, 50), (5, 7)])
def test_block_means_are_those_of_plain_loops(shape: tuple[int, int]):
    values = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    expected = [
        [values[r : r + 16, c : c + 16].reshape(-1, 3).mean(axis=0).max() for c in range(0, shape[1], 16)]
        for r in range(0, shape[0], 16)
    ]
    assert np.allclose(block_means(values), expected, atol=1e-3)


def test_a_box_grows_by_half_its_size_and_stays_in_the_image():
    assert grown((0.4, 0.4, 0.6, 0.5)) == pytest.approx((0.3, 0.35, 0.7, 0.55))
    assert grown((0.0, 0.5, 0.02, 0.52)) == pytest.approx((0.0, 0.46, 0.06, 0.56))


@pytest.mark.parametrize("seed", range(3))
def test_the_silhouette_covers_every_pixel_of_the_simulated_arm(seed: int):
    rng = np.random.default_rng(seed)
    with World(load_scene("tidy_table", seed)) as world:
        robot = PandaSim(world)
        for _ in range(3):
            q = np.clip(robot.arm.home + rng.normal(0, 0.35, 7), robot.arm.lower, robot.arm.upper)
            world.pose_robot(list(q), float(rng.uniform(0.0, 0.08)))
            frame = robot.capture("table")
            picture = robot.picture(frame)
            assert picture is not None
            own, mask = picture.mask == world.robot, silhouette(robot, frame)
            assert own.sum() > 500
            assert not (own & ~mask).any()
            assert mask.sum() < 3 * own.sum()
            robot.advance(robot.now() + 0.05)


def test_a_camera_on_the_hand_is_not_blinded_by_the_ball_around_it():
    with World(load_scene("tidy_table", 0)) as world:
        robot = PandaSim(world)
        frame = robot.capture("wrist")
        assert arm_pixels(frame, robot.arm, robot.state().q).mean() < 0.5


def test_a_robot_that_is_not_in_its_pictures_says_so_and_what_it_holds_is_still_hidden():
    robot = DRIVERS.get("kinematic")(DriverOptions())
    frame = robot.capture("table")
    assert not silhouette(robot, frame).any()
    held = Balls.of([(0, (0.0, 0.0, 0.42), 0.03)])
    mask = silhouette(robot, frame, held)
    spot = robot.state().world_from_tcp.apply(held.xyz)
    rows, columns = np.nonzero(mask)
    assert (columns.mean(), rows.mean()) == pytest.approx(tuple(world_to_pixels(frame, spot)[0]), abs=1.0)
    assert 0 < mask.mean() < 0.1


def test_what_is_behind_the_camera_or_beside_the_image_covers_nothing():
    robot = DRIVERS.get("kinematic")(DriverOptions())
    frame = robot.capture("table")
    behind = frame.world_from_camera.apply(np.array([[0.0, 0.0, -1.0], [50.0, 0.0, 1.0]]))
    assert not disks(frame, behind, np.array([0.1, 0.1])).any()


@pytest.mark.parametrize("seed", range(3))
def test_no_change_is_missed_while_the_arm_moves(seed: int):
    outcome = measure(seed, seconds=3.0)
    assert outcome.notes == []
    assert outcome.moved >= 1
    assert 0 < outcome.asked < outcome.looks
