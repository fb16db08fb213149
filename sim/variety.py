"""The spread of scenes that labelled pictures are rendered from. Training only: every entry refuses other seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..robots.errors import UnreachableError
from ..robots.pose import Pose
from .camera import CameraSpec, Light
from .draw import training_scene
from .hand import random_hand
from .layout import Region, find_inside, find_spot, shifted, standing, yaw_quat
from .look import random_look
from .objects import COLORS, LOOSE_SHAPES, ObjectSpec, random_size
from .scene import TABLE_CAMERA, TRAINING_SEEDS, SceneSpec
from .world import ARM

_TIPPABLE = ("can", "bottle")
_CARRIERS = ("tray", "bowl", "plate")


@dataclass(frozen=True)
class Posture:
    """The Panda of a posed scene: joint angles [rad] and finger opening [m]."""

    joints: tuple[float, ...]
    width: float


@dataclass(frozen=True)
class PosedScene:
    """A scene to photograph: spec, the arm's posture (None without a robot) and the cameras to use."""

    spec: SceneSpec
    posture: Posture | None
    cameras: tuple[CameraSpec, ...]


def posed_scene(seed: int, views: int = 2) -> PosedScene:
    """Draw one training scene: 60 % as a task sees the table, 40 % anything.

    Raises:
        ValueError: ``seed`` is below 1,000,000.
    """
    if seed < TRAINING_SEEDS:
        raise ValueError(f"training seeds start at {TRAINING_SEEDS}, not {seed}")
    rng = np.random.default_rng([seed, 77])
    return _task_scene(seed, views, rng) if rng.random() < 0.6 else _any_scene(seed, views, rng)


def _task_scene(seed: int, views: int, rng: np.random.Generator) -> PosedScene:
    names = ("tidy_table", "sort_by_color", "stack_two", "clear_plate", "table")
    spec = training_scene(names[int(rng.choice(5, p=[0.46, 0.17, 0.13, 0.15, 0.09]))], seed)
    objects = [_repaint(o, rng) for o in spec.objects]
    objects = _moved_on(_nudge_trays(objects, rng), rng)
    posture, objects = _posture(objects, rng)
    spec = replace(spec, objects=tuple(objects), light=_light(rng), look=random_look(rng, wild=True))
    if rng.random() < 0.12:
        spec = replace(spec, hand=random_hand(rng, inside=bool(rng.random() < 0.5)))
    return PosedScene(spec, posture, tuple(_table_camera(rng) for _ in range(views)))


def _any_scene(seed: int, views: int, rng: np.random.Generator) -> PosedScene:
    count = int(rng.choice(8, p=[0.03, 0.08, 0.14, 0.19, 0.19, 0.16, 0.12, 0.09]))
    region = Region(x=(0.29, 0.71), y=(-0.23, 0.23), reach=2.0)
    objects: list[ObjectSpec] = []
    for _ in range(count):
        shape = str(rng.choice(["cube", "can", "bottle", "ball", "mug", "bowl", "plate", "tray"]))
        item = _fresh(shape, objects, rng)
        roll = rng.random()
        spot = None
        if shape in LOOSE_SHAPES and roll < 0.34:
            spot = _into(item, objects, rng)
        elif shape in (*LOOSE_SHAPES, "mug") and roll < 0.52:
            spot = _onto(item, objects, rng)
        if spot is None:
            ground = [o for o in objects if o.xyz[2] - o.size[2] / 2 < 0.004 or o.shape in _TIPPABLE]
            tipped = shape in _TIPPABLE and rng.random() < 0.25
            spot = find_spot(item, ground, region, rng, gaps=(0.02, 0.008), tipped=tipped)
        if spot is not None:
            objects.append(spot)
    spec = SceneSpec("any", seed, tuple(objects), look=random_look(rng, wild=True), light=_light(rng), robot=False)
    if rng.random() < 0.12:
        spec = replace(spec, hand=random_hand(rng, inside=bool(rng.random() < 0.5)))
    return PosedScene(spec, None, tuple(_any_camera(rng) for _ in range(views)))


def _fresh(shape: str, objects: list[ObjectSpec], rng: np.random.Generator) -> ObjectSpec:
    """Draw color and size; the same color and shape twice is rare."""
    taken = {o.color for o in objects if o.shape == shape}
    free = [c for c in COLORS if c not in taken] if rng.random() < 0.9 else list(COLORS)
    return _repaint(ObjectSpec(shape, str(rng.choice(free or list(COLORS))), random_size(shape, rng)), rng)


def _repaint(item: ObjectSpec, rng: np.random.Generator) -> ObjectSpec:
    base = np.array(COLORS[item.color])
    paint = np.clip(base * rng.uniform(0.86, 1.08) + rng.uniform(-0.035, 0.035, 3), 0, 1)
    return replace(item, rgb=(float(paint[0]), float(paint[1]), float(paint[2])))


