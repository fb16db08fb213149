"""A hand enters the workspace at a random time while the arm moves: how long until the arm is at rest?

Each seed draws a scene, what the arm does in it (it puts a thing here and there, or tours the table), and a hand that
comes in at a random time to a random place and stays for one to three seconds. The task runs under
``guard: {check: {clear_of: hand}}``; physics is watched at 240 Hz. Measured from truth:

- *alarm*: from the hand being inside the workspace to the tick in which the guard pauses;
- *rest*: from the tick in which the answer was there to the last moment at which a joint of the arm was faster than
  0.01 rad/s. It may last one tick and the braking time that the driver declares, 300 ms at most.

A seed is *missed* when the guard did not pause while the hand was inside, when the arm took longer to rest, or when it
moved again before the hand was out. With ``--at-least N`` the command fails when fewer seeds are not missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace

import numpy as np

from knothole.app.models.truth import SceneTruth
from knothole.app.running.stage import Kept, keep_open, open_runners
from knothole.app.settings.config import Config
from knothole.behaviors.context import Context
from knothole.behaviors.guard import Guard
from knothole.robots.contract import AT_REST
from knothole.sim.draw import load_scene
from knothole.sim.hand import WORKSPACE_HIGH, WORKSPACE_LOW, in_workspace
from knothole.sim.panda import PandaSim
from knothole.sim.scene import Disturbance
from knothole.sim.world import HZ, World
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.spec import TreeSpec
from knothole.trees.ticking.loop import RATE, Loop
from knothole.vlm.broker import Broker, BrokerEvent

SEEDS = 100
SCENES = ("tidy_table", "sort_by_color", "stack_two", "clear_plate")
LIMIT = 0.3
"""Longest time to rest after the answer that counts, [s], whatever the driver declares."""
_TIE = 1e-6

GUARDED = """
knothole: 1
tree: guarded
root:
  guard:
    check: {{clear_of: {{alarms: [hand], max_age: {max_age}s}}}}
    child:
{child}
"""
TOUR = """
      sequence:
        - home
{moves}
      repeat: -1
      retry: 1000
"""
WORK = """
      sequence:
        - home
        - pick: "{thing}"
        - move_to: {{point: [0.5m, 0m, 0.4m]}}
        - place: {{object: "{thing}", at: [{x}m, {y}m, 0m]}}
      repeat: -1
      retry: 1000
"""


@dataclass
class Outcome:
    """What one seed gave; times in [s], None for what did not happen; speed of the arm when it was paused, [rad/s].

    ``paused_before`` is how long the guard paused before the hand came in: at the start until its first answer, and for
    false alarms.
    """

    seed: int
    task: str
    entered: float | None = None
    left: float | None = None
    alarm: float | None = None
    speed: float = 0.0
    rest: float | None = None
    paused_before: float = 0.0
    missed: str = ""


class Watched(PandaSim):
    """The Panda, looked at in every step of physics."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.world = world
        self.log: list[tuple[float, float, bool]] = []
        """Time [s], speed of the fastest joint [rad/s], whether the hand is inside the workspace."""

    def advance(self, until: float) -> None:
        """Step physics up to ``until`` [s] and keep what is to be judged."""
        while self.world.steps < round(until * HZ):
            super().advance((self.world.steps + 1) / HZ)
            hand = self.world.hand_spec
            speed = float(np.abs(self._joints()[1]).max())
            self.log.append((self.now(), speed, hand is not None and in_workspace(hand.points())))


def task(seed: int, rng: np.random.Generator, world: World, max_age: float) -> tuple[str, TreeSpec]:
    """Return what the arm does: a tour of points above the table, or putting one thing here and there."""
    loose = [body.spec.name for body in world.objects if body.spec.loose]
    single = [name for name in loose if loose.count(name) == 1]
    kind = "work" if seed % 2 and single else "tour"
    if kind == "work":
        x, y = (round(float(rng.uniform(*span)), 3) for span in ((0.4, 0.6), (-0.25, 0.25)))
        child = WORK.format(thing=single[int(rng.integers(len(single)))], x=x, y=y)
    else:
        points = [[f"{rng.uniform(*s):.3f}m" for s in ((0.35, 0.6), (-0.3, 0.3), (0.3, 0.5))] for _ in range(6)]
        speed = round(float(rng.uniform(0.3, 1.0)), 2)
        moves = "\n".join(f"        - move_to: {{point: [{', '.join(point)}], speed: {speed}}}" for point in points)
        child = TOUR.format(moves=moves)
    return kind, load_text(GUARDED.format(max_age=max_age, child=child.strip("\n")), f"{kind}.yaml")


