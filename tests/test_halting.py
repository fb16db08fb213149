"""Halting that takes several ticks: it shows, nothing else moves the limb meanwhile, and it has a deadline."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from knothole.behaviors.context import Context
from knothole.behaviors.node import Leaf, NodeFault, Wiring
from knothole.behaviors.step import INVALID, RUNNING, SUCCESS, Status
from knothole.trees.builder import BuiltTree, build
from knothole.trees.loader import load_text
from knothole.trees.ticking.loop import Loop, Outcome, Ticked
from knothole.trees.tracing.trace import TraceWriter, read_trace

TREE = """\
knothole: 1
tree: t
root:
  parallel:
    - reactive_sequence:
        - wait: 1s
        - wait: 2s
    - wait: 3s
"""
GATE, WALKER, OTHER = "t/parallel/reactive_sequence/wait[1]", "t/parallel/reactive_sequence/wait[2]", "t/parallel/wait"


class Walker(Leaf):
    """Needs some ticks to come to rest."""

    limb = "legs"
    needs = 3

    def __init__(self, wiring: Wiring, calls: list[str]) -> None:
        super().__init__(wiring)
        self.calls, self.left = calls, 0

    def start(self) -> None:
        self.calls.append(f"start {self.context.tick}")

    def step(self) -> Status:
        return self.running("walking")

    def halt(self) -> None:
        self.calls.append(f"halt {self.context.tick}")
        self.left = self.needs

    def halting(self) -> bool:
        self.left -= 1
        self.calls.append(f"halting {self.context.tick}")
        return self.left > 0


class Kicker(Leaf):
    """Moves the same limb, from its fourth tick on."""

    limb = "legs"

    def __init__(self, wiring: Wiring, calls: list[str]) -> None:
        super().__init__(wiring)
        self.calls = calls

    def start(self) -> None:
        self.calls.append(f"kick {self.context.tick}")

    def step(self) -> Status:
        return self.running("kicking")

    def halt(self) -> None:
        self.calls.append(f"kicked {self.context.tick}")


class Waver(Kicker):
    """Moves another limb."""

    limb = "arm"


class Gate(Leaf):
    """Fails in the ticks it is told to, or skips, or faults; else succeeds."""

    closed: ClassVar[frozenset[int]] = frozenset()
    broken = 0

    def step(self) -> Status:
        if self.context.tick == self.broken:
            raise OSError("the gate is broken")
        return self.running("closed") if self.context.tick in self.closed else self.succeed()


class From(Leaf):
    """Is RUNNING, and never moves."""

    def step(self) -> Status:
        return self.running()


class Stops:
    """A robot of which only the order of calls counts."""

    stepped = True
    name = "stops"

    def __init__(self, calls: list[str]) -> None:
        self.calls, self.time = calls, 0.0

    def now(self) -> float:
        return self.time

    def advance(self, until: float) -> None:
        self.time = until

    def state(self) -> Any:
        from knothole.robots.kinematic import KinematicRobot

        return KinematicRobot().state()

    def stop(self) -> None:
        self.calls.append("stop")


def tree(
    calls: list[str],
    *,
    closed: set[int] = frozenset(),  # type: ignore[assignment]
    broken: int = 0,
    walker: type[Walker] = Walker,
    other: Callable[[Wiring], Any] | None = None,
    robot: Any = None,
) -> BuiltTree:
    gate = type("Gate", (Gate,), {"closed": frozenset(closed), "broken": broken, "__doc__": "A gate."})
    made = {GATE: gate, WALKER: lambda wiring: walker(wiring, calls), OTHER: other or From}
    return build(load_text(TREE), Context(robot), overrides=made)  # type: ignore[arg-type]


def test_a_leaf_that_is_halting_shows_and_starts_again_only_when_it_is_at_rest() -> None:
    calls: list[str] = []
    seen: list[Ticked] = []
    built = tree(calls, closed={3})
    loop = Loop(built, listeners=[seen.append])
    for _ in range(7):
        loop.tick()
    assert calls == ["start 1", "halt 3", "halting 3", "halting 4", "halting 5", "start 5"]
    walker = built[WALKER].index
    told = [(t.tick, c.status, c.reason) for t in seen for c in t.changes if c.node == walker]
    assert told == [
        (1, "RUNNING", "walking"),
        (3, "INVALID", "halting"),
        (4, "RUNNING", "halting"),
        (5, "RUNNING", "walking"),
    ]
    loop.close()


def test_the_log_says_when_a_leaf_has_come_to_rest() -> None:
    seen: list[Ticked] = []
    built = tree([], closed={2, 3, 4, 5})
    loop = Loop(built, listeners=[seen.append])
    for _ in range(5):
        loop.tick()
    told = [(t.tick, c.status, c.reason) for t in seen for c in t.changes if c.node == built[WALKER].index]
    assert told == [(1, "RUNNING", "walking"), (2, "INVALID", "halting"), (4, "INVALID", "")]
    loop.close()


@pytest.mark.parametrize(("kind", "starts"), [(Kicker, 4), (Waver, 2)])
def test_another_leaf_waits_for_the_limb_and_only_for_that(kind: type[Kicker], starts: int) -> None:
    text = """\
