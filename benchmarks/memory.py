"""Whether a run keeps its memory: a million ticks, once without and once with a trace.

    python benchmarks/memory.py [--ticks N] [--warm N] [--modes plain,trace,seeing] [--json]

A tree of YAML with a guard, retries, failures, a subtree, a loop over a list, timeouts and hooks writes several entries
a tick; the change log and the digest are on, as in every run. Time is stepped. ``trace`` also records to a temporary
file, ``seeing`` also takes pictures with the kinematic driver and asks the scripted backend about them, fewer ticks
since pictures take long.

What the process holds is read after a warm-up and at the end. The exit code is 1 when it grew by more than 1 MB
between, or when file descriptors or threads are left after the run. Where there is no ``/proc`` the peak is read
instead, which grows whenever the memory does.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from knothole.behaviors.context import Context
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop
from knothole.trees.tracing.trace import TraceWriter
from knothole.vlm.broker import Broker
from knothole.vlm.scripted import Scripted

MOST = 1.0
"""Most growth after the warm-up, [MB]."""
MODES: Final = ("plain", "trace", "seeing")
SEEING_SHARE: Final = 20
"""Of so many ticks ``seeing`` runs one."""

BUSY: Final = """knothole: 1
tree: busy
params: {hand: false, count: 0, round: 0, places: [1, 2, 3]}
root:
  parallel:
    - sequence:
        - set: {name: $count, to: ($count + 1) % 1000}
        - set: {name: $hand, to: $count % 10 == 9}
      repeat: -1
    - guard:
        check: {check: not $hand}
        child:
          sequence:
            - selector:
                - sequence:
                    - check: $count < 900
                    - check: $count % 4 == 0
                      name: a count that fits
                  retry: 2
                - say: "${count} does not fit."
            - use: {tree: work, inputs: {count: $count}, outputs: {round: $round}}
            - for_each: {item: $each, in: $places, child: {check: $each > $round - 1000}}
              when: $count % 5 == 0
            - SEEING
            - wait: 100ms
              timeout: 1s
              on_success: {say: "${round} is done."}
          repeat: -1
---
knothole: 1
tree: work
inputs: {count: {type: number}}
outputs: {round: {type: number}}
root:
  reactive_sequence:
    - check: $count >= 0
    - set: {name: $round, to: $count // 10}
"""
LEAVES: Final = {
    "plain": "set: {name: $hand, to: false}",
    "seeing": """selector:
                - see: {question: "Is the tray full after ${round}?", on_unsure: failure}
                - say: It is not.""",
}


@dataclass(frozen=True)
class Held:
    """What the process holds.

    Attributes:
        memory: Resident memory, [MB].
        objects: Objects that the collector follows.
        files: Open file descriptors; -1 where they cannot be listed.
        threads: Threads of Python.
    """

    memory: float
    objects: int
    files: int
    threads: int


def held() -> Held:
    """Look at this process after a collection."""
    gc.collect()
    return Held(_memory(), len(gc.get_objects()), _files(), threading.active_count())


def _memory() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        import resource  # not on Windows, which has no /proc either

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def _files() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        if os.path.isdir(folder):
            return len(os.listdir(folder))
    return -1


def run(mode: str, marks: tuple[int, ...], folder: Path, look: Callable[[], Held] = held) -> list[Held]:
    """Tick the tree in one mode up to the last mark; look at the process before, at each mark and after."""
    seen = [look()]
    seeing = mode == "seeing"
    robot = DRIVERS.get("kinematic")(DriverOptions(settings={"pixels": 32})) if seeing else None
    broker = Broker(Scripted({"*": {"calls": ["no", 0.5, "yes"]}}), stepped=True, latency=0.1) if seeing else None
    text = BUSY.replace("SEEING", LEAVES["seeing" if seeing else "plain"])
    tree = build(load_text(text), Context(robot, broker))
    trace = None if mode == "plain" else TraceWriter(folder / f"{mode}.mcap")
    with Loop(tree, trace=trace) as loop:
        for mark in marks:
            while loop.context.tick < mark:
                loop.tick()
            while trace is not None and trace.waiting:
                time.sleep(0.01)  # what waits for the disk has a bound of its own
            seen.append(look())
    assert loop.result is not None
    if loop.result.fault is not None or loop.result.problems or (trace is not None and trace.problem):
        raise RuntimeError(f"{mode}: {loop.result}, {trace.problem if trace is not None else ''}")
    del tree, loop, trace, robot, broker
    seen.append(look())
    return seen


@dataclass(frozen=True)
class Row:
    """One mode: what it held before, warm, at the end of its ticks, and after the run."""

    mode: str
    ticks: int
    seconds: float
    before: Held
    warm: Held
    end: Held
    after: Held

    @property
    def growth(self) -> float:
        """How much more memory it held at the end than warm, [MB]."""
        return self.end.memory - self.warm.memory

    @property
    def flat(self) -> bool:
        """Whether nothing grew and nothing is left."""
        left = self.after.files > self.before.files or self.after.threads > self.before.threads
        return self.growth <= MOST and not left


def measure(mode: str, ticks: int, warm: int) -> Row:
    """Run one mode."""
    if mode == "seeing":
        ticks, warm = max(2, ticks // SEEING_SHARE), max(1, warm // SEEING_SHARE)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="knothole-memory-") as folder:
        before, warmed, end, after = run(mode, (warm, ticks), Path(folder))
    return Row(mode, ticks, time.monotonic() - began, before, warmed, end, after)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=1_000_000, help="ticks of each mode (default 1,000,000)")
    parser.add_argument("--warm", type=int, help="ticks of the warm-up, a tenth unless given")
    parser.add_argument("--modes", default=",".join(MODES), help=f"some of {','.join(MODES)} (default all)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    args = parser.parse_args()
    warm = args.ticks // 10 if args.warm is None else args.warm
    if not 0 < warm < args.ticks or not {*args.modes.split(",")} <= {*MODES}:
        parser.error(f"--warm must lie between 0 and --ticks, and --modes name some of {','.join(MODES)}")
    flat = True
    if not args.json:
        print(f"{'mode':<8}{'ticks':>9}{'s':>7}{'warm MB':>10}{'end MB':>9}{'growth':>9}   objects   files   threads")
    for mode in args.modes.split(","):
        row = measure(mode, args.ticks, warm)
        flat = flat and row.flat
        if args.json:
            print(json.dumps({**asdict(row), "growth": row.growth, "flat": row.flat}), flush=True)
            continue
        objects = f"{row.end.objects - row.warm.objects:+d}"
        files, threads = f"{row.before.files}>{row.after.files}", f"{row.before.threads}>{row.after.threads}"
        print(
            f"{mode:<8}{row.ticks:>9}{row.seconds:>7.0f}{row.warm.memory:>10.1f}{row.end.memory:>9.1f}"
            f"{row.growth:>+9.2f}{objects:>10}{files:>8}{threads:>10}   {'flat' if row.flat else 'NOT FLAT'}",
            flush=True,
        )
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
