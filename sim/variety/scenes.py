"""One training scene from one seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..camera import CameraSpec
from ..draw import training_scene
from ..furniture import Furniture, Level
from ..layout import Rect, Region
from ..objects import ObjectSpec
from ..scene import TRAINING_SEEDS, SceneSpec
from .cameras import any_camera, counter_camera, draw_light, shelf_camera, task_camera
from .clutter import Crowd, moved_on, nudge_trays, pile, repaint, with_pair, without_pairs
from .people import draw_hand, draw_person, draw_screen
from .posture import Posture, draw_posture
from .rooms import draw_counter, draw_look, draw_shelf
from .splits import Split

_TABLE = Level(0.0, Rect((0.05, 0.95), (-0.45, 0.45)))
_TASKS = ("tidy_table", "sort_by_color", "stack_two", "clear_plate", "table")


@dataclass(frozen=True)
class PosedScene:
    """A scene to photograph: spec, the arm's posture (None without a robot) and the cameras to use.

    ``spec.setting`` says whether it is a table, a counter or a shelf.
    """

    spec: SceneSpec
    posture: Posture | None
    cameras: tuple[CameraSpec, ...]


def posed_scene(seed: int, views: int = 2, split: Split | None = None) -> PosedScene:
    """Draw one scene: 60 % a table as a task sees it, 20 % any table, 12 % a kitchen counter, 8 % a shelf.

    Args:
        seed: Source of chance, 1,000,000 or more.
        views: Number of cameras.
        split: What is kept out and what must be shown of it; without it patterns and camera heights are those of
            training and colors are free.

    Raises:
        ValueError: ``seed`` is below 1,000,000, or pairs are to be shown and the split names none.
    """
    if seed < TRAINING_SEEDS:
        raise ValueError(f"training seeds start at {TRAINING_SEEDS}, not {seed}")
    split = split or Split()
    if "pairs" in split.unseen and not split.pairs:
        raise ValueError("a scene can show a pair that training never does only where Split.pairs names some")
    attempt = 0
    while True:
        rng = np.random.default_rng([seed, 77, attempt])
        scene = _scene(seed, views, split, rng)
        if "pairs" not in split.unseen:
            return scene
        objects = with_pair(scene.spec.objects, split, rng)
        if objects is not None:
            return replace(scene, spec=replace(scene.spec, objects=objects))
        attempt += 1


def _scene(seed: int, views: int, split: Split, rng: np.random.Generator) -> PosedScene:
    roll = rng.random()
    if roll < 0.60:
        return _task_scene(seed, views, split, rng)
    look = draw_look(rng, split)
    furniture: Furniture | None = None
    if roll < 0.80:
        objects = pile(_crowd(rng, Region(x=(0.29, 0.71), y=(-0.23, 0.23), reach=2.0)), _TABLE, (), split, rng)
        cameras = tuple(any_camera(rng, split) for _ in range(views))
    elif roll < 0.92:
        furniture = draw_counter(rng, look, split)
        region = Region(x=(0.30, 0.74), y=(-0.40, 0.40), reach=2.0)
        objects = pile(_crowd(rng, region), furniture.levels[0], (), split, rng)
        cameras = tuple(counter_camera(rng, split) for _ in range(views))
    else:
        furniture = draw_shelf(rng, look, split)
        objects = _on_boards(furniture, split, rng)
        cameras = tuple(shelf_camera(rng, split, furniture) for _ in range(views))
    spec = SceneSpec(
        "any" if furniture is None else furniture.setting,
        seed,
        tuple(objects),
        look=look,
        light=draw_light(rng),
        robot=False,
        furniture=furniture,
    )
    return PosedScene(_with_people(spec, cameras, rng), None, cameras)


def _task_scene(seed: int, views: int, split: Split, rng: np.random.Generator) -> PosedScene:
    spec = training_scene(_TASKS[int(rng.choice(5, p=[0.46, 0.17, 0.13, 0.15, 0.09]))], seed)
    objects = [repaint(o, rng) for o in without_pairs(list(spec.objects), split, rng)]
    objects = moved_on(nudge_trays(objects, rng), rng)
    posture, objects = draw_posture(objects, rng)
    cameras = tuple(task_camera(rng, split) for _ in range(views))
    spec = replace(spec, objects=tuple(objects), light=draw_light(rng), look=draw_look(rng, split))
    return PosedScene(_with_people(spec, cameras, rng), posture, cameras)


def _crowd(rng: np.random.Generator, region: Region) -> Crowd:
    """Draw how many things stand how close: a quarter of the scenes are crowded."""
    if rng.random() < 0.25:
        x, y = (float(np.mean(side)) for side in (region.x, region.y))
        half = (region.x[1] - region.x[0]) / 2 * 0.8, (region.y[1] - region.y[0]) / 2 * 0.8
        tight = Region((x - half[0], x + half[0]), (y - half[1], y + half[1]), region.reach)
        return Crowd(int(rng.integers(6, 9)), tight, (0.012, 0.008), 0.4)
    return Crowd(int(rng.choice(8, p=[0.03, 0.08, 0.14, 0.19, 0.19, 0.16, 0.12, 0.09])), region)


def _on_boards(furniture: Furniture, split: Split, rng: np.random.Generator) -> list[ObjectSpec]:
    """Put things on the boards of a shelf, about three on each and eight in all at most."""
    objects: list[ObjectSpec] = []
    for level in furniture.levels:
        (x0, x1), (y0, y1) = level.area.x, level.area.y
        region = Region((x0 + 0.02, x1 - 0.02), (y0 + 0.02, y1 - 0.02), reach=2.0)
        count = min(int(rng.choice(6, p=[0.04, 0.08, 0.20, 0.28, 0.24, 0.16])), 8 - len(objects))
        objects += pile(Crowd(count, region, (0.012, 0.008), 0.25), level, objects, split, rng)
    return objects


def _with_people(spec: SceneSpec, cameras: tuple[CameraSpec, ...], rng: np.random.Generator) -> SceneSpec:
    """Add a hand, somebody beside the workspace, or a box that hides something."""
    roll = rng.random()
    if roll < 0.12:
        spec = replace(spec, hand=draw_hand(rng, spec.furniture))
    if roll < 0.02 or 0.12 < roll < 0.22:
        spec = replace(spec, person=draw_person(rng, cameras, spec.furniture, spec.robot))
    elif 0.22 < roll < 0.34 and spec.setting != "shelf" and not spec.robot:
        spec = replace(spec, screen=draw_screen(rng, spec.objects, cameras[0], spec.furniture))
    return spec
