"""What hangs: the robot is stopped, the cause is named with its path, the trace can be read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf, NodeFault
from knothole.behaviors.step import RUNNING, Stalled, Status
from knothole.robots.kinematic import KinematicRobot
from knothole.tests.test_halting import Stops
from knothole.tests.test_loop import MOVER, ONE, tree_with
from knothole.trees.builder import build
from knothole.trees.loader import load_text
from knothole.trees.ticking.clock import RealClock
from knothole.trees.ticking.loop import Loop, Outcome
from knothole.trees.tracing.trace import TraceWriter, read_trace
from knothole.vlm.broker import Broker
from knothole.vlm.contract import BackendOptions
from knothole.vlm.worker import Worker

LIMIT = 0.5


def never() -> None:
    """Hang in C, as a driver does that waits for an answer."""
    threading.Event().wait()


class Hangs(Leaf):
    """Hangs in its third step."""

    def step(self) -> Status:
        if self.context.tick == 3:
            never()
        return self.running()


class Busy(Leaf):
    """Runs in circles in its third step, and lets no exception out that it knows of."""

    def step(self) -> Status:
        while self.context.tick == 3:
            try:
                pass
            except Exception:
                continue
        return self.running()


class HangsInHalt(Leaf):
    """Hangs when it is halted."""

    def step(self) -> Status:
        return self.running()

    def halt(self) -> None:
        never()


@pytest.mark.parametrize("kind", [Hangs, Busy])
def test_a_step_that_hangs_is_broken_off(kind: type[Leaf], tmp_path: Path) -> None:
    calls: list[str] = []
    told: list[str] = []
    tree = tree_with(kind, Context(Stops(calls)))  # type: ignore[arg-type]
    result = Loop(tree, watchdog=LIMIT, tell=told.append, trace=TraceWriter(tmp_path / "t.mcap")).run()
    assert result.outcome is Outcome.FAULT
    assert isinstance(result.fault, NodeFault)
    assert result.fault.path == MOVER
    assert isinstance(result.fault.__cause__, Stalled)
    assert result.reason.startswith(f"{MOVER}: not back within 0.5 s (in ")
    assert "the watchdog stopped the robot\n  at:  <text>:6:7" in result.reason
    assert len(told) == 1
    assert told[0].startswith(f"{MOVER}: not back within 0.5 s (in ")
    assert len(calls) >= 3, "once by the watchdog, and before and after the tree was halted"
    assert result.ticks == 3
    recording = read_trace(tmp_path / "t.mcap")
    assert recording.complete
    assert recording.end["reason"] == result.reason
    assert told[0] in [line["message"] for *_, line in recording.topic("/log")]
    index = tree[MOVER].index
    said = [c for *_, m in recording.topic("/status") for c in m["changes"] if c["node"] == index]
    assert said[-2]["reason"].startswith("fault: not back"), "the step that hung"
    assert said[-1]["status"] == "INVALID"


def test_a_halt_that_hangs_does_not_keep_the_rest_from_being_halted(tmp_path: Path) -> None:
    halted: list[str] = []

    class Good(Leaf):
        """Takes note that it was halted."""

        def step(self) -> Status:
            return self.running()

        def halt(self) -> None:
            halted.append(self.path)

    text = ONE.replace("sequence", "parallel").replace("    - say: begin\n", "    - home\n    - wait: 2s\n")
    paths = ("t/parallel/home", "t/parallel/wait[1]", "t/parallel/wait[2]")
    calls: list[str] = []
    kinds = (HangsInHalt, HangsInHalt, Good)
    tree = build(load_text(text), Context(Stops(calls)), overrides=dict(zip(paths, kinds, strict=True)))  # type: ignore[arg-type]
    result = Loop(tree, watchdog=LIMIT, max_time=0.2, trace=TraceWriter(tmp_path / "t.mcap")).run()
    assert result.outcome is Outcome.TIME_LIMIT
    assert halted == [paths[2]]
    assert len(result.problems) == 2
    for path, problem in zip(paths, result.problems, strict=False):
        assert problem.startswith(f"halting: {path}: not back within 0.5 s (in wait, threading.py:")
    assert calls[-1] == "stop"
    assert read_trace(tmp_path / "t.mcap").end["problems"] == list(result.problems)


def test_a_halt_that_hangs_in_the_middle_of_a_run_is_a_fault() -> None:
    text = ONE.replace("wait: 1s", "timeout: {duration: 200ms, child: {wait: 1s}}")
    path = "t/sequence/timeout/wait"
    result = Loop(build(load_text(text), Context(), overrides={path: HangsInHalt}), watchdog=LIMIT).run()
    assert result.outcome is Outcome.FAULT
    assert result.reason.startswith(f"{path}: not back within")


def test_what_a_tick_does_too_late_by_itself_is_a_fault_too() -> None:
    """In a thread nothing can be broken off: the robot is stopped, and the tick is waited for."""
    calls: list[str] = []
    told = threading.Event()
    results: list[Any] = []

    class Waits(Leaf):
        """Comes back once the watchdog has spoken."""

        def step(self) -> Status:
            told.wait()
            return self.running()

    def play() -> None:
        tree = tree_with(Waits, Context(Stops(calls)))  # type: ignore[arg-type]
        results.append(Loop(tree, watchdog=LIMIT, tell=lambda text: told.set()).run())

    thread = threading.Thread(target=play)
    thread.start()
    thread.join()
    assert results[0].outcome is Outcome.FAULT
    assert results[0].reason.startswith(f"{MOVER}: not back within 0.5 s (in ")
    assert results[0].ticks == 1


def test_the_robot_is_stopped_when_no_tick_comes_on_a_real_clock() -> None:
    calls: list[str] = []
    said: list[str] = []
    told = threading.Event()
    robot = Stops(calls)
    robot.stepped = False

    def tell(text: str) -> None:
        said.append(text)
        told.set()

    with Loop(
        tree_with(lambda wiring: Endless(wiring), Context(robot)), clock=RealClock(), watchdog=LIMIT, tell=tell
    ) as loop:  # type: ignore[arg-type]
        assert loop.tick() is RUNNING
        told.wait()
        while "stop" not in calls:
            pass
        assert loop.tick() is RUNNING, "whoever ticks again may go on"
    assert said[0] == "no tick came for 0.5 s; the watchdog stopped the robot"


class Endless(Leaf):
    """Is RUNNING."""

    def step(self) -> Status:
        return self.running()


def test_a_driver_that_hangs_while_it_is_stopped_does_not_keep_the_watchdog() -> None:
    class Stuck(Stops):
        """Does not come back from its stop."""

        def stop(self) -> None:
            super().stop()
            never()

    calls: list[str] = []
    result = Loop(tree_with(Hangs, Context(Stuck(calls))), watchdog=LIMIT).run()  # type: ignore[arg-type]
    assert result.outcome is Outcome.FAULT
    assert result.reason.startswith(MOVER)
    assert sum("stopping the robot: not back" in problem for problem in result.problems) == 2


def test_code_that_lets_nothing_break_it_ends_the_run_in_another_way(tmp_path: Path) -> None:
    free = threading.Event()

    class Deaf(Leaf):
        """Swallows everything until it is set free."""

        def step(self) -> Status:
            while not free.is_set():
                try:
                    free.wait()
                except BaseException:
                    continue
            return self.running()

    said: list[str] = []

    def stuck(text: str) -> None:
        said.append(text)
        assert read_trace(tmp_path / "t.mcap").complete
        free.set()

    trace = TraceWriter(tmp_path / "t.mcap")
    result = Loop(tree_with(Deaf), watchdog=LIMIT, stuck=stuck, trace=trace).run()
    assert result.outcome is Outcome.FAULT
    assert said[0].startswith(f"{MOVER}: not back within")
    assert read_trace(tmp_path / "t.mcap").end["fault"] == said[0]


BAD = """\
import os, threading, time
from knothole.behaviors.node import Leaf, behavior
from knothole.vlm.contract import backend


