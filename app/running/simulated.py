"""Where the things of a simulated scene stand, filed in the trace beside what the robot knows of them."""

from __future__ import annotations

import math
from typing import Final

from ...sim.world import World
from ...trees.foxglove.messages import Solid, solids
from ...trees.ticking.outcome import Ticked
from ...trees.tracing.channels import nanos
from ...trees.tracing.trace import TraceWriter

TOPIC: Final = "/simulated"
PERIOD: Final = 0.2
"""Least time between two messages, run clock, [s]."""
_MOVED: Final = 0.001
"""Things that moved less are not told again, [m]; turns count by half of the rotation's sine, so 1 mrad."""
_TIE: Final = 1e-9

_Numbers = tuple[float, ...]


class SimulatedPoses:
    """Writes the poses of the objects of a world as they change; hears each tick.

    This is the truth of the simulator. No node and no model is given it.

    Args:
        world: The world.
        trace: Where to.
    """

    def __init__(self, world: World, trace: TraceWriter) -> None:
        self._world, self._trace = world, trace
        self._told: dict[int, _Numbers] = {}
        self._due = -math.inf

    def __call__(self, ticked: Ticked) -> None:
        """Write what moved, if it is time."""
        if ticked.now < self._due - _TIE:
            return
        self._due = ticked.now + PERIOD
        moved = [found for index in range(len(self._world.objects)) if (found := self._moved(index)) is not None]
        if moved:
            time_ns, tick = nanos(ticked.now), ticked.tick
            self._trace.put(TOPIC, ticked.now, lambda: {"tick": tick, **solids(moved, time_ns)})

    def _moved(self, index: int) -> Solid | None:
        xyz, quat = self._world.pose(index)
        pose = (*xyz, *quat)
        told = self._told.get(index)
        if told is not None and max(abs(a - b) for a, b in zip(pose, told, strict=True)) < _MOVED:
            return None
        self._told[index] = pose
        spec = self._world.objects[index].spec
        return Solid(f"{index} {spec.name}", spec.name, xyz, quat, spec.size, spec.paint)
