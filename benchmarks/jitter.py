"""How late ticks begin at 100 Hz, idle and while a model generates without a pause in the worker process.

    python benchmarks/jitter.py [--seconds S] [--turns N] [--backend B] [--ordinary] [--json]

The tree reads the blackboard beside a kinematic arm; the clock is the real one. Turns alternate: *idle*, in which the
worker has its model loaded and waits, and *busy*, in which a request is always with it, and one more waiting, so that
it computes all the time. All turns have the same process, driver and worker. The loop runs with SCHED_FIFO where the
system allows that, unless ``--ordinary`` is given; the first line says which. The worker uses one thread less than
there are cores.

Times are those of ``LoopResult.timing``: medians over the turns, and the largest of all. The exit code is 1 when a tick
was left out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from knothole.app.settings.names import register_all
from knothole.behaviors.context import Context
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.clock import RealClock
from knothole.trees.ticking.loop import Listener, Loop
from knothole.trees.ticking.timing import Timing
from knothole.vlm.broker import open_backend
from knothole.vlm.questions import Frame, Question
from knothole.vlm.runner import Runner

RATE = 100.0
AHEAD = 2
TREE = """knothole: 1
tree: steady
params: {battery: 0.9, least: 0.2}
root:
  parallel:
    - reactive_sequence:
        - check: $battery > $least
        - sequence:
            - wait: 100ms
            - set: {name: $battery, to: $battery}
          repeat: -1
    - wait: 10h
"""


@dataclass(frozen=True)
class Turn:
    """One run: how punctual it was, and how many answers came meanwhile."""

    timing: Timing
    ticks: int
    answers: int


class Questions:
    """Keeps a runner busy: as soon as a reply is there, another question goes out."""

    def __init__(self, runner: Runner) -> None:
        self.runner, self.flying, self.answers = runner, 0, 0
        rng = np.random.default_rng(0)
        self.pictures = [rng.integers(0, 255, (384, 384, 3), dtype=np.uint8) for _ in range(8)]
        self.number = 0

    def keep(self, ahead: int) -> None:
        """Take replies and have ``ahead`` requests under way."""
        replies = self.runner.poll(0.0)
        self.answers += len(replies)
        self.flying -= len(replies)
        while self.flying < ahead:
            self.number += 1
            frame = Frame(f"f#{self.number}", self.number * 0.1, self.pictures[self.number % len(self.pictures)])
            self.runner.submit(frame, [Question("describe", "What is on the table?")])
            self.flying += 1

    def drain(self) -> None:
        """Wait until the worker is idle."""
        while self.flying:
            self.flying -= len(self.runner.poll(1.0))


def turn(questions: Questions, busy: bool, seconds: float, realtime: bool) -> Turn:
    """Run the tree for a while on a real clock."""
    context = Context(DRIVERS.get("kinematic")(DriverOptions()))
    answered = questions.answers
    listeners: list[Listener] = [lambda at: questions.keep(AHEAD)] if busy else []
    tree = build(load_text(TREE), context)
    loop = Loop(tree, rate=RATE, max_time=seconds, clock=RealClock(), listeners=listeners, realtime=realtime)
    result = loop.run()
    assert result.timing is not None
    done = questions.answers - answered
    questions.drain()
    return Turn(result.timing, result.ticks, done)


def allowed() -> bool:
    """Tell whether the loop gets SCHED_FIFO here."""
    told: list[str] = []
    tree = build(load_text("knothole: 1\ntree: t\nroot: {say: hi}\n"), Context())
    Loop(tree, realtime=True, tell=told.append).run()
    return not told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a turn (default 20)")
    parser.add_argument("--turns", type=int, default=3, help="turns of each (default 3)")
    parser.add_argument("--backend", default="embedded", help="model in the worker (default embedded)")
    parser.add_argument("--ordinary", action="store_true", help="do not ask for SCHED_FIFO")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    register_all()
    realtime = not args.ordinary and allowed()
    runner: Any = open_backend(args.backend)
    turns: dict[str, list[Turn]] = {"idle": [], "busy": []}
    try:
        runner.wait_ready(300.0)
        questions = Questions(runner)
        questions.keep(1)
        questions.drain()
        for _ in range(args.turns):
            for kind, found in turns.items():
                found.append(turn(questions, kind == "busy", args.seconds, realtime))
    finally:
        runner.close()
    rows: dict[str, dict[str, float]] = {}
    for kind, found in turns.items():
        late = [each.timing.late for each in found]
        rows[kind] = {
            "ticks": sum(each.ticks for each in found),
            "p50_ms": statistics.median(each.p50 for each in late) * 1e3,
            "p99_ms": statistics.median(each.p99 for each in late) * 1e3,
            "max_ms": max(each.largest for each in late) * 1e3,
            "missed": sum(each.timing.overruns for each in found),
            "answers": sum(each.answers for each in found),
        }
    missed = sum(row["missed"] for row in rows.values())
    ratio = rows["busy"]["p99_ms"] / rows["idle"]["p99_ms"]
    if args.json:
        print(json.dumps({"realtime": realtime, "p99_ratio": ratio, **rows}))
        return 1 if missed else 0
    print(f"late starts at {RATE:g} Hz, {'SCHED_FIFO' if realtime else 'ordinary priority'}, {args.backend}\n")
    print(f"{'':<6}{'ticks':>8}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'missed':>8}{'answers':>9}")
    for kind, row in rows.items():
        times = "".join(f"{row[key]:>9.3f}" for key in ("p50_ms", "p99_ms", "max_ms"))
        print(f"{kind:<6}{row['ticks']:>8.0f}{times}{row['missed']:>8.0f}{row['answers']:>9.0f}")
    print(f"\np99 busy / idle: {ratio:.2f}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
