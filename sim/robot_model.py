"""The Panda of ``pybullet_data`` with its visual meshes thinned out.

Its hundred thousand faces would cost more than all other things in a picture. Points are merged per cell of a few
millimeters, which is less than a pixel of our cameras; collision shapes and inertias stay as they are.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import pybullet_data

from .meshes import cache_folder

CELL = 0.009
"""Edge of the cells whose points are merged, [m]."""
FINE_CELL = 0.003
"""The same for hand and fingers, [m]."""
_FINE = ("hand", "finger")
_VERSION = "1"


@functools.cache
def panda_urdf() -> str:
    """Return the path of a URDF of the Panda with light visual meshes, made once per user."""
    source = Path(pybullet_data.getDataPath()) / "franka_panda"
    urdf = (source / "panda.urdf").read_text()
    key = hashlib.sha256(f"{_VERSION} {CELL} {FINE_CELL} {source} {urdf}".encode()).hexdigest()[:12]
    folder = cache_folder() / f"panda-{key}"
    if not (folder / "panda.urdf").exists():
        spare = Path(tempfile.mkdtemp(prefix="panda-", dir=cache_folder()))
        for path in sorted((source / "meshes" / "visual").iterdir()):
            if path.suffix == ".obj":
                cell = FINE_CELL if path.stem in _FINE else CELL
                (spare / path.name).write_text(thinned(path.read_text(), cell))
            else:
                shutil.copyfile(path, spare / path.name)
        text = urdf.replace("package://meshes/visual", str(folder))
        (spare / "panda.urdf").write_text(text.replace("package://meshes", str(source / "meshes")))
        try:
            os.rename(spare, folder)
        except OSError:  # another process was faster
            shutil.rmtree(spare)
    return str(folder / "panda.urdf")


def thinned(obj: str, cell: float) -> str:
    """Merge the points of an OBJ text that share a cell of edge ``cell`` [m]; groups, materials and normals stay.

    A triangle that shrinks to a line is left out.
    """
    points: list[tuple[float, float, float]] = []
    merged: dict[tuple[str, int, int, int], int] = {}
    sums: list[list[float]] = []
    kept: list[str] = []
    material = ""
    for line in obj.splitlines():
        word, _, rest = line.partition(" ")
        if word == "v":
            x, y, z = (float(v) for v in rest.split()[:3])
            points.append((x, y, z))
        elif word == "f":
            corners = []
            for corner in rest.split():
                index, slash, more = corner.partition("/")
                x, y, z = points[int(index) - 1]
                spot = (material, round(x / cell), round(y / cell), round(z / cell))
                if spot not in merged:
                    merged[spot] = len(sums)
                    sums.append([0.0, 0.0, 0.0, 0.0])
                total = sums[merged[spot]]
                for axis, value in enumerate((x, y, z, 1.0)):
                    total[axis] += value
                corners.append((merged[spot] + 1, slash + more))
            if len({index for index, _ in corners}) == len(corners):
                kept.append("f " + " ".join(f"{index}{more}" for index, more in corners))
        else:
            if word == "usemtl":
                material = rest
            kept.append(line)
    vertices = [f"v {x / n:.5f} {y / n:.5f} {z / n:.5f}" for x, y, z, n in sums]
    head = [line for line in kept if line.startswith(("mtllib", "#"))]
    return "\n".join([*head, *vertices, *(line for line in kept if line not in head)]) + "\n"
