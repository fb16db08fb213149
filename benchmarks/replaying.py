"""What the channel ``/replay`` of a trace costs a run: on the thread that ticks, and on that which writes.

    python benchmarks/replaying.py [--ticks N]

Two loops tick the same tree in turns, one with the channel and one without, in CPU time of the thread. Of its 400
conditions, looked at in each tick before a running leaf, ten fail and succeed by turns.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf, Wiring
from knothole.behaviors.step import Status
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.replaying.noting import TOPIC
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.trace import TraceWriter


class Blinker(Leaf):
    """Succeeds and fails by turns, and writes when it does."""

    count = 0
    writes = False

    def step(self) -> Status:
        self.count += 1
        if Blinker.writes:
            self.wiring.board.cell("x").set(self.count / 7, self.path)
        return self.succeed() if self.count % 2 else self.fail("by turns")


class Steady(Leaf):
    """Succeeds."""

    def step(self) -> Status:
        return self.succeed()


def text(width: int) -> str:
    conditions = [{"selector": [{"check": "$x > -1"}, {"check": "$x < 1"}]} for _ in range(width)]
    root = {"reactive_sequence": [*conditions, {"wait": "1000000s"}]}
    return json.dumps({"knothole": 1, "tree": "t", "params": {"x": 0}, "root": root})


def loop(path: Path, width: int, noted: bool) -> Loop:
    spec = load_text(text(width))
    paths = [built.path for built in build(spec, Context()).nodes if built.type == "check"]

    def make(path: str) -> Any:
        blinks = path.endswith("[1]") and paths.index(path) % 20 == 0
        cls = Blinker if blinks else Steady

        def made(wiring: Wiring) -> Leaf:
            return cls(wiring)

        return made

    found = Loop(build(spec, Context(), overrides={path: make(path) for path in paths}), trace=TraceWriter(path))
    if not noted:
        found.record._notes = None
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=400, metavar="N")
    parser.add_argument("--rounds", type=int, default=9, metavar="N")
    parser.add_argument("--writes", action="store_true", help="let leaves that change write an entry as well")
    parser.add_argument("--width", type=int, default=200, metavar="N")
    args = parser.parse_args()
    Blinker.writes = args.writes
    thread: dict[bool, list[float]] = {True: [], False: []}
    process: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            for noted in (True, False):
                one = loop(Path(folder) / "t.mcap", args.width, noted)
                one.tick()
                gc.collect()
                gc.disable()
                begins, all_begins = time.thread_time(), time.process_time()
                for _ in range(args.ticks):
                    one.tick()
                thread[noted].append((time.thread_time() - begins) / args.ticks)
                one.close()
                process[noted].append((time.process_time() - all_begins) / args.ticks)
                gc.enable()
    for name, found in (("thread that ticks", thread), ("whole process", process)):
        with_it, without = (min(found[noted]) for noted in (True, False))
        share = with_it / without - 1
        print(f"{name:<18}{without * 1e6:9.1f} µs a tick without {TOPIC}, {with_it * 1e6:9.1f} with it  ({share:+.1%})")


if __name__ == "__main__":
    main()
