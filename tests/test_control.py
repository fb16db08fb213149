"""A run is paused, stepped, stopped at breakpoints, changed and ended from another thread; the trace says all of it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from knothole.behaviors.blackboard import Blackboard
from knothole.behaviors.context import Context
from knothole.behaviors.ports import PortType
from knothole.tests.steering import PATIENCE, Steered
from knothole.trees.builder import build
from knothole.trees.debugging.control import Control
from knothole.trees.debugging.entries import EntryValueError, value_for
from knothole.trees.loader import load_text
from knothole.trees.ticking.clock import RealClock, ShiftedClock
from knothole.trees.ticking.loop import Loop, Outcome, Ticked

TREE = """\
knothole: 1
tree: t
inputs:
  pause: {type: duration, default: 1s}
  name: {type: text, default: ada}
  big: {type: bool, default: false}
params: {count: 0}
root:
  sequence:
    - repeat:
        times: 6
        child: {set: {name: $count, to: "$count + 1"}}
    - wait: $pause
    - check: $count > 3
    - say: "done, ${name}, ${big}"
"""
REPEAT, SET, WAIT, CHECK = "t/sequence/repeat", "t/sequence/repeat/set", "t/sequence/wait", "t/sequence/check"


def count(run: Steered) -> object:
    return run.tree.blackboard["count"]


def test_a_run_stands_before_its_first_tick_and_is_stepped() -> None:
    with Steered(TREE) as run:
        state = run.control.state()
        assert (state["paused"], state["standing"], state["tick"]) == (True, True, 0)
        assert state["reason"] == "paused before the first tick"
        assert [run.go("step")["tick"], run.go("step", ticks=3)["tick"]] == [1, 4]
        assert run.control.state()["reason"] == "stepped"
        assert count(run) == 4
        assert run.control.state()["time"] == pytest.approx(0.15)
        run.send("resume")
        assert run.join().outcome is Outcome.SUCCESS


def test_time_stands_still_while_a_simulated_run_is_paused_and_its_digest_stays() -> None:
    plain = Loop(build(load_text(TREE), Context())).run()
    with Steered(TREE) as run:
        for _ in range(5):
            run.go("step")
        run.send("resume")
        paused = run.join()
    assert (paused.digest, paused.ticks, paused.time) == (plain.digest, plain.ticks, plain.time)
    assert paused.interventions == 6


@pytest.mark.parametrize(
    "command",
    [
        {"do": "set", "name": "count", "value": 0},
        {"do": "force", "node": SET, "status": "SUCCESS"},
        {"do": "force", "node": CHECK, "status": "SUCCESS"},
    ],
    ids=str,
)
def test_what_was_changed_is_in_the_digest(command: dict[str, object]) -> None:
    plain = Loop(build(load_text(TREE), Context())).run()
    with Steered(TREE) as run:
        run.send(**command)  # type: ignore[arg-type]
        run.send("resume")
        assert run.join().digest != plain.digest


BREAKS = [
    ({"node": SET, "status": "SUCCESS"}, 1, 1),
    ({"node": WAIT, "status": "RUNNING"}, 6, 6),
    ({"node": WAIT}, 6, 6),
    ({"node": WAIT, "status": "SUCCESS"}, 26, 6),
    ({"when": "$count >= 3"}, 3, 3),
    ({"node": SET, "when": "$count == 4"}, 4, 4),
    ({"node": CHECK, "status": "SUCCESS", "when": "$count > 3"}, 26, 6),
    ({"status": "RUNNING"}, 1, 1),
]


@pytest.mark.parametrize(("given", "tick", "value"), BREAKS, ids=[" ".join(map(str, b[0].values())) for b in BREAKS])
def test_a_breakpoint_stops_the_run_after_the_tick_in_which_it_holds(
    given: dict[str, object], tick: int, value: int
) -> None:
    with Steered(TREE) as run:
        (made,) = run.send("break", **given)["breakpoints"]
        assert {**made, **given} == made
        state = run.go()
        assert (state["tick"], count(run)) == (tick, value)
        assert state["reason"].startswith("breakpoint 1: ")
        assert state["breakpoints"][0]["hits"] == 1


def test_an_expression_alone_stops_the_run_again_only_after_it_was_false() -> None:
    with Steered(TREE) as run:
        run.send("break", when="$count % 3 == 2")
        assert [run.go()["tick"], run.go()["tick"], run.go()["ended"]] == [2, 5, True]


def test_an_expression_that_cannot_be_computed_counts_as_false_and_says_why() -> None:
    with Steered(TREE) as run:
        run.send("break", when="$name > 2")
        state = run.go("step")
        assert state["reason"] == "stepped"
        assert state["breakpoints"][0]["problem"].startswith("'>' ")


def test_whoever_follows_is_told_that_an_expression_cannot_be_computed() -> None:
    with Steered(TREE) as run:
        run.send("break", when="$name > 2")
        told: list[str] = []

        def heard(state: dict[str, Any]) -> None:
            if not state["ended"]:
                told.append(state["breakpoints"][0]["problem"])

        run.control.subscribe(heard)
        assert run.go()["ended"]
        assert [text[:4] for text in told if text] == ["'>' "]


def test_a_breakpoint_sees_the_tick_after_a_change_of_the_tree() -> None:
    text = """\
