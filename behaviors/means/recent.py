"""The last seconds of a camera, as a few pictures with their times."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from ...robots.contract import CameraFrame
from ...vlm.broking.change import changed

_TIE = 1e-6


class Recent:
    """A ring of pictures of one camera, evenly sampled.

    Args:
        span: How far it reaches back, [s].
        count: How many pictures cover that, at least 2.
    """

    def __init__(self, span: float, count: int) -> None:
        self.span, self.count, self.every = span, count, span / (count - 1)
        self._frames: deque[CameraFrame] = deque(maxlen=count)

    @property
    def frames(self) -> tuple[CameraFrame, ...]:
        """The pictures, oldest first."""
        return tuple(self._frames)

    @property
    def covered(self) -> float:
        """How many seconds lie between the first and the last picture."""
        return self._frames[-1].stamp - self._frames[0].stamp if self._frames else 0.0

    @property
    def full(self) -> bool:
        """True when the pictures cover the whole span."""
        return len(self._frames) == self._frames.maxlen

    @property
    def lively(self) -> bool:
        """True when two neighbouring pictures differ in some block."""
        return any(changed(a.rgb, b.rgb) for a, b in pairwise(self._frames))

    def due(self, now: float) -> bool:
        """Tell whether it is time for the next picture."""
        return not self._frames or now - self._frames[-1].stamp >= self.every - _TIE

    def add(self, frame: CameraFrame) -> None:
        """Take in a picture; the oldest one goes. After a gap in time the ring begins anew."""
        if self._frames and frame.stamp - self._frames[-1].stamp > 2 * self.every + _TIE:
            self._frames.clear()
        if not self._frames or frame.stamp > self._frames[-1].stamp:
            self._frames.append(frame)
