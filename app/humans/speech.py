"""Open what it takes to be answered by speech: where sound comes from, and what makes it out."""

from __future__ import annotations

from pathlib import Path

from ..._base import KnotholeError, headline, import_needed
from ...behaviors.hearing import Microphone
from ...vlm.broker import chain_of
from ...vlm.hearing import EARS
from ..running.stage import open_runner
from ..running.terminal import Watcher
from ..settings.config import Config
from .microphone import LiveMicrophone
from .recorded_sound import recorded_sound
from .spoken_human import SpokenHuman


class SpeechError(KnotholeError):
    """There is nothing to hear with."""


def open_speech(path: str, watcher: Watcher, ears: str, vlm: str, config: Config) -> SpokenHuman:
    """Return the human who answers by speech.

    Args:
        path: A WAV file, or a folder of them, that is heard in place of the microphone; empty for the microphone.
        watcher: Shows questions and answers.
        ears: As ``--ears`` says it; empty takes pocketsphinx, ``none`` the first backend of ``vlm``.
        vlm: As ``--vlm`` says it; empty as configured.
        config: Settings of backends.

    Raises:
        KnotholeError: Something that hearing needs is missing, or the sound cannot be read.
    """
    microphone = recorded_sound(Path(path)) if path else _microphone()
    chosen = chain_of(vlm or config.vlm)[0] if ears == "none" else ears or EARS[0]
    return SpokenHuman(microphone, open_runner(chosen, config, None, False), watcher)


def _microphone() -> Microphone:
    """Return the microphone, with everything loaded that would hold up a tick later."""
    from ...vlm.hearing.voice_activity import judge

    try:
        device = import_needed("sounddevice", "answering at the microphone", "speech")
    except OSError as error:
        raise SpeechError(
            "the microphone needs PortAudio, which is not installed\n"
            "  fix:  apt-get install libportaudio2, or give recorded answers with --human speech:PATH"
        ) from error
    try:
        device.query_devices(kind="input")  # type: ignore[attr-defined]
    except Exception as error:  # what drivers of sound cards raise is no closed set
        raise SpeechError(
            f"there is no microphone: {headline(error)}\n"
            "  fix:  plug one in, or give recorded answers with --human speech:PATH"
        ) from error
    judge()
    return LiveMicrophone()
