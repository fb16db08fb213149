"""What every node must do. Authors of nodes run it over their own.

```python
from knothole.tests.contracts.behaviors import LeafContract, Sample

class TestWipe(LeafContract):
    sample = Sample("wipe", {"object": "the red cube"})
```

A composite or decorator is checked with ``NodeContract`` in the same way; it has the checks of the declaration only.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import py_trees
import pytest

from knothole.behaviors.means.effects import ANY, parse_fact
from knothole.behaviors.node import NODES, Leaf
from knothole.behaviors.ports import Port, is_port_type
from knothole.behaviors.step import FAILURE, INVALID, RUNNING, SUCCESS
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.robots.pixels import relative_box
from knothole.tests.rig import PERIOD, Bench

LONGEST = 90.0
"""Simulated time in which every sample must be done, [s]."""


@dataclass(frozen=True)
class Sample:
    """How to exercise one leaf.

    Attributes:
        name: Type key.
        values: Values of its input ports.
        script: Further answers of the scripted backend; ``the red cube`` and ``every loose object`` are known.
        before: Leaves that run first, with their values, such as a ``pick`` before a ``place``.
        still: False when it may leave the robot moving (no leaf of the package does).
    """

    name: str
    values: Mapping[str, object] = field(default_factory=dict)
    script: Mapping[str, object] = field(default_factory=dict)
    before: tuple[tuple[str, Mapping[str, object]], ...] = ()
    still: bool = True


class NodeContract:
    """Subclass it, set ``sample``, name the subclass ``Test…``."""

    sample: ClassVar[Sample]

    @property
    def cls(self) -> Any:
        return NODES.get(self.sample.name)

    @property
    def ports(self) -> tuple[Port, ...]:
        return tuple(self.cls.ports)

    def section(self, title: str) -> str:
        """Return one section of the docstring."""
        found = re.search(rf"^ *{title}:\n((?:(?: {{6,}}.*)?\n?)*)", self.cls.__doc__ or "", re.MULTILINE)
        assert found is not None, f"{self.cls.__name__} has no section {title!r} in its docstring"
        return found[1]

    def test_it_is_a_py_trees_node_of_a_known_kind(self):
        assert issubclass(self.cls, py_trees.behaviour.Behaviour)
        assert self.cls.kind in ("leaf", "composite", "decorator")
        assert re.fullmatch(r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_]+)?", self.sample.name)

    def test_its_docstring_begins_with_what_it_does(self):
        first = (self.cls.__doc__ or "").strip().splitlines()[0]
        assert first.endswith((".", ":"))
        assert first[0].isupper()

    def test_its_ports_are_declared_once_with_known_types(self):
        names = [port.name for port in self.ports]
        assert len(set(names)) == len(names)
        assert sum(port.main for port in self.ports) <= 1
        for port in self.ports:
            assert is_port_type(port.type)
            assert port.direction in ("in", "out", "inout")
            assert port.about, f"port {port.name} says nothing about itself"

    def test_its_ports_are_documented_with_direction_and_type(self):
        if not self.ports:
            return
        text = self.section("Ports")
        for port in self.ports:
            line = re.search(rf"^ *{port.name} \(([^)]*)\): \S", text, re.MULTILINE)
            assert line is not None, f"port {port.name} is not in the docstring"
            words = [word.strip() for word in line[1].split(",")]
            assert words[:2] == [port.direction, port.form], f"port {port.name} is documented as {line[1]}"
            assert ("main" in words) == port.main, f"port {port.name}: main"
            if port.default is not None and not port.required:
                assert any(word.startswith("default") for word in words), f"port {port.name} hides its default"
        documented = re.findall(r"^ {8}(\w+) \(", text, re.MULTILINE)
        assert sorted(documented) == sorted(port.name for port in self.ports)

    def test_its_facts_are_known_and_about_ports_that_name_things(self):
        ports = {port.name: port for port in self.ports if port.direction == "in"}
        for text in (*getattr(self.cls, "needs", ()), *getattr(self.cls, "effects", ())):
            for arg in parse_fact(text).args:
                assert arg == ANY or arg in ports, f"{text} is about {arg!r}, which is no input port"
                assert arg == ANY or ports[arg].type in ("any", "object", "text"), f"{text}: {arg!r} names no thing"

    def test_its_docstring_says_what_each_status_and_a_halt_means(self):
        assert re.search(r"\b(SUCCESS|FAILURE|RUNNING|SKIPPED)\b.*: ?", self.section("Status"))
        assert self.section("Halt").strip()


class LeafContract(NodeContract):
    """Runs the leaf on the kinematic robot with scripted answers."""

    def bench(self) -> Bench:
        robot: Any = DRIVERS.get("kinematic")(DriverOptions())
        frame = robot.capture("table")
        boxes = {prop.name: _box(robot, frame, prop) for prop in robot.props}
        loose = [{"box": boxes[p.name], "label": p.name} for p in robot.props if p.loose and boxes[p.name]]
        script: dict[str, object] = {
            **self.sample.script,
            "every loose object": loose,
            "the red cube": {"box": boxes["red cube"], "label": "red cube"},
            "the blue tray": {"box": boxes["blue tray"], "label": "blue tray"},
        }
        bench = Bench({**script, "*": "no"} if "*" not in script else script, robot, latency=2 * PERIOD)
        for name, values in self.sample.before:
            assert bench.run(bench.leaf(name, **values), LONGEST) is SUCCESS, f"{name}, which comes first, failed"
        return bench

    def leaf(self, bench: Bench) -> Any:
        return bench.leaf(self.sample.name, **self.sample.values)

    @pytest.fixture(autouse=True)
    def _no_waiting(self, monkeypatch):
        def waits(*_: object, **__: object) -> None:
            raise AssertionError("a leaf must not wait")

        monkeypatch.setattr(time, "sleep", waits)
        monkeypatch.setattr(threading.Condition, "wait", waits)

    def test_it_declares_no_hook_of_py_trees(self):
        for hook in ("tick", "update", "initialise", "terminate", "stop"):
            assert getattr(self.cls, hook) is getattr(Leaf, hook), f"write step, start and halt, not {hook}"

    def test_it_ends_with_a_status_and_a_failure_has_a_reason(self):
        bench = self.bench()
        leaf = self.leaf(bench)
        until = bench.context.now + LONGEST
        while (status := _tick(bench, leaf)) is RUNNING:
            assert bench.context.now < until, f"still running after {LONGEST} s: {leaf.feedback_message}"
        assert status in (SUCCESS, FAILURE) or (status is INVALID and leaf.skipped)
        assert status is not FAILURE or leaf.feedback_message.strip()

    def test_it_runs_again_after_it_ended(self):
        bench = self.bench()
        leaf = self.leaf(bench)
        for _ in range(2):
            bench.run(leaf, LONGEST)

    @pytest.mark.parametrize("ticks", [1, 2, 7, 40])
    def test_a_halt_leaves_the_robot_still_and_happens_once(self, ticks):
        bench = self.bench()
        leaf = self.leaf(bench)
        halts = []
        original = leaf.halt
        leaf.halt = lambda: (halts.append(1), original())
        statuses = [_tick(bench, leaf)]
        while len(statuses) < ticks and statuses[-1] is RUNNING:
            statuses.append(_tick(bench, leaf))
        leaf._x(INVALID)
        leaf._x(INVALID)
        assert len(halts) == (statuses[-1] is RUNNING)
        assert leaf.status is INVALID
        if self.sample.still:
            before = bench.robot.state()
            bench.robot.advance(bench.robot.now() + 1.0)
            after = bench.robot.state()
            assert np.allclose(before.q, after.q, atol=2e-3), "the arm goes on after the halt"
            assert abs(before.gripper_width - after.gripper_width) < 2e-3, "the fingers go on after the halt"

    def test_it_can_be_halted_and_started_again(self):
        bench = self.bench()
        leaf = self.leaf(bench)
        for _ in range(3):
            _tick(bench, leaf)
        leaf._x(INVALID)
        bench.run(leaf, LONGEST)

    @pytest.mark.parametrize("ticks", [1, 6, 25])
    def test_it_goes_on_after_a_pause_as_if_nothing_had_been(self, ticks):
        bench, other = self.bench(), self.bench()
        expected = other.run(self.leaf(other), LONGEST)
        leaf = self.leaf(bench)
        statuses = [_tick(bench, leaf) for _ in range(1)]
        while len(statuses) < ticks and statuses[-1] is RUNNING:
            statuses.append(_tick(bench, leaf))
        if statuses[-1] is RUNNING:
            leaf._pause()
            bench.robot.stop()
            _pass(bench, 3.0)
            leaf._resume()
            assert bench.run(leaf, LONGEST) is expected, leaf.feedback_message
        else:
            assert statuses[-1] is expected

    def test_it_reads_and_writes_declared_ports_only(self):
        bench = self.bench()
        leaf = self.leaf(bench)
        asked: list[str] = []
        get, put = leaf.get, leaf.put
        leaf.get = lambda port: (asked.append(port), get(port))[1]
        leaf.put = lambda port, value: (asked.append(port), put(port, value))[1]
        bench.run(leaf, LONGEST)
        assert set(asked) <= {port.name for port in self.ports}


def _tick(bench: Bench, leaf: Any) -> Any:
    """Tick as the bench does; the leaf may not move the clock of the robot."""
    before = leaf.step

    def step() -> Any:
        now = bench.robot.now()
        status = before()
        assert bench.robot.now() == now, "a leaf must not advance the world"
        return status

    leaf.step = step
    try:
        return bench.tick(leaf)
    finally:
        leaf.step = before


def _pass(bench: Bench, seconds: float) -> None:
    """Let time pass without ticking the leaf, as under a guard."""
    for _ in range(round(seconds / PERIOD)):
        bench.robot.advance(bench.context.now + PERIOD)
        bench.context.tick += 1
        bench.context.now = bench.robot.now()
        bench.broker.collect(bench.context.now)
        bench.broker.flush(bench.context.now)


def _box(robot: Any, frame: Any, prop: Any) -> list[float]:
    """Return where a prop is in the picture, relative to the image."""
    camera = frame.world_from_camera
    rows, columns = np.mgrid[0 : frame.rgb.shape[0], 0 : frame.rgb.shape[1]]
    lens, depth = frame.intrinsics, np.asarray(frame.depth, float)
    points = np.stack(
        [(columns + 0.5 - lens.cx) / lens.fx * depth, (rows + 0.5 - lens.cy) / lens.fy * depth, depth], axis=-1
    ).reshape(-1, 3)
    inside = prop.pose.inverse().apply(camera.apply(points))
    mask = (np.abs(inside) <= np.asarray(prop.size) / 2 + 0.004).all(axis=1) & (depth.reshape(-1) > 0)
    mask &= camera.apply(points)[:, 2] > 0.006
    box = relative_box(frame, mask.reshape(depth.shape))
    return [float(value) for value in box]
