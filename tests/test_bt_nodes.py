"""What BehaviorTree.CPP's nodes do where the engine at hand cannot be asked: tables read from the sources of 4.10.0.

``tests/test_btcpp_differential.py`` compares all others with the real engine. K is SKIPPED.
"""

from __future__ import annotations

from collections import deque
from copy import copy
from typing import Any

import pytest

from knothole.behaviors.blackboard import UNSET, Cell
from knothole.behaviors.bt.manual_selector import CHOOSER
from knothole.behaviors.composites import Sequence
from knothole.behaviors.context import Context
from knothole.behaviors.node import NODES, NodeFault, Wiring
from knothole.behaviors.step import INVALID
from knothole.tests.script_nodes import Script, letter, play, wiring

BOTH = pytest.mark.parametrize("generator", [False, True], ids=["recursive", "generator"])


def make(name: str, given: Wiring) -> Any:
    return NODES.get(f"bt.{name}")(given)


def leaves(*scripts: str, context: Context | None = None) -> list[Script]:
    return [Script(letters, f"c{k}", context) for k, letters in enumerate(scripts)]


def calls(children: list[Script]) -> list[str]:
    """Return what each child was told, in letters; ``h`` is a halt."""
    return ["".join("h" if call == "halt" else call for call in c.calls if call != "start") for c in children]


TRY_CATCH = [
    # children (the last one cleans up), said by tick, calls of each child          try_catch_node.cpp
    (["S", "S", "S"], "SS", ["SS", "SS", ""]),  # line 131: all tried succeeded, the last is not ticked
    (["K", "S", "S"], "S", ["K", "S", ""]),  # lines 113 to 117: a skipped one is passed over
    (["K", "K", "S"], "KK", ["KK", "KK", ""]),  # line 131: all skipped
    (["S", "F", "S"], "F", ["S", "F", "S"]),  # lines 103 to 108 and 89: the same tick runs the last, FAILURE
    (["S", "F", "F"], "F", ["S", "F", "F"]),  # line 89: whatever the last says
    (["S", "F", "K"], "F", ["S", "F", "K"]),  # line 80: SKIPPED is not RUNNING
    (["F", "RRS"], "RRF", ["F", "RRS"]),  # lines 80 to 83: it may take time; the tried are not ticked meanwhile
    (["RS", "RF", "S"], "RRF", ["RS", "RF", "S"]),  # lines 99 to 102: it goes on at the running child
    (["SF", "FS", "S"], "FFF", ["SFF", "F", "SSS"]),  # line 87: the next execution begins with the first child
    (["FS", "S"], "FSS", ["FSS", "S"]),  # line 88: after that it tries again
]


@BOTH
@pytest.mark.parametrize(("scripts", "said", "told"), TRY_CATCH, ids=[f"{'.'.join(s)}" for s, *_ in TRY_CATCH])
def test_try_catch_says(scripts: list[str], said: str, told: list[str], generator: bool) -> None:
    children = leaves(*scripts)
    node = make("TryCatch", wiring(children, catch_on_halt=False))
    assert play(node, len(said), generator=generator) == said
    assert calls(children) == told


@pytest.mark.parametrize(
    ("scripts", "ticks", "catch", "told"),
    [
        # lines 23 to 53
        (["R", "S"], 1, True, ["Rh", "S"]),  # lines 34 to 42: the tried are halted, then the last is ticked once
        (["R", "R"], 1, True, ["Rh", "Rh"]),  # lines 43 to 46: and halted if it is RUNNING
        (["R", "F"], 1, True, ["Rh", "F"]),
        (["R", "S"], 1, False, ["Rh", ""]),  # line 30: not without the port
        (["F", "R"], 1, True, ["F", "Rh"]),  # line 30: not if it cleans up already
        (["S", "S"], 1, True, ["S", ""]),  # line 30: not if it is not active
    ],
)
def test_try_catch_may_clean_up_when_halted(scripts: list[str], ticks: int, catch: bool, told: list[str]) -> None:
    children = leaves(*scripts)
    node = make("TryCatch", wiring(children, catch_on_halt=catch))
    play(node, ticks)
    node._x(INVALID)
    assert calls(children) == told
    assert letter(node) == "-"


def test_try_catch_passes_up_the_reason_of_what_it_tried() -> None:
    node = make("TryCatch", wiring(leaves("F", "RF"), catch_on_halt=False))
    assert play(node, 2) == "RF"
    assert node.feedback_message == "c0 said F"


def queue_wiring(node: list[Any], items: object, out: str) -> tuple[Wiring, Cell, Cell]:
    queue, taken = Cell("queue"), Cell(out)
    if items is not UNSET:
        queue.set(items)
    return wiring(node, outputs={"queue": queue, out: taken}), queue, taken


