"""The robot as the 3-D view draws it: its chain of frames and its own meshes, for arms that this project knows."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..robots.panda import TCP_FROM_HAND, panda

KNOWN: Final = ("panda", "kinematic", "franka")
"""Drivers whose arm is a Panda, or has its geometry."""
_HAND, _LEFT, _RIGHT = 8, 9, 10
_PARTS: Final = (
    *((f"link{k}", k) for k in range(8)),
    ("hand", _HAND),
    ("finger", _LEFT),
    ("finger", _RIGHT),
)
"""Mesh file and the frame that it is fixed to: base, seven links, hand, left and right finger."""
_FINGER_Z: Final = 0.0584
_PALE: Final = (0.86, 0.87, 0.88)


def figure(robot: str) -> dict[str, Any]:
    """Return how the frames of a robot follow from what a trace holds of it, empty for one that is not known.

    ``origins`` are ``parent_from_joint`` at zero angle, each joint turning about its z axis; ``hand`` is
    ``last_from_hand``; a finger stands ``finger`` [m] along z of the hand and half the opening along its y axis, the
    right one turned by half a circle. Matrices are row by row, [m]. ``parts`` says which corners of the mesh belong to
    which frame: 0 for the base, 1 to 7 for the links, 8 for the hand, 9 and 10 for the fingers.
    """
    if robot not in KNOWN:
        return {}
    arm = panda()
    hand = arm.last_from_tcp.copy()
    hand[2, 3] -= TCP_FROM_HAND
    parts, begin = [], 0
    for name, frame in _PARTS:
        count = len(_mesh(name))
        parts.append({"frame": frame, "begin": begin, "count": count})
        begin += count
    return {
        "name": robot,
        "base": arm.world_from_base.matrix.ravel().tolist(),
        "origins": [each.ravel().tolist() for each in arm.origins],
        "hand": hand.ravel().tolist(),
        "finger": _FINGER_Z,
        "home": arm.home.tolist(),
        "parts": parts,
    }


def mesh_bytes(robot: str) -> bytes:
    """Return the corners of all triangles as little-endian float32: position [m], normal, color, nine numbers each."""
    if robot not in KNOWN:
        return b""
    return np.concatenate([_mesh(name) for name, _ in _PARTS]).astype("<f4").tobytes()


@functools.cache
def _mesh(name: str) -> npt.NDArray[np.float32]:
    """Return the corners of a part, shape (3 N, 9)."""
    return _read(_folder() / f"{name}.obj")


@functools.cache
def _folder() -> Path:
    """Return a folder with the meshes of all parts: visual ones where there are, thinned out."""
    from ..sim.robot_model import panda_urdf

    return Path(panda_urdf()).parent


def _read(file: Path) -> npt.NDArray[np.float32]:
    """Return the corners of the triangles of an OBJ file; faces with more corners are cut into fans."""
    if not file.exists():
        import pybullet_data

        file = Path(pybullet_data.getDataPath()) / "franka_panda" / "meshes" / "collision" / file.name
    points: list[list[str]] = []
    corners: list[list[str]] = []
    paints: list[tuple[float, ...]] = []
    colors: dict[str, tuple[float, ...]] = {}
    color: tuple[float, ...] = _PALE
    for line in file.read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word == "v":
            points.append(rest.split()[:3])
        elif word == "mtllib":
            colors = _materials(file.with_name(rest.strip()))
        elif word == "usemtl":
            color = colors.get(rest.strip(), _PALE)
        elif word == "f":
            face = [each.partition("/")[0] for each in rest.split()]
            corners += ([face[0], *face[at : at + 2]] for at in range(1, len(face) - 1))
            paints += [color] * (len(face) - 2)
    places = np.array(points, dtype=np.float32)[np.array(corners, dtype=np.int64) - 1]
    normals = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    flat = [places, *(np.broadcast_to(each[:, None], places.shape) for each in (normals, np.array(paints)))]
    return np.concatenate(flat, axis=2).reshape(-1, 9).astype(np.float32)


def _materials(file: Path) -> dict[str, tuple[float, ...]]:
    """Return name → diffuse color of a material file, empty where there is none."""
    found: dict[str, tuple[float, ...]] = {}
    name = ""
    for line in file.read_text().splitlines() if file.exists() else ():
        word, _, rest = line.strip().partition(" ")
        if word == "newmtl":
            name = rest.strip()
        elif word == "Kd":
            found[name] = tuple(float(each) for each in rest.split()[:3])
    return found
