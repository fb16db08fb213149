"""What a world has besides objects and robot: table or furniture, and the floor."""

from __future__ import annotations

import pybullet as p

from . import meshes
from .furniture import Block, Furniture
from .look import Look, texture_file

_MOST = 16
"""PyBullet takes so many shapes for one body."""


class Surroundings:
    """Table or furniture of one PyBullet client.

    Args:
        client: PyBullet's physicsClientId.
        physics: Whether things can stand on it and bump into it.
    """

    def __init__(self, client: int, physics: bool) -> None:
        self._client, self._physics = client, physics
        self._textures: dict[int, int] = {}
        self._look: Look | None = None
        self._furniture: Furniture | None = None
        self._top = self._edge = self._floor = self._slab = -1
        self._blocks: list[tuple[int, str]] = []

    def dress(self, look: Look, furniture: Furniture | None) -> None:
        """Build and paint what ``look`` and ``furniture`` say; None is the table."""
        old = self._look
        if look == old and furniture == self._furniture:
            return
        if old is None or furniture != self._furniture or look.table_size != old.table_size:
            self._clear()
            if furniture is None:
                self._build_table(look)
            else:
                self._build(furniture)
            # The floor comes last: pixels that the table hides are then tested and not painted.
            self._build_floor(look, furniture)
        elif (old.floor_texture < 0) != (look.floor_texture < 0):
            p.removeBody(self._floor, physicsClientId=self._client)
            self._build_floor(look, furniture)
        if furniture is None:
            r, g, b = look.table
            self._color(self._top, (r, g, b), look.texture)
            p.changeVisualShape(self._edge, -1, rgbaColor=[0.8 * r, 0.8 * g, 0.8 * b, 1], physicsClientId=self._client)
        self._color(self._floor, look.floor, look.floor_texture)
        self._look, self._furniture = look, furniture

    @property
    def surface_ids(self) -> tuple[int, ...]:
        """Body ids of what objects stand on: the table's top and edge, a worktop, the boards of a shelf."""
        if self._furniture is None:
            return (self._top, self._edge)
        return self.part_ids("surface")

    @property
    def door_ids(self) -> tuple[int, ...]:
        """Body ids of the cupboard's door and of what it shows when it is open."""
        return (*self.part_ids("door"), *self.part_ids("inside"))

    def part_ids(self, part: str) -> tuple[int, ...]:
        """Body ids of one part of the furniture."""
        return tuple(body for body, kind in self._blocks if kind == part)

    def _clear(self) -> None:
        for body in (self._top, self._edge, self._floor, self._slab, *(body for body, _ in self._blocks)):
            if body >= 0:
                p.removeBody(body, physicsClientId=self._client)
        self._top = self._edge = self._floor = self._slab = -1
        self._blocks = []

    def _build_table(self, look: Look) -> None:
        client, (sx, sy), x = self._client, look.table_size, 0.45
        if self._physics:
            self._slab = self._build_slab([0.4, 0, -0.05])
        top = p.createVisualShape(
            p.GEOM_MESH, fileName=meshes.grid_file(14), meshScale=[sx, sy, 1], physicsClientId=client
        )
        self._top = p.createMultiBody(0, -1, top, [x, 0, 0], physicsClientId=client)
        edge = p.createVisualShape(
            p.GEOM_MESH, fileName=meshes.skirt_file(), meshScale=[sx, sy, 0.04], physicsClientId=client
        )
        self._edge = p.createMultiBody(0, -1, edge, [x, 0, -0.02], physicsClientId=client)

    def _build_slab(self, xyz: list[float]) -> int:
        slab = p.createCollisionShape(p.GEOM_BOX, halfExtents=[2, 2, 0.05], physicsClientId=self._client)
        body = int(p.createMultiBody(0, slab, -1, xyz, physicsClientId=self._client))
        p.changeVisualShape(body, -1, rgbaColor=[0, 0, 0, 0], physicsClientId=self._client)
        self._rough(body)
        return body

    def _rough(self, body: int) -> None:
        p.changeDynamics(
            body, -1, lateralFriction=1.0, spinningFriction=0.01, rollingFriction=0.0, physicsClientId=self._client
        )

    def _build_floor(self, look: Look, furniture: Furniture | None) -> None:
        z = -0.74 if furniture is None else -0.90
        mesh = meshes.grid_file(4) if look.floor_texture < 0 else meshes.grid_file(12, 4)
        floor = p.createVisualShape(p.GEOM_MESH, fileName=mesh, meshScale=[8, 8, 1], physicsClientId=self._client)
        self._floor = p.createMultiBody(0, -1, floor, [0.5, 0, z], physicsClientId=self._client)
        if self._physics and furniture is not None and self._slab < 0:
            self._slab = self._build_slab([0.5, 0, z - 0.05])

    def _build(self, furniture: Furniture) -> None:
        plain: dict[str, list[Block]] = {}
        for block in furniture.blocks:
            if block.cells is None:
                plain.setdefault(block.part, []).append(block)
                continue
            body = self._build_slab_block(block)
            self._blocks.append((body, block.part))
        for part, blocks in plain.items():
            for first in range(0, len(blocks), _MOST):
                self._blocks.append((self._build_group(blocks[first : first + _MOST]), part))

    def _build_slab_block(self, block: Block) -> int:
        assert block.cells is not None
        visual = p.createVisualShape(
            p.GEOM_MESH,
            fileName=meshes.slab_file(block.cells, block.hole, 3 if block.cells[1] > 2 * block.cells[0] else 1),
            meshScale=list(block.size),
            rgbaColor=[*block.paint, 1],
            physicsClientId=self._client,
        )
        body = int(p.createMultiBody(0, -1, visual, block.xyz, block.quat_xyzw, physicsClientId=self._client))
        self._color(body, block.paint, block.texture)
        for solid in block.solids() if self._physics else ():
            self._blocks.append((self._build_group([solid], visible=False), "solid"))
        return body

    def _build_group(self, blocks: list[Block], visible: bool = True) -> int:
        shapes = {
            "shapeTypes": [p.GEOM_CYLINDER if b.round else p.GEOM_BOX for b in blocks],
            "halfExtents": [[v / 2 for v in b.size] for b in blocks],
            "radii": [b.size[0] / 2 for b in blocks],
            "lengths": [b.size[2] for b in blocks],
        }
        places, turns = [b.xyz for b in blocks], [b.quat_xyzw for b in blocks]
        visual = collision = -1
        if visible:
            visual = p.createVisualShapeArray(
                **shapes,
                visualFramePositions=places,
                visualFrameOrientations=turns,
                rgbaColors=[[*b.paint, 1] for b in blocks],
                physicsClientId=self._client,
            )
        if self._physics:
            collision = p.createCollisionShapeArray(
                **shapes,
                collisionFramePositions=places,
                collisionFrameOrientations=turns,
                physicsClientId=self._client,
            )
        body = int(p.createMultiBody(0, collision, visual, physicsClientId=self._client))
        if self._physics:
            self._rough(body)
            if not visible:
                p.changeVisualShape(body, -1, rgbaColor=[0, 0, 0, 0], physicsClientId=self._client)
        return body

    def _color(self, body: int, paint: tuple[float, float, float], texture: int) -> None:
        p.changeVisualShape(
            body,
            -1,
            rgbaColor=[*paint, 1],
            textureUniqueId=self._texture(texture),
            physicsClientId=self._client,
        )

    def _texture(self, index: int) -> int:
        if index < 0:
            return -1
        if index not in self._textures:
            self._textures[index] = p.loadTexture(texture_file(index), physicsClientId=self._client)
        return self._textures[index]
