"""Choose how a loaded model is asked. Imports torch."""

from __future__ import annotations

import numpy as np
import torch

from ..checkpoint import Checkpoint
from ..questions import Frame
from .engine import Engine
from .families import Family
from .once import SharedEngine
from .whole import EncoderDecoderEngine, WholeEngine
from .wording import Wording


def open_engine(checkpoint: Checkpoint, family: Family, batch: int, share: bool) -> Engine:
    """Return how a model is asked: with one reading of the image where that gives what separate readings do.

    Whether it does is found out on a gray picture with questions of two lengths: this very model, in this very type.
    """
    wording = Wording(checkpoint.processor, family)
    if checkpoint.model.config.is_encoder_decoder:
        return EncoderDecoderEngine(checkpoint, wording, batch)
    whole = WholeEngine(checkpoint, wording, batch)
    if not share or family.reading == "whole":
        return whole
    one = SharedEngine(checkpoint, wording, batch)
    return one if _same(one, whole, checkpoint.model.dtype) else whole


def _same(one: Engine, other: Engine, dtype: torch.dtype) -> bool:
    gray = np.full((64, 96, 3), 127, np.uint8)
    gray[16:32, 24:48] = (200, 30, 30)
    sight = one.see(Frame("gray", 0.0, gray))
    rows = [one.row(sight, words) for words in ("Is there a red square in the middle of the image?", "What is it?")]
    try:
        apart = (one.next_chances(sight, rows) - other.next_chances(sight, rows)).abs().max()
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError):
        return False  # its cache has another form, or it insists on being given its pictures
    return bool(apart <= (1e-4 if dtype == torch.float32 else 2e-2))