CONSUME = [
    # items, child, said, calls, left                                                consume_queue.h
    ([], "S", "S", "", []),  # lines 42 and 94: an empty queue is SUCCESS
    (UNSET, "S", "S", "", UNSET),  # line 60
    ([1, 2, 3], "S", "S", "SSS", []),  # lines 65 to 91: all in one tick
    ([1, 2, 3], "SF", "F", "SF", [3]),  # lines 85 to 88
    ([1, 2], "RSS", "RS", "RSS", []),  # lines 44 to 58, then on with the loop
    ([1, 2], "RFS", "RS", "RFS", []),  # line 55: a failure of the running child does not end the loop
    ([1], "RF", "RF", "RF", []),  # but it is what comes out when the queue is empty, line 94
    ([1, 2], "SK", "K", "SK", []),  # line 90: the last status comes out
]


@BOTH
@pytest.mark.parametrize(("items", "script", "said", "told", "left"), CONSUME)
def test_consume_queue_says(items: Any, script: str, said: str, told: str, left: Any, generator: bool) -> None:
    children = leaves(script)
    given, queue, _ = queue_wiring(children, items, "popped_item")
    node = make("ConsumeQueue", given)
    assert play(node, len(said), generator=generator) == said
    assert calls(children) == [told]
    assert queue.value == left


def test_consume_queue_hands_out_each_element() -> None:
    seen = []
    given, queue, taken = queue_wiring([Script("R")], deque("ab"), "popped_item")
    node = make("ConsumeQueue", given)
    for _ in range(2):
        play(node, 1)
        seen.append(taken.value)
        node.children[0].letters = "SR"
        node.children[0].at = 0
    assert seen == ["a", "b"]
    assert queue.value == deque()


@pytest.mark.parametrize("items", [[1, 2], (1, 2), deque([1, 2])])
def test_pop_from_queue_takes_the_first_element(items: Any) -> None:
    given, queue, taken = queue_wiring([], items, "popped_item")
    node = make("PopFromQueue", given)
    assert play(node, 1) == "S"
    assert (taken.value, list(queue.value)) == (1, [2])  # type: ignore[call-overload]
    assert play(node, 2) == "SF"  # pop_from_queue.hpp, lines 71 to 74
    assert node.feedback_message == "the queue is empty or not set"


def test_a_shared_queue_is_emptied_for_everybody() -> None:
    shared = deque([1, 2])
    for _ in range(2):
        given, _, _ = queue_wiring([], shared, "popped_item")
        play(make("PopFromQueue", given), 1)
    assert not shared


@pytest.mark.parametrize(("items", "said", "size"), [([1, 2], "S", 2), ([], "F", UNSET), (UNSET, "F", UNSET)])
def test_queue_size_counts(items: Any, said: str, size: Any) -> None:
    given, _, taken = queue_wiring([], items, "size")
    assert play(make("QueueSize", given), 1) == said  # pop_from_queue.hpp, lines 114 to 126
    assert taken.value == size


LOOPS = [
    # queue in an entry, said, values in order, what is left                          loop_node.h
    ("1;2", "RRS", [1, 2], "1;2"),  # lines 100 to 106: a text is read once, the entry stays
    ([3, 4], "RRS", [3, 4], [3, 4]),  # lines 89 to 99: so is a list
    (deque([5, 6]), "RRS", [5, 6], deque()),  # lines 83 to 88: a shared queue is emptied
    ("", "S", [], ""),
]


@BOTH
@pytest.mark.parametrize(("items", "said", "values", "left"), LOOPS)
def test_a_loop_takes_its_queue_from_an_entry(items: Any, said: str, values: Any, left: Any, generator: bool) -> None:
    queue, value = Cell("queue"), Cell("value")
    queue.set(copy(items))
    given = wiring(leaves("S"), outputs={"queue": queue, "value": value}, if_empty="SUCCESS")
    node, seen = make("LoopInt", given), []
    for expected in said:
        assert play(node, 1, generator=generator) == expected
        seen.append(value.value)
    assert seen[: len(values)] == values
    assert queue.value == left


def test_a_loop_reads_a_list_again_in_the_next_execution() -> None:
    queue, value = Cell("queue"), Cell("value")
    queue.set([1])
    node = make("LoopInt", wiring(leaves("S"), outputs={"queue": queue, "value": value}, if_empty="FAILURE"))
    assert play(node, 4) == "RFRF"
    queue.set([7])
    assert play(node, 1) == "R"
    assert value.value == 7


