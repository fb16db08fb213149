"""What entries hold is known before the first tick: set on every way, of one type, through copies and subtrees."""

from __future__ import annotations

import pytest

from knothole.tests.checking import codes, tree
from knothole.trees.loader import check_text

SETS = "{set: {name: $x, to: '1'}}"
READS = "{check: '$x > 0'}"

ORDERS = [
    ("sequence: [SETS, READS]", []),
    ("sequence: [READS, SETS]", ["K202"]),
    ("selector: [READS, SETS]", ["K202"]),
    ("sequence: [{selector: [{see: a?}, SETS]}, READS]", ["K203"]),
    ("sequence: [{selector: [{sequence: [{see: a?}, SETS]}, SETS]}, READS]", []),
    ("selector: [{sequence: [SETS, {see: a?}]}, READS]", []),  # `set` never fails
    ("selector: [{sequence: [{see: a?}, SETS]}, READS]", ["K202"]),
    ("parallel: [SETS, READS]", ["K203"]),
    ("sequence: [{parallel: [SETS, {see: a?}]}, READS]", []),
    ("sequence: [{parallel: {success: one, children: [SETS, {see: a?}]}}, READS]", ["K203"]),
    ("sequence: [{reactive_selector: [{sequence: [READS]}, SETS]}]", ["K203"]),
    ("sequence: [{inverter: {child: {sequence: [SETS, {see: a?}]}}}, READS]", []),  # only `see` fails
    ("sequence: [{inverter: {child: {sequence: [{see: a?}, SETS]}}}, READS]", ["K202"]),
    ("sequence: [{inverter: {child: {inverter: {child: SETS}}}}, READS]", []),
    ("sequence: [{retry: {attempts: 2, child: SETS}}, READS]", []),
    ("repeat: {times: 3, child: {sequence: [READS, SETS]}}", ["K203"]),
    ("sequence: [{timeout: {duration: 5s, child: SETS}}, READS]", []),
    ("selector: [{timeout: {duration: 5s, child: {sequence: [SETS, home]}}}, READS]", ["K203"]),
    ("guard: {check: SETS, child: READS}", []),
    ("guard: {check: READS, child: SETS}", ["K203"]),
    ("for_each: {item: $x, in: $things, child: {pick: $x}}", []),
    ("sequence: [{for_each: {item: $x, in: $things, child: {pick: $x}}}, {pick: $x}]", ["K203"]),
    ("sequence: [{for_each: {item: $y, in: $things, child: SETS}}, READS]", ["K203"]),
    ("sequence: [{set: {name: $x, to: '1'}, when: $n > 1}, READS]", ["K203"]),
    ("sequence: [{set: {name: $x, to: '1'}, retry: 3, timeout: 5s}, READS]", []),
    ("sequence: [SETS, {say: '${x}'}]", []),
    ("sequence: [{say: '${x}'}, SETS]", ["K202"]),
    ("sequence: [{home: , skip_if: $x > 0}, SETS]", ["K202"]),
    ("sequence: [{set: {name: $x, to: '$x + 1'}}, READS]", ["K203"]),
    ("check: $@x > 0", []),
]


@pytest.mark.parametrize(("root", "expected"), ORDERS, ids=[root for root, _ in ORDERS])
def test_reads_and_writes_on_every_path(root: str, expected: list[str]) -> None:
    found = codes(tree(root.replace("SETS", SETS).replace("READS", READS)))
    if "set: {name: $x, to: '$x + 1'}" in root:  # its own write comes after its read
        expected = ["K202"]
    assert found == expected


