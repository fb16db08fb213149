"""Kitchen counters and shelves of training pictures."""

from __future__ import annotations

import numpy as np

from ..furniture import CounterPlan, Furniture, ShelfPlan, counter, shelf
from ..look import TEXTURES, Look, random_look
from ..objects import Vec3
from .splits import Split

_WOODS = np.array([[0.62, 0.48, 0.34], [0.45, 0.31, 0.20], [0.78, 0.66, 0.50]])


def draw_look(rng: np.random.Generator, split: Split) -> Look:
    """Draw the paint of table and floor; a quarter of the floors have a pattern."""
    look = random_look(rng, wild=True)
    floor = int(rng.integers(TEXTURES)) if rng.random() < 0.25 else -1
    texture = look.texture
    if "textures" in split.unseen:
        texture, floor = split.draw_texture(rng), split.draw_texture(rng)
    return Look(look.table, texture, look.floor, floor, look.table_size)


def draw_counter(rng: np.random.Generator, look: Look, split: Split) -> Furniture:
    """Draw a kitchen counter: sink and hob to either side, mostly a cupboard between, its door open in half of them."""
    cupboard_y = float(rng.uniform(-0.24, 0.24)) if rng.random() < 0.85 else None
    size = (float(rng.uniform(0.17, 0.22)), float(rng.uniform(0.28, 0.38)), float(rng.uniform(0.22, 0.32)))
    angle = float(rng.uniform(0.9, 2.0)) if rng.random() < 0.5 else 0.0
    hinge = int(rng.choice([-1, 1]))
    # How far to either side things of the middle reach, [m].
    right, left = -0.26, 0.26
    if cupboard_y is not None:
        right, left = min(right, cupboard_y - size[1] / 2 - 0.05), max(left, cupboard_y + size[1] / 2 + 0.05)
    sink_column = hob_y = None
    first, second = (str(v) for v in rng.choice(["sink", "hob", "none"], size=2, replace=False, p=[0.4, 0.35, 0.25]))
    for side, thing in ((1, first), (-1, second)):
        edge = left if side > 0 else -right
        if thing == "sink":
            near = int(np.ceil((edge + 0.02) / 0.1))
            sink_column = 12 + near if side > 0 else 12 - near - 4
        elif thing == "hob":
            hob_y = side * (edge + 0.27 + float(rng.uniform(0.0, 0.08)))
    tiles = int(rng.choice([1, 3, 6, 8, 11, 16])) if rng.random() < 0.6 else -1
    if "textures" in split.unseen:
        tiles = split.draw_texture(rng)
    return counter(
        CounterPlan(
            top=look.table,
            texture=look.texture,
            front=_paint(rng),
            wall=_pale(rng),
            tiles=tiles,
            cupboard=_paint(rng),
            cupboard_y=cupboard_y,
            cupboard_size=size,
            door_angle=angle,
            hinge=hinge,
            sink_column=sink_column,
            hob_y=hob_y,
        )
    )


def draw_shelf(rng: np.random.Generator, look: Look, split: Split) -> Furniture:
    """Draw a shelf with two or three boards to stand things on."""
    room = float(rng.uniform(0.23, 0.27))
    step = room + 0.018
    heights = (0.0, step) if rng.random() < 0.6 else (-step, 0.0, step)
    back = int(rng.integers(TEXTURES)) if rng.random() < 0.4 else -1
    if "textures" in split.unseen:
        back = split.draw_texture(rng)
    return shelf(
        ShelfPlan(
            paint=look.table,
            texture=look.texture,
            back=_pale(rng) if rng.random() < 0.5 else _paint(rng),
            back_texture=back,
            wall=_pale(rng),
            width=float(rng.uniform(0.56, 0.80)),
            depth=float(rng.uniform(0.26, 0.34)),
            heights=heights,
            room=room,
        )
    )


def _paint(rng: np.random.Generator) -> Vec3:
    """Draw the paint of furniture: wood, gray to white, or a muted color."""
    roll = rng.random()
    if roll < 0.4:
        base = _WOODS[int(rng.integers(len(_WOODS)))] + rng.uniform(-0.06, 0.06)
    elif roll < 0.75:
        base = np.full(3, rng.uniform(0.45, 0.88))
    else:
        base = 0.55 + 0.16 * rng.normal(size=3)
    return _vec(np.clip(base + rng.uniform(-0.03, 0.03, 3), 0.15, 0.92))


def _pale(rng: np.random.Generator) -> Vec3:
    return _vec(np.clip(rng.uniform(0.6, 0.9) + rng.uniform(-0.06, 0.06, 3), 0, 0.95))


def _vec(values: np.ndarray) -> Vec3:
    a, b, c = (round(float(v), 4) for v in values)
    return (a, b, c)
