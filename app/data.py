"""Rendered and labelled pictures for training, as numbered shards on disk."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .._base import KnotholeError
from ..sim.camera import Picture
from ..sim.scene import TRAINING_SEEDS
from ..sim.truth import FrameTruth, frame_truth
from ..sim.variety import Split, Unseen, posed_scene
from ..sim.world import World
from ..vlm.facts import MASK_BACKGROUND, MASK_DOOR, MASK_HAND, MASK_PERSON, MASK_ROBOT, MASK_TABLE, UNSEEN_PAIRS
from .truth import PERSON_SHOWS, frame_facts, outside_pixels

VIEWS = 2
"""Pictures per scene."""


class TrainingDataError(KnotholeError):
    """Pictures for training cannot be rendered, or there are none."""


def count_pictures(folder: Path) -> int:
    """Return how many labelled pictures lie in a folder."""
    return sum(_length(file) for file in folder.glob("facts_*.jsonl"))


def _length(file: Path) -> int:
    with file.open("rb") as stream:
        return sum(1 for line in stream if line.strip())


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
) -> None:
    """Render labelled frames into numbered shards; shards that exist are kept.

    Shard ``k`` is ``rgb_k.npy`` (N, 256, 256, 3), ``mask_k.npy`` (N, 128, 128; every second pixel) and
    ``facts_k.jsonl``, which is written last. A shard depends on ``seed0``, ``k``, ``shard_size`` and ``unseen`` alone.

    Args:
        out_dir: Folder, made when missing.
        seed0: First scene seed, 1,000,000 or more.
        frames: Pictures in all.
        shard_size: Pictures per shard.
        workers: Processes.
        unseen: What each scene shows of what training never draws (``knothole.sim.variety.Split``); for measuring.

    Raises:
        ValueError: ``seed0`` belongs to evaluation.
        TrainingDataError: A shard that exists does not have the number of pictures that it would get.
    """
    if seed0 < TRAINING_SEEDS:
        raise ValueError(f"training seeds start at {TRAINING_SEEDS}, not {seed0}")
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    jobs = []
    for shard, first in enumerate(range(0, frames, shard_size)):
        facts, wanted = folder / f"facts_{shard:05d}.jsonl", min(shard_size, frames - first)
        if not facts.exists():
            jobs.append((folder, shard, seed0 + shard * shard_size, wanted, training_split(unseen)))
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


def _render_shard(job: tuple[Path, int, int, int, Split]) -> None:
    folder, shard, seed, count, split = job
    began = time.process_time()
    rgb = np.zeros((count, 256, 256, 3), np.uint8)
    mask = np.zeros((count, 128, 128), np.uint8)
    lines: list[str] = []
    # One world per kind: to load the arm again for every scene would cost more than the picture.
    worlds: dict[tuple[str, bool], World] = {}
    try:
        while len(lines) < count:
            scene = posed_scene(seed, VIEWS, split)
            seed += 1
            kind = (scene.spec.setting, scene.spec.robot)
            world = worlds.get(kind)
            if world is None:
                world = worlds[kind] = World(scene.spec, physics=False)
            else:
                world.dress(scene.spec)
            if scene.posture is not None:
                world.pose_robot(scene.posture.joints, scene.posture.width)
            for camera in scene.cameras:
                if len(lines) == count:
                    break
                picture = world.render(camera)
                truth = frame_truth(world, picture, camera)
                if not is_clear(truth):
                    continue
                rgb[len(lines)] = picture.rgb
                mask[len(lines)] = label_mask(world, picture)[::2, ::2]
                lines.append(frame_facts(truth).to_json())
    finally:
        for world in worlds.values():
            world.close()
    _save(folder / f"rgb_{shard:05d}.npy", rgb)
    _save(folder / f"mask_{shard:05d}.npy", mask)
    spare = folder / f"facts_{shard:05d}.{os.getpid()}.tmp"
    spare.write_text("\n".join(lines) + "\n")
    os.replace(spare, folder / f"facts_{shard:05d}.jsonl")
    print(f"shard {shard}: {count} frames, {(time.process_time() - began) / count * 1e3:.0f} cpu ms each", flush=True)


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


def main(argv: list[str] | None = None) -> int:
    """Render shards from the command line."""
    parser = argparse.ArgumentParser(prog="python -m knothole.app.data", description=__doc__)
    parser.add_argument("out", help="folder for the shards")
    parser.add_argument("--seed0", type=int, default=TRAINING_SEEDS, help="first scene seed, 1000000 or more")
    parser.add_argument("--frames", type=int, default=16000, help="pictures in all")
    parser.add_argument("--shard-size", type=int, default=500)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args(argv)
    render_shards(args.out, args.seed0, args.frames, args.shard_size, args.workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
