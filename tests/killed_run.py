"""A process that is killed while it records: ticks a fast tree as quickly as it can and tells each tick.

Run by ``multiprocessing``; what it tells is 16 bytes a tick: the number, and the CPU time of the process [s].
"""

from __future__ import annotations

import os
import struct
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from knothole.behaviors.context import Context
from knothole.behaviors.step import Status
from knothole.robots.contract import CameraFrame, Intrinsics
from knothole.robots.pose import Pose
from knothole.tests.script_nodes import Script
from knothole.tests.traced import PLAIN
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.amount import Amount
from knothole.trees.tracing.trace import TraceWriter

NOTE = struct.Struct("<qd")
LENS = Intrinsics(60, 60, 32, 24, 64, 48)


class Works(Script):
    """Says something new in each tick, now and then with a picture."""

    tell: Connection

    def step(self) -> Status:
        self.at += 1
        if self.at % 50 == 0:
            rgb = np.random.default_rng(self.at).integers(0, 255, (48, 64, 3), np.uint8)
            self.context.frames(CameraFrame("table", f"table#{self.at}", 0.0, rgb, None, LENS, Pose((0, 0, 1))))
        os.write(self.tell.fileno(), NOTE.pack(self.context.tick, time.process_time()))
        return self.running(f"step {self.at}")


def record(path: Path, seconds: float | None, tell: Connection) -> None:
    """Record until killed; ``seconds`` is how much of the end is kept."""
    Works.tell = tell
    tree = build(load_text(PLAIN), Context(), overrides={"t/sequence/home": lambda w: Works("R", w.name, w.context)})
    Loop(tree, trace=TraceWriter(path, amount=Amount(seconds=seconds)), rate=1000.0).run()
