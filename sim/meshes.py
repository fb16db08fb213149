"""Unit meshes of the catalogue and the PyBullet shapes made from them.

OBJ files are written once into a per-user cache folder under names that carry a hash of their content, so that
several processes share them. TinyRenderer culls back faces, so every face winds outward.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .objects import FLOOR, TRAY_WALL

Array = npt.NDArray[np.float64]
Profile = tuple[tuple[float, float], ...]

_PROFILES: dict[str, Profile] = {
    # (radius, height) from the foot's center over the outside to the axis again; unit box is [-0.5, 0.5].
    "can": ((0, -0.5), (0.47, -0.5), (0.5, -0.47), (0.5, 0.45), (0.46, 0.5), (0.43, 0.5), (0.43, 0.46), (0, 0.46)),
    "bottle": (
        (0, -0.5),
        (0.46, -0.5),
        (0.5, -0.47),
        (0.5, 0.08),
        (0.46, 0.16),
        (0.34, 0.24),
        (0.20, 0.30),
        (0.20, 0.42),
        (0.25, 0.42),
        (0.25, 0.5),
        (0, 0.5),
    ),
    "ball": tuple((0.5 * math.sin(math.pi * k / 12), -0.5 * math.cos(math.pi * k / 12)) for k in range(13)),
    "mug": ((0, -0.5), (0.47, -0.5), (0.5, -0.46), (0.5, 0.5), (0.44, 0.5), (0.44, -0.42), (0, -0.42)),
    "bowl": (
        (0, -0.5),
        (0.26, -0.5),
        (0.38, -0.25),
        (0.46, 0.05),
        (0.5, 0.5),
        (0.47, 0.5),
        (0.43, 0.05),
        (0.35, -0.22),
        (0.22, -0.41),
        (0, -0.41),
    ),
    "plate": ((0, -0.5), (0.32, -0.5), (0.5, 0.3), (0.5, 0.5), (0.48, 0.5), (0.33, -0.15), (0, -0.15)),
}
_SEGMENTS: dict[str, int] = {"can": 24, "bottle": 24, "ball": 20, "mug": 24, "bowl": 28, "plate": 32}


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh: corners (N, 3, 3) and corner normals (N, 3, 3)."""

    corners: Array
    normals: Array

    @property
    def points(self) -> Array:
        """Distinct corner points, shape (M, 3)."""
        return np.unique(self.corners.reshape(-1, 3).round(6), axis=0)


def _lathe(profile: Profile, segments: int) -> Mesh:
    angle = 2 * np.pi * np.arange(segments + 1) / segments
    cos, sin = np.cos(angle), np.sin(angle)
    corners: list[list[Array]] = []
    normals: list[list[Array]] = []
    for (r0, z0), (r1, z1) in itertools.pairwise(profile):
        out_r, out_z = z1 - z0, r0 - r1
        length = math.hypot(out_r, out_z)
        out_r, out_z = out_r / length, out_z / length
        for k in range(segments):

            def at(r: float, z: float, j: int) -> Array:
                return np.array([r * cos[j], r * sin[j], z])

            a, b, c, d = at(r0, z0, k), at(r0, z0, k + 1), at(r1, z1, k + 1), at(r1, z1, k)
            na, nb = (np.array([out_r * cos[j], out_r * sin[j], out_z]) for j in (k, k + 1))
            if r0 > 0:
                corners.append([a, b, c])
                normals.append([na, nb, nb])
            if r1 > 0:
                corners.append([a, c, d])
                normals.append([na, nb, na])
    return Mesh(np.array(corners), np.array(normals))


def _smooth(mesh: Mesh) -> Mesh:
    """Return the mesh with each normal along its point (for a sphere around the origin)."""
    return Mesh(mesh.corners, mesh.corners / np.linalg.norm(mesh.corners, axis=2, keepdims=True))


def _box(low: Sequence[float], high: Sequence[float]) -> Mesh:
    corners, normals = [], []
    mid, half = (np.array(low) + high) / 2, (np.array(high) - low) / 2
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for sign in (-1.0, 1.0):
            normal = np.zeros(3)
            normal[axis] = sign
            quad = []
            for su, sv in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                point = mid.copy()
                point[axis] += sign * half[axis]
                point[u] += su * half[u]
                point[v] += sv * half[v]
                quad.append(point)
            if sign < 0:
                quad.reverse()
            corners += [[quad[0], quad[1], quad[2]], [quad[0], quad[2], quad[3]]]
            normals += [[normal] * 3] * 2
    return Mesh(np.array(corners), np.array(normals))


