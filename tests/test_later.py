"""Scenes some time later: what was drawn has happened, everything stands somewhere, and nothing else changed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from knothole.app.models.data import training_split
from knothole.sim.layout import bounds
from knothole.sim.truth import world_truth
from knothole.sim.variety import LaterScene, PosedScene, later, posed_scene
from knothole.sim.world import World
from knothole.vlm.facts import UNSEEN_PAIRS

SPLIT = training_split()


@pytest.fixture(scope="module")
def pairs() -> list[tuple[PosedScene, LaterScene]]:
    found = []
    for seed in range(4_000_000, 4_000_160):
        scene = posed_scene(seed, 1, SPLIT)
        after = later(scene, scene.cameras[0], SPLIT, np.random.default_rng(seed))
        if after is not None:
            found.append((scene, after))
    return found


def moved(before: PosedScene, after: LaterScene) -> list[int]:
    old, new = before.spec.objects, after.scene.spec.objects
    return [k for k, i in enumerate(after.same) if i >= 0 and new[k] != old[i]]


def test_most_draws_happen_and_everything_that_may_happen_does(pairs: list[tuple[PosedScene, LaterScene]]) -> None:
    assert len(pairs) > 90
    seen: Counter[str] = Counter()
    for before, after in pairs:
        spec, old = after.scene.spec, before.spec
        seen["moved"] += bool(moved(before, after))
        seen["added"] += -1 in after.same
        seen["taken"] += len(set(after.same) - {-1}) < len(old.objects)
        seen["light"] += spec.light != old.light
        seen["hand"] += spec.hand != old.hand
        seen["arm"] += after.scene.posture != before.posture
        seen["hidden"] += spec.screen != old.screen
        seen["nothing"] += (spec, after.scene.posture) == (old, before.posture)
    assert min(seen[what] for what in ("moved", "added", "taken", "light", "hand", "arm", "nothing")) >= 3, seen
    assert seen["moved"] > 30
    assert seen["hidden"] >= 1


def test_camera_setting_and_objects_stay_themselves(pairs: list[tuple[PosedScene, LaterScene]]) -> None:
    for before, after in pairs:
        spec, old = after.scene.spec, before.spec
        assert after.scene.cameras == before.cameras
        assert (spec.setting, spec.furniture, spec.look, spec.person) == (
            old.setting,
            old.furniture,
            old.look,
            old.person,
        )
        assert len(after.same) == len(spec.objects) <= 8
        known = [i for i in after.same if i >= 0]
        assert len(known) == len(set(known))
        for item, i in zip(spec.objects, after.same, strict=True):
            if i >= 0:
                assert (item.name, item.size, item.rgb) == (
                    old.objects[i].name,
                    old.objects[i].size,
                    old.objects[i].rgb,
                )
        assert not {(o.color, o.shape) for o in spec.objects} & UNSEEN_PAIRS


def test_what_moved_or_came_stands_on_something_and_in_nothing(pairs: list[tuple[PosedScene, LaterScene]]) -> None:
    checked = 0
    for before, after in pairs:
        fresh = [*moved(before, after), *(k for k, i in enumerate(after.same) if i < 0)]
        if not fresh:
            continue
        with World(after.scene.spec, physics=False) as world:
            if after.scene.posture is not None:
                world.pose_robot(after.scene.posture.joints, after.scene.posture.width)
            objects = world_truth(world).objects
        furniture = after.scene.spec.furniture
        levels = (0.0,) if furniture is None else tuple(level.z for level in furniture.levels)
        for k in fresh:
            foot = float(bounds(after.scene.spec.objects[k])[0][2])
            on_level = any(abs(foot - z) < 0.012 for z in levels)
            assert on_level or objects[k].relation in ("in", "on", "held"), (after.scene.spec.seed, objects[k])
            for j, other in enumerate(objects):
                if j != k and objects[k].support != j and other.support != k:
                    assert np.linalg.norm(np.subtract(other.xyz, objects[k].xyz)) > 0.02
            checked += 1
    assert checked > 40


def test_a_seed_gives_one_later_scene() -> None:
    for seed in range(4_000_000, 4_000_012):
        scene = posed_scene(seed, 1, SPLIT)
        first, again = (later(scene, scene.cameras[0], SPLIT, np.random.default_rng(seed)) for _ in range(2))
        assert first == again
