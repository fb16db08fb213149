"""A run on a real clock is paused: the robot holds still, limits wait, the watchdog rests, the driver is heard."""

from __future__ import annotations

import threading
import time

from knothole.behaviors.context import Context
from knothole.robots.errors import RobotError
from knothole.robots.kinematic import KinematicRobot
from knothole.tests.steering import PATIENCE, Steered
from knothole.trees.debugging.hooks import Hook
from knothole.trees.ticking.clock import RealClock
from knothole.trees.ticking.loop import Outcome
from knothole.trees.ticking.pace import Pace
from knothole.trees.ticking.watchdog import Watchdog

TREE = """\
knothole: 1
tree: t
root:
  sequence:
    - parallel:
        - move_to: {point: [0.5m, 0.2m, 0.3m], speed: 0.2}
        - wait: 500ms
    - say: there
"""
MOVE, WAIT, SAY = "t/sequence/parallel/move_to", "t/sequence/parallel/wait", "t/sequence/say"
LOOKS = 12


class RealKinematic(KinematicRobot):
    """The kinematic robot in real time; it counts how often it is told to stop and looked after."""

    def __init__(self) -> None:
        super().__init__()
        self.stepped = False
        self.stops = 0
        self.looks = threading.Semaphore(0)
        self.lost = False
        self._zero = time.monotonic()

    def now(self) -> float:
        return time.monotonic() - self._zero

    def advance(self, until: float) -> None:
        if self.lost:
            raise RobotError("the connection is lost")
        super().advance(until)
        self.looks.release()

    def stop(self) -> None:
        self.stops += 1
        super().stop()


def looked_after(robot: RealKinematic, times: int = LOOKS) -> None:
    """Wait until the driver was called so often from now on."""
    while robot.looks.acquire(blocking=False):
        pass
    for _ in range(times):
        assert robot.looks.acquire(timeout=PATIENCE)


def moving(run: Steered, robot: RealKinematic) -> None:
    """Let the run go on until the arm moves, and stand then."""
    run.send("break", when=None, node=MOVE, status="RUNNING")
    run.go()
    run.go("step", ticks=3)


def test_the_robot_holds_still_while_the_run_is_paused_and_goes_on_afterwards() -> None:
    robot = RealKinematic()
    with Steered(TREE, context=Context(robot), watchdog=60.0, max_time=100.0) as run:
        moving(run, robot)
        stops = robot.stops
        assert stops >= 1
        held, since, now = robot.state().q.copy(), run.loop._pace.since, run.loop.context.now
        looked_after(robot)
        assert (robot.state().q == held).all()
        assert robot.stops == stops
        run.send("resume")
        result = run.join()
        assert result.outcome is Outcome.SUCCESS, result.reason
        assert run.loop._pace.since - since >= 0.05 * (LOOKS - 1)
        assert result.time >= now + 0.05 * (LOOKS - 1)
        assert not (robot.state().q == held).all()


def test_the_clock_of_a_wait_stands_still_while_the_run_is_paused() -> None:
    robot = RealKinematic()
    with Steered(TREE.replace("500ms", "1000s"), context=Context(robot), watchdog=60.0) as run:
        moving(run, robot)
        leaf = run.tree[WAIT].node
        left = leaf._left
        assert leaf._since is None
        looked_after(robot)
        assert (leaf._left, leaf._since) == (left, None)
        run.go("step")
        assert 0.0 < leaf._left <= left


def test_a_tick_that_stands_inside_holds_what_began_in_it() -> None:
    robot = RealKinematic()
    with Steered(TREE, context=Context(robot), watchdog=60.0) as run:
        run.control.hooks.insert(Hook(run.tree[WAIT].index, "pre", once=True))
        stops = robot.stops
        run.go()
        assert run.tree["t/sequence"].node.status.name == "INVALID"
        assert run.tree[MOVE].node.status.name == "RUNNING"
        assert robot.stops > stops
        looked_after(robot)
        run.send("resume")
        result = run.join()
        assert result.outcome is Outcome.SUCCESS, result.reason


def test_stop_from_outside_stops_the_robot_at_once() -> None:
    robot = RealKinematic()
    with Steered(TREE, context=Context(robot), watchdog=60.0) as run:
        moving(run, robot)
        stops = robot.stops
        run.send("stop")
        assert robot.stops > stops
        result = run.join()
        assert (result.outcome, result.problems) == (Outcome.INTERRUPTED, ())


def test_a_driver_that_is_lost_ends_a_run_that_is_paused() -> None:
    robot = RealKinematic()
    with Steered(TREE, context=Context(robot), watchdog=60.0) as run:
        moving(run, robot)
        robot.lost = True
        result = run.join()
        assert (result.outcome, result.reason) == (Outcome.FAULT, "the connection is lost")


def test_a_pause_between_two_ticks_comes_before_the_next_one() -> None:
    robot = RealKinematic()
    text = "knothole: 1\ntree: t\nroot: {wait: 1000s}\n"
    with Steered(text, context=Context(robot), rate=0.01, watchdog=0) as run:
        run.send("resume")
        looked_after(robot, 1)
        assert run.go("pause")["reason"] == "paused"


def test_ticks_in_a_pause_are_not_missed_and_the_time_limit_waits() -> None:
    now = [0.0]

    class Hand(RealClock):
        def now(self) -> float:
            return now[0]

    warned: list[str] = []
    pace = Pace(Hand(), 0.1, "warn", warned.append)
    pace.begin(None)
    assert pace.stopwatch is not None
    now[0] = 0.05
    now[0] += 7.0
    pace.put_off(7.0)
    assert (pace.steps, round(pace.due, 6), pace.stopwatch.overruns) == (70, 7.1, 0)
    assert not pace.is_over(0.11)
    assert pace.is_over(0.09)
    pace.stopwatch.ended(7.01)
    assert pace.stopwatch.timing().took.largest < 0.011
    pace.close()


def test_a_watchdog_that_rests_says_nothing() -> None:
    rested: list[str] = []
    woken = threading.Event()
    resting = Watchdog(0.05, lambda: None, rested.append)
    resting.leave()
    with resting.resting():
        awake = Watchdog(0.1, lambda: None, lambda text: woken.set())
        awake.leave()
        assert woken.wait(PATIENCE)
        awake.close()
    resting.leave(PATIENCE)
    resting.close()
    assert rested == []
