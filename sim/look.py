"""How a table, floor and background look: colors and procedural textures."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from .meshes import cached
from .objects import Vec3

Array = npt.NDArray[np.float64]

SIZE = 256
"""Side of a texture, [px]."""
TEXTURES = 20
"""Number of procedural table textures; index -1 means plain paint."""
UNSEEN_TEXTURES = range(TEXTURES, TEXTURES + 10)
"""Textures of other kinds, which no training picture and no scene to run a tree in shows: only measured."""


@dataclass(frozen=True)
class Look:
    """Paint of the surroundings; colors in [0, 1].

    Attributes:
        table: Color of the table top (multiplies the texture).
        texture: Index of a procedural texture, or -1.
        floor: Color of the floor (multiplies the texture).
        floor_texture: Index of a procedural texture, or -1.
        table_size: Extent of the top along x and y, [m].
    """

    table: Vec3 = (0.62, 0.50, 0.38)
    texture: int = -1
    floor: Vec3 = (0.55, 0.56, 0.58)
    floor_texture: int = -1
    table_size: tuple[float, float] = (1.5, 1.7)


@functools.cache
def texture_file(index: int) -> str:
    """Return the path of one procedural texture (256 x 256 PNG), made when missing."""
    rng = np.random.default_rng(7000 + index)
    image = _unseen_pattern(index, rng) if index in UNSEEN_TEXTURES else _pattern(index, rng)
    tint = rng.uniform(0.9, 1.08, 3)
    pixels = np.clip(image[..., None] * tint, 0, 1)
    stream = io.BytesIO()
    Image.fromarray((pixels * 255).astype(np.uint8)).save(stream, "PNG")
    return cached(f"texture{index}", ".png", stream.getvalue())


def _pattern(index: int, rng: np.random.Generator) -> Array:
    """Draw wood, cloth, stone, planks or waves: brightness, shape (256, 256)."""
    size = SIZE
    y, x = np.mgrid[0:size, 0:size] / size
    kind = index % 5
    if kind == 0:  # wood: stretched noise in rings
        grain = np.repeat(rng.normal(size=(size, 1)), size, 1)
        grain = np.cumsum(grain, axis=0) * 0.02 + 0.06 * np.sin(40 * y + 3 * np.sin(5 * x + rng.uniform(0, 6)))
        image = 0.8 + 0.6 * (grain - grain.mean())
    elif kind == 1:  # checked cloth
        count = int(rng.integers(6, 16))
        image = 0.88 - 0.22 * (((x * count).astype(int) + (y * count).astype(int)) % 2)
    elif kind == 2:  # speckled stone
        coarse = np.kron(rng.normal(size=(32, 32)), np.ones((8, 8)))
        image = 0.82 + 0.05 * coarse + 0.04 * rng.normal(size=(size, size))
    elif kind == 3:  # planks
        count = int(rng.integers(5, 10))
        tone = rng.uniform(0.7, 0.95, count + 1)
        image = tone[(x * count).astype(int)] + 0.02 * rng.normal(size=(size, 1))
        image = np.where((x * count) % 1 < 0.04, 0.5, image)
    else:  # soft waves
        image = 0.82 + 0.10 * np.sin(2 * np.pi * (rng.uniform(2, 9) * x + rng.uniform(-4, 4) * y))
    return np.asarray(image)


def _unseen_pattern(index: int, rng: np.random.Generator) -> Array:
    """Draw dots, bricks, zigzag, rings or marble: brightness, shape (256, 256)."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    kind = index % 5
    if kind == 0:  # dots in rows
        count = int(rng.integers(6, 12))
        u, v = (x * count) % 1 - 0.5, (y * count) % 1 - 0.5
        image = np.where(np.hypot(u, v) < rng.uniform(0.22, 0.34), 0.66, 0.92)
    elif kind == 1:  # bricks with joints
        rows = int(rng.integers(4, 8)) * 2
        u, v = x * rows / 2 + 0.5 * ((y * rows).astype(int) % 2), y * rows
        tone = rng.uniform(0.72, 0.9, (rows + 1, rows + 1))[v.astype(int), u.astype(int)]
        image = np.where((u % 1 < 0.06) | (v % 1 < 0.12), 0.5, tone)
    elif kind == 2:  # zigzag
        count = int(rng.integers(4, 8))
        bend = np.abs((x * count) % 1 - 0.5)
        image = 0.9 - 0.24 * ((y * 1.6 * count + bend) % 1 < 0.5)
    elif kind == 3:  # rings around a few points
        centers = rng.uniform(0, 1, (4, 2))
        far = np.min([np.hypot(x - u, y - v) for u, v in centers], axis=0)
        image = 0.82 + 0.12 * np.sign(np.sin(2 * np.pi * far * rng.uniform(8, 14)))
    else:  # marble: folded waves
        bend = sum(np.sin(2 * np.pi * (k * x + rng.uniform(-k, k) * y + rng.uniform())) / k for k in (1, 2, 3))
        image = 0.92 - 0.34 * np.exp(-8 * np.abs(np.sin(2 * np.pi * (x + 0.5 * y) + 1.4 * bend)))
    return np.asarray(image)


def random_look(rng: np.random.Generator, wild: bool = False) -> Look:
    """Draw the paint of a scene; ``wild`` widens the range for training."""
    if rng.random() < 0.5:
        base = np.array([0.62, 0.48, 0.34]) + rng.uniform(-0.14, 0.18)
    else:
        base = np.full(3, rng.uniform(0.35, 0.85))
    spread = 0.09 if wild else 0.05
    table = np.clip(base + rng.uniform(-spread, spread, 3), 0.15, 0.95)
    floor = np.clip(rng.uniform(0.3, 0.8) + rng.uniform(-0.08, 0.08, 3), 0, 1)
    texture = int(rng.integers(TEXTURES)) if rng.random() < 0.55 else -1
    if texture >= 0:
        table = np.clip(table + 0.12, 0, 1)
    return Look(table=_vec(table), texture=texture, floor=_vec(floor))


def _vec(values: np.ndarray) -> Vec3:
    a, b, c = (round(float(v), 4) for v in values)
    return (a, b, c)