knothole: 1
tree: t
params: {n: 0}
root:
  reactive_sequence:
    - check: $n == 0
    - wait: 10s
"""
    with Steered(text) as run:

        def edit(ticked: Ticked) -> None:
            run.loop.listeners.remove(edit)
            run.loop.reload(load_text(text.replace("$n == 0", "$n > 3")))

        run.send("break", node="t/reactive_sequence", status="FAILURE")
        run.loop.listeners.append(edit)
        state = run.go()
        assert (state["ended"], state["tick"]) == (False, 2)
        assert state["reason"] == "breakpoint 1: t/reactive_sequence is FAILURE"


def test_a_breakpoint_with_once_is_gone_after_it_stopped_the_run() -> None:
    with Steered(TREE) as run:
        run.send("break", status="SUCCESS", node=SET, once=True)
        assert run.go()["breakpoints"] == []
        assert run.go()["ended"]


def test_a_breakpoint_stops_the_run_after_its_last_tick_too() -> None:
    with Steered(TREE) as run:
        run.send("break", node="t/sequence", status="SUCCESS")
        state = run.go()
        assert (state["paused"], state["ended"]) == (True, False)
        assert run.go()["ended"]
        assert run.join().outcome is Outcome.SUCCESS


def test_a_breakpoint_that_is_taken_away_stops_nothing() -> None:
    with Steered(TREE) as run:
        run.send("break", node=SET)
        assert run.send("unbreak", id=1)["breakpoints"] == []
        assert run.go()["ended"]


def test_run_to_stands_before_the_next_tick_of_the_node() -> None:
    with Steered(TREE) as run:
        state = run.go("run_to", node=CHECK)
        assert state["reason"] == f"before {CHECK}"
        assert run.tree[CHECK].node.status.name == "INVALID"
        assert run.tree[WAIT].node.status.name == "SUCCESS"
        assert state["tick"] == 26
        state = run.go("step")
        assert (state["tick"], state["reason"]) == (26, "stepped")
        assert run.tree[CHECK].node.status.name == "SUCCESS"


def test_run_to_is_forgotten_when_the_run_stands_elsewhere() -> None:
    with Steered(TREE) as run:
        run.send("break", node=SET, once=True)
        assert "breakpoint 1" in run.go("run_to", node=WAIT)["reason"]
        assert run.go()["ended"]


VALUES = [
    ("count", 7, 7),
    ("$count", "8", 8),
    ("pause", "500ms", 0.5),
    ("pause", 2, 2),
    ("name", "no", "no"),
    ("name", '"a: b"', "a: b"),
    ("name", 5, "5"),
    ("big", "true", True),
    ("big", False, False),
    ("count", "[1, {a: no}]", (1, {"a": "no"})),
    ("count", [1, {"a": None}], (1, {"a": None})),
    ("count", None, None),
]


@pytest.mark.parametrize(("name", "value", "found"), VALUES, ids=[f"{n} {v!r}" for n, v, _ in VALUES])
def test_an_entry_is_set_to_a_value_of_its_type(name: str, value: object, found: object) -> None:
    with Steered(TREE) as run:
        run.send("set", name=name, value=value)
        cell = run.tree.blackboard.cell(name.removeprefix("$"))
        assert (cell.value, cell.writer) == (found, "debugger")


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("point", [1, 0.5, 0], (1.0, 0.5, 0.0)),
        ("box", [0.1, 0.1, 0.5, 1], (0.1, 0.1, 0.5, 1.0)),
        ("length", 1.5, 1.5),
        ("text", '"cup #1"', "cup #1"),
        ("text", '"5"', "5"),
        ("any", '"5"', "5"),
    ],
)
def test_what_the_page_sends_of_an_entry_keeps_its_meaning(kind: PortType, value: object, found: object) -> None:
    assert value_for(Blackboard().cell("it", kind), value) == found


@pytest.mark.parametrize(("kind", "value"), [("point", [1, 2]), ("point", [1, 2, True]), ("pose", {"xyz": [1, 2, 3]})])
def test_plain_data_that_is_no_such_value_is_told_what_to_write(kind: PortType, value: object) -> None:
    with pytest.raises(EntryValueError, match=r"\$it holds a .*\n  fix:  give it as the text of a tree file, such as "):
        value_for(Blackboard().cell("it", kind), value)


def test_the_state_says_until_when_a_question_is_open_since_the_run_began() -> None:
    text = "knothole: 1\ntree: t\nroot: {ask_human: {question: Go?, deadline: 1h, answer: $a}}\n"
    late = ShiftedClock(RealClock(), 1e7)  # the clock of a machine that was switched on long ago
    asked = threading.Event()
    with Steered(text, clock=late) as run:
        run.control.subscribe(lambda state: asked.set() if state["questions"] else None)
        run.send("resume")
        assert asked.wait(PATIENCE)
        (question,) = run.control.state()["questions"]
        assert 3600 <= question["until"] < 1e7
        run.send("answer", question=question["id"], text="yes")
        assert run.join().status == "SUCCESS"


def test_a_node_reads_what_was_set() -> None:
    with Steered(TREE) as run:
        run.go("run_to", node=CHECK)
        run.send("set", name="count", value=2)
        run.send("resume")
        result = run.join()
        assert (result.outcome, result.reason) == (Outcome.FAILURE, "$count > 3 ($count is 2) is false")


def test_a_result_is_forced_once_or_until_it_is_released() -> None:
    with Steered(TREE) as run:
        assert run.send("force", node=SET, status="SUCCESS")["forced"] == [
            {"node": SET, "status": "SUCCESS", "once": True}
        ]
        assert run.go("step")["forced"] == []
        assert count(run) == 0
        assert run.tree[SET].node.feedback_message == "forced by the debugger"
        run.go("step")
        assert count(run) == 1
        run.send("force", node=WAIT, status="RUNNING", once=False)
        assert run.go("step", ticks=50)["tick"] == 52
        assert run.send("release", node=WAIT)["forced"] == []
        run.send("resume")
        result = run.join()
        assert (result.outcome, result.ticks) == (Outcome.SUCCESS, 73)


def test_a_forced_failure_is_the_reason_of_the_run() -> None:
    with Steered(TREE) as run:
        run.send("force", node=WAIT, status="FAILURE")
        run.send("resume")
        assert run.join().reason == "forced by the debugger"


def test_stop_ends_the_run_where_it_stands() -> None:
    with Steered(TREE) as run:
        run.go("step", ticks=3)
        run.send("stop")
        result = run.join()
        assert (result.outcome, result.status, result.ticks) == (Outcome.INTERRUPTED, "RUNNING", 3)
        assert run.control.state()["ended"]
        assert run.refused({"do": "pause"}) == "the run has ended\n  fix:  start another one"


def test_stop_leaves_a_tick_that_stands_at_a_node() -> None:
    with Steered(TREE) as run:
        run.go("run_to", node=WAIT)
        run.send("stop")
        result = run.join()
        assert (result.outcome, result.status) == (Outcome.INTERRUPTED, "RUNNING")
        assert run.tree[WAIT].node.status.name == "INVALID"


def test_a_stop_before_the_first_tick_ticks_nothing() -> None:
    with Steered(TREE) as run:
        run.send("stop")
        result = run.join()
        assert (result.outcome, result.ticks, result.status) == (Outcome.INTERRUPTED, 0, "RUNNING")


def test_pause_stops_a_run_that_goes_on() -> None:
    with Steered("knothole: 1\ntree: t\nroot: {repeat: {times: -1, child: {say: hello}}}\n") as run:
        run.send("resume")
        run.send("pause")
        tick = run.stand()["tick"]
        assert run.control.state()["reason"] == "paused"
        assert run.go("step")["tick"] == tick + 1


def test_every_command_is_in_the_trace_with_its_tick(tmp_path: Path) -> None:
    with Steered(TREE, tmp_path) as run:
        run.go("step", ticks=2)
        run.send("break", node=SET, status="SUCCESS", when="$count == 4", once=True)
        run.go()
        run.send("break", when="$count > 100")
        run.send("unbreak", id=2)
        run.send("set", name="count", value=50)
        run.send("force", node=CHECK, status="FAILURE")
        run.send("release", node=CHECK)
        run.go("run_to", node=CHECK)
        run.send("pause")
        run.send("state")
        run.refused({"do": "set", "name": "cuont", "value": 1})
        run.send("stop")
        assert run.join().interventions == 11
    found = [(each["tick"], each["do"], each["node"], each["text"]) for each in run.interventions()]
    assert found == [
        (0, "stands", "", "paused before the first tick"),
        (0, "step", "", "2 ticks"),
        (2, "stands", "", "stepped"),
        (2, "break", SET, f"breakpoint 1: {SET} is SUCCESS and $count == 4"),
        (2, "resume", "", "goes on"),
        (4, "stands", "", f"breakpoint 1: {SET} is SUCCESS and $count == 4"),
        (4, "break", "", "breakpoint 2: $count > 100"),
        (4, "unbreak", "", "no breakpoint 2: $count > 100"),
        (4, "set", "", "$count is 50"),
        (4, "force", CHECK, f"{CHECK} gives FAILURE once"),
        (4, "release", CHECK, f"{CHECK} gives its own result"),
        (4, "run_to", CHECK, f"runs to {CHECK}"),
        (26, "stands", "", f"before {CHECK}"),
        (26, "pause", "", "paused"),
        (26, "stop", "", "stopped from outside"),
    ]
    fields = {each["do"]: each for each in run.interventions()}
    assert (fields["set"]["name"], fields["set"]["value"]) == ("count", 50)
    assert (fields["force"]["status"], fields["force"]["once"]) == ("FAILURE", True)
    assert fields["step"]["ticks"] == 2


REFUSED = [
    ([], 'a command is an object with "do"\n  fix:  write {"do": "pause"}'),
    ({"do": 3}, 'a command is an object with "do"\n  fix:  write {"do": "pause"}'),
    (
        {"do": "puase"},
        "unknown command 'puase'\n  did you mean:  pause\n"
        "  fix:  give one of state, pause, resume, step, run_to, break, unbreak, set, force, release, answer, stop",
    ),
    (
        {"do": "run_to", "noed": SET},
        "unknown entry of the command 'run_to': 'noed'\n  did you mean:  node\n  fix:  it takes node",
    ),
    ({"do": "run_to"}, "the command 'run_to' needs 'node'\n  fix:  give the path of a node"),
    ({"do": "run_to", "node": 3}, "'node' of the command 'run_to' is 3\n  fix:  give the path of a node"),
    (
        {"do": "run_to", "node": "t/sequence/chekc"},
        f"unknown node 't/sequence/chekc'\n  did you mean:  {CHECK}, t/sequence/say, t/sequence/repeat\n"
        "  fix:  give the path of a node, as `knothole draw` shows it",
    ),
    ({"do": "step", "ticks": 0}, "step takes 1 to 1000000 ticks, not 0\n  fix:  give such a number"),
    ({"do": "step", "ticks": True}, "'ticks' of the command 'step' is True\n  fix:  give a whole number above 0"),
    ({"do": "break"}, "a breakpoint needs a condition\n  fix:  give node, status, when or answer"),
    (
        {"do": "break", "status": "BROKEN"},
        "'status' of the command 'break' is 'BROKEN'\n  fix:  give one of SUCCESS, FAILURE, RUNNING, SKIPPED, INVALID",
    ),
    (
        {"do": "break", "when": "$count >"},
        "'when' is no expression: the expression ends too early\n  $count >\n          ^\n"
        "  fix:  correct the expression, such as $count > 0 and not $done",
    ),
    (
        {"do": "break", "when": "$cuont > 1"},
        "unknown entry 'cuont'\n  did you mean:  count\n  fix:  give the name of an entry of the blackboard",
    ),
    ({"do": "unbreak", "id": 7}, "there is no breakpoint 7\n  fix:  give the number of one; there is none"),
    (
        {"do": "set", "name": "big", "value": "ja"},
        "$big takes true or false, not 'ja'\n  fix:  write true or false",
    ),
    ({"do": "set", "name": "big", "value": 1}, "$big must be true or false, it is 1\n  fix:  give true or false"),
    (
        {"do": "set", "name": "pause", "value": "5"},
        "$pause takes a duration such as 20s; 5 has no unit\n  why:  a bare number could be s as well as ms\n"
        "  did you mean:  5s\n  fix:  write the number with s, ms, min, h or us",
    ),
    (
        {"do": "set", "name": "name", "value": "{a: 1}"},
        "$name takes text, not a mapping\n  fix:  write the text in quotes",
    ),
    (
        {"do": "set", "name": "count", "value": "[1"},
        "$count:1:3: error K010: a ',' or the closing ']' is missing before this\n"
        "    1 | [1\n      |   ^\n"
        "  why:  what is read here began in line 1, column 1\n"
        "  fix:  close the brackets, or separate with a comma",
    ),
    (
        {"do": "force", "node": SET, "status": "SKIPPED"},
        "'status' of the command 'force' is 'SKIPPED'\n  fix:  give one of SUCCESS, FAILURE, RUNNING",
    ),
    ({"do": "release", "node": SET}, f"the result of {SET} is not forced\n  fix:  nothing is forced"),
    (
        {"do": "answer", "question": 1, "text": "yes"},
        "question 1 is not open, or is answered already\n  fix:  wait for a question",
    ),
]


@pytest.mark.parametrize(("data", "error"), REFUSED, ids=[str(data)[:60] for data, _ in REFUSED])
def test_a_command_that_cannot_be_obeyed_says_why_and_does_nothing(data: object, error: str) -> None:
    with Steered(TREE) as run:
        before = run.control.state()
        assert run.refused(data) == error
        assert run.control.state() == before
        assert run.control.interventions == 0


def test_a_control_is_told_of_each_change_and_belongs_to_one_run() -> None:
    states: list[dict[str, object]] = []
    with Steered(TREE) as run:
        leave = run.control.subscribe(states.append)
        run.send("break", when="$count > 2")
        assert states[-1]["breakpoints"]
        leave()
        told = len(states)
        run.go("step")
        assert len(states) == told
        with pytest.raises(ValueError, match="this Control belongs to another run"):
            Loop(build(load_text(TREE), Context()), control=run.control)


def test_a_follower_that_raises_is_left_out_and_the_run_goes_on() -> None:
    def broken(state: object) -> None:
        raise RuntimeError("no")

    with Steered(TREE) as run:
        run.control.subscribe(broken)
        run.send("resume")
        assert run.join().outcome is Outcome.SUCCESS


def test_commands_before_there_is_a_run_are_refused_but_for_pausing() -> None:
    control = Control()
    assert control.command({"do": "pause"})["ok"]
    assert control.command({"do": "stop"}) == {
        "ok": False,
        "error": "there is no run yet\n  fix:  wait until it has begun",
    }
    with pytest.raises(RuntimeError, match="the control belongs to no run yet"):
        _ = control.hooks


def test_what_was_done_before_the_first_tick_follows_the_start_in_the_trace(tmp_path: Path) -> None:
    run = Steered(TREE, tmp_path)
    run.send("break", node=WAIT, once=True)
    with run:
        run.send("resume")
    assert [each["do"] for each in run.interventions()][:3] == ["break", "stands", "resume"]
