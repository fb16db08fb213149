"""The microphone beside the robot, as a leaf uses it: it is started, and one day there is a sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Recording(Protocol):
    """Somebody is listened to. Poll it; it never waits."""

    @property
    def sound(self) -> bytes | None:
        """What was said, as a WAV file, once the speaker has paused; None before."""
        ...

    @property
    def problem(self) -> str:
        """Why there will be no sound, such as a microphone that was unplugged; empty while there may be one."""
        ...

    def stop(self) -> None:
        """Stop listening. Idempotent."""
        ...


class Microphone(Protocol):
    """Where sound comes from; ``Context.microphone``."""

    def listen(self, patience: float = float("inf")) -> Recording:
        """Begin to listen. Never waits.

        Args:
            patience: How long ``wait`` waits for it, wall clock, [s]; without an end if left out.
        """
        ...

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Let whoever speaks finish, where time stands still meanwhile (simulation); see ``Human.wait``."""
        ...