@behavior("deaf")
class Deaf(Leaf):
    \"\"\"Swallows everything.\"\"\"

    def step(self):
        while True:
            try:
                threading.Event().wait()
            except BaseException:
                pass


@behavior("nothing")
class Nothing(Leaf):
    \"\"\"Returns None.\"\"\"

    def step(self):
        pass


@behavior("raises")
class Raises(Leaf):
    \"\"\"Raises.\"\"\"

    def step(self):
        raise OSError("the gripper is gone")


@behavior("hangs_in_halt")
class HangsInHalt(Leaf):
    \"\"\"Does not come back from its halt.\"\"\"

    def step(self):
        return self.running()

    def halt(self):
        threading.Event().wait()


@backend("dying")
def open_dying(options):
    class Dying:
        name, model, kinds, remote = "dying", "m", frozenset({"yes_no"}), False

        def ask(self, frame, questions):
            print("out of memory, or so", flush=True)
            os._exit(9)

        def close(self):
            pass

    return Dying()
"""
SEE = "see: {question: 'A cup?', expect: yes}"
RUN = "knothole: 1\ntree: bad\nroot:\n  sequence:\n    - say: go\n    - LEAF\n"


@pytest.mark.parametrize(
    ("leaf", "code", "cause"),
    [
        ("deaf", 3, "bad/sequence/deaf: not back within 0.5 s (in wait, threading.py:"),
        ("nothing", 3, "bad/sequence/nothing: TypeError: step() of Nothing returned nothing, which is no status"),
        ("raises", 3, "bad/sequence/raises: OSError: the gripper is gone"),
        (SEE, 3, "bad/sequence/see: the worker process of backend 'dying' died (exit code 9)"),
        ("hangs_in_halt", 4, "halting: bad/sequence/hangs_in_halt: not back within 0.5 s (in wait, threading.py:"),
    ],
)
def test_a_bad_leaf_ends_the_command_with_its_path_and_a_whole_trace(
    leaf: str, code: int, cause: str, tmp_path: Path
) -> None:
    (tmp_path / "bad_leaves.py").write_text(BAD, encoding="utf-8")
    (tmp_path / "knothole.toml").write_text('behaviors = ["bad_leaves.py"]\n', encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(RUN.replace("LEAF", leaf), encoding="utf-8")
    options = ["--trace", "t.mcap", "--robot", "kinematic", "--watchdog", "500ms", "--max-time", "1"]
    options += ["--vlm", "dying"]
    done = subprocess.run(
        [sys.executable, "-m", "knothole.cli", "run", "bad.yaml", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
        timeout=100,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert cause in done.stdout
    assert "Traceback" not in done.stderr
    recording = read_trace(tmp_path / "t.mcap")
    assert recording.complete
    told = [recording.end["reason"], *recording.end["problems"]]
    assert any(text.startswith(cause) for text in told), told


@pytest.mark.parametrize("stepped", [True, False])
def test_a_worker_that_dies_is_the_fault_of_the_node_that_asked(tmp_path: Path, stepped: bool) -> None:
    text = "knothole: 1\ntree: t\nroot:\n  parallel:\n    - wait: 9s\n    - see: {question: 'A cup?', expect: yes}\n"
    calls: list[str] = []

    class Noted(KinematicRobot):
        def stop(self) -> None:
            calls.append("stop")
            super().stop()

    class Kills(Leaf):
        """Kills the worker while an answer is awaited."""

        def step(self) -> Status:
            if self.context.tick == 3:
                os.kill(worker.pid, signal.SIGKILL)
            return self.running()

    (tmp_path / "answers.yaml").write_text("'A cup?': unknown\n", encoding="utf-8")
    worker = Worker("scripted", BackendOptions(str(tmp_path / "answers.yaml")))
    broker = Broker(worker, stepped=stepped, latency=0.5)
    tree = build(load_text(text), Context(Noted(), broker), overrides={"t/parallel/wait": Kills})
    clock = None if stepped else RealClock()
    result = Loop(tree, clock=clock, trace=TraceWriter(tmp_path / "t.mcap")).run()
    assert result.outcome is Outcome.FAULT
    assert result.reason.startswith("t/parallel/see: the worker process of backend 'scripted' died (exit code -9)")
    assert result.reason.endswith("at:  <text>:6:7")
    assert isinstance(result.fault, NodeFault)
    assert result.fault.path == "t/parallel/see"
    assert "stop" in calls
    assert read_trace(tmp_path / "t.mcap").end["reason"] == result.reason
