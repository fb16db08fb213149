"""Rendered and labelled pictures for training, as numbered shards on disk."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..._base import KnotholeError
from ...sim.camera import CameraSpec, Picture
from ...sim.scene import TRAINING_SEEDS
from ...sim.truth import FrameTruth, frame_truth
from ...sim.variety import LaterScene, PosedScene, Split, Unseen, later, posed_scene
from ...sim.world import World
from ...vlm.facts import (
    MASK_BACKGROUND,
    MASK_DOOR,
    MASK_HAND,
    MASK_PERSON,
    MASK_ROBOT,
    MASK_TABLE,
    UNSEEN_PAIRS,
    FrameFacts,
)
from ..injection.signs import FORMS, HEIGHTS, Sign, put
from .truth import PERSON_SHOWS, frame_facts, outside_pixels

VIEWS = 2
"""Pictures per scene."""
PAIRS = 0.15
"""Share of pictures that get a second one of the same camera some time later, by default."""
SIGNS = 0.12
"""Share of pictures that get paper, print or codes, by default."""
_TRIES = 6
_BLANK = 0.3
"""Share of the sheets without letters, as they look when words are masked."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789!?.:"


class TrainingDataError(KnotholeError):
    """Pictures for training cannot be rendered, or there are none."""


def count_pictures(folder: Path) -> int:
    """Return how many labelled pictures lie in a folder, without those that come second."""
    return sum(_length(file) for file in folder.glob("facts_*.jsonl"))


def _length(file: Path) -> int:
    with file.open("rb") as stream:
        return sum(1 for line in stream if line.strip() and b'"before":' not in line)


def label_mask(world: World, picture: Picture) -> npt.NDArray[np.uint8]:
    """Return the mask with object indices and the constants of ``knothole.vlm.facts``, uint8 (H, W)."""
    labels = np.full(picture.mask.shape, MASK_BACKGROUND, np.uint8)
    for body in world.surroundings.surface_ids:
        labels[picture.mask == body] = MASK_TABLE
    if world.robot is not None:
        labels[picture.mask == world.robot] = MASK_ROBOT
    if world.hand is not None:
        labels[picture.mask == world.hand] = MASK_HAND
    for body in world.person:
        labels[picture.mask == body] = MASK_PERSON
    for body in world.surroundings.door_ids:
        labels[picture.mask == body] = MASK_DOOR
    for index, item in enumerate(world.objects):
        labels[picture.mask == item.id] = index
    return labels


def training_split(unseen: Iterable[Unseen] = ()) -> Split:
    """Return what is kept out of training, and which of ``textures``, ``heights`` and ``pairs`` scenes shall show."""
    return Split(UNSEEN_PAIRS, frozenset(unseen))


def render_shards(
    out_dir: str | Path,
    seed0: int,
    frames: int,
    shard_size: int = 500,
    workers: int = 1,
    unseen: Iterable[Unseen] = (),
    pairs: float = 0.0,
    signs: float = 0.0,
) -> None:
    """Render labelled frames into numbered shards; shards that exist are kept.

    Shard ``k`` is ``rgb_k.npy`` (N, 256, 256, 3), ``mask_k.npy`` (N, 128, 128; every second pixel) and
    ``facts_k.jsonl``, which is written last. A shard depends on ``seed0``, ``k``, ``shard_size``, ``unseen``, ``pairs``
    and ``signs`` alone. Pictures that come second of a pair follow all others, which are the same without them; their
    facts name the first one (``before``) and which object is which (``same``).

    Args:
        out_dir: Folder, made when missing.
        seed0: First scene seed, 1,000,000 or more.
        frames: Pictures in all, without those that come second.
        shard_size: Pictures per shard.
        workers: Processes.
        unseen: What each scene shows of what training never draws (``knothole.sim.variety.Split``); for measuring.
        pairs: About which share of the pictures get a second one of the same camera some time later, 0 to 1.
        signs: About which share of them get paper, blank or with letters without sense, print, or codes, where they
            hide nothing that is labelled, 0 to 1.

    Raises:
        ValueError: ``seed0`` belongs to evaluation, or ``pairs`` or ``signs`` is no share.
        TrainingDataError: A shard that exists does not have the number of pictures that it would get.
    """
    if seed0 < TRAINING_SEEDS:
        raise ValueError(f"training seeds start at {TRAINING_SEEDS}, not {seed0}")
    for name, share in (("pairs", pairs), ("signs", signs)):
        if not 0 <= share <= 1:
            raise ValueError(f"the share of {name} lies between 0 and 1, not {share:g}")
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    jobs = []
    for shard, first in enumerate(range(0, frames, shard_size)):
        facts, wanted = folder / f"facts_{shard:05d}.jsonl", min(shard_size, frames - first)
        if not facts.exists():
            jobs.append((folder, shard, seed0 + shard * shard_size, wanted, training_split(unseen), pairs, signs))
        elif (there := _length(facts)) != wanted:
            raise TrainingDataError(
                f"{facts} has {there} pictures, not {wanted}: it is of another rendering\n"
                f"  fix:  give another folder, or remove the pictures in this one"
            )
    if workers <= 1:
        for job in jobs:
            _render_shard(job)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for _ in pool.imap_unordered(_render_shard, jobs):
            pass


