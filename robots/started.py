"""The motion that drivers hand out: started, polled, ended once."""

from __future__ import annotations

import threading
from typing import Literal

MotionStatus = Literal["running", "done", "failed", "stopped"]


class StartedMotion:
    """A motion under way; the driver that started it moves it on, some from a thread."""

    def __init__(self) -> None:
        self._status: MotionStatus = "running"
        self._reason = ""
        self._lock = threading.Lock()

    @property
    def status(self) -> MotionStatus:
        """Where the motion is."""
        return self._status

    @property
    def reason(self) -> str:
        """Why it failed or was stopped, empty otherwise."""
        return self._reason

    def end(self, status: MotionStatus, reason: str = "") -> None:
        """Finish the motion, once."""
        with self._lock:
            if self._status == "running":
                self._reason, self._status = reason, status
