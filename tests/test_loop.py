"""The loop: time, ends, signals, faults. Whatever ends a run, the robot is stopped and the trace is closed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf, NodeFault, Wiring
from knothole.behaviors.ports import Port
from knothole.behaviors.step import RUNNING, Status
from knothole.robots.contract import DRIVERS, DriverOptions, RobotError, Trajectory
from knothole.tests.script_nodes import Script
from knothole.trees.builder import BuiltTree, build
from knothole.trees.loader import load_text
from knothole.trees.replaying.replay import replay
from knothole.trees.replaying.tape import Tape
from knothole.trees.ticking.alarm import Alarm
from knothole.trees.ticking.clock import RealClock, SteppedClock
from knothole.trees.ticking.loop import Loop, LoopResult, Outcome, Ticked
from knothole.trees.tracing.trace import TraceWriter, read_trace
from knothole.vlm.broker import Broker
from knothole.vlm.scripted import Scripted

ONE = "knothole: 1\ntree: t\nroot:\n  sequence:\n    - say: begin\n    - wait: 1s\n"
MOVER = "t/sequence/wait"


def tree_with(leaf: Callable[[Wiring], Any] | None = None, context: Context | None = None) -> BuiltTree:
    return build(load_text(ONE), context or Context(), overrides={MOVER: leaf} if leaf else None)


def scripted(letters: str) -> Callable[[Wiring], Script]:
    return lambda wiring: Script(letters, wiring.name, wiring.context)


@pytest.mark.parametrize(
    ("letters", "outcome", "status", "code"),
    [
        ("RS", Outcome.SUCCESS, "SUCCESS", 0),
        ("RF", Outcome.FAILURE, "FAILURE", 1),
        ("R!", Outcome.FAULT, "FAULT", 3),
        ("!", Outcome.FAULT, "FAULT", 3),
        ("R", Outcome.TIME_LIMIT, "RUNNING", 4),
    ],
)
def test_a_run_ends_with_its_exit_code(letters: str, outcome: Outcome, status: str, code: int) -> None:
    tree = tree_with(scripted(letters))
    result = Loop(tree, max_time=0.5).run()
    assert (result.outcome, result.status, int(result.outcome)) == (outcome, status, code)
    leaf: Any = tree[MOVER].node
    assert leaf.calls.count("halt") == (outcome in (Outcome.FAULT, Outcome.TIME_LIMIT))
    assert all(built.node.status is not RUNNING for built in tree.nodes)


def test_a_failure_says_why() -> None:
    assert Loop(tree_with(scripted("F"))).run().reason == "wait said F"


def test_time_is_stepped_at_the_rate() -> None:
    seen: list[Ticked] = []
    result = Loop(tree_with(), rate=10.0, listeners=[seen.append], clock=SteppedClock(5.0)).run()
    assert result.outcome is Outcome.SUCCESS
    assert [round(t.now, 6) for t in seen[:3]] == [5.0, 5.1, 5.2]
    assert [t.tick for t in seen[:3]] == [1, 2, 3]
    assert result.time == pytest.approx(1.0)
    assert result.ticks == 11


def test_the_time_limit_is_not_overstepped() -> None:
    result = Loop(tree_with(scripted("R")), rate=20.0, max_time=0.5).run()
    assert (result.ticks, round(result.time, 6)) == (11, 0.5)


def test_a_listener_learns_changes_and_running_leaves() -> None:
    seen: list[Ticked] = []
    tree = tree_with(scripted("RRS"))
    Loop(tree, listeners=[seen.append]).run()
    index = tree[MOVER].index
    assert [(c.node, c.status) for c in seen[0].changes] == [(1, "SUCCESS"), (index, "RUNNING"), (0, "RUNNING")]
    assert [t.running for t in seen[:3]] == [(index,), (index,), ()]
    assert seen[1].changes == ()


class Clocked:
    """A clock of which a test says how late it is: nothing sleeps."""

    stepped = False

    def __init__(self, late: list[float]) -> None:
        self.time, self.late, self.asked = 100.0, late, list[float]()

    def now(self) -> float:
        return self.time

    def wait_until(self, until: float, alarm: Alarm | None = None) -> None:
        self.asked.append(round(until - 100.0, 6))
        self.time = max(self.time, until) + (self.late.pop(0) if self.late else 0.0)


def test_deadlines_are_absolute_and_missed_ticks_are_left_out() -> None:
    clock = Clocked([0.01, 0.0, 0.32, 0.0])
    result = Loop(tree_with(scripted("RRRRRRS")), rate=10.0, clock=clock).run()
    assert clock.asked == [0.1, 0.2, 0.3, 0.6, 0.7, 0.8]
    assert result.overruns == 2


def test_a_real_clock_returns_early_when_the_alarm_goes_off() -> None:
    clock, alarm = RealClock(), Alarm()
    alarm.ring()
    clock.wait_until(clock.now() + 3600.0, alarm)
    alarm.close()


@pytest.mark.parametrize(
    ("number", "outcome"), [(signal.SIGINT, Outcome.INTERRUPTED), (signal.SIGTERM, Outcome.TERMINATED)]
)
def test_a_signal_ends_the_run_after_the_tick(number: signal.Signals, outcome: Outcome, tmp_path: Path) -> None:
    class Signals(Script):
        def step(self) -> Status:
            if self.at == 2:
                signal.raise_signal(number)
            return super().step()

    before = signal.getsignal(number)
    tree = tree_with(lambda wiring: Signals("R", wiring.name, wiring.context))
    result = Loop(tree, trace=TraceWriter(tmp_path / "t.mcap")).run()
    assert (result.outcome, result.ticks, result.status) == (outcome, 3, "RUNNING")
    leaf: Any = tree[MOVER].node
    assert leaf.calls == ["start", "R", "R", "R", "halt"]
    assert signal.getsignal(number) is before
    recording = read_trace(tmp_path / "t.mcap")
    assert recording.complete
    assert recording.end["outcome"] == outcome.name
    assert recording.last_tick == 3


@pytest.mark.parametrize(
    ("number", "outcome"), [(signal.SIGINT, Outcome.INTERRUPTED), (signal.SIGTERM, Outcome.TERMINATED)]
)
def test_a_signal_counts_when_the_root_was_just_replaced(
    number: signal.Signals, outcome: Outcome, tmp_path: Path
) -> None:
    def edit(ticked: Ticked) -> None:
        if ticked.tick == 3:
            loop.reload(load_text("knothole: 1\ntree: t\nroot:\n  selector:\n    - wait: 2s\n"))
            signal.raise_signal(number)

    tree = build(load_text("knothole: 1\ntree: t\nroot:\n  sequence:\n    - wait: 2s\n"), Context())
    loop = Loop(tree, listeners=[edit], trace=TraceWriter(tmp_path / "t.mcap"))
    result = loop.run()
    assert (result.outcome, result.ticks, result.status) == (outcome, 3, "RUNNING")
    again = replay(Tape.of(read_trace(tmp_path / "t.mcap")))[0].result
    assert (again.outcome, again.digest) == (outcome, result.digest)


def test_a_second_ctrl_c_breaks_a_tick_and_the_leaf_is_still_halted() -> None:
    class Stubborn(Script):
        def step(self) -> Status:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("not reached")

    tree = tree_with(lambda wiring: Stubborn("R", wiring.name, wiring.context))
    result = Loop(tree).run()
    assert result.outcome is Outcome.INTERRUPTED
    assert isinstance(result.fault, KeyboardInterrupt)
    leaf: Any = tree[MOVER].node
    assert leaf.calls == ["start", "halt"]


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, MemoryError, OSError])
@pytest.mark.parametrize("when", [1, 3])
def test_finally_runs_whatever_a_leaf_raises_and_whenever(raised: type[BaseException], when: int) -> None:
    """Also in the first tick, when nothing above is RUNNING yet."""

    class Raises(Script):
        def step(self) -> Status:
            if self.context.tick == when:
                raise raised("enough")
            return super().step()

    said: list[str] = []
    text = ONE + "  finally: {say: put away}\n"
    overrides: Any = {MOVER: lambda wiring: Raises("R", wiring.name, wiring.context)}
    tree = build(load_text(text), Context(say=said.append), overrides=overrides)
    result = Loop(tree).run()
    assert said == ["begin", "put away"]
    leaf: Any = tree[MOVER].node
    assert leaf.calls.count("halt") == 1
    if raised is KeyboardInterrupt:
        assert result.outcome is Outcome.INTERRUPTED
    else:
        assert result.outcome is Outcome.FAULT
        assert result.reason.startswith(f"{MOVER}: {raised.__name__}: enough")


def test_a_leaf_that_raises_in_its_halt_does_not_keep_others_from_being_halted() -> None:
    text = ONE.replace("sequence", "parallel").replace("    - say: begin\n", "    - home\n")

    class Broken(Script):
        def halt(self) -> None:
            super().halt()
            raise OSError("no answer")

    made: list[Script] = []

    def broken(wiring: Wiring) -> Script:
        made.append(Broken("R", wiring.name, wiring.context))
        return made[-1]

    def sound(wiring: Wiring) -> Script:
        made.append(Script("R", wiring.name, wiring.context))
        return made[-1]

    tree = build(load_text(text), Context(), overrides={"t/parallel/home": broken, "t/parallel/wait": sound})
    result = Loop(tree, max_time=0.2).run()
    assert [leaf.calls.count("halt") for leaf in made] == [1, 1]
    assert result.outcome is Outcome.TIME_LIMIT
    assert result.problems == ("halting: t/parallel/home: OSError: no answer\n  at:  <text>:5:7",)


def test_single_steps_by_hand() -> None:
    tree = tree_with(scripted("RRS"))
    with Loop(tree) as loop:
        assert loop.tick() is RUNNING
    assert loop.result is not None
    assert loop.result.status == "RUNNING"
    leaf: Any = tree[MOVER].node
    assert leaf.calls == ["start", "R", "halt"]
    with pytest.raises(RuntimeError, match="the run has ended"):
        loop.tick()


def test_a_fault_of_a_single_step_is_raised_and_the_block_cleans_up() -> None:
    tree = tree_with(scripted("!"))
    loop = Loop(tree)
    with pytest.raises(NodeFault, match="t/sequence/wait: OSError: the gripper is gone"), loop:
        loop.tick()
    assert loop.result is not None
    assert loop.result.outcome is Outcome.FAULT


class Swing(Leaf):
    """Moves the arm for as long as it is ticked; raises or fails when told."""

    ports = (Port("duration", "duration", "not used", main=True),)
    then = "R"

    def start(self) -> None:
        robot = self.context.robot
        assert robot is not None
        q = robot.state().q
        self.motion = robot.follow(Trajectory(np.array([0.0, 4.0]), np.array([q, q + 0.3])))

    def step(self) -> Status:
        if self.context.tick == 4 and self.then != "R":
            raise RobotError("the connection is lost")
        return self.running(self.motion.status)


def arm() -> Any:
    return DRIVERS.get("kinematic")(DriverOptions())


@pytest.mark.parametrize("then", ["R", "!"])
def test_the_arm_is_still_after_every_end(then: str) -> None:
    robot = arm()
    kind = type("Swing", (Swing,), {"then": then, "__doc__": "A swing."})
    result = Loop(tree_with(kind, Context(robot)), max_time=0.5).run()
    assert result.outcome is (Outcome.TIME_LIMIT if then == "R" else Outcome.FAULT)
    held = robot.state().q
    assert np.abs(held - arm().state().q).max() > 1e-4, "the arm never moved"
    robot.advance(robot.now() + 1.0)
    assert np.allclose(robot.state().q, held, atol=1e-3)


def test_a_lost_driver_is_a_fault_and_the_run_still_ends_in_order(tmp_path: Path) -> None:
    robot = arm()
    advance, calls = robot.advance, [0]

    def lost(until: float) -> None:
        calls[0] += 1
        if calls[0] > 2:
            raise RobotError("the robot does not answer")
        advance(until)

    robot.advance = lost
    result = Loop(tree_with(Swing, Context(robot)), trace=TraceWriter(tmp_path / "t.mcap")).run()
    assert result.outcome is Outcome.FAULT
    assert result.reason == "the robot does not answer"
    assert read_trace(tmp_path / "t.mcap").end["fault"] == "the robot does not answer"


SEES = """knothole: 1
tree: watch
root:
  guard:
    check: {see: {question: "Is a hand inside the workspace?", expect: no, max_age: 500ms}}
    child: {wait: 1s}