TYPES = [
    ("pick: $thing", []),
    ("wait: $n", []),
    ("wait: $thing", ["K204"]),
    ("wait: $thing.stamp", []),
    ("say: $thing", ["K204"]),
    ("say: '${thing.label}'", []),
    ("say: $n", []),
    ("for_each: {item: $x, in: $thing, child: home}", ["K204"]),
    ("for_each: {item: $x, in: $things, child: {wait: $x}}", ["K204"]),
    ("sequence: [{ground: {query: a, object: $n}}, {say: '${n}'}]", ["K204"]),
    ("sequence: [{set: {name: $x, to: \"'a'\"}}, {wait: $x}]", ["K204"]),
    ("sequence: [{set: {name: $x, to: '2 * 3s'}}, {wait: $x}]", []),
    ("check: $things > 1", []),
    ("check: $thing.label + 1 > 2", []),
    ("sequence: [{describe: $w}, {check: $w - 1 > 2}]", ["K119"]),
    ("home:\nwhen: $things", ["K119"]),
    ("home:\nwhen: len($things) > 0", []),
    ("home:\nretry: $n", []),
    ("home:\nretry: $thing", ["K204"]),
    ("home:\ntimeout: $thing.stamp", []),
]


@pytest.mark.parametrize(("root", "expected"), TYPES, ids=[root for root, _ in TYPES])
def test_types_of_writers_and_readers(root: str, expected: list[str]) -> None:
    assert codes(tree(root)) == expected


SUB = """---
knothole: 1
tree: sub
dialect: bt
root:
  bt.Sequence:
    - bt.Script: {code: "out := given * 2"}
    - wait: $pause
    - selector: [{set: {name: $late, to: "1"}, when: $given > 1}, {set: {name: $copy, to: $given}}]
"""
SUBTREES = [
    ("{given: $n, pause: $n, out: $x}", "check: $x > 1", []),
    ("{given: $n, pause: $n}", "check: $x > 1", ["K201"]),  # a scope of its own
    ("{given: $n, pause: $n, out: $x}", "home", ["K206"]),
    ("{given: $n, pause: $thing, out: $x}", "check: $x > 1", ["K204"]),
    ("{given: $m, pause: $n, out: $x}", "check: $x > 1", ["K201"]),
    ("{given: $n, out: $x}", "check: $x > 1", ["K208"]),
    ("{given: $n, pause: 1, out: $x}", "check: $x > 1", []),
    ("{given: $x, pause: $n, out: $y}", "set: {name: $x, to: $y}", ["K202"]),
    ("{given: $n, pause: $n, late: $x}", "check: $x > 1", ["K203"]),
    ("{given: $thing, pause: $n, copy: $x}", "wait: $x", ["K203", "K204"]),
    ("{given: $n, pause: $n, copy: $x}", "wait: $x", ["K203"]),
    ("{_autoremap: true, given: $n, pause: $n}", "check: $out > 1", ["K206", "K206"]),
    ("{_autoremap: true, given: $n}", "check: $out > 1", ["K201", "K206", "K206"]),
]


@pytest.mark.parametrize(("remaps", "after", "expected"), SUBTREES, ids=[f"{a} {b}" for a, b, _ in SUBTREES])
def test_entries_through_the_remaps_of_a_subtree(remaps: str, after: str, expected: list[str]) -> None:
    node = "{bt.SubTree: {ID: sub, " + remaps[1:] + "}"
    after = f"{{{after}}}" if ":" in after else after
    assert sorted(codes(tree(f"sequence: [{node}, {after}]") + SUB)) == expected


def test_a_conflict_names_both_places() -> None:
    found = check_text(tree("sequence: [{bt.SubTree: {ID: sub, given: $n, pause: $thing}}]") + SUB, "t.yaml")
    (problem,) = (each for each in found if each.code == "K204")
    assert (problem.place.line, problem.place.column, problem.width) == (8, 55, 6)
    assert problem.message == "$thing is a grounded object, 'pause' of the subtree 'sub' takes a duration such as 20s"
    assert problem.why == "it gets its type from the inputs of this tree; it is read in line 16"


