"""The microphone: sounddevice listens in a thread of its own until the speaker has paused."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._base import MissingExtraError, import_needed
from ...vlm.hearing.sound import LONGEST, RATE, Samples, Sound
from ...vlm.hearing.voice_activity import WINDOW, Judge, judge

PAUSE = 0.8
"""So long nobody speaks before what was said counts as complete, [s]."""
_BEFORE = 0.4
_SURE = 0.5
_SLICE = 0.1


class Utterance:
    """Collects windows of sound until a sentence is complete: speech, then a pause.

    Args:
        by: Judges windows; a new one where it is left out.
    """

    def __init__(self, by: Judge | None = None) -> None:
        self._judge, self._windows = by or judge(), list[Samples]()
        self._began, self._silent = False, 0

    def add(self, window: Samples) -> Sound | None:
        """Take the next window, shape (512,); return the sentence once it is complete."""
        self._windows.append(window)
        spoken = self._judge(window) >= _SURE
        self._began = self._began or spoken
        self._silent = 0 if spoken else self._silent + 1
        if not self._began:
            self._windows = self._windows[-int(_BEFORE * RATE / WINDOW) :]
        long = len(self._windows) * WINDOW / RATE > LONGEST / 2
        if self._began and (self._silent * WINDOW / RATE >= PAUSE or long):
            return Sound(np.concatenate(self._windows), RATE)
        return None


class LiveRecording:
    """One sentence at the microphone.

    Args:
        device: The module ``sounddevice``, or what is used like it.
        patience: How long somebody has to say it before nobody waits for it any more, wall clock, [s].
    """

    def __init__(self, device: Any, patience: float = math.inf) -> None:
        self._device, self._stopped = device, threading.Event()
        self.until = time.monotonic() + patience
        self.sound: bytes | None = None
        self.problem = ""
        self._thread = threading.Thread(target=self._listen, name="microphone", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """True once there is a sound, a problem, or nobody listens any more."""
        return self.sound is not None or bool(self.problem) or self._stopped.is_set()

    def join(self, seconds: float) -> None:
        """Wait for the sentence, at most some seconds."""
        self._thread.join(seconds)

    def stop(self) -> None:
        """Stop listening."""
        self._stopped.set()

    def _listen(self) -> None:
        try:
            utterance = Utterance()
            with self._device.InputStream(RATE, WINDOW, channels=1, dtype="float32") as stream:
                while not self._stopped.is_set():
                    window, _ = stream.read(WINDOW)
                    said = utterance.add(window[:, 0].copy())
                    if said is not None:
                        self.sound = said.wav()
                        return
        except Exception as error:  # what drivers of sound cards raise is no closed set
            why = next(iter(str(error).splitlines()), type(error).__name__)
            self.problem = f"the microphone cannot be listened to: {why}"


class LiveMicrophone:
    """Listen at the default microphone."""

    def __init__(self) -> None:
        self._open: list[LiveRecording] = []

    def listen(self, patience: float = math.inf) -> LiveRecording | NoRecording:
        """Begin to listen; see ``LiveRecording``."""
        try:
            device = import_needed("sounddevice", "the microphone", "speech")
        except MissingExtraError as error:
            return NoRecording(str(error).replace("\n", "; "))
        except OSError:
            return NoRecording("the microphone needs PortAudio; apt-get install libportaudio2")
        self._open = [recording for recording in self._open if not recording.over]
        recording = LiveRecording(device, patience)
        self._open.append(recording)
        return recording

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Let whoever speaks finish, where time stands still meanwhile; nobody is waited for beyond the patience."""
        for recording in self._open:
            while not recording.over and not stopped() and (left := recording.until - time.monotonic()) > 0:
                recording.join(min(_SLICE, left))
        self._open = [recording for recording in self._open if not recording.over]

    def close(self) -> None:
        """Stop listening."""
        for recording in self._open:
            recording.stop()


class NoRecording:
    """There is no microphone.

    Attributes:
        problem: Why.
    """

    sound: bytes | None = None

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def stop(self) -> None:
        """Do nothing."""
