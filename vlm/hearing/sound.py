"""Sound as numbers: WAV files in and out, one channel, any rate to any other."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..._base import KnotholeError

RATE = 16_000
"""Samples a second that recognizers take, [Hz]."""
LONGEST = 60.0
"""Longest sound that is listened to, [s]."""
DITHER = 1e-3
"""Noise that is added for a recognizer, relative to full scale."""
Samples = NDArray[np.float32]


class SoundError(KnotholeError):
    """Bytes are no sound that can be listened to."""


@dataclass(frozen=True)
class Sound:
    """One channel of sound.

    Attributes:
        samples: Shape (n,), each in [-1, 1].
        rate: Samples a second, [Hz].
    """

    samples: Samples = field(repr=False)
    rate: int = RATE

    @property
    def seconds(self) -> float:
        """Length, [s]."""
        return len(self.samples) / self.rate

    def at(self, rate: int) -> Sound:
        """Return it at another rate; what the lower of both rates cannot hold is filtered out."""
        if rate == self.rate or not len(self.samples):
            return Sound(self.samples, rate)
        count = max(1, round(len(self.samples) * rate / self.rate))
        spectrum = np.fft.rfft(self.samples)
        bins = min(count // 2 + 1, len(spectrum))
        kept = np.zeros(count // 2 + 1, complex)
        kept[:bins] = spectrum[:bins]
        samples = np.fft.irfft(kept, count) * (count / len(self.samples))
        return Sound(np.clip(samples, -1.0, 1.0).astype(np.float32), rate)

    def padded(self, seconds: float) -> Sound:
        """Return it with silence before and after, [s]."""
        silence = np.zeros(int(seconds * self.rate), np.float32)
        return Sound(np.concatenate([silence, self.samples, silence]), self.rate)

    def dithered(self, level: float = DITHER) -> Sound:
        """Return it with a little noise, the same each time: recognizers have never heard digital silence."""
        noise = np.random.default_rng(len(self.samples)).normal(0.0, level, len(self.samples))
        return Sound((self.samples + noise).astype(np.float32), self.rate)

    def pcm(self) -> bytes:
        """Return 16-bit samples, little endian."""
        return (np.clip(self.samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()

    def wav(self) -> bytes:
        """Return a WAV file."""
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.rate)
            file.writeframes(self.pcm())
        return out.getvalue()


def read_wav(data: bytes) -> Sound:
    """Read a WAV file: 8, 16, 24 or 32 bits, channels are mixed. A length in its head that is too long is no matter.

    Raises:
        SoundError: It is no such file, is empty, or longer than ``LONGEST``.
    """
    try:
        with wave.open(io.BytesIO(data)) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError, RuntimeError) as error:
        raise SoundError(f"this is no WAV file: {error}\n  fix:  give PCM sound in a WAV file") from error
    step = width * channels
    raw = raw[: len(raw) // step * step]
    if not raw or not 4000 <= rate <= 384_000:
        raise SoundError("the WAV file holds no sound\n  fix:  give PCM sound of 4 kHz or more")
    samples = _numbers(raw, width).reshape(-1, channels).mean(axis=1)
    if len(samples) > LONGEST * rate:
        raise SoundError(f"the sound is {len(samples) / rate:.0f} s long\n  fix:  give at most {LONGEST:g} s")
    return Sound(samples.astype(np.float32), rate)


def _numbers(raw: bytes, width: int) -> NDArray[np.float64]:
    if width == 1:
        return (np.frombuffer(raw, np.uint8).astype(float) - 128.0) / 128.0
    if width == 3:
        parts = np.frombuffer(raw, np.uint8).reshape(-1, 3).astype(np.int64)
        whole = parts[:, 0] | parts[:, 1] << 8 | parts[:, 2] << 16
        return np.where(whole >= 1 << 23, whole - (1 << 24), whole) / float(1 << 23)
    if width not in (2, 4):
        raise SoundError(f"the WAV file has {8 * width} bits a sample\n  fix:  give 8, 16, 24 or 32")
    return np.frombuffer(raw, f"<i{width}").astype(float) / float(1 << (8 * width - 1))
