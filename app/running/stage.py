"""Set the stage of a run: the simulated world where there is one, the robot, and the backend that is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..._base import KnotholeError
from ...robots.arranging import Arranger
from ...robots.contract import DRIVERS, Capabilities, DriverOptions, Robot
from ...robots.kinematic import KinematicRobot
from ...vlm.broker import chain_of, open_backend
from ...vlm.contract import BACKENDS, Backend, BackendOptions
from ...vlm.questions import Frame, Question
from ...vlm.runner import Reply, Runner
from ..settings.backend_settings import settings_of
from ..settings.config import Config
from ..settings.names import register_all, scene_names
from .scenery import StageError, disturbed, props_of

if TYPE_CHECKING:
    from ...sim.cloning import WorldState
    from ...sim.scene import SceneSpec
    from ...sim.world import World
    from ..models.oracle import TruthOf
    from ..models.truth import SceneTruth

DEFAULT_SCENE = "table"
NO_ROBOT = "none"
"""What ``--robot`` says for a run without one: time is stepped, nothing moves, nothing is seen."""


@dataclass
class Stage:
    """What a tree runs on.

    Attributes:
        robot: The driver, None for a run without one.
        scene: The scene, for robots that are simulated.
        world: The physical world, None when the robot has none.
        truth: What is true of the world's pictures; None without a world.
        arranger: Who shows the scene with things elsewhere; None without a world.
    """

    robot: Robot | None
    scene: SceneSpec | None = None
    world: World | None = None
    truth: SceneTruth | None = None
    arranger: Arranger | None = None

    @property
    def robot_name(self) -> str:
        """Name of the driver."""
        return self.robot.name if self.robot is not None else NO_ROBOT

    @property
    def capabilities(self) -> Capabilities:
        """What the robot can do; nothing when there is none."""
        return self.robot.capabilities if self.robot is not None else Capabilities((), frozenset(), frozenset())

    @property
    def stepped(self) -> bool:
        """True when time passes only when it is asked to."""
        return self.robot is None or self.robot.stepped

    def state(self) -> WorldState | None:
        """Return the simulated world as it is now, to be built again; None where nothing is simulated."""
        from ...sim.cloning import BodyState, WorldState, state_of
        from ...sim.panda import PandaSim

        if self.world is not None:
            return state_of(self.world, self.robot if isinstance(self.robot, PandaSim) else None)
        robot = self.robot
        if self.scene is None or not isinstance(robot, KinematicRobot) or len(robot.props) != len(self.scene.objects):
            return None
        pairs = list(zip(self.scene.objects, robot.props, strict=True))
        items = tuple(replace(item, xyz=prop.pose.xyz, quat_xyzw=prop.pose.quat_xyzw) for item, prop in pairs)
        scene = replace(self.scene, objects=items, disturbances=(), robot=True)
        bodies = tuple(BodyState(item.xyz, item.quat_xyzw) for item in items)
        now = robot.state()
        half = now.gripper_width / 2
        grip = (0.0 if now.holding else now.gripper_width, 40.0)
        return WorldState(scene, bodies, tuple(float(v) for v in now.q), (half, half), grip, now.holding)

    def poses(self) -> dict[str, tuple[float, ...]]:
        """Return where the objects are: name and number → position [m] and orientation."""
        found: dict[str, tuple[float, ...]] = {}
        if isinstance(self.robot, KinematicRobot):
            for prop in self.robot.props:
                found[prop.name] = (*prop.pose.xyz, *prop.pose.quat_xyzw)
        if self.world is None:
            return found
        for index, body in enumerate(self.world.objects):
            xyz, quat = self.world.pose(index)
            found[f"{index} {body.spec.name}"] = (*xyz, *quat)
        return found


def scene_of(tree: str, scene: str, robot: object) -> str:
    """Return the scene to run a tree in: as wanted, else the one of its name, else ``table``.

    Raises:
        StageError: One is wanted, and there is no robot that could be in it.
    """
    if robot == NO_ROBOT and scene:
        raise StageError(
            f"the scene {scene!r} is not shown: there is no robot\n  fix:  leave out --scene, or use --robot panda"
        )
    return scene or (tree if tree in scene_names() else DEFAULT_SCENE)


def split(spec: str) -> tuple[str, str]:
    """Split ``name:argument``."""
    name, _, argument = spec.strip().partition(":")
    return name, argument


def open_stage(
    stack: ExitStack,
    robot: str | Robot,
    scene: str,
    seed: int,
    config: Config,
    gui: bool = False,
    disturb: int = 0,
) -> Stage:
    """Open a robot, in a world of its own where it is simulated.

    Args:
        stack: Closes what was opened.
        robot: Driver as ``name`` or ``name:argument``, ``none``, or a robot that is open already.
        scene: Scene by name or file; for robots that are simulated.
        seed: Seed of the scene.
        config: Settings of drivers.
        gui: Open the simulator's window.
        disturb: How many things happen by themselves, drawn from the seed; in a simulated world.

    Raises:
        KnotholeError: There is no such driver or scene, or it cannot be opened.
    """
    if not isinstance(robot, str):
        return Stage(robot)
    if robot == NO_ROBOT:
        _check_disturbed(robot, disturb)
        return Stage(None)
    register_all()
    name, argument = split(robot)
    factory = DRIVERS.get(name)
    settings: Mapping[str, object] = config.robots.get(name, {})
    if factory.__module__.startswith(f"{__package__.partition('.')[0]}.sim."):
        world, spec = _open_world(stack, scene, seed, gui, disturb)
        driver = factory(DriverOptions(argument, world, settings))
        stack.callback(driver.close)
        from ...sim.arranging import WorldArranger
        from ..models.truth import SceneTruth

        truth = SceneTruth(world, driver)
        return Stage(driver, spec, world, truth, WorldArranger(world, truth.arranged))
    _check_disturbed(robot, disturb)
    if gui:
        raise StageError(f"the robot {name!r} has no simulator window\n  fix:  leave out --gui, or use --robot panda")
    scenery = _load_scene(scene, seed) if name == "kinematic" else None
    if scenery is not None and scenery.file:
        raise StageError(
            f"the robot 'kinematic' cannot show {scenery.file}\n"
            "  why:  URDF and SDF files need a simulator with physics\n"
            "  fix:  use --robot panda, or a scene written in YAML"
        )
    if scenery is not None:
        settings = {**props_of(scenery), **settings}
    driver = factory(DriverOptions(argument, None, settings))
    stack.callback(driver.close)
    return Stage(driver, scenery)


def _check_disturbed(robot: str, disturb: int) -> None:
    """Refuse to disturb what is not simulated with physics."""
    if disturb:
        raise StageError(
            f"nothing can be disturbed: the robot {robot!r} is in no simulated world\n"
            "  fix:  take out --disturb, or use --robot panda"
        )


def _load_scene(scene: str, seed: int) -> SceneSpec:
    from ...sim.draw import load_scene

    try:
        return load_scene(scene, seed)
    except ValueError as error:
        raise StageError(str(error)) from error


def _open_world(stack: ExitStack, scene: str, seed: int, gui: bool, disturb: int) -> tuple[World, SceneSpec]:
    from ...sim.world import World

    spec = _load_scene(scene, seed)
    if disturb:
        spec = disturbed(spec, seed, disturb)
    try:
        world = World(spec, gui=gui)
    except RuntimeError as error:
        raise StageError(str(error)) from error
    stack.callback(world.close)
    return world, spec


class Kept:
    """A backend that outlives a run: closing it does nothing until ``release``."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.name, self.latency = runner.name, runner.latency
        self.concurrency: int | None = getattr(runner, "concurrency", None)
        self.patience: float | None = getattr(runner, "patience", None)

    @property
    def ready(self) -> bool:
        """True once its model is loaded."""
        return bool(getattr(self._runner, "ready", True))

    def submit(self, frame: Frame | None, questions: Sequence[Question]) -> int:
        """Hand one request over."""
        return self._runner.submit(frame, questions)

    def poll(self, timeout: float) -> list[Reply]:
        """Return the replies that are there."""
        return self._runner.poll(timeout)

    def fileno(self) -> int | None:
        """Return the descriptor that news come from."""
        return self._runner.fileno()

    def close(self) -> None:
        """Do nothing; the next run goes on with it."""

    def abandon(self) -> None:
        """Close it now: it hangs or died."""
        self._runner.close()

    def reopen(self) -> Runner:
        """Open it again after ``abandon``; the runs after this one have it as well."""
        again: Callable[[], Runner] | None = getattr(self._runner, "reopen", None)
        if again is None:
            raise StageError(f"the backend {self.name!r} cannot be opened again")
        self._runner = again()
        return self

    def release(self) -> None:
        """Close it for good."""
        self._runner.close()


