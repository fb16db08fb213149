"""What stands around and under the objects besides a plain table: a kitchen counter with a cupboard, a shelf."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from .layout import Rect
from .objects import Quat, Vec3

Setting = Literal["table", "counter", "shelf"]
Part = Literal["surface", "fixed", "inside", "door"]

UPRIGHT: Quat = (0.0, 0.0, 0.0, 1.0)
FACING_FRONT: Quat = (0.0, math.sqrt(0.5), 0.0, math.sqrt(0.5))
"""Turns the upper face of a slab towards +x."""


@dataclass(frozen=True)
class Block:
    """One rigid piece of furniture that never moves.

    Attributes:
        size: Extent in its own frame, [m]; a round piece has its axis along z and ``size[0]`` as diameter.
        xyz: Center in the world frame, [m].
        paint: Color, each in [0, 1] (multiplies the texture).
        part: ``surface`` carries objects, ``fixed`` only stands there, ``inside`` is what an open door shows.
        quat_xyzw: Orientation in the world frame.
        texture: Index of a procedural texture for the upper face, or -1.
        cells: For a slab with a finely cut upper face: its cells along x and y; None for a plain box.
        hole: Cells of a slab that are open: first and one past the last along x, then along y.
        round: A cylinder instead of a box.
    """

    size: Vec3
    xyz: Vec3
    paint: Vec3
    part: Part = "fixed"
    quat_xyzw: Quat = UPRIGHT
    texture: int = -1
    cells: tuple[int, int] | None = None
    hole: tuple[int, int, int, int] | None = None
    round: bool = False

    def solids(self) -> tuple[Block, ...]:
        """Return blocks without holes that fill the same room."""
        if self.hole is None or self.cells is None:
            return (self,)
        (x0, y0), (sx, sy, _) = self.xyz[:2], self.size
        u0, u1 = (x0 + sx * (k / self.cells[0] - 0.5) for k in self.hole[:2])
        v0, v1 = (y0 + sy * (k / self.cells[1] - 0.5) for k in self.hole[2:])
        low_x, high_x, low_y, high_y = x0 - sx / 2, x0 + sx / 2, y0 - sy / 2, y0 + sy / 2
        rooms = ((low_x, high_x, low_y, v0), (low_x, high_x, v1, high_y), (low_x, u0, v0, v1), (u1, high_x, v0, v1))
        return tuple(
            replace(
                self,
                size=(b - a, d - c, self.size[2]),
                xyz=((a + b) / 2, (c + d) / 2, self.xyz[2]),
                cells=None,
                hole=None,
            )
            for a, b, c, d in rooms
        )


@dataclass(frozen=True)
class Level:
    """A horizontal surface that objects stand on.

    Attributes:
        z: Height in the world frame, [m].
        area: Where whole objects may stand.
        room: Free height above it, [m].
        taken: Places that something fixed stands on.
    """

    z: float
    area: Rect
    room: float = 1.0
    taken: tuple[Rect, ...] = ()


@dataclass(frozen=True)
class Furniture:
    """Everything that never moves in a scene that is no plain table.

    Attributes:
        setting: What it is as a whole.
        blocks: Its pieces.
        levels: Surfaces that objects stand on, lowest first.
        door_open: State of its cupboard door; None where it has none.
    """

    setting: Setting
    blocks: tuple[Block, ...]
    levels: tuple[Level, ...]
    door_open: bool | None = None


@dataclass(frozen=True)
class CounterPlan:
    """Measures and paints of a kitchen counter along y, its wall at negative x.

    Attributes:
        top: Paint of the worktop.
        texture: Its texture, or -1.
        front: Paint of the cabinets below.
        wall: Paint of the wall.
        tiles: Texture of the backsplash, or -1.
        cupboard: Paint of the cupboard that stands on the worktop.
        cupboard_y: Its middle, [m]; None leaves it out.
        cupboard_size: Depth, width and height, [m].
        door_angle: How far its door is swung open, [rad]; 0 is shut.
        hinge: Side of the hinge: 1 is +y, -1 is -y.
        sink_column: First worktop cell of the sink along y (24 cells of 0.1 m); None leaves it out.
        hob_y: Middle of the hob, [m]; None leaves it out.
    """

    top: Vec3
    texture: int
    front: Vec3
    wall: Vec3
    tiles: int
    cupboard: Vec3
    cupboard_y: float | None
    cupboard_size: Vec3 = (0.20, 0.32, 0.26)
    door_angle: float = 0.0
    hinge: int = 1
    sink_column: int | None = None
    hob_y: float | None = None


WALL_X, FRONT_X = 0.12, 0.80
"""Front face of the wall and front edge of the worktop, [m]."""
_WIDTH, _THICK, _FLOOR = 2.4, 0.04, -0.90
_CELLS = (7, 24)
_SINK_CELLS = (2, 6, 4)
"""First cell and one past the last along x, and number of cells along y."""
_STEEL: Vec3 = (0.66, 0.68, 0.70)
_BOARD = 0.016


def counter(plan: CounterPlan) -> Furniture:
    """Build a kitchen counter; its worktop is the plane z = 0."""
    depth = FRONT_X - WALL_X
    mid = (FRONT_X + WALL_X) / 2
    hole = None
    blocks: list[Block] = []
    taken: list[Rect] = []
    if plan.sink_column is not None:
        hole = (_SINK_CELLS[0], _SINK_CELLS[1], plan.sink_column, plan.sink_column + _SINK_CELLS[2])
        x = tuple(WALL_X + depth * k / _CELLS[0] for k in hole[:2])
        y = tuple(_WIDTH * (k / _CELLS[1] - 0.5) for k in hole[2:])
        basin = Rect((x[0], x[1]), (y[0], y[1]))
        blocks += _sink(basin)
        taken.append(Rect((WALL_X, basin.x[1] + 0.02), (basin.y[0] - 0.02, basin.y[1] + 0.02)))
    if plan.hob_y is not None:
        blocks += _hob(mid, plan.hob_y)
        taken.append(Rect((mid - 0.25, mid + 0.25), (plan.hob_y - 0.28, plan.hob_y + 0.28)))
    if plan.cupboard_y is not None:
        blocks += _cupboard(plan, plan.cupboard_y)
        taken += _cupboard_room(plan, plan.cupboard_y)
    blocks += [
        Block(
            (depth, _WIDTH, _THICK), (mid, 0.0, -_THICK / 2), plan.top, "surface", UPRIGHT, plan.texture, _CELLS, hole
        ),
        Block((0.02, _WIDTH, 0.70), (FRONT_X - 0.06, 0.0, -_THICK - 0.36), plan.front),
        *_fronts(plan),
        Block(
            (0.56, _WIDTH + 0.8, 0.02),
            (WALL_X - 0.01, 0.0, 0.28),
            plan.wall,
            quat_xyzw=FACING_FRONT,
            texture=plan.tiles,
            cells=(6, 24),
        ),
        Block((0.02, _WIDTH + 0.8, 1.0), (WALL_X - 0.012, 0.0, 1.06), plan.wall),
    ]
    area = Rect((WALL_X + 0.02, FRONT_X - 0.02), (-0.50, 0.50))
    level = Level(0.0, area, 0.6, tuple(taken))
    return Furniture("counter", tuple(blocks), (level,), None if plan.cupboard_y is None else plan.door_angle > 0)


def _fronts(plan: CounterPlan) -> list[Block]:
    """Lines between the cabinet doors below the worktop, and their handles."""
    dark: Vec3 = (0.35 * plan.front[0], 0.35 * plan.front[1], 0.35 * plan.front[2])
    x = FRONT_X - 0.05
    found = []
    for k in range(-2, 3):
        found.append(Block((0.004, 0.006, 0.66), (x, 0.45 * k, -0.40), dark))
        found.append(Block((0.024, 0.14, 0.012), (x + 0.012, 0.45 * k + 0.225, -0.14), _STEEL))
    return found


def _sink(basin: Rect) -> list[Block]:
    (x0, x1), (y0, y1) = basin.x, basin.y
    mx, my, sx, sy, deep = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, 0.16
    rim, t = 0.004, 0.014
    dark: Vec3 = (0.52, 0.54, 0.56)
    return [
        Block((sx, sy, t), (mx, my, -deep), dark),
        Block((t, sy + 2 * t, deep + rim), (x0, my, (rim - deep) / 2), _STEEL),
        Block((t, sy + 2 * t, deep + rim), (x1, my, (rim - deep) / 2), _STEEL),
        Block((sx, t, deep + rim), (mx, y0, (rim - deep) / 2), _STEEL),
        Block((sx, t, deep + rim), (mx, y1, (rim - deep) / 2), _STEEL),
        Block((0.05, 0.05, 0.006), (mx, my, -deep + t / 2 + 0.003), (0.2, 0.2, 0.2), round=True),
        Block((0.036, 0.036, 0.20), (x0 - 0.055, my, 0.10), _STEEL, round=True),
        Block((0.17, 0.024, 0.024), (x0 + 0.015, my, 0.20), _STEEL),
        Block((0.022, 0.022, 0.035), (x0 + 0.09, my, 0.175), _STEEL, round=True),
    ]


def _hob(x: float, y: float) -> list[Block]:
    found = [Block((0.46, 0.52, 0.006), (x, y, 0.003), (0.08, 0.08, 0.09))]
    for dx, dy, wide in ((-0.11, -0.13, 0.17), (-0.11, 0.13, 0.14), (0.11, -0.13, 0.14), (0.11, 0.13, 0.19)):
        found.append(Block((wide, wide, 0.003), (x + dx, y + dy, 0.0075), (0.42, 0.42, 0.43), round=True))
        found.append(Block((wide - 0.02, wide - 0.02, 0.003), (x + dx, y + dy, 0.0085), (0.13, 0.13, 0.14), round=True))
    return found


def _cupboard(plan: CounterPlan, y: float) -> list[Block]:
    """A box that is open towards +x, and the door on its hinge."""
    (deep, wide, high), t, paint = plan.cupboard_size, _BOARD, plan.cupboard
    x0 = WALL_X
    dim: Vec3 = (0.32 * paint[0] + 0.03, 0.32 * paint[1] + 0.03, 0.32 * paint[2] + 0.03)
    mid = x0 + deep / 2
    shell = [
        Block((deep, t, high), (mid, y - wide / 2 + t / 2, high / 2), paint),
        Block((deep, t, high), (mid, y + wide / 2 - t / 2, high / 2), paint),
        Block((deep, wide, t), (mid, y, high - t / 2), paint),
    ]
    inner = wide - 2 * t
    # Thin dark linings: the renderer throws no shadows into an open cupboard.
    lining = [
        Block((0.004, inner, high - t), (x0 + 0.002, y, (high - t) / 2), dim, "inside"),
        Block((deep - 0.004, 0.003, high - t), (mid, y - inner / 2 + 0.0015, (high - t) / 2), dim, "inside"),
        Block((deep - 0.004, 0.003, high - t), (mid, y + inner / 2 - 0.0015, (high - t) / 2), dim, "inside"),
        Block((deep - 0.004, inner, 0.003), (mid, y, 0.0015), dim, "inside"),
        Block((deep - 0.004, inner, 0.004), (mid, y, high * 0.52), paint, "inside"),
    ]
    angle, side = plan.door_angle, plan.hinge
    hinge = (x0 + deep, y + side * wide / 2)
    # Shut, the door runs from its hinge along -side * y; it swings out towards +x.
    along = (math.sin(angle), -side * math.cos(angle))
    out = (math.cos(angle), side * math.sin(angle))
    turn = (0.0, 0.0, math.sin(side * angle / 2), math.cos(side * angle / 2))

    def at(reach: float, off: float, z: float) -> Vec3:
        return (hinge[0] + reach * along[0] + off * out[0], hinge[1] + reach * along[1] + off * out[1], z)

    door = Block((t, wide, high - 0.012), at(wide / 2, t / 2, high / 2 + 0.006), paint, "door", turn)
    grip = Block((0.026, 0.016, 0.09), at(wide - 0.035, t + 0.013, high * 0.5), _STEEL, "door", turn)
    return [*shell, *lining, door, grip]


def _cupboard_room(plan: CounterPlan, y: float) -> list[Rect]:
    """Return where nothing may stand: the cupboard, and what its door covers where it is swung to."""
    deep, wide, _ = plan.cupboard_size
    x = WALL_X + deep
    found = [Rect((WALL_X, x + _BOARD + 0.03), (y - wide / 2 - 0.01, y + wide / 2 + 0.01))]
    if plan.door_angle > 0:
        edge = y + plan.hinge * wide / 2
        for share in (0.125, 0.375, 0.625, 0.875):
            u = x + share * wide * math.sin(plan.door_angle)
            v = edge - plan.hinge * share * wide * math.cos(plan.door_angle)
            half = wide / 8 + 0.02
            found.append(Rect((u - half, u + half), (v - half, v + half)))
    return found


@dataclass(frozen=True)
class ShelfPlan:
    """Measures and paints of a shelf whose front looks towards +x.

    Attributes:
        paint: Of boards and sides.
        texture: Texture of the boards, or -1.
        back: Paint of the upright board behind.
        back_texture: Its texture, or -1.
        wall: Paint of the wall behind the shelf.
        width: Along y between the sides, [m].
        depth: Of the boards, [m].
        heights: Of the boards' upper faces, lowest first, [m].
        room: Free height between two boards, [m].
    """

    paint: Vec3
    texture: int
    back: Vec3
    back_texture: int
    wall: Vec3
    width: float = 0.84
    depth: float = 0.30
    heights: tuple[float, ...] = (0.0, 0.27)
    room: float = 0.25


SHELF_BACK = 0.36
"""Front face of a shelf's back board, [m]."""


