"""Does the gate miss a change? Objects are moved at random while the arm moves before the camera; truth knows.

Each run has a scene of its own in PyBullet. The arm swings above the table, hides a part of it and is masked by its
joint states; every second or two a loose object is put somewhere else. Watches with ``max_age`` ask the oracle where
things are, which answers after its latency. A change is missed when the truth of a question changed and the verdict
did not after ``max_age`` plus latency (plus the tick in which it is given). What counts are moments at which both
objects show at least 12 px at 224 and the arm does not hide them. Target: none missed in 40 runs.

Verdicts are compared in every tick. That takes a picture only where it can matter. It cannot when the columns in which
the middles of two clear objects can lie are apart, for no arm before them changes which one is left of the other; and
when the arm is before neither of them and nothing was moved since the last picture of which that was true.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import time
from dataclasses import dataclass, field

import numpy as np

from knothole.app.models.oracle import Oracle
from knothole.app.models.truth import SceneTruth
from knothole.behaviors.context import Context
from knothole.behaviors.leaves.see import See
from knothole.behaviors.node import Wiring
from knothole.behaviors.step import FAILURE, SUCCESS, Status
from knothole.robots.pose import Array
from knothole.robots.silhouette import arm_pixels
from knothole.sim.camera import project
from knothole.sim.draw import load_scene
from knothole.sim.meshes import unit_mesh
from knothole.sim.panda import PandaSim
from knothole.sim.truth import rotation
from knothole.sim.world import World
from knothole.vlm.broker import Broker
from knothole.vlm.facts import FrameFacts
from knothole.vlm.language.grammar import judge, parse
from knothole.vlm.questions import Frame
from knothole.vlm.runner import InLoop

RUNS, SECONDS, MAX_AGE, LATENCY, TICK = 40, 15.0, 0.5, 0.1, 0.05
SMALLEST = 12 / 224
_VISIBLE, _SWAY = 0.7, 0.28
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
    free: tuple[object, bool | None] = ("", None)
    """Where everything was when the arm last was before neither, and what was true then."""
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
        self._view = self.robot.capture("table")

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
            self._judge()
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

    def _judge(self) -> None:
        """Compare every verdict with the truth of this moment."""
        outlines = {name: self._outline(name) for pair in self.pairs for name in pair.names}
        poses = [self.world.pose(k) for k in range(len(self.world.objects))]
        places = tuple(round(v / 5e-4) for xyz, quat in poses for v in (*xyz, *(0.05 * v for v in quat)))
        arm = arm_pixels(self._view, self.robot.arm, self.robot.state().q)
        free = [not any(arm[_inside(outlines[name])].any() for name in pair.names) for pair in self.pairs]
        apart = [_apart(*(outlines[name] for name in pair.names)) for pair in self.pairs]
        seen = [alone and pair.free[0] == places for alone, pair in zip(free, self.pairs, strict=True)]
        known = [pair.free[1] if s else a for s, a, pair in zip(seen, apart, self.pairs, strict=True)]
        rows = list(zip(self.pairs, known, seen, strict=True))
        if all(
            s or (k is not None and pair.truth in (None, k) and pair.leaf.status is _said(k)) for pair, k, s in rows
        ):
            for pair, k, s in rows:
                self._compare(pair, k if s or pair.truth is not None else None)
            return
        frame = self._view = self.robot.capture("table")
        self.truth.saw(frame)
        facts = self.truth(Frame(frame.id, frame.stamp, frame.rgb))
        assert facts is not None
        for pair, k, alone in zip(self.pairs, known, free, strict=True):
            meaning = parse(pair.text)
            assert meaning is not None
            verdict = judge(meaning, facts, lenient=True) if _clear(facts, pair.names) else None
            true = None if verdict is None else verdict.yes
            assert true is None or k in (None, true), f"{pair.text} is {true} and cannot be"
            if alone:
                pair.free = (places, true)
            self._compare(pair, true)

    def _outline(self, name: str) -> Array:
        """Return the box of the whole of an object, hidden or not, (u1, v1, u2, v2), [px]."""
        body = next(each for each in self.world.objects if each.spec.name == name)
        xyz, quat = self.world.pose(self.world.objects.index(body))
        corners = unit_mesh(body.spec.shape).corners.reshape(-1, 3) * np.array(body.spec.size)
        camera = self.world.spec.camera
        uv = project(corners @ rotation(quat).T + np.array(xyz), camera.world_from_camera, camera.intrinsics)[:, :2]
        uv = uv.clip(0, [camera.width, camera.height])
        return np.concatenate([uv.min(axis=0), uv.max(axis=0)])

    def _compare(self, pair: _Pair, true: bool | None) -> None:
        """Take note of a verdict that has been wrong for too long."""
        now = self.context.now
        if true is None:
            pair.wrong_since, pair.counted = None, False
            return
        self.outcome.changes += pair.truth is not None and true != pair.truth
        pair.truth = true
        if pair.leaf.status is _said(true):
            pair.wrong_since, pair.counted = None, False
            return
        if pair.wrong_since is None:
            pair.wrong_since = now
        if not pair.counted and now - pair.wrong_since > self.max_age + LATENCY + TICK + 1e-6:
            pair.counted = True
            self.outcome.missed += 1
            self.outcome.notes.append(f"{now:.2f} s {pair.text} is {true}, {pair.leaf.feedback_message}")


def _is_right(pair: _Pair, known: bool | None) -> bool:
    """Tell whether a pair of which the truth is known has a right verdict, as before."""
    return known is not None and pair.truth in (None, known) and pair.leaf.status is _said(known)


def _said(true: bool) -> Status:
    return SUCCESS if true else FAILURE


def _inside(box: Array) -> tuple[slice, slice]:
    """Return the rows and columns of a box, with one to spare."""
    u1, v1, u2, v2 = (int(v) for v in box)
    return slice(max(0, v1 - 1), v2 + 2), slice(max(0, u1 - 1), u2 + 2)


def _apart(a: Array, b: Array) -> bool | None:
    """Tell whether one thing is left of another wherever the arm is; None where that depends on it.

    Whoever hides 0.3 of a convex outline moves the middle of the rest by at most 0.28 of its width: that is a triangle
    cut from its tip.
    """
    gap = (b[0] + b[2] - a[0] - a[2]) / 2
    slack = _SWAY * (b[2] - b[0] + a[2] - a[0]) + 2.0
    return bool(gap > 0) if abs(gap) > slack else None


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
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="seed of the first scene (default 0)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each, simulated (default {SECONDS:g})")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    rows = []
    for seed in range(args.first, args.first + args.runs):
        began = time.perf_counter()
        rows.append(measure(seed, args.seconds))
        took, row = time.perf_counter() - began, rows[-1]
        progress = f"seed {seed}: {row.moved} moved, {row.changes} changes, {row.missed} missed"
        print(f"{progress} ({took:.0f} s)", file=sys.stderr, flush=True)
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
