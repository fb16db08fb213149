"""The guard pauses; it never restarts or halts without being told to."""

from __future__ import annotations

from typing import Any

import pytest

from knothole.behaviors.composites import Sequence
from knothole.behaviors.context import Context
from knothole.behaviors.decorators import Timeout
from knothole.behaviors.guard import Guard
from knothole.behaviors.node import NodeFault
from knothole.behaviors.step import INVALID
from knothole.tests.script_nodes import Script, letter, play, wiring


class Stops:
    """Counts how often a robot is stopped."""

    def __init__(self) -> None:
        self.stops = 0

    def stop(self) -> None:
        self.stops += 1


def guard(check: Any, child: Any, context: Context | None = None, **ports: object) -> Guard:
    return Guard(wiring([child], context, {"check": check}, **ports))


TABLE = [
    ("S", "RRS", "RRS", ["start", "R", "R", "S"]),
    ("SRRS", "RRS", "RRRRS", ["start", "R", "pause", "resume", "R", "S"]),
    ("SFFS", "RS", "RRRS", ["start", "R", "pause", "resume", "S"]),
    ("RS", "S", "RS", ["start", "S"]),
    ("F", "S", "RR", []),
    ("S", "F", "F", ["start", "F"]),
    ("K", "RS", "RS", ["start", "R", "S"]),
    ("S", "K", "K", ["start", "K"]),
]


@pytest.mark.parametrize("generator", [False, True], ids=["recursive", "generator"])
@pytest.mark.parametrize(("check", "script", "said", "calls"), TABLE, ids=[f"{c}-{s}" for c, s, _, _ in TABLE])
def test_a_guard_says(check: str, script: str, said: str, calls: list[str], generator: bool) -> None:
    child = Script(script)
    assert play(guard(Script(check), child), len(said), generator=generator) == said
    assert child.calls == calls


def test_the_robot_is_stopped_once_per_pause() -> None:
    robot = Stops()
    context = Context(robot=robot)  # type: ignore[arg-type]
    node = guard(Script("SRFRSSFS"), Script("R"), context)
    play(node, 8, context)
    assert robot.stops == 2


def test_a_guard_says_why_it_pauses() -> None:
    node = guard(Script("SF", "no hand"), Script("R"))
    play(node, 2)
    assert node.feedback_message == "paused: no hand said F"


def test_give_up_after_halts_the_child_and_fails_with_the_reason() -> None:
    context, child = Context(), Script("R")
    node = guard(Script("SFFFFF", "no hand"), child, context, give_up_after=3.0)
    assert play(node, 5, context) == "RRRRF"
    assert node.feedback_message == "gave up after a pause of 3 s: no hand said F"
    assert child.calls == ["start", "R", "pause", "halt"]


def test_each_pause_has_the_whole_time() -> None:
    context = Context()
    node = guard(Script("SFFSFFS"), Script("R"), context, give_up_after=3.0)
    assert play(node, 7, context) == "RRRRRRR"


def test_timeouts_below_stand_still_and_timeouts_above_do_not() -> None:
    context = Context()
    child = Timeout(wiring([Script("R")], context, duration=2.0))
    assert play(guard(Script("SFFFFS"), child, context), 9, context) == "RRRRRRRFR"
    context = Context()
    outside = Timeout(wiring([guard(Script("SF"), Script("R"), context)], context, duration=2.0))
    assert play(outside, 4, context) == "RRRF"


def test_only_what_runs_is_paused() -> None:
    done, running, later = Script("S"), Script("R"), Script("R")
    play(guard(Script("SFS"), Sequence(wiring([done, running, later]))), 3)
    assert done.calls == ["start", "S"]
    assert running.calls == ["start", "R", "pause", "resume", "R"]
    assert later.calls == []


def test_nested_guards_pause_once_and_count_their_own_time() -> None:
    context, leaf = Context(), Script("R")
    inner = guard(Script("SFFFS", "inner"), leaf, context, give_up_after=2.0)
    outer = guard(Script("SSFFFFSSS", "outer"), inner, context)
    assert play(outer, 8, context) == "RRRRRRRF"
    assert leaf.calls == ["start", "R", "pause", "halt"]
    assert "gave up after a pause of 2 s: inner said F" in outer.feedback_message


def test_a_halted_guard_halts_check_and_child_once() -> None:
    check, child = Script("SR"), Script("R")
    node = guard(check, child)
    play(node, 2)
    node.stop(INVALID)
    node.stop(INVALID)
    assert check.calls == ["start", "S", "start", "R", "halt"]
    assert child.calls == ["start", "R", "pause", "halt"]
    assert letter(node) == "-"


def test_a_guard_starts_afresh_after_it_finished() -> None:
    context, child = Context(), Script("SR")
    node = guard(Script("SSF"), child, context, give_up_after=5.0)
    assert play(node, 3, context) == "SRR"
    assert child.calls == ["start", "S", "start", "R", "pause"]


def test_a_leaf_that_raises_while_it_is_paused_names_itself_and_the_robot_is_stopped() -> None:
    class Broken(Script):
        def pause(self) -> None:
            raise OSError("lost")

    robot = Stops()
    context = Context(robot=robot)  # type: ignore[arg-type]
    with pytest.raises(NodeFault, match="leaf: OSError: lost"):
        play(guard(Script("SF"), Broken("R"), context), 2, context)
    assert robot.stops == 1