COPIES = [
    ("sequence: [{set: {name: $a, to: $thing}}, {set: {name: $b, to: $a}}, {wait: $b}]", ["K204"]),
    ("sequence: [{set: {name: $a, to: $n}}, {set: {name: $b, to: $a}}, {wait: $b}]", []),
    ("sequence: [{set: {name: $a, to: $things}}, {for_each: {item: $x, in: $a, child: {wait: $x}}}]", ["K204"]),
    ("repeat: {times: 2, child: {sequence: [{set: {name: $a, to: $n}}, {set: {name: $b, to: $a}},"
     " {set: {name: $a, to: $b}}, {check: $a > 1}]}}", []),
    ("sequence: [{bt.Script: {code: 'x := 1; y := x'}}, {check: $y > $x}]", []),
    ("sequence: [{bt.Script: {code: 'x = y'}}, {check: $x > 1}]", ["K201", "K201"]),
    ("sequence: [{home: , skip_if: {script: 'x := 1; x > 2'}}, {check: $x > 1}]", []),
    ("bt.Script: {code: 'x := 1; x > 2'}", []),  # it reads what it has set itself
    ("bt.Script: {code: 'x = 1; x > 2'}", ["K201"]),  # `=` needs an entry that is there
    ("sequence: [{bt.Script: {code: 'x := 1'}}, {bt.Script: {code: 'x = 2; x > 1'}}]", []),
    ("sequence: [{bt.SetBlackboard: {value: 1, output_key: $x}}, {bt.Script: {code: 'x = 2; x > 1'}}]", []),
    ("sequence: [{bt.Script: {code: 'x = 2'}}, {bt.Sleep: {msec: $x}}]", []),  # its port makes the entry
    ("sequence: [{nav2.RecoveryNode: {number_of_retries: 2, children: [home, SETS]}}, READS]", ["K203"]),
    ("sequence: [{nav2.RecoveryNode: {number_of_retries: 2, children: [{sequence: [home, SETS]}, home]}}, READS]", []),
    ("nav2.RecoveryNode: {number_of_retries: 2, children: [READS, SETS]}", ["K203"]),
    ("sequence: [{nav2.RoundRobin: [SETS, SETS]}, READS]", []),
    ("sequence: [{nav2.RoundRobin: [SETS, home]}, READS]", ["K203"]),
    ("sequence: [{nav2.PipelineSequence: [SETS, home]}, READS]", []),
    ("bt.Script: {code: 'n = 2'}", ["K206"]),
    ("for_each: {item: $x, in: $things, child: {pick: $x}}", []),
    ("pick: $n", ["K204"]),
    ("sequence: [{set: {name: $x, to: '1'}}, {pt.CheckBlackboardVariableValues: {operator: and, checks: "
     "[{variable: x, operator: '<', value: 2}, {variable: x, operator: '>', value: 0}]}}]", []),
    ("sequence: [{home: , on_success: SETS}, READS]", []),
    ("sequence: [{home: , on_failure: SETS}, READS]", ["K202"]),
    ("selector: [{home: , on_failure: SETS}, READS]", []),
    ("sequence: [{home: , post: SETS}, READS]", []),
    ("sequence: [{home: , finally: READS, on_halt: SETS}]", ["K203"]),
    ("sequence: [{home: , success_if: $n > 1, on_success: SETS}, READS]", []),
    ("sequence: [{set: {name: $x, to: '1'}, success_if: $n > 1}, READS]", ["K203"]),
    ("sequence: [{set: {name: $x, to: '1'}, while: $n > 1}, READS, {set: {name: $n, to: '2'}}]", ["K203"]),
    ("bt.IfThenElse: [{see: a?}, SETS, READS]", ["K202"]),
    ("sequence: [{bt.IfThenElse: [{see: a?}, SETS, SETS]}, READS]", []),
    ("sequence: [{bt.IfThenElse: [{see: a?}, SETS, home]}, READS]", ["K203"]),
    ("sequence: [{bt.Switch2: {variable: $n, case_1: a, case_2: b, children: [SETS, SETS, SETS]}}, READS]", []),
    ("sequence: [{bt.Switch2: {variable: $n, case_1: a, case_2: b, children: [SETS, SETS, home]}}, READS]", ["K203"]),
    ("selector: [{bt.TryCatch: [home, SETS]}, READS]", []),
    ("sequence: [{bt.ForceSuccess: {child: {sequence: [SETS, home]}}}, READS]", []),
    ("sequence: [{bt.ForceSuccess: {child: {sequence: [home, SETS]}}}, READS]", ["K203"]),
    ("selector: [{bt.ForceFailure: {child: SETS}}, READS]", []),
    ("sequence: [{bt.Parallel: {success_count: 1, children: [SETS, {see: a?}]}}, READS]", ["K203"]),
    ("sequence: [{bt.Parallel: [SETS, {see: a?}]}, READS]", []),
]  # fmt: skip


