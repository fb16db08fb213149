"""From a recipe and a seed to a scene."""

from __future__ import annotations

import functools
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from .._base import KnotholeError, Place, UnknownNameError
from .camera import Light, project
from .layout import Region, find_inside, find_spot, standing
from .look import random_look
from .meshes import unit_mesh
from .objects import ObjectSpec, random_size, tray_size
from .recipe import Item, Recipe, SceneError, read_recipe
from .scene import EVALUATION_SEEDS, TABLE_CAMERA, TRAINING_SEEDS, SceneSpec

__all__ = ["SceneError", "draw_scene", "load_scene", "scene_names", "training_scene"]


class CrowdedSceneError(KnotholeError):
    """A recipe asks for more than the table holds."""


class MissingObjectError(KnotholeError):
    """A disturbance names an object that the scene does not have at that time."""


def scene_names() -> tuple[str, ...]:
    """Return the names of the scenes that come with knothole, sorted."""
    folder = files("knothole.sim").joinpath("scenes")
    return tuple(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))


def load_scene(name_or_path: str, seed: int = 0) -> SceneSpec:
    """Draw a scene to run a tree in.

    Args:
        name_or_path: Name of a scene of the project, or path of a YAML, URDF or SDF file.
        seed: Below 100,000.

    Raises:
        UnknownNameError: No scene and no file has this name.
        SceneError: The scene file is wrong.
        ValueError: The seed belongs to training.
    """
    if not 0 <= seed < EVALUATION_SEEDS:
        raise ValueError(f"scene seeds are from 0 to {EVALUATION_SEEDS - 1}, not {seed}; higher ones are for training")
    suffix = Path(name_or_path).suffix.lower()
    if suffix in (".urdf", ".sdf"):
        if not Path(name_or_path).is_file():
            raise UnknownNameError("scene", name_or_path, scene_names(), "check the path of the file")
        _check_xml(Path(name_or_path), "robot" if suffix == ".urdf" else "sdf")
        return SceneSpec(Path(name_or_path).stem, seed, file=str(name_or_path))
    return draw_scene(read_recipe(_find(name_or_path)), seed, clear=True)


def _check_xml(path: Path, root: str) -> None:
    """Make sure that a URDF or SDF file is one, before the simulator reads it with fewer words."""
    try:
        found = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        line, column = error.position
        what, _, _ = str(error).partition(": line ")
        raise SceneError(Place(str(path), line, column + 1), f"no valid XML: {what}", "correct the syntax") from error
    except (OSError, ValueError, LookupError) as error:
        raise SceneError(Place(str(path), 1, 1), f"the file cannot be read: {error}", "check the file") from error
    wanted = "link" if root == "robot" else "model"
    start = Place(str(path), 1, 1)
    if found.tag != root:
        raise SceneError(start, f"the root is <{found.tag}>, not <{root}>", f"name a file that begins with <{root}>")
    if found.find(f".//{wanted}") is None:
        raise SceneError(start, f"<{root}> has no <{wanted}>", f"describe at least one <{wanted}>")


def training_scene(name: str, seed: int) -> SceneSpec:
    """Draw a scene of the project for labelled pictures; ``seed`` is 1,000,000 or more.

    Raises:
        ValueError: The seed belongs to evaluation.
    """
    if seed < TRAINING_SEEDS:
        raise ValueError(f"training seeds start at {TRAINING_SEEDS}, not {seed}")
    return draw_scene(_recipe(name), seed)


@functools.cache
def _recipe(name: str) -> Recipe:
    """Read a scene of the project once: it is drawn from thousands of times."""
    return read_recipe(_find(name))


def _find(name: str) -> Path:
    if name in scene_names():
        return Path(str(files("knothole.sim").joinpath("scenes", f"{name}.yaml")))
    if Path(name).suffix.lower() in (".yaml", ".yml") or Path(name).exists():
        return Path(name)
    raise UnknownNameError("scene", name, scene_names(), "name a scene of the project or give the path of a file")


def draw_scene(recipe: Recipe, seed: int, clear: bool = False) -> SceneSpec:
    """Draw sizes, colors and places. The same recipe and seed give the same scene.

    Args:
        recipe: What to draw.
        seed: Source of chance.
        clear: Refuse scenes whose ``table`` camera sees one thing mostly behind another.

    Raises:
        CrowdedSceneError: Eighty attempts found no room for everything.
        MissingObjectError: A disturbance names an object that was not drawn, or adds one that was.
    """
    rng = np.random.default_rng([seed, *recipe.name.encode()])
    for _ in range(80):
        objects = _objects(recipe, rng)
        if objects is not None and not (clear and _covered(objects)):
            _check_disturbances(recipe, seed, objects)
            light = Light(
                direction=(float(rng.uniform(-0.8, 1.2)), float(rng.uniform(-1.0, 1.0)), float(rng.uniform(1.2, 2.0))),
                ambient=float(rng.uniform(0.55, 0.66)),
                diffuse=float(rng.uniform(0.38, 0.5)),
            )
            return SceneSpec(
                recipe.name,
                seed,
                objects=tuple(objects),
                look=random_look(rng),
                light=light,
                robot=recipe.robot,
                goal=recipe.goal,
                disturbances=recipe.disturbances,
            )
    raise CrowdedSceneError(
        f"scene {recipe.name!r}, seed {seed}: the table has no room for all objects\n  fix:  ask for fewer of them"
    )


