"""The ``franka`` driver against a server that others wrote: ``franky-sim`` speaks libfranka's protocol on loopback."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest

from knothole._base import MissingExtraError
from knothole.robots.contract import DRIVERS, DriverOptions, Robot, RobotError
from knothole.tests.contracts.robots import RobotContract, finish, nearby, spend, towards
from knothole.tests.servers.program import Program

pytest.importorskip("franky", reason="franky-control is not installed: pip install 'knothole[franka]'")
pytest.importorskip("franky_sim", reason="franky-sim is not installed, so there is no Franka to talk to")

SERVER = """
import sys
from franky_sim import SimulationServer
from franky_sim.mujoco_simulator import MujocoSimulator
with MujocoSimulator(enable_visualization=False) as simulator:
    robot = simulator.add_robot()
    with SimulationServer(simulator) as server:
        server.run_async()
        print("ready", robot.hostname, flush=True)
        sys.stdin.readline()
"""


class Server:
    """The third-party server in a process of its own."""

    def __init__(self) -> None:
        self.program = Program([sys.executable, "-c", SERVER])
        self.host = self.program.find(r"^ready (\S+)")[1]

    def connect(self) -> Robot:
        return DRIVERS.get("franka")(DriverOptions(self.host, settings={"realtime": False}))

    def kill(self) -> None:
        self.program.kill()


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[Server]:
    server = TestFranka.server = Server()
    yield server
    server.kill()


class TestFranka(RobotContract):
    server: Server

    @classmethod
    def open(cls) -> Robot:
        return cls.server.connect()


def spend_all(robot: Robot, seconds: float) -> None:
    for _ in range(round(seconds / 0.02)):
        spend(robot, 0.02)


def test_a_lost_connection_is_an_error_and_ends_the_motion() -> None:
    server = Server()
    robot = server.connect()
    motion = robot.follow(towards(robot, nearby(robot, 0.5), 0.05))
    spend(robot, 0.2)
    server.kill()
    with pytest.raises(RobotError, match=r"is lost\n  why:  .*\n  fix:  check network"):
        spend_all(robot, 8.0)
    assert motion.status == "failed"
    with pytest.raises(RobotError, match="is lost"):
        robot.state()
    robot.stop()
    robot.close()


def test_no_robot_at_an_address_says_what_to_check() -> None:
    with pytest.raises(RobotError, match=r"no Franka robot answers at '127\.0\.0\.99'.*\n  fix:  check the address"):
        DRIVERS.get("franka")(DriverOptions("127.0.0.99", settings={"realtime": False}))


def test_an_address_is_needed() -> None:
    with pytest.raises(RobotError, match="--robot franka:"):
        DRIVERS.get("franka")(DriverOptions())


def test_a_camera_named_in_the_settings_is_the_robots(server: Server) -> None:
    settings = {"realtime": False, "cameras": {"table": "knothole.tests.test_franka_driver:open_camera"}}
    robot = DRIVERS.get("franka")(DriverOptions(server.host, settings=settings))
    try:
        assert robot.capabilities.cameras == ("table",)
        assert robot.capabilities.depth == {"table"}
        assert robot.capture("table").camera == "table"
    finally:
        robot.close()


def test_a_camera_that_cannot_be_opened_is_explained(server: Server) -> None:
    settings = {"realtime": False, "cameras": {"table": "nowhere:nothing"}}
    with pytest.raises(RobotError, match="camera 'table' cannot be opened"):
        DRIVERS.get("franka")(DriverOptions(server.host, settings=settings))


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "franky", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'knothole\[franka\]'"):
        DRIVERS.get("franka")(DriverOptions("127.0.0.1"))


def test_a_stop_brakes_at_once_and_does_not_swing_back(server: Server) -> None:
    robot = server.connect()
    try:
        start = robot.state().q
        robot.follow(towards(robot, nearby(robot, 0.5), 0.5))
        while np.abs(robot.state().q - start).min() <= 0.05:
            spend(robot, 0.02)
        robot.stop()
        postures = [robot.state().q]
        while len(postures) <= 75 or np.abs(postures[-1] - postures[-10]).max() >= 0.002:
            spend(robot, 0.02)
            postures.append(robot.state().q)
        ways = np.abs(np.array(postures) - start)
        assert (ways.max(axis=0) - ways[-1]).max() < 0.01, "it went back"
        assert (ways[-1] - ways[0]).max() < 0.3, "it went on"
    finally:
        robot.close()


def open_camera() -> object:
    from knothole.robots.kinematic import KinematicRobot

    class Rig:
        depth = True

        def capture(self, now: float) -> object:
            return KinematicRobot().capture("table")

    return Rig()


def test_the_wrench_and_the_posture_are_measured(server: Server) -> None:
    robot = server.connect()
    try:
        state = robot.state()
        assert state.wrench is not None
        assert state.wrench.shape == (6,)
        motion = finish(robot, robot.follow(towards(robot, nearby(robot, 0.1))))
        assert motion.status == "done"
        assert np.abs(robot.state().q - state.q).max() > 0.05
    finally:
        robot.close()