def test_a_loop_without_a_queue_is_a_fault() -> None:
    node = make("LoopInt", wiring(leaves("S"), outputs={"queue": Cell("sub/way_points")}, if_empty="SUCCESS"))
    with pytest.raises(NodeFault, match=r"\$way_points is not set"):
        play(node, 1)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"return_status": "SUCCESS"}, "SS"),  # test_node.cpp, line 131
        ({"return_status": "FAILURE"}, "F"),
        ({"return_status": "SKIPPED"}, "K"),  # line 22
        ({"return_status": "RUNNING"}, "RRR"),  # line 156: nothing completes it
        ({"return_status": "FAILURE", "async_delay": 2000}, "RRF"),  # lines 129 to 156
        ({"return_status_script": 2.0}, "S"),  # lines 67 to 71: a number
        ({"return_status_script": "SKIPPED"}, "K"),  # lines 60 to 64: a name
        ({"return_status_script": "FAILURE", "return_status": "SUCCESS"}, "F"),  # the script comes first
    ],
)
def test_test_node_says(inputs: dict[str, Any], said: str) -> None:
    context = Context()
    ports = {port.name: port.default for port in NODES.get("bt.TestNode").ports}  # type: ignore[attr-defined]
    node = make("TestNode", wiring(context=context, **{**ports, **inputs}))
    assert play(node, len(said), context) == said


def test_test_node_refuses_to_end_as_idle() -> None:
    ports = {port.name: port.default for port in NODES.get("bt.TestNode").ports}  # type: ignore[attr-defined]
    with pytest.raises(NodeFault, match="use one of SUCCESS, FAILURE, SKIPPED, RUNNING"):
        play(make("TestNode", wiring(**{**ports, "return_status_script": 0.0})), 1)


def test_test_node_runs_its_scripts_by_status() -> None:
    ran: list[str] = []
    inputs = {key: (lambda key=key: ran.append(key)) for key in ("success_script", "failure_script", "post_script")}
    common = {"async_delay": lambda: 0, "return_status_script": lambda: None, **inputs}
    for status in ("SUCCESS", "FAILURE"):
        play(make("TestNode", Wiring("t", inputs={**common, "return_status": lambda status=status: status})), 1)
    assert ran == ["success_script", "post_script", "failure_script", "post_script"]  # lines 192 to 203


MANUAL = [
    # choices, repeat, children, said                                                  manual_node.cpp
    ([1, 0], False, ["S", "F"], "FS"),
    ([0, 1], False, ["RS", "S"], "RS"),  # lines 79 to 83
    ([1, 0], True, ["S", "F"], "FF"),  # lines 54 to 57
    (["SUCCESS"], False, ["R"], "S"),  # lines 64 to 75
    (["FAILURE"], False, ["R"], "F"),
    (["RUNNING"], False, ["S"], "R"),
    (["FAILURE"], False, [], "F"),  # lines 44 to 47
]


@BOTH
@pytest.mark.parametrize(("choices", "repeat", "scripts", "said"), MANUAL)
def test_manual_selector_does_what_is_chosen(
    choices: list[Any], repeat: bool, scripts: list[str], said: str, generator: bool
) -> None:
    asked = iter(choices)
    context = Context(notes={CHOOSER: lambda path, names: next(asked)})
    node = make("ManualSelector", wiring(leaves(*scripts), context, repeat_last_selection=repeat))
    assert play(node, len(said), generator=generator) == said


def test_manual_selector_is_a_fault_when_nobody_chooses() -> None:
    with pytest.raises(NodeFault, match="nobody is here to choose a child\n  fix:  run with --mock"):
        play(make("ManualSelector", wiring(leaves("S"), repeat_last_selection=False)), 1)


def test_a_finished_action_repeats_its_status_as_the_condition_of_while_do_else() -> None:
    context = Context()
    sleep = make("Sleep", Wiring("sleep", inputs={"msec": lambda: 1000}, context=context))
    busy = Script("R", "busy")
    node = make("WhileDoElse", wiring([sleep, busy], context))
    assert play(node, 5, context) == "RRRRR"
    assert busy.calls.count("R") == 4, "action_node.cpp, line 181: it is not run again"
    node._x(INVALID)
    assert play(node, 2, context) == "RR"
    assert busy.calls.count("R") == 5, "after a halt it runs again"


def test_our_own_leaves_are_run_again_there() -> None:
    condition, busy = leaves("SF", "R")
    assert play(make("WhileDoElse", wiring([condition, busy])), 2) == "RF"


def test_an_action_of_the_original_is_run_again_below_our_own_composites() -> None:
    context = Context()
    sleep = make("Sleep", Wiring("sleep", inputs={"msec": lambda: 1000}, context=context))
    assert play(Sequence(wiring([sleep], context)), 4, context) == "RSRS"


