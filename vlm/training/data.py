"""Rendered frames on disk, and views of them: cropped, mirrored and recolored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..facts import MASK_DOOR, MASK_HAND, MASK_PERSON, FrameFacts
from ..language.matching import holder
from .config import TrainingError

MASK_STEP = 2  # the label image holds every second pixel
SMALLEST_WINDOW = 200 / 256
_MARGIN = 4


Raw = tuple[NDArray[np.uint8], NDArray[np.uint8], FrameFacts]
"""Image (H, H, 3), label image (H/2, H/2) and facts of one frame."""


@dataclass(frozen=True)
class View:
    """One frame as the model is to see it.

    Attributes:
        image: (S, S, 3), uint8; (0, 0, 3) when no image was wanted.
        cells: Label of every 4x4-pixel cell, (S/4, S/4).
        facts: What is true of it, boxes relative to this view.
    """

    image: NDArray[np.uint8]
    cells: NDArray[np.uint8]
    facts: FrameFacts


@dataclass(frozen=True)
class Pair:
    """Two frames of one camera, seen through one window; ``after.facts.same`` says which object is which."""

    before: View
    after: View


class Frames:
    """All complete shards in some folders; ``refresh`` picks up shards finished meanwhile.

    A frame that was taken after another one is no frame of its own: it is the second one of a pair.
    """

    def __init__(self, folders: Iterable[str | Path]) -> None:
        self.folders = [Path(f) for f in folders]
        self._shards: list[tuple[NDArray[np.uint8], NDArray[np.uint8], list[FrameFacts]]] = []
        self._known: set[Path] = set()
        self._index: list[tuple[int, int]] = []
        self._pairs: list[tuple[int, int]] = []
        self.refresh()
        if not self._index:
            raise TrainingError(f"no rendered frames in {', '.join(map(str, self.folders))}; render some first")

    def refresh(self) -> int:
        """Load shards that are new; return the number of frames."""
        for folder in self.folders:
            for path in sorted(folder.glob("facts_*.jsonl")):
                if path in self._known:
                    continue
                key = path.stem.removeprefix("facts_")
                rgb = np.load(folder / f"rgb_{key}.npy", mmap_mode="r")
                mask = np.load(folder / f"mask_{key}.npy", mmap_mode="r")
                facts = [FrameFacts.from_json(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
                if not len(rgb) == len(mask) == len(facts):
                    raise TrainingError(f"{path}: {len(rgb)} images, {len(mask)} masks, {len(facts)} facts")
                self._add(path, len(self._shards), facts)
                self._shards.append((rgb, mask, facts))
                self._known.add(path)
        return len(self._index)

    def _add(self, path: Path, shard: int, facts: list[FrameFacts]) -> None:
        for i, one in enumerate(facts):
            if one.before < 0:
                self._index.append((shard, i))
                continue
            known = len(facts[one.before].objects) if one.before < len(facts) else 0
            if one.before >= len(facts) or len(one.same) != len(one.objects) or max(one.same, default=-1) >= known:
                raise TrainingError(f"{path}:{i + 1}: this frame comes after {one.before}, which does not fit it")
            self._pairs.append((shard, i))

    def __len__(self) -> int:
        return len(self._index)

    @property
    def pairs(self) -> int:
        """Number of frames that have another one of the same camera before them."""
        return len(self._pairs)

    def doubled(self) -> list[int]:
        """Return all indices, those of rare frames twice: with a hand, or with every loose object put away."""
        return [i for i, (s, k) in enumerate(self._index) for _ in range(1 + is_rare(self._shards[s][2][k]))]

    def raw(self, index: int) -> Raw:
        """Return image, label image and facts of one frame."""
        return self._raw(*self._index[index])

    def _raw(self, shard: int, i: int) -> Raw:
        rgb, mask, facts = self._shards[shard]
        return np.asarray(rgb[i]), np.asarray(mask[i]), facts[i]

    def view(self, index: int, size: int, rng: np.random.Generator | None = None, image: bool = True) -> View:
        """Return a frame at ``size`` pixels.

        Args:
            index: Which frame.
            size: Side of the image, [px].
            rng: Chooses crop, mirror and colors; without it the whole frame is shown as it is.
            image: Whether the image itself is wanted.
        """
        raw = self.raw(index)
        window = (0, 0, raw[0].shape[0]) if rng is None else _window(_boxes(raw), raw[0].shape[0], rng)
        view = _through(raw, window, size, rng, image)
        return _mirrored(view) if rng is not None and rng.random() < 0.5 else view

    def pair(self, index: int, size: int, rng: np.random.Generator | None = None, image: bool = True) -> Pair:
        """Return two frames of one camera at ``size`` pixels, through one window, both mirrored or none.

        Args:
            index: Which pair.
            size: Side of the images, [px].
            rng: Chooses crop, mirror, the colors of each image and which one comes first; without it the whole frames
                are shown as they are.
            image: Whether the images themselves are wanted.
        """
        shard, i = self._pairs[index]
        last = self._raw(shard, i)
        first = self._raw(shard, last[2].before)
        if rng is not None and rng.random() < 0.5:
            first, last = last, (*first[:2], _turned(last[2], first[2]))
        full = first[0].shape[0]
        window = (0, 0, full) if rng is None else _window([*_boxes(first), *_boxes(last)], full, rng)
        before, after = (_through(raw, window, size, rng, image) for raw in (first, last))
        if rng is not None and rng.random() < 0.5:
            before, after = _mirrored(before), _mirrored(after)
        return Pair(before, after)


def _turned(last: FrameFacts, first: FrameFacts) -> FrameFacts:
    """Return the facts of the first frame as one that comes after the last one."""
    known = {i: k for k, i in enumerate(last.same) if i >= 0}
    return replace(first, same=tuple(known.get(i, -1) for i in range(len(first.objects))))


_Box = tuple[float, float, float, float]


def _through(raw: Raw, window: tuple[int, int, int], size: int, rng: np.random.Generator | None, image: bool) -> View:
    """Return what is seen through a window (left, top, side); ``rng`` chooses colors."""
    rgb, mask, facts = raw
    (x, y, width), full = window, rgb.shape[0]
    n = size // 4
    at = (np.arange(n) + 0.5) / n * width
    rows = np.clip((y + at) / MASK_STEP, 0, mask.shape[0] - 1).astype(int)
    columns = np.clip((x + at) / MASK_STEP, 0, mask.shape[1] - 1).astype(int)
    cells = mask[rows[:, None], columns[None]]
    picture = np.zeros((0, 0, 3), np.uint8)
    if image:
        cut = Image.fromarray(rgb[y : y + width, x : x + width])
        picture = np.array(cut.resize((size, size), Image.Resampling.BICUBIC))
        if rng is not None:
            picture = recolor(picture, rng)
    if width != full:
        facts = _remap(facts, x / full, y / full, full / width)
    return View(picture, cells, facts)


def _mirrored(view: View) -> View:
    return View(np.ascontiguousarray(view.image[:, ::-1]), view.cells[:, ::-1].copy(), mirror(view.facts))


def _boxes(raw: Raw) -> list[_Box]:
    """Return the boxes of every visible object, the hand, a person and a door, relative."""
    rgb, mask, facts = raw
    boxes: list[_Box] = [o.box_xyxy for o in facts.objects if o.pixels > 0]
    shown = {MASK_HAND: facts.hand_in_workspace, MASK_PERSON: facts.person_near, MASK_DOOR: facts.door_open is not None}
    for value in (value for value, there in shown.items() if there):
        rows, columns = np.nonzero(mask == value)
        if len(rows):
            scale = MASK_STEP / rgb.shape[0]
            boxes.append((columns.min() * scale, rows.min() * scale, columns.max() * scale, rows.max() * scale))
    return boxes


def _window(boxes: list[_Box], full: int, rng: np.random.Generator) -> tuple[int, int, int]:
    """Choose a square window that holds all boxes: left, top, side."""
    if not boxes:
        boxes = [(0.4, 0.4, 0.6, 0.6)]
    b = np.array(boxes, dtype=float)
    low = np.maximum(b[:, :2].min(0) * full - _MARGIN, 0)
    high = np.minimum(b[:, 2:].max(0) * full + _MARGIN, full)
    need = max(float((high - low).max()), full * SMALLEST_WINDOW)
    if need >= full - 2:
        return 0, 0, full
    width = int(rng.uniform(need, full)) + 1
    corner = []
    for k in range(2):
        first, last = max(0.0, high[k] - width), min(float(full - width), low[k])
        corner.append(int(np.clip(round(rng.uniform(first, max(first, last))), 0, full - width)))
    return corner[0], corner[1], width


def _remap(facts: FrameFacts, left: float, top: float, scale: float) -> FrameFacts:
    def moved(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        x0, y0, x1, y1 = (min(max((v - (left, top)[i % 2]) * scale, 0.0), 1.0) for i, v in enumerate(box))
        return x0, y0, x1, y1

    objects = tuple(replace(o, box_xyxy=moved(o.box_xyxy)) if o.pixels else o for o in facts.objects)
    return replace(facts, objects=objects)


def is_rare(facts: FrameFacts) -> bool:
    """Tell whether a frame shows a hand, or a table whose loose objects are all in trays, bowls or on plates."""
    loose = [i for i, o in enumerate(facts.objects) if o.loose]
    return facts.hand_in_workspace or (bool(loose) and all(holder(facts.objects, i) >= 0 for i in loose))


def mirror(facts: FrameFacts) -> FrameFacts:
    """Return the facts of the frame seen in a mirror: left is right."""
    objects = []
    for o in facts.objects:
        x0, y0, x1, y1 = o.box_xyxy
        objects.append(replace(o, box_xyxy=(1 - x1, y0, 1 - x0, y1)) if o.pixels else o)
    return replace(facts, objects=tuple(objects))


def recolor(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Vary brightness, contrast, tint and noise of an image."""
    level = np.power(np.arange(256) / 255, rng.uniform(0.85, 1.2)) * rng.uniform(0.85, 1.12)
    level = (level - 0.5) * rng.uniform(0.88, 1.12) + 0.5
    shades = (255 * level[:, None] * rng.uniform(0.95, 1.05, 3)).astype(np.float32)
    x = np.stack([shades[image[..., c], c] for c in range(3)], -1)
    if rng.random() < 0.4:
        x += rng.standard_normal((*x.shape[:2], 1), np.float32) * np.float32(255 * rng.uniform(0, 0.025))
    return np.asarray(np.clip(x, 0, 255) + 0.5, dtype=np.uint8)
