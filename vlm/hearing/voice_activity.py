"""Where in a sound somebody speaks: by silero-vad where it is installed, else by loudness."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from .sound import RATE, Samples, Sound

WINDOW = 512
"""Samples that are judged at a time, 32 ms."""
MARGIN = 0.25
"""What is kept before and after speech, [s]."""
_SURE = 0.5
_LOUD, _QUIET = 6.0, 10 ** (-50 / 20)

Judge = Callable[[Samples], float]
"""Gives the probability that somebody speaks in the next window."""


def judge(name: str = "") -> Judge:
    """Return a new judge of windows in their order.

    Args:
        name: ``silero`` or ``loudness``; empty takes silero where it is installed.
    """
    model = _silero() if name != "loudness" else None
    if model is None:
        return _Loudness()
    import torch

    model.reset_states()

    def speaks(window: Samples) -> float:
        with torch.inference_mode():
            return float(model(torch.from_numpy(window.copy()), RATE).item())

    return speaks


def speech(sound: Sound, by: Judge | None = None) -> Sound | None:
    """Return the part of a sound from the first to the last word, with a margin; None where nobody speaks."""
    heard, tell = sound.at(RATE), by or judge()
    windows = [heard.samples[i : i + WINDOW] for i in range(0, len(heard.samples) - WINDOW + 1, WINDOW)]
    spoken = [i for i, window in enumerate(windows) if tell(window) >= _SURE]
    if len(spoken) < 2:
        return None
    first, last = spoken[0] * WINDOW - int(MARGIN * RATE), (spoken[-1] + 1) * WINDOW + int(MARGIN * RATE)
    return Sound(heard.samples[max(0, first) : last], RATE)


class _Loudness:
    """Takes for speech what is clearly louder than the quietest of the last seconds."""

    def __init__(self) -> None:
        self._levels: list[float] = []

    def __call__(self, window: Samples) -> float:
        level = float(np.sqrt(np.mean(np.square(window, dtype=np.float64))))
        self._levels = [*self._levels[-100:], level]
        floor = max(min(self._levels), _QUIET / _LOUD)
        return 1.0 if level > _LOUD * floor else 0.0


@lru_cache(maxsize=1)
def _silero() -> Any:
    """Return the model, None where it is not installed; the package needs torch alone, not torchaudio."""
    try:
        from silero_vad import load_silero_vad
    except ImportError:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit.load, which the package still calls
        return load_silero_vad()