def _light(rng: np.random.Generator) -> Light:
    return Light(
        direction=(float(rng.uniform(-1.0, 1.4)), float(rng.uniform(-1.2, 1.2)), float(rng.uniform(0.9, 2.0))),
        ambient=float(rng.uniform(0.5, 0.68)),
        diffuse=float(rng.uniform(0.34, 0.55)),
        specular=float(rng.uniform(0.0, 0.15)),
    )


def _table_camera(rng: np.random.Generator) -> CameraSpec:
    if rng.random() < 0.3:
        return TABLE_CAMERA
    eye = np.array(TABLE_CAMERA.eye) + rng.uniform(-0.06, 0.06, 3)
    target = np.array(TABLE_CAMERA.target) + rng.uniform(-0.03, 0.03, 3)
    fov = TABLE_CAMERA.fov_deg + rng.uniform(-2.0, 2.0)
    return replace(TABLE_CAMERA, eye=_vec(eye), target=_vec(target), fov_deg=float(fov))


def _any_camera(rng: np.random.Generator) -> CameraSpec:
    around, rise, far = rng.uniform(-math.pi, math.pi), rng.uniform(0.5, 1.2), rng.uniform(0.72, 1.08)
    target = np.array([0.5, 0.0, 0.02]) + rng.uniform(-0.05, 0.05, 3) * np.array([1, 1, 0.4])
    ray = np.array([math.cos(rise) * math.cos(around), math.cos(rise) * math.sin(around), math.sin(rise)])
    return CameraSpec("any", _vec(target + far * ray), _vec(target), float(rng.uniform(38, 50)))