def play(seed: int, vlm: str, kept: dict[str, Kept], config: Config, max_age: float) -> Outcome:
    """Run one seed."""
    rng = np.random.default_rng([seed, 4711])
    spec = load_scene(SCENES[seed % len(SCENES)], seed)
    at, stay = float(rng.uniform(1.0, 8.0)), float(rng.uniform(1.5, 3.5))
    x, y = (float(rng.uniform(WORKSPACE_LOW[k] + 0.1, WORKSPACE_HIGH[k] - 0.1)) for k in (0, 1))
    hand = Disturbance(at, "hand_in", until=at + stay, to=(x, y, float(rng.uniform(0.09, 0.2))))
    with ExitStack() as stack:
        world = World(replace(spec, disturbances=(hand,)))
        stack.callback(world.close)
        robot = Watched(world)
        truth = SceneTruth(world, robot)
        answered: list[float] = []

        def heard(event: BrokerEvent) -> None:
            ticket = event.ticket
            asked = event.what == "answered" and ticket.question.text.startswith("Is a hand")
            if asked and ticket.answer is not None and not ticket.answer.problem and ticket.answer.p("yes") >= 0.8:
                answered.append(event.now)

        broker = Broker(open_runners(vlm, config, truth, kept), stepped=True, listener=heard)
        stack.callback(broker.close)
        context = Context(robot, broker, rng=np.random.default_rng(seed))
        context.frames = truth.saw
        kind, tree = task(seed, rng, world, max_age)
        loop = stack.enter_context(Loop(build(tree, context), rate=RATE))
        guard = loop.tree.root
        assert isinstance(guard, Guard)
        pauses: list[tuple[float, bool]] = []
        while robot.now() < at + stay + 1.5:
            loop.tick()
            pauses.append((context.now, guard.paused))
        return judge(Outcome(seed, kind), robot, pauses, answered)


def judge(outcome: Outcome, robot: Watched, pauses: list[tuple[float, bool]], answered: list[float]) -> Outcome:
    """Compare what the guard did with what was true."""
    inside = [t for t, _, hand in robot.log if hand]
    if not inside:
        outcome.missed = "the hand never came in"
        return outcome
    entered, left = inside[0], inside[-1]
    outcome.entered, outcome.left = round(entered, 4), round(left, 4)
    outcome.paused_before = round(sum(paused for t, paused in pauses if t < entered) / RATE, 2)
    began = next((t for t, paused in pauses if paused and entered <= t <= left + _TIE), None)
    if began is None:
        outcome.missed = "the guard did not pause"
        return outcome
    outcome.alarm = round(began - entered, 4)
    outcome.speed = round(max(v for t, v, _ in robot.log if began - 1 / RATE < t <= began + _TIE), 4)
    answer = max((t for t in answered if t <= began + _TIE), default=began)
    again = next((t for t, paused in pauses if t > began and not paused), left)
    fast = [t for t, v, _ in robot.log if began < t <= min(again, left) and v > AT_REST]
    allowed = min(LIMIT, 1 / RATE + (robot.capabilities.braking_time or 0.0))
    outcome.rest = round((fast[-1] if fast else began) - answer, 4)
    if again < left - _TIE and any(v > AT_REST for t, v, _ in robot.log if again < t <= left):
        outcome.missed = f"it moved again {left - again:.2f} s before the hand was out"
    elif outcome.rest > allowed + _TIE:
        outcome.missed = f"at rest only {outcome.rest:.3f} s after the answer"
    return outcome


def summary(rows: list[Outcome]) -> dict[str, object]:
    """Return the numbers of all seeds."""

    def spread(values: list[float]) -> dict[str, float]:
        if not values:
            return {}
        return {name: round(float(np.percentile(values, q)), 4) for name, q in (("p50", 50), ("p95", 95), ("max", 100))}

    return {
        "seeds": len(rows),
        "missed": sum(bool(row.missed) for row in rows),
        "alarm_s": spread([row.alarm for row in rows if row.alarm is not None]),
        "paused_before_s": spread([row.paused_before for row in rows]),
        "moving_when_paused": sum(row.speed > AT_REST for row in rows),
        "rest_s": spread([row.rest for row in rows if row.rest is not None and row.speed > AT_REST]),
        "notes": [f"seed {row.seed} ({row.task}): {row.missed}" for row in rows if row.missed],
    }


def main() -> int:
    """Run all seeds and print a summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many (default 100)")
    parser.add_argument("--first", type=int, default=0, help="the first one (default 0)")
    parser.add_argument("--vlm", default="oracle", help="backend of the guard and the task (default oracle)")
    parser.add_argument("--max-age", type=float, default=0.5, help="of the guard, [s]")
    parser.add_argument("--at-least", type=int, help="exit with 1 when fewer seeds are not missed")
    args = parser.parse_args()
    config, rows = Config(), list[Outcome]()
    kept = keep_open(args.vlm, config)
    try:
        for seed in range(args.first, args.first + args.seeds):
            rows.append(play(seed, args.vlm, kept, config, args.max_age))
            print(json.dumps(asdict(rows[-1])), file=sys.stderr, flush=True)
    finally:
        for one in kept.values():
            one.release()
    found = summary(rows)
    print(json.dumps({"vlm": args.vlm, **found}, indent=2))
    return int(args.at_least is not None and sum(not row.missed for row in rows) < args.at_least)


if __name__ == "__main__":
    sys.exit(main())
