"""A process that is killed while it records: ticks a fast tree as quickly as it can and tells each tick.

Run as ``python -m knothole.tests.killed_run TRACE [SECONDS]``; its output is 16 bytes a tick: the number, and the CPU
time of the process [s]. SECONDS is how much of the end it keeps.
"""

from __future__ import annotations

import os
import struct
import sys
import time
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

    def step(self) -> Status:
        self.at += 1
        if self.at % 50 == 0:
            rgb = np.random.default_rng(self.at).integers(0, 255, (48, 64, 3), np.uint8)
            self.context.frames(CameraFrame("table", f"table#{self.at}", 0.0, rgb, None, LENS, Pose((0, 0, 1))))
        os.write(1, NOTE.pack(self.context.tick, time.process_time()))
        return self.running(f"step {self.at}")


if __name__ == "__main__":
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else None
    tree = build(load_text(PLAIN), Context(), overrides={"t/sequence/home": lambda w: Works("R", w.name, w.context)})
    writer = TraceWriter(Path(sys.argv[1]), amount=Amount(seconds=seconds))
    Loop(tree, trace=writer, rate=1000.0).run()