def _handle() -> Mesh:
    """A mug's ear: half an ellipse in the xz plane, a round tube."""
    bend, ring, tube = 12, 8, 0.055
    theta = np.linspace(-np.pi / 2, np.pi / 2, bend + 1)
    mid = np.stack([0.45 + 0.36 * np.cos(theta), 0 * theta, 0.30 * np.sin(theta)], axis=1)
    out = np.stack([np.cos(theta), 0 * theta, np.sin(theta)], axis=1)
    side = np.array([0.0, 1.0, 0.0])
    corners, normals = [], []
    for i in range(bend):
        for k in range(ring):
            quad, face = [], []
            for j, m in ((i, k), (i + 1, k), (i + 1, k + 1), (i, k + 1)):
                phi = 2 * np.pi * m / ring
                normal = np.cos(phi) * out[j] + np.sin(phi) * side
                quad.append(mid[j] + tube * normal)
                face.append(normal)
            if np.dot(np.cross(quad[1] - quad[0], quad[2] - quad[0]), face[0]) < 0:
                quad.reverse()
                face.reverse()
            corners += [[quad[0], quad[1], quad[2]], [quad[0], quad[2], quad[3]]]
            normals += [[face[0], face[1], face[2]], [face[0], face[2], face[3]]]
    return Mesh(np.array(corners), np.array(normals))


def _join(parts: Sequence[Mesh]) -> Mesh:
    return Mesh(np.concatenate([m.corners for m in parts]), np.concatenate([m.normals for m in parts]))


def _tray_parts() -> list[Mesh]:
    wx, wy, top = TRAY_WALL[0], TRAY_WALL[1], -0.5 + FLOOR["tray"]
    return [
        _box((-0.5, -0.5, -0.5), (0.5, 0.5, top)),
        _box((-0.5, -0.5, top), (-0.5 + wx, 0.5, 0.5)),
        _box((0.5 - wx, -0.5, top), (0.5, 0.5, 0.5)),
        _box((-0.5 + wx, -0.5, top), (0.5 - wx, -0.5 + wy, 0.5)),
        _box((-0.5 + wx, 0.5 - wy, top), (0.5 - wx, 0.5, 0.5)),
    ]


@functools.cache
def unit_mesh(shape: str) -> Mesh:
    """Return the visible unit mesh of a shape."""
    if shape == "cube":
        return _box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5))
    if shape == "tray":
        return _join(_tray_parts())
    body = _lathe(_PROFILES[shape], _SEGMENTS[shape])
    if shape == "ball":
        return _smooth(body)
    return _join([body, _handle()]) if shape == "mug" else body


def _wedges(rings: Sequence[tuple[tuple[float, float], ...]], count: int) -> list[Array]:
    """Cut rings of revolution into convex pieces: each ring is a convex quad (r, z) turned over 1/count of a circle."""
    pieces = []
    for quad in rings:
        for k in range(count):
            points = []
            for angle in (2 * np.pi * k / count, 2 * np.pi * (k + 1) / count):
                points += [(r * np.cos(angle), r * np.sin(angle), z) for r, z in quad]
            pieces.append(np.array(points))
    return pieces


def _drum(radius: float, low: float, high: float, upper: float | None = None, count: int = 24) -> Array:
    angle = 2 * np.pi * np.arange(count) / count
    top = radius if upper is None else upper
    return np.concatenate(
        [np.stack([r * np.cos(angle), r * np.sin(angle), z + 0 * angle], 1) for r, z in ((radius, low), (top, high))]
    )


@functools.cache
def unit_hulls(shape: str) -> tuple[Array, ...]:
    """Return the convex pieces, each (N, 3), that stand for a shape in collisions."""
    if shape == "bottle":
        return (
            _drum(0.5, -0.5, 0.08),
            _drum(0.5, 0.08, 0.24, 0.34),
            _drum(0.34, 0.24, 0.30, 0.24),
            _drum(0.24, 0.30, 0.5),
        )
    if shape == "tray":
        return tuple(m.points for m in _tray_parts())
    if shape == "mug":
        wall = _wedges([((0.44, -0.42), (0.5, -0.42), (0.5, 0.5), (0.44, 0.5))], 12)
        ear = [
            _box((0.44, -0.05, 0.24), (0.80, 0.05, 0.34)).points,
            _box((0.44, -0.05, -0.34), (0.80, 0.05, -0.24)).points,
            _box((0.72, -0.05, -0.24), (0.84, 0.05, 0.24)).points,
        ]
        return (_drum(0.5, -0.5, -0.42), *wall, *ear)
    if shape == "bowl":
        low = ((0.22, -0.41), (0.27, -0.45), (0.46, 0.05), (0.43, 0.05))
        high = ((0.43, 0.05), (0.46, 0.05), (0.5, 0.5), (0.47, 0.5))
        return (_drum(0.26, -0.5, -0.41), *_wedges([low, high], 14))
    if shape == "plate":
        rim = ((0.33, -0.4), (0.5, 0.3), (0.48, 0.5), (0.33, -0.15))
        return (_drum(0.33, -0.5, -0.15), *_wedges([rim], 16))
    return (unit_mesh(shape).points,)