"""


def watch(script: dict[str, object], seed: int = 0, latency: float = 0.1) -> LoopResult:
    broker = Broker(Scripted(script), stepped=True, latency=latency)
    context = Context(arm(), broker, rng=np.random.default_rng(seed))
    return Loop(build(load_text(SEES), context), max_time=20.0).run()


def test_questions_do_not_block_ticks_and_a_guard_without_news_restarts_nothing() -> None:
    result = watch({"*": "no"}, latency=2.0)
    assert result.outcome is Outcome.SUCCESS, result
    assert result.ticks > 40
    assert result.questions >= 1


def test_equal_runs_have_equal_digests_and_one_changed_answer_changes_them() -> None:
    first, second = watch({"*": "no"}), watch({"*": "no"})
    assert first.digest == second.digest
    assert len(first.digest) == 64
    assert watch({"*": 0.1}).digest != first.digest
    changed = watch({"*": {"calls": ["yes", "no"]}})
    assert changed.ticks > first.ticks
    assert changed.digest != first.digest


def test_the_digest_is_the_same_in_another_process() -> None:
    program = "from knothole.tests.test_loop import watch; print(watch({'*': 'no'}).digest)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == watch({"*": "no"}).digest


def test_the_digest_takes_in_final_poses_to_a_millimetre() -> None:
    def digest(x: float) -> str:
        return Loop(tree_with(), poses=lambda: {"cup": (x, 0.0, 0.1)}).run().digest

    assert digest(0.5) == digest(0.5002)
    assert digest(0.5) != digest(0.502)
