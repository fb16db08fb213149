"""A scene as frozen data: objects, look, light, cameras, hand, goal."""

from __future__ import annotations

from dataclasses import dataclass, field

from .camera import CameraSpec, Light
from .furniture import Furniture, Setting
from .hand import HandSpec
from .look import Look
from .objects import ObjectSpec
from .person import PersonSpec
from .screen import ScreenSpec

EVALUATION_SEEDS = 100_000
"""Scenes to run trees in have seeds below this."""
TRAINING_SEEDS = 1_000_000
"""Scenes that labelled pictures are rendered from have seeds from this on."""

TABLE_CAMERA = CameraSpec("table", eye=(1.25, 0.0, 0.85), target=(0.45, 0.0, 0.04), fov_deg=43.0)
"""Opposite the robot, looking down at the workspace."""


DOINGS = ("hand_in", "move", "drop", "add", "swap", "occlude", "take")
"""What can happen by itself."""


@dataclass(frozen=True)
class Disturbance:
    """Something that happens by itself.

    Attributes:
        at: When it begins, [s] of simulated time.
        do: One of ``DOINGS``.
        until: When a hand leaves or a box before an object is taken away again, [s]; None stays. A hand that takes
            something leaves then without it.
        what: Name of the object it is about, such as ``red cube``; ``take`` without it takes whatever is held out.
        to: Where the hand goes or the object is put, world frame, [m].
        other: Name of the object that ``what`` changes places with.
    """

    at: float
    do: str
    until: float | None = None
    what: str = ""
    to: tuple[float, float, float] | None = None
    other: str = ""


@dataclass(frozen=True)
class Goal:
    """The predicate over truth that says whether a run succeeded, with its arguments."""

    name: str
    args: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SceneSpec:
    """Everything a world is built from.

    Attributes:
        name: Name of the scene.
        seed: Seed it was drawn from.
        objects: Objects, in the order that truth reports them.
        look: Paint of table and floor.
        light: The lamp.
        camera: The ``table`` camera.
        hand: A hand in view from the start, or None.
        robot: Whether the Panda stands at the origin.
        goal: What success means, or None.
        disturbances: What happens by itself.
        file: A URDF or SDF file to load as it is, or empty.
        furniture: What stands in place of the table, or None.
        person: Somebody beside or behind the workspace, or None.
        screen: A large box that hides things from the start, or None.
    """

    name: str
    seed: int
    objects: tuple[ObjectSpec, ...] = ()
    look: Look = field(default_factory=Look)
    light: Light = field(default_factory=Light)
    camera: CameraSpec = TABLE_CAMERA
    hand: HandSpec | None = None
    robot: bool = True
    goal: Goal | None = None
    disturbances: tuple[Disturbance, ...] = ()
    file: str = ""
    furniture: Furniture | None = None
    person: PersonSpec | None = None
    screen: ScreenSpec | None = None

    @property
    def setting(self) -> Setting:
        """What the objects stand on."""
        return "table" if self.furniture is None else self.furniture.setting
