"""Time on a real clock: overruns, their policies, the statistics, and what wakes the loop before its time."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knothole.app.running.result import RunResult
from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf, Wiring
from knothole.behaviors.step import RUNNING, Status
from knothole.robots.kinematic import KinematicRobot
from knothole.tests.test_loop import Clocked, scripted, tree_with
from knothole.trees.builder import BuiltTree, build
from knothole.trees.loader import load_text
from knothole.trees.ticking.alarm import Alarm
from knothole.trees.ticking.clock import RealClock
from knothole.trees.ticking.loop import Loop, Outcome, Overrun, Ticked
from knothole.trees.ticking.timing import Histogram
from knothole.trees.tracing.trace import TraceWriter, read_trace
from knothole.vlm.broker import Broker
from knothole.vlm.contract import BackendOptions
from knothole.vlm.worker import Worker


@given(st.lists(st.floats(1e-6, 1000.0), min_size=1, max_size=300), st.floats(0.0, 1.0))
def test_quantiles_of_a_histogram_are_right_within_its_resolution(durations: list[float], part: float) -> None:
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)
    exact = float(np.quantile(durations, part, method="inverted_cdf"))
    assert exact * (1 - 1e-9) <= histogram.quantile(part) <= exact * 2 ** (1 / 16) * (1 + 1e-9)
    assert histogram.largest == max(durations)


@pytest.mark.parametrize("duration", [-1.0, 0.0, 1e-9, 1e9])
def test_a_histogram_takes_any_duration(duration: float) -> None:
    histogram = Histogram()
    histogram.add(duration)
    assert histogram.count == 1
    assert histogram.quantile(0.5) <= max(duration, 1e-6)


def late(policy: Overrun, delays: Iterable[float], tell: Any = print, trace: Path | None = None) -> tuple[Clocked, Any]:
    clock = Clocked(list(delays))
    writer = TraceWriter(trace) if trace is not None else None
    loop = Loop(tree_with(scripted("RRRRRRS")), rate=10.0, clock=clock, overrun=policy, tell=tell, trace=writer)
    return clock, loop.run()


def test_skip_leaves_out_what_was_missed_and_catch_up_makes_it() -> None:
    delays = [0.01, 0.0, 0.32]
    clock, result = late("skip", delays)
    assert clock.asked == [0.1, 0.2, 0.3, 0.6, 0.7, 0.8]
    assert result.overruns == result.timing.overruns == 2
    clock, result = late("catch_up", delays)
    assert clock.asked == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert result.overruns == 2, "two ticks began more than a period late"


def test_warn_says_what_skip_does_and_not_more_than_once_a_second(tmp_path: Path) -> None:
    told: list[str] = []
    _, result = late("warn", [0.35, 0.0, 0.35, 0.0, 0.35, 0.0], told.append, tmp_path / "t.mcap")
    assert result.overruns == 6
    assert told == ["a tick took too long: 2 ticks were left out"]
    lines = read_trace(tmp_path / "t.mcap").topic("/log")
    assert [line["message"] for *_, line in lines] == ["begin", *told]
    assert read_trace(tmp_path / "t.mcap").end["timing"]["overruns"] == 6


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="overrun is 'hurry', must be one of skip, catch_up, warn"):
        Loop(tree_with(), overrun="hurry")  # type: ignore[arg-type]


def test_lateness_is_measured_from_the_deadline() -> None:
    _, result = late("skip", [0.01, 0.02, 0.03, 0.0, 0.0, 0.0])
    timing = result.timing
    assert timing.period == pytest.approx(0.1)
    assert timing.late.largest == pytest.approx(0.03)
    assert "no tick missed" in str(timing)
    assert timing.to_json()["late_ms"]["largest"] == pytest.approx(30.0)


def test_a_stepped_run_has_no_timing() -> None:
    assert Loop(tree_with()).run().timing is None


@pytest.mark.skipif(sys.platform != "linux", reason="SCHED_FIFO is asked for on Linux only")
def test_real_time_priority_is_asked_for_and_given_back() -> None:
    told: list[str] = []
    seen: list[int] = []
    before = os.sched_getscheduler(0)
    loop = Loop(tree_with(), realtime=True, tell=told.append)
    loop.listeners.append(lambda ticked: seen.append(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK))
    assert loop.run().outcome is Outcome.SUCCESS
    assert os.sched_getscheduler(0) == before
    if told:
        assert set(seen) == {before}
        assert told[0].startswith("no real-time priority: ")
        assert "limits.conf" in told[0]
    else:
        assert set(seen) == {os.SCHED_FIFO}


class Listens(Leaf):
    """Waits for a word from another thread, and wakes the loop when it comes."""

    def start(self) -> None:
        self.word = ""
        threading.Thread(target=self.hear).start()

    def hear(self) -> None:
        self.word = "go"
        self.context.wake()

    def step(self) -> Status:
        return self.succeed("heard " + self.word) if self.word else self.running("listening")


def slow_loop(tree: BuiltTree, **more: Any) -> Loop:
    """Return a loop that ticks every hour: whatever happens in between was woken."""
    return Loop(tree, rate=1 / 3600, clock=RealClock(), watchdog=0.0, **more)


def test_a_leaf_wakes_the_loop_from_another_thread() -> None:
    result = slow_loop(tree_with(Listens)).run()
    assert result.outcome is Outcome.SUCCESS
    assert result.ticks <= 2


def test_a_stop_that_is_wished_from_another_thread_ends_the_wait() -> None:
    loop = slow_loop(tree_with(scripted("R")))
    loop.listeners.append(lambda ticked: threading.Thread(target=loop.request_stop).start())
    assert loop.run().outcome is Outcome.INTERRUPTED


def test_between_two_deadlines_the_loop_wakes_once() -> None:
    class Rings(Clocked):
        """An hour in which the alarm goes off as often as it is listened to, ten times at most."""

        def wait_until(self, until: float, alarm: Alarm | None = None) -> None:
            self.asked.append(round(until - 100.0, 6))
            self.rung = getattr(self, "rung", 0) + 1
            self.time = until if self.rung % 10 == 0 else self.time + (until - self.time) / 20
            assert alarm is not None
            alarm.ring()
            alarm.sleep(0.0)

    clock = Rings([])
    seen: list[Ticked] = []
    result = Loop(tree_with(scripted("RRRRS")), rate=1.0, clock=clock, listeners=[seen.append]).run()
    assert clock.asked == [1.0] * 10 + [2.0] * 10
    assert [round(t.now - 100.0, 3) for t in seen[:5]] == [0.0, 0.05, 1.0, 1.05, 2.0]
    assert result.timing is not None
    assert result.timing.woken == 2


SEES = "knothole: 1\ntree: t\nroot:\n  see: {question: 'Is there a cup?', expect: yes}\n"


def test_an_answer_of_a_worker_wakes_the_loop(tmp_path: Path) -> None:
    (tmp_path / "answers.yaml").write_text('"Is there a cup?": yes\n', encoding="utf-8")
    broker = Broker(Worker("scripted", BackendOptions(str(tmp_path / "answers.yaml"))), stepped=False)
    tree = build(load_text(SEES), Context(KinematicRobot(), broker))
    result = slow_loop(tree).run()
    assert (result.outcome, result.ticks, result.questions) == (Outcome.SUCCESS, 2, 1)
    assert result.timing is not None
    assert result.timing.woken == 1


def test_many_trees_tick_in_one_process_each_on_its_own_clock() -> None:
    def loop(rate: float) -> Loop:
        return Loop(tree_with(), rate=rate)

    alone = {rate: loop(rate).run() for rate in (5.0, 20.0, 33.0)}
    loops = {rate: loop(rate) for rate in alone}
    left = dict(loops)
    while left:
        for rate, each in list(left.items()):
            if each.tick() is not RUNNING:
                del left[rate]
    for rate, each in loops.items():
        together = each.close()
        assert (together.digest, together.ticks) == (alone[rate].digest, alone[rate].ticks)


def test_many_trees_tick_in_threads() -> None:
    results: dict[int, Any] = {}

    def play(number: int) -> None:
        results[number] = Loop(tree_with(), rate=100.0 + number, clock=RealClock()).run()

    threads = [threading.Thread(target=play, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [results[number].outcome for number in range(4)] == [Outcome.SUCCESS] * 4


def test_two_trees_do_not_share_entries_or_halting() -> None:
    class Walks(Leaf):
        """Never comes to rest."""

        limb = "legs"

        def __init__(self, wiring: Wiring) -> None:
            super().__init__(wiring)

        def step(self) -> Status:
            return self.running()

        def halting(self) -> bool:
            return True

    first, second = tree_with(Walks), tree_with(Walks)
    first.tick()
    first.tick()
    first.halt()
    assert len(first.context.halting) == 1
    second.tick()
    assert second.context.halting == {}


def test_the_summary_of_a_run_on_a_robot_says_how_punctual_it_was() -> None:
    _, result = late("skip", [0.01, 0.02, 0.32, 0.0, 0.0, 0.0])
    shown = RunResult(
        tree="t",
        status="SUCCESS",
        exit_code=0,
        reason="",
        ticks=result.ticks,
        sim_time_s=result.time,
        wall_s=result.wall,
        questions=0,
        model_calls=0,
        vlm="none",
        robot="franka",
        scene="",
        seed=0,
        digest="",
        timing=result.timing,
    )
    lines = str(shown).splitlines()
    assert lines[1] == f"  time       {result.time:.1f} s, 7 ticks"
    assert lines[2].startswith("  punctual   2 ticks missed, begun ")
    timing: Any = shown.to_json()["timing"]
    assert timing["overruns"] == 2


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="descriptors are listed on Linux only")
def test_a_run_on_a_real_clock_leaves_no_descriptor_and_no_thread(tmp_path: Path) -> None:
    def held() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    before = held()
    for number in range(3):
        trace = TraceWriter(tmp_path / f"{number}.mcap")
        tree = tree_with(scripted("RRS"))
        assert Loop(tree, rate=200.0, clock=RealClock(), watchdog=60.0, trace=trace).run().outcome is Outcome.SUCCESS
    for thread in threading.enumerate():
        if thread.name == "watchdog":
            thread.join()  # it was told to end
    files, threads = held()  # what other tests started may end meanwhile
    assert files <= before[0]
    assert threads <= before[1]