def shelf(plan: ShelfPlan) -> Furniture:
    """Build a shelf with one board for each height, and one more on top."""
    t, x0, deep, wide = 0.018, SHELF_BACK, plan.depth, plan.width
    step = plan.room + t
    top = plan.heights[-1] + step
    low = plan.heights[0] - 0.10
    tall = top - low
    shade: Vec3 = (0.8 * plan.paint[0], 0.8 * plan.paint[1], 0.8 * plan.paint[2])
    blocks = [
        Block((deep, wide, t), (x0 + deep / 2, 0.0, z - t / 2), plan.paint, "surface", UPRIGHT, plan.texture, (3, 8))
        for z in plan.heights
    ]
    blocks += [
        Block((deep, wide, t), (x0 + deep / 2, 0.0, top - t / 2), plan.paint, "surface"),
        *(
            Block((deep, t, tall), (x0 + deep / 2, side * (wide + t) / 2, low + tall / 2), shade, "surface")
            for side in (-1, 1)
        ),
        Block((deep - 0.02, wide, 0.10 - t), (x0 + deep / 2 - 0.01, 0.0, low + 0.05 - t / 2), shade, "surface"),
        Block(
            (tall, wide + 2 * t, 0.012),
            (x0 - 0.006, 0.0, low + tall / 2),
            plan.back,
            quat_xyzw=FACING_FRONT,
            texture=plan.back_texture,
            cells=(8, 8),
        ),
        Block((0.02, 5.0, 3.0), (x0 - 0.03, 0.0, low + 1.5), plan.wall),
    ]
    area = Rect((x0 + 0.004, x0 + deep - 0.004), (-wide / 2 + 0.006, wide / 2 - 0.006))
    return Furniture("shelf", tuple(blocks), tuple(Level(z, area, plan.room) for z in plan.heights))
