"""What Foxglove is shown beside the messages of a trace: boxes on pictures, poses, lenses, things in space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from ...robots.contract import CameraFrame, RobotState
from ...robots.pose import Pose
from ...vlm.tickets import BrokerEvent
from ..foxglove import messages as foxglove
from .channels import CALIBRATION, nanos, stamp
from .form import TOOL

Beside = tuple[str, int, Mapping[str, object] | bytes]
"""A message: its channel, run clock [ns], data or their JSON."""
_V = TypeVar("_V")
_REMEMBERED: Final = 4096


class Showing:
    """Makes those messages; the writing thread alone uses it."""

    def __init__(self) -> None:
        self._pictures: dict[str, tuple[int, tuple[int, int]]] = {}
        self._lenses: dict[str, object] = {}
        self._things: set[str] = set()
        self._base: Pose | None = None

    def entry(self, now: float, name: str, value: object) -> list[Beside]:
        """Return what is shown of a write to the blackboard: the things that the entry holds, or no longer does."""
        time = nanos(now)
        things = foxglove.scene(name, value, time)
        if things is not None:
            self._things.add(name)
        elif name in self._things:
            self._things.discard(name)
            things = foxglove.nothing(name, time)
        return [("/scene", time, things)] if things is not None else []

    def answer(self, event: BrokerEvent) -> list[Beside]:
        """Return what is shown of an answer: its boxes, on the picture that it is about."""
        ticket, answer = event.ticket, event.ticket.answer
        picture = self._pictures.get(ticket.frame_id)
        if event.what != "answered" or answer is None or not answer.regions or picture is None:
            return []
        drawn = foxglove.boxes(answer, ticket.question.text, ticket.frame_id, *picture)
        return [("/annotations", nanos(event.now), drawn)]

    def picture(self, time_ns: int, frame: CameraFrame, first: str | None) -> None:
        """Note a picture; ``first`` is the one in the trace that looks the same, by whose time it is found."""
        new = time_ns, frame.rgb.shape[:2]
        remember(self._pictures, frame.id, new if first is None else self._pictures.get(first, new), _REMEMBERED)

    def camera(self, time_ns: int, frame: CameraFrame) -> list[Beside]:
        """Return what is shown beside a picture: where its camera stood, and what lens it has, where that is news."""
        if not frame.camera:
            return []
        shown: list[Beside] = [("/transforms", time_ns, foxglove.camera_transforms(time_ns, frame))]
        if self._lenses.get(frame.camera) != frame.intrinsics:
            self._lenses[frame.camera] = frame.intrinsics
            lens = foxglove.calibration(time_ns, frame.camera, frame.intrinsics)
            shown.append((f"{CALIBRATION}{frame.camera}", time_ns, lens))
        return shown

    def posture(self, now: float, tcp: list[float], texts: list[str], state: RobotState) -> list[Beside]:
        """Return what is shown of a robot: where its tool stands, and where its base, where that is news.

        Args:
            now: Run clock, [s].
            tcp: Position [m] and quaternion xyzw of the tool in the world.
            texts: The same as JSON.
            state: What the robot said.
        """
        if state.world_from_base == self._base:
            time = stamp(now)
            return [("/transforms", nanos(now), TOOL.filled(time["sec"], time["nsec"], *texts))]
        x, y, z, qx, qy, qz, qw = tcp
        poses = {"tcp": Pose((x, y, z), (qx, qy, qz, qw))}
        self._base = poses["base"] = state.world_from_base
        return [("/transforms", nanos(now), foxglove.transforms(nanos(now), poses))]


def remember(known: dict[str, _V], key: str, value: _V, most: int) -> None:
    """Add a key and forget the oldest beyond ``most``."""
    known[key] = value
    if len(known) > most:
        del known[next(iter(known))]
