"""Does the gate miss a change? Objects are moved at random while the arm moves before the camera; truth knows.

Each run has a scene of its own in PyBullet. The arm swings above the table, hides a part of it and is masked by its
joint states; every second or two a loose object is put somewhere else. Watches with ``max_age`` ask the oracle where
things are, which answers after its latency. A change is missed when the truth of a question changed and the verdict
did not after ``max_age`` plus latency (plus the tick in which it is given). What counts are moments at which both
objects show at least 12 px at 224 and the arm does not hide them. Target: none missed in 40 runs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from dataclasses import dataclass, field

import numpy as np

from knothole.app.oracle import Oracle
from knothole.app.truth import SceneTruth
from knothole.behaviors.context import Context
from knothole.behaviors.leaves.see import See
from knothole.behaviors.node import Wiring
from knothole.behaviors.step import FAILURE, SUCCESS
from knothole.robots.contract import CameraFrame
from knothole.sim.draw import load_scene
from knothole.sim.panda import PandaSim
from knothole.sim.world import World
from knothole.vlm.broker import Broker
from knothole.vlm.facts import FrameFacts
from knothole.vlm.language.grammar import judge, parse
from knothole.vlm.questions import Frame
from knothole.vlm.runner import InLoop

RUNS, SECONDS, MAX_AGE, LATENCY, TICK = 40, 15.0, 0.5, 0.1, 0.05
SMALLEST = 12 / 224
_VISIBLE = 0.7
_X, _Y = (0.35, 0.62), (-0.28, 0.28)


@dataclass
class Outcome:
    """What one run gave."""

    seed: int
    moved: int = 0
    changes: int = 0
    missed: int = 0
    asked: int = 0
    looks: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass
class _Pair:
    """A question about two objects, and since when its verdict has been wrong."""

    text: str
    names: tuple[str, str]
    leaf: See
    truth: bool | None = None
    wrong_since: float | None = None
    counted: bool = False


class Experiment:
    """One run.

    Args:
        seed: Of scene, arm and moves.
        max_age: Of every watch, [s].
        seconds: How long, [s].
    """

    def __init__(self, world: World, seed: int, max_age: float) -> None:
        self.world, self.rng, self.max_age = world, np.random.default_rng(seed), max_age
        self.robot = PandaSim(world)
        self.truth = SceneTruth(world, self.robot)
        self.broker = Broker(InLoop(Oracle(self.truth), LATENCY), stepped=True)
        self.context = Context(self.robot, self.broker, rng=np.random.default_rng(seed))
        self.outcome = Outcome(seed)
        self.context.frames = self.truth.saw
        self.context.glances = self._glance
        self.loose = [k for k, body in enumerate(world.objects) if body.spec.shape in ("cube", "can", "ball", "bottle")]
        names = [world.objects[k].spec.name for k in range(len(world.objects))]
        single = [name for name in names if names.count(name) == 1]
        pairs = list(itertools.permutations(single, 2))
        chosen = self.rng.permutation(len(pairs))[:6]
        self.pairs = [self._pair(pairs[k]) for k in chosen]
        self.phase = self.rng.uniform(0, 2 * math.pi, 7)
        self.next_move = 1.0

    def _glance(self, glance: object) -> None:
        self.outcome.looks += 1

    def _pair(self, names: tuple[str, str]) -> _Pair:
        text = f"Is the {names[0]} left of the {names[1]}?"
        values = {port.name: port.default for port in See.ports} | {"question": text, "max_age": self.max_age}
        inputs = {name: (lambda value=value: value) for name, value in values.items()}
        return _Pair(text, names, See(Wiring(text, text, inputs=inputs, context=self.context)))

    def run(self, seconds: float) -> Outcome:
        """Tick until the time is over."""
        for tick in range(1, round(seconds / TICK) + 1):
            self._swing(tick * TICK)
            self.robot.advance(tick * TICK)
            self._move()
            self.context.tick, self.context.now = tick, self.robot.now()
            self.broker.collect(self.context.now)
            for pair in self.pairs:
                pair.leaf._t()
            self.broker.flush(self.context.now)
            self._judge(self.robot.capture("table"))
        self.outcome.asked = self.broker.counters.questions
        return self.outcome

    def _swing(self, now: float) -> None:
        """Let the arm swing between camera and table, high enough to touch nothing."""
        sway = np.array([0.9, 0.25, 0.2, 0.2, 0.3, 0.3, 0.5])
        rate = np.array([0.9, 0.7, 0.5, 0.6, 0.8, 1.1, 1.3])
        raised = self.robot.arm.home + np.array([0.0, 0.15, 0.0, 0.2, 0.0, 0.2, 0.0])
        wish = raised + sway * np.sin(rate * now + self.phase) * min(1.0, now)
        self.robot.servo(np.clip(wish, self.robot.arm.lower + 0.05, self.robot.arm.upper - 0.05))

    def _move(self) -> None:
        """Put a loose object somewhere else, now and then."""
        if self.robot.now() < self.next_move or not self.loose:
            return
        self.next_move = self.robot.now() + float(self.rng.uniform(1.0, 2.0))
        index = int(self.rng.choice(self.loose))
        others = [self.world.pose(k)[0] for k in range(len(self.world.objects)) if k != index]
        z = self.world.pose(index)[0][2]
        for _ in range(50):
            x, y = float(self.rng.uniform(*_X)), float(self.rng.uniform(*_Y))
            if all(math.hypot(x - a, y - b) > 0.13 for a, b, _ in others):
                self.world.put(index, (x, y, max(0.03, z)))
                self.outcome.moved += 1
                return

    def _judge(self, frame: CameraFrame) -> None:
        """Compare every verdict with the truth of this moment."""
        self.truth.saw(frame)
        facts = self.truth(Frame(frame.id, frame.stamp, frame.rgb))
        assert facts is not None
        now = self.context.now
        for pair in self.pairs:
            meaning = parse(pair.text)
            assert meaning is not None
            verdict = judge(meaning, facts, lenient=True) if _clear(facts, pair.names) else None
            true = None if verdict is None else verdict.yes
            if true is None:
                pair.wrong_since, pair.counted = None, False
                continue
            self.outcome.changes += pair.truth is not None and true != pair.truth
            pair.truth = true
            if pair.leaf.status is (SUCCESS if true else FAILURE):
                pair.wrong_since, pair.counted = None, False
                continue
            if pair.wrong_since is None:
                pair.wrong_since = now
            if not pair.counted and now - pair.wrong_since > self.max_age + LATENCY + TICK + 1e-6:
                pair.counted = True
                self.outcome.missed += 1
                self.outcome.notes.append(f"{now:.2f} s {pair.text} is {true}, {pair.leaf.feedback_message}")


def _clear(facts: FrameFacts, names: tuple[str, str]) -> bool:
    """Tell whether both objects are large enough in the picture, and not hidden."""
    for name in names:
        view = next(each for each in facts.objects if each.name == name)
        if view.box_xyxy is None or view.visible_fraction < _VISIBLE:
            return False
        x1, y1, x2, y2 = view.box_xyxy
        if min(x2 - x1, y2 - y1) < SMALLEST:
            return False
    return True


def measure(seed: int, seconds: float = SECONDS, max_age: float = MAX_AGE) -> Outcome:
    """Do one run."""
    with World(load_scene("tidy_table", seed)) as world:
        return Experiment(world, seed, max_age).run(seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"how many scenes (default {RUNS})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each, simulated (default {SECONDS:g})")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    rows = [measure(seed, args.seconds) for seed in range(args.runs)]
    totals = {key: sum(getattr(row, key) for row in rows) for key in ("moved", "changes", "looks", "asked", "missed")}
    met = totals["missed"] == 0
    if args.json:
        print(json.dumps({"runs": len(rows), **totals, "met": met}))
        return 0 if met else 1
    print(f"{len(rows)} runs of {args.seconds:g} s, 6 watches each, max_age {MAX_AGE:g} s, latency {LATENCY:g} s")
    print(f"objects moved {totals['moved']}, answers that changed by it {totals['changes']}")
    print(f"looks {totals['looks']}, questions asked {totals['asked']}; changes missed {totals['missed']} (target 0)")
    for row in rows:
        for note in row.notes:
            print(f"  seed {row.seed}: {note}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