knothole: 1
tree: t
inputs: {open: {type: bool, default: true}}
root:
  reactive_selector:
    - reactive_sequence:
        - check: $open
        - wait: 2s
    - wait: 3s
"""

    class Closes(Gate):
        """Fails from the second tick on."""

        def step(self) -> Status:
            return self.succeed() if self.context.tick < 2 else self.fail("closed")

    calls: list[str] = []
    base = "t/reactive_selector/reactive_sequence"
    made = {
        f"{base}/check": Closes,
        f"{base}/wait": lambda wiring: Walker(wiring, calls),
        "t/reactive_selector/wait": lambda wiring: kind(wiring, calls),
    }
    seen: list[Ticked] = []
    built = build(load_text(text), Context(), overrides=made)
    loop = Loop(built, listeners=[seen.append])
    for _ in range(5):
        assert loop.tick() is RUNNING
    assert [call for call in calls if call.startswith("kick")] == [f"kick {starts}"]
    first = next(c for c in seen[1].changes if c.node == built["t/reactive_selector/wait"].index)
    assert first.reason == (f"waits until {base}/wait is at rest" if starts > 2 else "kicking")
    loop.close()


def test_a_leaf_that_waits_for_the_limb_is_not_halted_for_it_never_started() -> None:
    calls: list[str] = []
    built = tree(calls, closed={2, 4})
    loop = Loop(built)
    for _ in range(4):
        loop.tick()
    assert calls.count("halt 2") == 1
    assert not any(call.startswith("halt 4") for call in calls)
    built.nodes[built[WALKER].index].node._pause()
    loop.close()


@pytest.mark.parametrize("letters", ["time", "ctrl-c"])
def test_at_the_end_of_a_run_a_leaf_comes_to_rest_before_the_robot_is_stopped(letters: str) -> None:
    calls: list[str] = []
    built = tree(calls, robot=Stops(calls))
    loop = Loop(built, max_time=0.1)
    if letters == "ctrl-c":
        loop.listeners.append(lambda ticked: signal.raise_signal(signal.SIGINT) if ticked.tick == 2 else None)
    result = loop.run()
    assert result.outcome is (Outcome.TIME_LIMIT if letters == "time" else Outcome.INTERRUPTED)
    assert [call.split()[0] for call in calls] == ["start", "halt", "halting", "halting", "halting", "stop"]
    assert result.problems == ()
    assert result.time == pytest.approx((0.1 if letters == "time" else 0.05) + 0.1)


def test_after_a_fault_the_robot_is_stopped_at_once() -> None:
    calls: list[str] = []
    result = Loop(tree(calls, broken=3, robot=Stops(calls))).run()
    assert result.outcome is Outcome.FAULT
    assert [call.split()[0] for call in calls] == ["start", "stop", "halt", "halting", "stop"]


class Endless(Walker):
    """Never comes to rest."""

    needs = 10**9


def test_a_leaf_that_is_halting_for_too_long_is_a_fault_with_its_path_and_place(tmp_path: Path) -> None:
    calls: list[str] = []
    built = tree(calls, closed={3}, walker=Endless, robot=Stops(calls))
    result = Loop(built, halt_timeout=0.5, trace=TraceWriter(tmp_path / "t.mcap")).run()
    assert result.outcome is Outcome.FAULT
    assert result.reason == f"{WALKER}: it is not at rest 0.5 s after it was halted\n  at:  <text>:7:11"
    assert isinstance(result.fault, NodeFault)
    assert (result.fault.path, result.ticks) == (WALKER, 3 + 10 + 1)
    assert "stop" in calls
    assert read_trace(tmp_path / "t.mcap").end["reason"] == result.reason


def test_at_the_end_of_a_run_halting_for_too_long_is_a_problem_and_the_robot_is_stopped() -> None:
    calls: list[str] = []
    result = Loop(tree(calls, walker=Endless, robot=Stops(calls)), max_time=0.1, halt_timeout=0.5).run()
    assert result.outcome is Outcome.TIME_LIMIT
    assert result.problems == (f"halting: {WALKER}: it is not at rest after 0.5 s",)
    assert calls[-1] == "stop"
    assert result.time == pytest.approx(0.6)


def test_a_leaf_that_raises_while_it_is_halting_is_a_fault() -> None:
    class Raises(Walker):
        """Loses its legs."""

        def halting(self) -> bool:
            if self.context.tick == 4:
                raise OSError("no legs")
            return True

    result = Loop(tree([], closed={3}, walker=Raises)).run()
    assert result.outcome is Outcome.FAULT
    assert result.reason.startswith(f"{WALKER}: OSError: no legs")


def test_a_second_ctrl_c_does_not_wait_for_rest() -> None:
    class Impatient(Endless):
        """Is interrupted while it comes to rest."""

        def halting(self) -> bool:
            if "again" in self.calls:
                signal.raise_signal(signal.SIGINT)
            self.calls.append("again")
            return True

    calls: list[str] = []
    loop = Loop(tree(calls, walker=Impatient, robot=Stops(calls)), halt_timeout=1000.0)
    loop.listeners.append(lambda ticked: signal.raise_signal(signal.SIGINT) if ticked.tick == 2 else None)
    result = loop.run()
    assert result.outcome is Outcome.INTERRUPTED
    assert result.problems[0] == "halting: broken off by Ctrl-C"
    assert calls[-1] == "stop"
    assert result.time < 1.0


def test_py_trees_own_tick_does_the_same() -> None:
    def play(by_generator: bool) -> tuple[list[str], list[Status]]:
        calls: list[str] = []
        built = tree(calls, closed={3, 4, 8})
        statuses = []
        for _ in range(12):
            built.context.tick += 1
            if by_generator:
                if built.context.halting:
                    built.rest()
                for _node in built.root.tick():
                    pass
            else:
                built.tick()
            statuses.append(built[WALKER].node.status)
        built.halt()
        return calls, statuses

    assert play(True) == play(False)
    assert INVALID in play(True)[1]


def test_a_leaf_that_ended_by_itself_is_not_halting() -> None:
    class Done(Walker):
        """Succeeds at once."""

        def step(self) -> Status:
            return self.succeed()

    calls: list[str] = []
    built = tree(calls, walker=Done, other=Done_)
    result = Loop(built).run()
    assert result.outcome is Outcome.SUCCESS
    assert calls == ["start 1"]
    assert built.context.halting == {}


class Done_(Leaf):  # noqa: N801
    """Succeeds."""

    def step(self) -> Status:
        return SUCCESS
