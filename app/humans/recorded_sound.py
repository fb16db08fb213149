"""Recorded sound in place of the microphone: files are heard one after the other, and then there is silence."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from ..._base import KnotholeError
from ...vlm.hearing.sound import SoundError, read_wav

_LARGEST = 16 * 1024 * 1024


class RecordedSoundError(KnotholeError):
    """A file or folder holds no sound that can be listened to."""


class Said:
    """A sentence that was recorded before.

    Attributes:
        sound: The WAV file.
        problem: Always empty.
    """

    problem = ""

    def __init__(self, sound: bytes) -> None:
        self.sound: bytes | None = sound

    def stop(self) -> None:
        """Do nothing."""


class Silence:
    """Nobody says anything any more.

    Attributes:
        sound: Always None.
        problem: Always empty.
    """

    sound: bytes | None = None
    problem = ""

    def stop(self) -> None:
        """Do nothing."""


class RecordedMicrophone:
    """Give back recorded sentences, one each time somebody listens, and silence after the last.

    Args:
        sounds: WAV files.
    """

    def __init__(self, sounds: Sequence[bytes]) -> None:
        self._left = list(sounds)

    def listen(self, patience: float = math.inf) -> Said | Silence:
        """Return the next sentence."""
        return Said(self._left.pop(0)) if self._left else Silence()

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Do nothing: what was recorded is there."""

    def close(self) -> None:
        """Do nothing."""


def recorded_sound(path: Path) -> RecordedMicrophone:
    """Read a WAV file, or those of a folder in the order of their names.

    Raises:
        RecordedSoundError: There is none, or one of them cannot be listened to.
    """
    files = sorted(path.glob("*.[wW][aA][vV]")) if path.is_dir() else [path]
    if not files:
        raise RecordedSoundError(f"there is no WAV file in the folder {path}\n  fix:  put one there for each answer")
    return RecordedMicrophone([_read(file) for file in files])


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > _LARGEST:
            raise RecordedSoundError(f"{file} is larger than {_LARGEST // 2**20} MiB\n  fix:  give shorter sounds")
        data = file.read_bytes()
        read_wav(data)
    except OSError as error:
        raise RecordedSoundError(
            f"cannot read the sound {file}: {error.strerror or error}\n"
            "  fix:  write speech:PATH, with a WAV file or a folder of them; speech alone is the microphone"
        ) from error
    except SoundError as error:
        raise RecordedSoundError(f"{file}: {error}") from error
    return data