@pytest.mark.parametrize(("root", "expected"), COPIES, ids=[root for root, _ in COPIES])
def test_entries_through_copies_scripts_hooks_and_every_flow(root: str, expected: list[str]) -> None:
    assert codes(tree(root.replace("SETS", SETS).replace("READS", READS))) == expected


def test_a_slip_in_a_tree_whose_entries_may_come_from_outside_is_a_warning() -> None:
    head = "knothole: 1\ntree: t\ndialect: bt\nroot:\n  bt.Sequence:\n"
    text = head + "    - bt.Script: {code: 'target := 1'}\n    - wait: $traget\n    - wait: $other\n"
    (problem,) = check_text(text)
    assert (problem.code, problem.severity, problem.guess) == ("K207", "warning", ("$target",))
    assert (problem.place.line, problem.place.column) == (7, 13)


def test_a_loop_over_poses_gives_no_thing_to_pick() -> None:
    head = 'inputs: {spots: {type: "list[pose]"}}\n'
    (problem,) = check_text(tree("for_each: {item: $spot, in: $spots, child: {pick: $spot}}", head))
    assert problem.code == "K204"
    assert problem.message == "$spot is a pose, port 'object' of 'pick' takes a grounded object or text"


OUTERMOST = [
    ("[{bt.Script: {code: 'x := y'}}, {bt.Script: {code: 'y := 1'}}]", ["K202"]),
    ("[{bt.Script: {code: 'stae = 1'}}]", ["K201"]),
    ("[{bt.Sleep: {msec: $goal}}]", []),  # a program may set it
    ("[{Act: {given: $x}}, {Act: {given: $y}}]", []),
    ("[{bt.Sleep: {msec: $x}}, {Act: {given: $x}}]", []),  # nobody knows that this one writes it
    ("[{bt.Script: {code: 'x = 1'}}, {Act: {given: $x}}]", []),  # its port makes the entry
]


@pytest.mark.parametrize(("nodes", "expected"), OUTERMOST, ids=[nodes for nodes, _ in OUTERMOST])
def test_what_is_certain_of_a_bt_tree_that_no_tree_uses_is_a_warning(nodes: str, expected: list[str]) -> None:
    head = "dialect: bt\nnodes: {Act: {kind: action, inferred: true, ports: {given: {direction: inout}}}}\n"
    found = check_text(tree(f"bt.Sequence: {nodes}", head))
    assert [problem.code for problem in found] == expected
    assert all(problem.severity == "warning" for problem in found)


def test_names_of_a_bt_tree_that_another_one_uses_may_be_set_there() -> None:
    used = "---\nknothole: 1\ntree: sub\ndialect: bt\nroot:\n  bt.Script: {code: 'x = 1'}\n"
    head = "dialect: bt\n"
    assert (
        codes(tree("bt.Sequence: [{bt.Script: {code: 'y := 1'}}, {bt.SubTree: {ID: sub, x: $y}}]", head) + used) == []
    )