class Studio:
    """Worlds to photograph scenes in, one per kind: to load the arm again would cost more than a picture."""

    def __init__(self) -> None:
        self._worlds: dict[tuple[str, bool], World] = {}

    def dress(self, scene: PosedScene) -> World:
        """Return a world that shows a scene."""
        kind = (scene.spec.setting, scene.spec.robot)
        world = self._worlds.get(kind)
        if world is None:
            world = self._worlds[kind] = World(scene.spec, physics=False)
        else:
            world.dress(scene.spec)
        if scene.posture is not None:
            world.pose_robot(scene.posture.joints, scene.posture.width)
        return world

    def close(self) -> None:
        """Close all worlds."""
        for world in self._worlds.values():
            world.close()


@dataclass(frozen=True)
class Labelled:
    """One picture and what is true of it; ``mask`` as in shards."""

    rgb: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]
    facts: FrameFacts


def photograph(world: World, camera: CameraSpec) -> Labelled | None:
    """Take a picture of a world and label it; None where ``is_clear`` refuses it."""
    picture = world.render(camera)
    truth = frame_truth(world, picture, camera)
    if not is_clear(truth):
        return None
    return Labelled(picture.rgb, label_mask(world, picture)[::2, ::2], frame_facts(truth))


def photograph_later(
    studio: Studio, scene: PosedScene, camera: CameraSpec, split: Split, rng: np.random.Generator
) -> Labelled | None:
    """Take a picture of what a scene is like some time later; its facts say which object is which.

    Returns:
        The picture; None where nothing that was drawn could happen, or a picture of it is refused.
    """
    found: LaterScene | None = None
    for _ in range(_TRIES):
        found = later(scene, camera, split, rng)
        if found is not None:
            break
    if found is None:
        return None
    one = photograph(studio.dress(found.scene), camera)
    return None if one is None else replace(one, facts=replace(one.facts, same=found.same))


def with_signs(one: Labelled, share: float, rng: random.Random) -> Labelled:
    """Return a picture, with a probability of ``share`` with up to three signs in it that change nothing of its labels.

    Args:
        one: The picture.
        share: How probable signs are, 0 to 1.
        rng: Chooses signs and places.
    """
    if rng.random() >= share:
        return one
    keep_off = [thing.box_xyxy for thing in one.facts.objects if thing.pixels > 0]
    bodies = np.isin(one.mask, (MASK_ROBOT, MASK_HAND, MASK_PERSON, MASK_DOOR)).repeat(2, 0).repeat(2, 1)
    rgb = one.rgb
    for _ in range(rng.randint(1, 3)):
        form = rng.choice(FORMS)
        words = "".join(rng.choices(_LETTERS, k=rng.randint(3, 9)))
        if form != "qr":
            lines = ["".join(rng.choices(_LETTERS, k=rng.randint(2, 9))) for _ in range(rng.randint(0, 2))]
            words = "\n".join([words, *lines])
        if form == "sign" and rng.random() < _BLANK:
            words = "".join(character if character == "\n" else " " for character in words)
        sign = Sign(words, form, rng.choice(HEIGHTS[form]), rng.uniform(-30.0, 30.0), rng.randrange(4))
        placed = put(rgb, sign, keep_off, rng, bodies)
        rgb = rgb if placed is None else placed
    return replace(one, rgb=rgb)


def _render_shard(job: tuple[Path, int, int, int, Split, float, float]) -> None:
    folder, shard, seed, count, split, pairs, signs = job
    began = time.process_time()
    shown: list[Labelled] = []
    after: list[Labelled] = []
    # What comes second has worlds of its own, so that it changes nothing about the others.
    studio, second = Studio(), Studio()
    try:
        while len(shown) < count:
            scene = posed_scene(seed, VIEWS, split)
            world = studio.dress(scene)
            for view, camera in enumerate(scene.cameras):
                if len(shown) == count:
                    break
                one = photograph(world, camera)
                if one is None:
                    continue
                shown.append(with_signs(one, signs, random.Random(f"{seed}/{view}")))
                rng = np.random.default_rng([seed, 78, view])
                if rng.random() < pairs and (two := photograph_later(second, scene, camera, split, rng)) is not None:
                    two = with_signs(two, signs, random.Random(f"{seed}/{view}/later"))
                    after.append(replace(two, facts=replace(two.facts, before=len(shown) - 1)))
            seed += 1
    finally:
        studio.close()
        second.close()
    shown += after
    _save(folder / f"rgb_{shard:05d}.npy", np.stack([one.rgb for one in shown]))
    _save(folder / f"mask_{shard:05d}.npy", np.stack([one.mask for one in shown]))
    spare = folder / f"facts_{shard:05d}.{os.getpid()}.tmp"
    spare.write_text("\n".join(one.facts.to_json() for one in shown) + "\n")
    os.replace(spare, folder / f"facts_{shard:05d}.jsonl")
    took = (time.process_time() - began) / len(shown) * 1e3
    told = f"{count} frames, {len(after)} more that come second" if after else f"{count} frames"
    print(f"shard {shard}: {told}, {took:.0f} cpu ms each", flush=True)


def is_clear(truth: FrameTruth) -> bool:
    """Refuse a picture whose hand is in the workspace, or whose person beside it, but hardly to be seen."""
    if truth.world.hand_in_workspace and truth.hand_pixels < 150:
        return False
    return not 40 <= outside_pixels(truth) < PERSON_SHOWS


def _save(path: Path, array: npt.NDArray[np.uint8]) -> None:
    spare = path.with_suffix(f".{os.getpid()}.tmp")
    with spare.open("wb") as stream:
        np.save(stream, array)
    os.replace(spare, path)