def check_names(vlm: str, robot: str, scene: str, seed: int) -> None:
    """Make sure that backend, driver and scene exist, without opening them.

    Raises:
        KnotholeError: One of them does not.
    """
    register_all()
    for one in chain_of(vlm):
        BACKENDS.get(split(one)[0])
    if robot != NO_ROBOT:
        DRIVERS.get(split(robot)[0])
    _load_scene(scene, seed)


def open_runners(
    vlm: str | Backend | Runner,
    config: Config,
    truth: SceneTruth | None,
    kept: Mapping[str, Kept] | None = None,
    firewall: bool | None = None,
) -> list[Runner | Backend]:
    """Open a backend, or all of a chain, the preferred one first; one that is open already is given back.

    Args:
        vlm: As ``--vlm`` says it, or an opened backend.
        config: Settings of backends and of the firewall.
        truth: What the oracle answers from, None where there is no world.
        kept: Backends that are open already, by what ``--vlm`` says of them.
        firewall: Whether they are asked behind a firewall; None as configured.

    Raises:
        KnotholeError: There is none of this name, or it cannot be opened.
    """
    if not isinstance(vlm, str):
        return [vlm]
    register_all()
    opened: list[Runner | Backend] = []
    try:
        for one in chain_of(vlm):
            if kept is not None and one in kept:
                opened.append(kept[one])
            else:
                opened.append(open_runner(one, config, truth, firewall))
    except KnotholeError:
        for runner in opened:
            runner.close()
        raise
    return opened


