"""The contract suite over all drivers that come with the package. ``franka`` runs it in ``test_franka_driver.py``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from knothole._base import UnknownNameError
from knothole.robots.contract import DRIVERS, DriverOptions, Robot
from knothole.sim.scene import SceneSpec
from knothole.sim.world import World
from knothole.tests.contracts.robots import RobotContract


def _panda() -> Robot:
    world = World(SceneSpec("contract", 0))
    return DRIVERS.get("panda")(DriverOptions(world=world))


def _kinematic() -> Robot:
    return DRIVERS.get("kinematic")(DriverOptions())


def _ghost() -> Robot:
    world = World(SceneSpec("contract", 0))
    return DRIVERS.get("ghost")(DriverOptions(world=world))


SAMPLES: dict[str, Callable[[], Robot]] = {"ghost": _ghost, "kinematic": _kinematic, "panda": _panda}
ELSEWHERE = {"franka"}


def _ours() -> set[str]:
    import knothole.sim.ghost
    import knothole.sim.panda  # noqa: F401

    return {
        n for n, make in DRIVERS.items().items() if make.__module__.startswith(("knothole.robots.", "knothole.sim."))
    }


def test_every_driver_of_the_package_is_tested() -> None:
    assert _ours() == set(SAMPLES) | ELSEWHERE


def test_an_unknown_driver_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean:  kinematic"):
        DRIVERS.get("kinematik")


class TestKinematic(RobotContract):
    @classmethod
    def open(cls) -> Robot:
        return _kinematic()


class TestPanda(RobotContract):
    @classmethod
    def open(cls) -> Robot:
        import knothole.sim.panda  # noqa: F401

        return _panda()


class TestGhost(RobotContract):
    @classmethod
    def open(cls) -> Robot:
        import knothole.sim.ghost  # noqa: F401

        return _ghost()
