"""Words in pictures, read without a model: the reader of a run, and a reading that may take a while."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from ..._base import MissingExtraError
from ...robots.contract import CameraFrame
from ..context import Context

KEY = "text reader"
"""Key of ``context.sight``: the reader, opened once for a run."""


class Reading:
    """Read the words in a picture.

    On a stepped clock, where time stands still meanwhile, they are there at once; on a real clock a thread reads them.

    Args:
        context: Services of the run.
        frame: The picture.

    Attributes:
        lines: Each text with its box and how sure its letters are, top to bottom; None while they are being read.
        problem: What went wrong, empty if nothing did.
    """

    def __init__(self, context: Context, frame: CameraFrame) -> None:
        self.frame = frame
        self.lines: list[Mapping[str, object]] | None = None
        self.problem = ""
        self._context = context
        assert context.robot is not None
        if context.robot.stepped:
            self._read()
        else:
            threading.Thread(target=self._read, name="reading", daemon=True).start()

    def _read(self) -> None:
        try:
            reader = self._context.sight.setdefault(KEY, None) or open_reader()
            self._context.sight[KEY] = reader
            height, width = self.frame.rgb.shape[:2]
            size = np.array([width, height], float)
            self.lines = [
                {"text": text.text, "box": _box(text.outline / size), "confidence": text.score}
                for text in cast(Any, reader).find(self.frame.rgb)
                if text.text
            ]
        except Exception as error:  # on a thread nobody would hear of it
            self.problem = f"{type(error).__name__}: {error}".splitlines()[0]
            self.lines = []
        self._context.wake()


def open_reader() -> object:
    """Open the reader of words.

    Raises:
        MissingExtraError: The extra ``ocr`` is not installed.
    """
    from ...vlm.scene_text.reader import TextReader

    return TextReader()


def can_read() -> bool:
    """Tell whether words can be read without a model."""
    from ...vlm.scene_text.reader import check_installed

    try:
        check_installed()
    except MissingExtraError:
        return False
    return True


def _box(outline: np.ndarray[Any, Any]) -> tuple[float, float, float, float]:
    low, high = np.clip(outline.min(axis=0), 0.0, 1.0), np.clip(outline.max(axis=0), 0.0, 1.0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