def _check_disturbances(recipe: Recipe, seed: int, objects: list[ObjectSpec]) -> None:
    names = {o.name for o in objects} | {o.shape for o in objects}
    for event in sorted(recipe.disturbances, key=lambda e: e.at):
        where = f"scene {recipe.name!r}, seed {seed}: the disturbance {event.do!r} at {event.at:g} s"
        if event.do == "add":
            if event.what in names:
                raise MissingObjectError(
                    f"{where} adds a {event.what}, but there is one\n  fix:  add a thing of another color or shape"
                )
            names |= {event.what, event.what.split()[1]}
            continue
        for name in filter(None, (event.what, event.other)):
            if name not in names:
                there = ", ".join(sorted(o.name for o in objects)) or "nothing"
                raise MissingObjectError(
                    f"{where} needs a {name}, but there is none\n  why:  this seed drew {there}\n"
                    "  fix:  give color and shape of one object, so that each seed draws it"
                )


def _covered(objects: list[ObjectSpec], most: float = 0.4) -> bool:
    """Tell whether more than ``most`` of an object's image box lies behind the box of a nearer, upright one."""
    boxes = []
    for item in objects:
        points = unit_mesh(item.shape).points * np.array(item.size) + np.array(item.xyz)
        uvz = project(points, TABLE_CAMERA.world_from_camera, TABLE_CAMERA.intrinsics)
        boxes.append((*uvz[:, :2].min(axis=0), *uvz[:, :2].max(axis=0), float(uvz[:, 2].mean())))
    for far in boxes:
        for k, near in enumerate(boxes):
            if near[4] >= far[4] - 0.01 or objects[k].shape in ("tray", "plate"):
                continue
            width = min(far[2], near[2]) - max(far[0], near[0])
            height = min(far[3], near[3]) - max(far[1], near[1])
            if width > 0 and height > 0 and width * height > most * (far[2] - far[0]) * (far[3] - far[1]):
                return True
    return False


def _objects(recipe: Recipe, rng: np.random.Generator) -> list[ObjectSpec] | None:
    """Draw all objects; fixed places first, then large before small, then in the order of the recipe."""
    wanted: list[tuple[Item, ObjectSpec]] = []
    used: set[tuple[str, str]] = set()
    for item in recipe.items:
        for _ in range(int(rng.integers(item.count[0], item.count[1] + 1))):
            thing = _draw_thing(item, used, rng)
            if thing is None:
                return None
            wanted.append((item, thing))
    order = sorted(range(len(wanted)), key=lambda k: (not wanted[k][0].at, -max(wanted[k][1].size[:2]), k))
    placed: dict[int, ObjectSpec] = {}
    for k in order:
        item, thing = wanted[k]
        spot = _place(item, thing, list(placed.values()), rng)
        if spot is None:
            return None
        placed[k] = spot
    objects: list[ObjectSpec] = []
    for k, (item, _) in enumerate(wanted):
        objects.append(placed[k])
        loads: list[ObjectSpec] = []
        for load in item.carries:
            for _ in range(int(rng.integers(load.count[0], load.count[1] + 1))):
                thing = _draw_thing(load, used, rng)
                inside = None if thing is None else find_inside(thing, placed[k], loads, rng, distance=0.02)
                if inside is None:
                    return None
                loads.append(inside)
        objects += loads
    return objects


def _draw_thing(item: Item, used: set[tuple[str, str]], rng: np.random.Generator) -> ObjectSpec | None:
    free = [(s, c) for s in item.shapes for c in item.colors if (s, c) not in used]
    if not free:
        return None
    shapes = sorted({s for s, _ in free}, key=item.shapes.index)
    shape = shapes[int(rng.integers(len(shapes)))]
    colors = [c for s, c in free if s == shape]
    color = colors[int(rng.integers(len(colors)))]
    used.add((shape, color))
    size = random_size(shape, rng)
    if item.size is not None:
        size = tray_size(*item.size) if len(item.size) == 2 else (item.size[0], item.size[1], item.size[2])
    thing = ObjectSpec(shape, color, size)
    paint = np.clip(np.array(thing.paint) * rng.uniform(0.92, 1.06) + rng.uniform(-0.02, 0.02, 3), 0, 1)
    return replace(thing, rgb=(float(paint[0]), float(paint[1]), float(paint[2])))


def _place(item: Item, thing: ObjectSpec, placed: list[ObjectSpec], rng: np.random.Generator) -> ObjectSpec | None:
    if item.at:
        x, y = item.at[int(rng.integers(len(item.at)))]
        return standing(thing, x, y, 0.0, item.yaw if item.yaw is not None else rng.uniform(-3.14159, 3.14159))
    return find_spot(thing, placed, Region(), rng, yaw=item.yaw)