def _vec(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return (x, y, z)


def _nudge_trays(objects: list[ObjectSpec], rng: np.random.Generator) -> list[ObjectSpec]:
    moved = []
    for item in objects:
        if item.shape == "tray":
            item = shifted(item, (float(rng.uniform(-0.02, 0.02)), float(rng.uniform(-0.012, 0.012)), 0.0))
            item = replace(item, quat_xyzw=yaw_quat(float(rng.uniform(-0.05, 0.05))))
        moved.append(item)
    return moved


def _moved_on(objects: list[ObjectSpec], rng: np.random.Generator) -> list[ObjectSpec]:
    """Advance a task by a random share: loose things go into trays, onto plates, onto each other; some tip over."""
    share = 1.0 if rng.random() < 0.2 else float(rng.random())
    done = [o for o in objects if not o.loose]
    waiting = [o for o in objects if o.loose]
    stay = [o for o in waiting if rng.random() > share]
    for item in (o for o in waiting if o not in stay):
        roll = rng.random()
        standing_now = done + stay
        spot = None
        if roll < 0.12:
            spot = _onto(item, standing_now, rng)
        if spot is None and roll < 0.90:
            spot = _into(item, done, rng, others=stay, prefer="tray" if rng.random() < 0.85 else "")
        if spot is None:
            stay.append(item)
        else:
            done.append(spot)
    for k, item in enumerate(stay):
        foot = item.xyz[2] - item.size[2] / 2
        carried = any(o.shape == "plate" and math.dist(o.xyz[:2], item.xyz[:2]) < o.size[0] / 2 for o in done)
        under = any(o is not item and math.dist(o.xyz[:2], item.xyz[:2]) < 0.03 for o in (*done, *stay))
        if item.shape in _TIPPABLE and foot < 0.002 and not carried and not under and rng.random() < 0.15:
            stay[k] = find_spot(item, [o for o in (*done, *stay) if o is not item], Region(), rng, tipped=True) or item
    order = {o.name: k for k, o in enumerate(objects)}
    return sorted((*done, *stay), key=lambda o: order[o.name])


def _into(
    item: ObjectSpec,
    objects: list[ObjectSpec],
    rng: np.random.Generator,
    others: list[ObjectSpec] | None = None,
    prefer: str = "",
) -> ObjectSpec | None:
    carriers = [o for o in objects if o.shape in _CARRIERS and o.xyz[2] - o.size[2] / 2 < 0.004]
    carriers = [o for o in carriers if o.shape == prefer] or carriers
    if not carriers:
        return None
    carrier = carriers[int(rng.integers(len(carriers)))]
    inside = [
        o
        for o in (*objects, *(others or ()))
        if o is not carrier and math.dist(o.xyz[:2], carrier.xyz[:2]) < 0.8 * max(carrier.size[:2])
    ]
    tipped = item.shape in _TIPPABLE and carrier.shape == "tray" and rng.random() < 0.35
    return find_inside(item, carrier, inside, rng, tipped=tipped)


def _onto(item: ObjectSpec, objects: list[ObjectSpec], rng: np.random.Generator) -> ObjectSpec | None:
    """Stack an object on a free upright cube or can."""
    free = [
        o
        for o in objects
        if o.shape in ("cube", "can")
        and abs(o.quat_xyzw[0]) + abs(o.quat_xyzw[1]) < 1e-6
        and (item.shape != "ball" or o.shape == "can")
        and not any(
            other is not o and other.xyz[2] > o.xyz[2] and math.dist(o.xyz[:2], other.xyz[:2]) < 0.04
            for other in objects
        )
    ]
    if not free:
        return None
    base = free[int(rng.integers(len(free)))]
    x, y = (base.xyz[k] + rng.uniform(-0.006, 0.006) for k in (0, 1))
    return standing(item, float(x), float(y), base.xyz[2] + base.size[2] / 2, float(rng.uniform(-3.14, 3.14)))


def _posture(objects: list[ObjectSpec], rng: np.random.Generator) -> tuple[Posture, list[ObjectSpec]]:
    """Draw what the arm does: rest, hover, reach around a thing, or hold one."""
    roll = rng.random()
    loose = [k for k, o in enumerate(objects) if o.loose and not _burdened(o, objects)]
    found: tuple[Posture, list[ObjectSpec]] | None = None
    if roll >= 0.72 and loose:
        found = _holding(objects, loose[int(rng.integers(len(loose)))], rng)
    elif roll >= 0.62 and loose:
        found = _reaching(objects, loose[int(rng.integers(len(loose)))], rng)
    elif roll >= 0.48:
        xyz = (float(rng.uniform(0.3, 0.68)), float(rng.uniform(-0.34, 0.34)), float(rng.uniform(0.24, 0.42)))
        hover = _at(xyz, float(rng.uniform(-1.2, 1.2)), float(rng.choice([0.08, 0.08, rng.uniform(0, 0.06)])), rng)
        found = None if hover is None else (hover, objects)
    if found is not None:
        return found
    jitter = rng.normal(0, 0.12, 7) if rng.random() < 0.5 else np.zeros(7)
    joints = np.clip(ARM.home + jitter, ARM.lower, ARM.upper)
    return Posture(tuple(joints.tolist()), 0.08 if rng.random() < 0.85 else 0.0), objects


def _burdened(item: ObjectSpec, objects: list[ObjectSpec]) -> bool:
    return any(o is not item and o.xyz[2] > item.xyz[2] and math.dist(o.xyz[:2], item.xyz[:2]) < 0.04 for o in objects)


def _at(xyz: tuple[float, float, float], yaw: float, width: float, rng: np.random.Generator) -> Posture | None:
    try:
        joints = ARM.ik(Pose.facing_down(xyz, yaw), ARM.home, rng, attempts=6)
    except UnreachableError:
        return None
    return Posture(tuple(joints.tolist()), width)


def _grip_height(item: ObjectSpec) -> float:
    """Height of the tcp above the center of an upright thing: fingers reach 45 mm below the palm, [m]."""
    return max(0.0, item.size[2] / 2 - 0.029)


def _holding(
    objects: list[ObjectSpec], index: int, rng: np.random.Generator
) -> tuple[Posture, list[ObjectSpec]] | None:
    item = objects[index]
    trays = [o for o in objects if o.shape in _CARRIERS]
    if trays and rng.random() < 0.5:
        over = trays[int(rng.integers(len(trays)))]
        x, y = (over.xyz[k] + rng.uniform(-0.3, 0.3) * over.size[k] for k in (0, 1))
    else:
        x, y = rng.uniform(0.34, 0.66), rng.uniform(-0.32, 0.32)
    yaw = float(rng.uniform(-1.2, 1.2))
    lift = _grip_height(item)
    z = float(item.size[2] / 2 + lift + rng.uniform(0.08, 0.30))
    width = item.size[0] * (0.5 if item.shape == "bottle" else 1.0)
    posture = _at((float(x), float(y), z), yaw, width, rng)
    if posture is None:
        return None
    held = replace(item, xyz=(float(x), float(y), z - lift), quat_xyzw=yaw_quat(yaw))
    return posture, [*objects[:index], held, *objects[index + 1 :]]


def _reaching(
    objects: list[ObjectSpec], index: int, rng: np.random.Generator
) -> tuple[Posture, list[ObjectSpec]] | None:
    item = objects[index]
    above = float(rng.choice([0.0, 0.0, rng.uniform(0.03, 0.14)]))
    lying_now = abs(item.quat_xyzw[0]) + abs(item.quat_xyzw[1]) > 1e-6
    z = item.xyz[2] + (0.0 if lying_now else _grip_height(item)) + above
    yaw = 2 * math.atan2(item.quat_xyzw[2], item.quat_xyzw[3]) if not lying_now else 0.0
    yaw = (yaw + math.pi / 4) % (math.pi / 2) - math.pi / 4 if item.shape == "cube" else float(rng.uniform(-0.8, 0.8))
    posture = _at((item.xyz[0], item.xyz[1], max(z, 0.012)), yaw, 0.08, rng)
    return None if posture is None else (posture, objects)
