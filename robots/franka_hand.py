"""The Franka hand through franky-control, driven from a thread of its own, because its commands block."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from .panda import HAND_MAX_WIDTH
from .started import StartedMotion

_FINGER_SPEED = 0.1  # opening, [m/s]
_LOST_AFTER = 2.0  # a packet may be late, not a second of them, [s]


class FrankaHand:
    """The gripper and the thread that talks to it.

    Args:
        gripper: Connected ``franky.Gripper``.
        fault: Told in words when the connection is lost.

    Attributes:
        width: Latest opening, [m].
        force: Closing force on what is held, [N].
        motion: Latest motion, or None.
    """

    def __init__(self, gripper: Any, fault: Callable[[str], None]) -> None:
        self._gripper: Any = gripper
        self._fault = fault
        self._wish: tuple[float, float, StartedMotion] | None = None
        self._news = threading.Condition()
        self._open = True
        self.width, self.force = float(gripper.width), 0.0
        self.motion: StartedMotion | None = None
        self._read_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="franka gripper", daemon=True)
        self._thread.start()

    def move(self, width: float, force: float) -> StartedMotion:
        """Send the fingers to ``width`` [m] with at most ``force`` [N]; the thread does the rest."""
        motion = StartedMotion()
        with self._news:
            if self.motion is not None:
                self.motion.end("stopped", "another command followed")
            self.motion, self._wish = motion, (width, force, motion)
            self._news.notify()
        return motion

    def halt(self) -> None:
        """Stop moving fingers; fingers at rest keep their force."""
        with self._news:
            if self.motion is not None and self.motion.status == "running":
                self.motion.end("stopped", "stop was called")
                self._wish = None
                self._news.notify()

    def close(self) -> None:
        """End the thread and disconnect."""
        with self._news:
            self._open = False
            self._news.notify()
        self._thread.join(timeout=3.0)
        self._gripper = None

    def _run(self) -> None:
        while True:
            with self._news:
                if self._wish is None and self._open:
                    self._news.wait(0.05)
                if not self._open:
                    return
                wish, self._wish = self._wish, None
            try:
                if wish is None:
                    self._read()
                else:
                    self._do(*wish)
            except Exception as error:  # franky raises several unrelated classes
                if wish is not None:
                    wish[2].end("failed", str(error))
                self._fault(f"the gripper does not answer: {error}")
                return

    def _read(self) -> None:
        try:
            state = self._gripper.state
        except Exception:
            if time.monotonic() - self._read_at > _LOST_AFTER:
                raise
            return
        self._read_at = time.monotonic()
        self.width = float(state.width)
        if not state.is_grasped:
            self.force = 0.0

    def _do(self, width: float, force: float, motion: StartedMotion) -> None:
        closing = width < self.width
        if closing:
            future = self._gripper.grasp_async(width, _FINGER_SPEED, force, 0.01, HAND_MAX_WIDTH)
        else:
            self.force = 0.0
            future = self._gripper.move_async(width, _FINGER_SPEED)
        while not future.wait(0.02):
            self._read()
            if motion.status != "running":
                self._gripper.stop_async()
                future.wait(1.0)
                return
        grasped = bool(future.get())
        self._read()
        blocked = closing and self.width > width + 0.002
        self.force = force if grasped and blocked else 0.0
        if grasped or blocked or abs(self.width - width) < 0.003:
            motion.end("done")
        else:
            motion.end("failed", f"the fingers stay at {1000 * self.width:.0f} of {1000 * width:.0f} mm")