def keep_open(vlm: str, config: Config, firewall: bool | None = None) -> dict[str, Kept]:
    """Open those backends of a chain that outlive a run: those in a process of their own."""
    register_all()
    kept: dict[str, Kept] = {}
    try:
        for one in chain_of(vlm):
            if BACKENDS.get(split(one)[0]).runs_in == "process":
                kept[one] = Kept(open_runner(one, config, None, firewall))
    except KnotholeError:
        for runner in kept.values():
            runner.release()
        raise
    return kept


def open_runner(vlm: str, config: Config, truth: TruthOf | None, firewall: bool | None = None) -> Runner:
    """Open one backend; arguments as for ``open_runners``.

    Raises:
        KnotholeError: There is none of this name, or it cannot be opened.
    """
    register_all()
    name, argument = split(vlm)
    settings = settings_of(config, name)
    if name == "oracle" and truth is not None:
        settings["truth"] = truth
    if name == "replay":
        from ...vlm.replay import make_replay

        return make_replay(
            BackendOptions(argument, settings), lambda spec, _: open_runner(spec, config, truth, firewall)
        )
    wall = dict(config.firewall_settings)
    if name == "firewall" and argument:
        vlm, wall = argument, {**wall, **settings}
        settings = settings_of(config, split(vlm)[0])
    if name == "firewall" or is_guarded(vlm, config, firewall):
        from ...vlm.firewall import open_guarded

        return open_guarded(vlm, settings, wall)
    return open_backend(vlm, settings)


BLIND = ("oracle", "replay", "scripted")
"""Backends that look at no pixels: no words in a picture can reach them."""


def is_guarded(vlm: str, config: Config, firewall: bool | None = None) -> bool:
    """Tell whether a backend is asked behind a firewall.

    Args:
        vlm: Backend as ``name`` or ``name:argument``.
        config: What ``knothole.toml`` says: ``firewall`` in the backend's block goes before ``[firewall]``.
        firewall: What the caller says; None for nothing.

    Raises:
        StageError: ``firewall`` in the backend's block is neither true nor false.
    """
    name, _ = split(vlm)
    own = config.backends.get(name, {}).get("firewall", config.firewall)
    if not isinstance(own, bool):
        raise StageError(f"setting 'firewall' of backend {name!r} is {own!r}\n  fix:  write true or false")
    return name not in (*BLIND, "firewall") and (own if firewall is None else firewall)


def from_truth(vlm: str) -> bool:
    """Tell whether answers may come from the truth of the simulator."""
    return any(split(one)[0] == "oracle" for one in vlm.split(","))


def rests(vlm: str) -> bool:
    """Tell whether a backend is left alone when it fails: one of a chain, and one in a process of its own."""
    names = [split(one)[0] for one in vlm.split(",")]
    return len(names) > 1 or any(name in BACKENDS and BACKENDS.get(name).runs_in == "process" for name in names)