@pytest.mark.parametrize(
    ("name", "inputs", "child", "plain", "paused"),
    [
        ("Timeout", {"msec": 2000}, "R", "RRF", "RRRF"),
        ("Delay", {"delay_msec": 2000}, "S", "RRS", "RRRS"),
        ("Sleep", {"msec": 2000}, "", "RRS", "RRRS"),
    ],
)
def test_a_pause_stops_the_clock(name: str, inputs: dict[str, int], child: str, plain: str, paused: str) -> None:
    for pause, said in ((False, plain), (True, paused)):
        context = Context()
        node = make(name, wiring(leaves(*[child] * bool(child), context=context), context, **inputs))
        heard = ""
        while len(heard) < len(said):
            heard += play(node, 1, context)
            if pause and len(heard) == 1:
                node._pause()
                context.now += 7.0
                node._resume()
                heard += play(node, 1, context, period=0.0)
        assert heard == said


@pytest.mark.parametrize(
    ("name", "scripts", "inputs", "reason"),
    [
        ("Sequence", ["S", "F"], {}, "c1 said F"),
        ("Fallback", ["F", "F"], {}, "c1 said F"),
        ("ReactiveSequence", ["F"], {}, "c0 said F"),
        ("Parallel", ["S", "F"], {"success_count": -1, "failure_count": 1}, "c1 said F"),
        ("ParallelAll", ["F", "S"], {"max_failures": 1}, "c0 said F"),
        ("IfThenElse", ["F", "S"], {}, "c0 said F"),
        ("Inverter", ["S"], {}, "c0 succeeded: c0 said S"),
        ("ForceFailure", ["S"], {}, "c0 succeeded, which is turned into a failure"),
        ("ForceFailure", ["F"], {}, "c0 said F"),
        ("RetryUntilSuccessful", ["F"], {"num_attempts": 1}, "c0 said F"),
        ("Repeat", ["F"], {"num_cycles": 3}, "c0 said F"),
        ("KeepRunningUntilFailure", ["F"], {}, "c0 said F"),
        ("RunOnce", ["F"], {"then_skip": False}, "c0 said F"),
        ("Precondition", ["S"], {"if": False, "else": "FAILURE"}, "the condition in `if` is false"),
        ("Switch2", ["S", "S", "F"], {}, "c2 said F"),
    ],
)
def test_a_failure_says_why(name: str, scripts: list[str], inputs: dict[str, Any], reason: str) -> None:
    children = leaves(*scripts)
    getters = {key: (lambda value=value: value) for key, value in inputs.items()}
    node = make(name, Wiring("node", "node", inputs=getters, children=children))
    assert play(node, 1) == "F"
    assert node.feedback_message == reason


def test_a_timeout_says_what_was_going_on() -> None:
    context = Context()
    node = make("Timeout", wiring(leaves("R"), context, msec=1500))
    assert play(node, 3, context) == "RRF"
    assert node.feedback_message == "not done within 1500 ms (c0 said R)"


def test_run_once_repeats_the_reason() -> None:
    node = make("RunOnce", wiring(leaves("F"), then_skip=False))
    assert play(node, 2) == "FF"
    assert node.feedback_message == "c0 said F"


def test_a_retry_says_which_attempt_failed() -> None:
    node = make("RetryUntilSuccessful", wiring(leaves("F"), num_attempts=3))
    assert play(node, 2) == "RR"
    assert node.feedback_message == "attempt 2 of 3 failed: c0 said F"


@pytest.mark.parametrize(
    ("name", "count", "needs"),
    [
        ("IfThenElse", 1, "2 or 3"),
        ("WhileDoElse", 4, "2 or 3"),
        ("TryCatch", 1, "at least 2"),
        ("Switch3", 3, "4"),
        ("Sequence", 0, "at least 1"),
    ],
)
def test_a_wrong_number_of_children_is_refused(name: str, count: int, needs: str) -> None:
    with pytest.raises(NodeFault, match=f"it has {count} children and needs {needs}\n"):
        make(name, wiring(leaves(*"S" * count)))


def test_a_threshold_above_the_number_of_children_is_a_fault() -> None:
    node = make("Parallel", wiring(leaves("S", "S"), success_count=3, failure_count=1))
    with pytest.raises(NodeFault, match="success_count is 3, and there are 2 children\n  fix:  write at most 2"):
        play(node, 1)


@pytest.mark.parametrize("name", ["IfThenElse", "WhileDoElse"])
def test_a_skipped_condition_is_a_fault(name: str) -> None:
    with pytest.raises(NodeFault, match="its condition was skipped, and so it cannot choose"):
        play(make(name, wiring(leaves("K", "S", "S"))), 1)