def cache_folder() -> Path:
    """Return the per-user folder for generated files; made when missing."""
    folder = Path(tempfile.gettempdir()) / f"knothole-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def cached(stem: str, suffix: str, content: bytes) -> str:
    """Write ``content`` once and return the path of the file."""
    path = cache_folder() / f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
    if not path.exists():
        spare = path.with_suffix(f".{os.getpid()}.tmp")
        spare.write_bytes(content)
        os.replace(spare, path)
    return str(path)


def _obj_text(mesh: Mesh) -> str:
    lines = []
    for point in mesh.corners.reshape(-1, 3):
        lines.append("v {:.5f} {:.5f} {:.5f}".format(*point))
    for normal in mesh.normals.reshape(-1, 3):
        lines.append("vn {:.4f} {:.4f} {:.4f}".format(*normal))
    for k in range(len(mesh.corners)):
        a = 3 * k + 1
        lines.append(f"f {a}//{a} {a + 1}//{a + 1} {a + 2}//{a + 2}")
    return "\n".join(lines) + "\n"


@functools.cache
def visual_file(shape: str) -> str:
    """Return the path of the OBJ of a shape's visible unit mesh."""
    return cached(shape, ".obj", _obj_text(unit_mesh(shape)).encode())


@functools.cache
def skirt_file() -> str:
    """Return the path of the four upright sides of a unit box, without top and bottom."""
    box = unit_mesh("cube")
    sides = box.normals[:, 0, 2] == 0
    return cached("skirt", ".obj", _obj_text(Mesh(box.corners[sides], box.normals[sides])).encode())


@functools.cache
def collision_file(shape: str) -> str:
    """Return the path of an OBJ with one group for each convex piece."""
    lines, base = [], 1
    for index, hull in enumerate(unit_hulls(shape)):
        lines.append(f"o part{index}")
        lines += ["v {:.5f} {:.5f} {:.5f}".format(*point) for point in hull]
        lines += [f"f {base + k} {base + k + 1} {base + k + 2}" for k in range(len(hull) - 2)]
        base += len(hull)
    return cached(f"{shape}-hulls", ".obj", ("\n".join(lines) + "\n").encode())


@functools.cache
def grid_file(cells: int, repeat: int = 1) -> str:
    """Return the path of a finely cut unit square with texture coordinates that repeat so often.

    TinyRenderer interpolates texture coordinates without perspective, so a large face would show a bent texture.
    """
    lines = []
    for i in range(cells + 1):
        for j in range(cells + 1):
            lines.append(f"v {i / cells - 0.5:.5f} {j / cells - 0.5:.5f} 0")
    for i in range(cells + 1):
        for j in range(cells + 1):
            lines.append(f"vt {repeat * i / cells:.5f} {repeat * j / cells:.5f}")
    lines.append("vn 0 0 1")
    for i in range(cells):
        for j in range(cells):
            a = i * (cells + 1) + j + 1
            b = a + cells + 1
            lines.append(f"f {a}/{a}/1 {b}/{b}/1 {b + 1}/{b + 1}/1")
            lines.append(f"f {a}/{a}/1 {b + 1}/{b + 1}/1 {a + 1}/{a + 1}/1")
    return cached("grid", ".obj", ("\n".join(lines) + "\n").encode())


@functools.cache
def slab_file(cells: tuple[int, int], hole: tuple[int, int, int, int] | None = None, repeat: int = 1) -> str:
    """Return the path of a unit box whose upper face is finely cut and has texture coordinates.

    Args:
        cells: Number of cells along x and y.
        hole: Cells left open: first and one past the last along x, then along y; None leaves none.
        repeat: How often a texture repeats along y.
    """
    nx, ny = cells
    lines = [f"v {i / nx - 0.5:.5f} {j / ny - 0.5:.5f} 0.5" for i in range(nx + 1) for j in range(ny + 1)]
    lines += [f"vt {i / nx:.5f} {repeat * j / ny:.5f}" for i in range(nx + 1) for j in range(ny + 1)]
    lines.append("vn 0 0 1")
    for i, j in itertools.product(range(nx), range(ny)):
        if hole is not None and hole[0] <= i < hole[1] and hole[2] <= j < hole[3]:
            continue
        a = i * (ny + 1) + j + 1
        b = a + ny + 1
        lines.append(f"f {a}/{a}/1 {b}/{b}/1 {b + 1}/{b + 1}/1")
        lines.append(f"f {a}/{a}/1 {b + 1}/{b + 1}/1 {a + 1}/{a + 1}/1")
    box = unit_mesh("cube")
    base, turns = (nx + 1) * (ny + 1), 1
    for corners, normals in zip(box.corners, box.normals, strict=True):
        if normals[0, 2] > 0:
            continue
        lines += ["v {:.5f} {:.5f} {:.5f}".format(*point) for point in corners]
        lines.append("vn {:.0f} {:.0f} {:.0f}".format(*normals[0]))
        turns += 1
        lines.append("f " + " ".join(f"{base + k}/1/{turns}" for k in (1, 2, 3)))
        base += 3
    return cached("slab", ".obj", ("\n".join(lines) + "\n").encode())
