"""A bench for single leaves: the kinematic driver, the scripted backend, and time that passes when it is told to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from knothole.behaviors.blackboard import UNSET, Cell
from knothole.behaviors.context import Context
from knothole.behaviors.node import NODES, Wiring
from knothole.behaviors.step import INVALID, RUNNING, Status
from knothole.robots.contract import DRIVERS, DriverOptions, Robot
from knothole.robots.pixels import world_to_pixels
from knothole.vlm.broker import Broker
from knothole.vlm.scripted import Scripted

PERIOD = 0.05


class Bench:
    """Build leaves and tick them as a run does.

    Args:
        script: Question → answer.
        robot: The driver; the kinematic one without props when left out.
        latency: Of the backend, on the stepped clock, [s].
    """

    def __init__(
        self, script: Mapping[str, object] | None = None, robot: Robot | None = None, latency: float = 0.0
    ) -> None:
        self.robot: Any = robot or DRIVERS.get("kinematic")(DriverOptions())
        self.broker = Broker(Scripted(script or {"*": "no"}), stepped=True, latency=latency)
        self.context = Context(self.robot, self.broker, now=self.robot.now(), rng=np.random.default_rng(0))
        self.said: list[str] = []
        self.pictures: list[str] = []
        self.context.say = self.said.append
        self.context.frames = lambda frame: self.pictures.append(frame.id)
        self.cells: dict[str, Cell] = {}
        self._ticked: dict[int, int] = {}

    def leaf(self, name: str, **values: object) -> Any:
        """Build a registered leaf with constant port values; its outputs land in ``cells``."""
        cls = NODES.get(name)
        inputs, outputs = {}, {}
        for port in getattr(cls, "ports", ()):
            if port.direction == "in" or port.name in values:
                inputs[port.name] = _value(values.get(port.name, port.default))
            else:
                outputs[port.name] = self.cells.setdefault(port.name, Cell(port.name))
        return cls(Wiring(name, name, None, inputs, outputs, context=self.context))

    def out(self, port: str) -> object:
        """Return what a leaf wrote, ``UNSET`` when nothing."""
        return self.cells[port].value if port in self.cells else UNSET

    def tick(self, leaf: Any) -> Status:
        """Let one period pass, deliver answers, tick, send questions."""
        if self.context.tick:
            self.robot.advance(self.context.now + PERIOD)
        self.context.tick += 1
        self.context.now = self.robot.now()
        self.broker.collect(self.context.now)
        status: Status = leaf._t()
        self.broker.flush(self.context.now)
        return status

    def ticks(self, leaf: Any, count: int) -> list[str]:
        """Tick a number of times; return the first letters of the statuses."""
        return [self.tick(leaf).name[0] for _ in range(count)]

    def run(self, leaf: Any, limit: float = 60.0) -> Status:
        """Tick until the leaf is not RUNNING."""
        until = self.context.now + limit
        while (status := self.tick(leaf)) is RUNNING:
            assert self.context.now < until, f"still running: {leaf.feedback_message}"
        return status

    def halt(self, leaf: Any) -> None:
        """Leave a leaf, as a parent that decides otherwise."""
        leaf._x(INVALID)


def _value(value: object) -> Any:
    return value if callable(value) else lambda: value


def box_of(robot: Any, name: str) -> list[float]:
    """Return the box of a prop in the table camera's picture, relative to the image: what a perfect model would say."""
    frame = robot.capture("table")
    prop = next(prop for prop in robot.props if prop.name == name)
    signs = np.array([[a, b, c] for a in (-0.5, 0.5) for b in (-0.5, 0.5) for c in (-0.5, 0.5)])
    uv = world_to_pixels(frame, prop.pose.apply(signs * np.array(prop.size)))
    low, high = uv.min(axis=0), uv.max(axis=0) + 1.0
    width, height = frame.intrinsics.width, frame.intrinsics.height
    box = [low[0] / width, low[1] / height, high[0] / width, high[1] / height]
    return [float(np.clip(v, 0.0, 1.0)) for v in box]


def region(robot: Any, name: str, **more: object) -> dict[str, object]:
    """Return a scripted answer of ``ground`` for a prop."""
    return {"box": box_of(robot, name), "label": name, **more}
