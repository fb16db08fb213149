"""The nodes under ``pt.`` as authors write them. ``test_differential.py`` proves that they equal their originals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from py_trees.behaviours import TickCounter
from py_trees.common import Status

from knothole.behaviors.context import Context
from knothole.behaviors.node import NODES, Wiring
from knothole.behaviors.step import INVALID, NodeFault
from knothole.robots.pose import Pose
from knothole.tests.script_nodes import Script, letter, play, wiring
from knothole.trees.builder import BuiltTree, build
from knothole.trees.loader import check_text, load_text
from knothole.trees.ticking.clock import SteppedClock
from knothole.trees.ticking.loop import Loop, Outcome

FORMS = pytest.mark.parametrize("generator", [False, True], ids=["fast", "generator"])


def built(nodes: str, head: str = "", more: str = "") -> BuiltTree:
    """Build a tree whose root is the YAML ``nodes``; nothing may be wrong with it."""
    text = f"knothole: 1\ntree: t\n{head}root:\n" + "\n".join(f"  {line}" for line in nodes.splitlines()) + more
    assert [str(problem) for problem in check_text(text)] == []
    return build(load_text(text), Context())


def run(tree: BuiltTree, ticks: int, period: float = 1.0, generator: bool = False) -> str:
    return play(tree.root, ticks, tree.context, period, generator)


def entries(tree: BuiltTree) -> dict[str, object]:
    return {cell.name: cell.value for cell in tree.blackboard if cell.name in tree.blackboard}


@FORMS
@pytest.mark.parametrize(
    ("name", "memory", "scripts", "statuses", "first"),
    [
        ("Sequence", True, ["S", "RRS"], "RRS", 1),
        ("Sequence", False, ["S", "RRS"], "RRS", 3),
        ("Sequence", False, ["SF", "R"], "RF", 2),
        ("Selector", True, ["F", "RRS"], "RRS", 1),
        ("Selector", False, ["F", "RRS"], "RRS", 3),
        ("Selector", False, ["FS", "R"], "RS", 2),
        ("Sequence", True, ["K", "S"], "S", 1),
        ("Selector", False, ["K", "K"], "K", 1),
    ],
)
def test_memory(name: str, memory: bool, scripts: list[str], statuses: str, first: int, generator: bool) -> None:
    children = [Script(script) for script in scripts]
    node = NODES.get(f"pt.{name}")(wiring(children, memory=memory))
    assert play(node, len(statuses), generator=generator) == statuses
    assert sum(call in "SFRK" for call in children[0].calls) == first


@FORMS
@pytest.mark.parametrize(
    ("policy", "synchronise", "selected", "scripts", "expected"),
    [
        ("SuccessOnAll", True, None, ["S", "RS"], "RS:1 2"),
        ("SuccessOnAll", False, None, ["S", "RS"], "RS:2 2"),
        ("SuccessOnAll", True, None, ["SF", "RS"], "RS:1 2"),
        ("SuccessOnAll", False, None, ["SF", "RR"], "RF:2 2"),
        ("SuccessOnOne", True, None, ["R", "RS"], "RS:2 2"),
        ("SuccessOnOne", True, None, ["F", "S", "R"], "F:1 1 1"),  # a failure decides first
        ("SuccessOnSelected", True, ["c0", "c2"], ["RS", "R", "S"], "RS:2 2 1"),
        ("SuccessOnSelected", False, ["c0"], ["RS", "R", "S"], "RS:2 2 2"),
        ("SuccessOnSelected", True, ["c0"], ["S", "F"], "F:1 1"),  # also of a child that is not selected
        ("SuccessOnSelected", True, ["c0"], ["K", "R"], "S:1 1"),  # a skipped child does not count
        ("SuccessOnAll", True, None, ["K", "K"], "K:1 1"),
    ],
)
def test_policies(
    policy: str, synchronise: bool, selected: list[str] | None, scripts: list[str], expected: str, generator: bool
) -> None:
    statuses, counts = expected.split(":")
    children = [Script(script, f"c{number}") for number, script in enumerate(scripts)]
    node = NODES.get("pt.Parallel")(wiring(children, policy=policy, synchronise=synchronise, selected=selected))
    assert play(node, len(statuses), generator=generator) == statuses
    assert " ".join(str(sum(call in "SFRK" for call in child.calls)) for child in children) == counts


@pytest.mark.parametrize(
    ("selected", "message"),
    [
        (None, "SuccessOnSelected needs children to select\n  fix:  write `selected:` with the names of children"),
        (["c9"], "no child is called 'c9', there is c0, c1\n  fix:  select one by its name"),
    ],
)
def test_a_selection_must_name_children(selected: list[str] | None, message: str) -> None:
    children = [Script("S", "c0"), Script("S", "c1")]
    ports = {"policy": "SuccessOnSelected", "synchronise": True, "selected": selected}
    with pytest.raises(NodeFault) as caught:
        NODES.get("pt.Parallel")(wiring(children, **ports))._t()
    assert message in str(caught.value)


@FORMS
@pytest.mark.parametrize(
    ("name", "ports", "script", "statuses"),
    [
        ("Inverter", {}, "SFRK", "FSRK"),
        ("RunningIsFailure", {}, "SFRK", "SFFK"),
        ("RunningIsSuccess", {}, "SFRK", "SFSK"),
        ("FailureIsSuccess", {}, "SFRK", "SSRK"),
        ("FailureIsRunning", {}, "SFRK", "SRRK"),
        ("SuccessIsFailure", {}, "SFRK", "FFRK"),
        ("SuccessIsRunning", {}, "SFRK", "RFRK"),
        ("PassThrough", {}, "SFRK", "SFRK"),
        ("Count", {}, "SFRK", "SFRK"),
        ("Condition", {"status": "FAILURE"}, "SFRK", "RSRK"),
        ("Repeat", {"num_success": 2}, "SSRF", "RSRF"),
        ("Repeat", {"num_success": -1}, "SSSF", "RRRF"),
        ("Retry", {"num_failures": 2}, "FRS", "RRS"),
        ("Retry", {"num_failures": 2}, "FF", "RF"),
        ("OneShot", {"policy": "ON_COMPLETION"}, "RFS", "RFF"),
        ("OneShot", {"policy": "ON_SUCCESSFUL_COMPLETION"}, "FSF", "FSS"),
        ("OneShot", {"policy": "ON_COMPLETION"}, "KSF", "KSS"),
        ("Timeout", {"duration": 1.5}, "RRRR", "RRFR"),
        ("EternalGuard", {"condition": True}, "SFRK", "SFRK"),
        ("EternalGuard", {"condition": False}, "S", "F"),
    ],
)
def test_decorators(name: str, ports: dict[str, Any], script: str, statuses: str, generator: bool) -> None:
    context = Context()
    child = Script(script, "child", context)
    node = NODES.get(f"pt.{name}")(wiring([child], context, **ports))
    said = ""
    for _ in statuses:
        said += play(node, 1, context, 1.0, generator)
        if said[-1] == "F":
            assert node.feedback_message
        if child.status is Status.RUNNING and said[-1] != "R":
            raise AssertionError("the child runs on although its parent has ended")
    assert said == statuses


@FORMS
def test_a_guard_that_does_not_hold_halts_its_child_and_shows_why(generator: bool) -> None:
    tree = built(
        'pt.EternalGuard:\n  condition: "$battery > 0.2"\n  child: pt.Running',
        "inputs: {battery: {type: number, default: 1.0}}\n",
    )
    assert run(tree, 2, generator=generator) == "RR"
    tree.blackboard["battery"] = 0.1
    assert run(tree, 1, generator=generator) == "F"
    assert tree.root.feedback_message == "$battery > 0.2 ($battery is 0.1) is false"
    assert tree["t/pt.EternalGuard/pt.Running"].node.status is INVALID


@FORMS
@pytest.mark.parametrize(
    ("node", "statuses"),
    [
        ("pt.Success", "SS"),
        ("pt.Failure", "FF"),
        ("pt.Running", "RR"),
        ("pt.Dummy", "RR"),
        ("pt.Periodic: 2", "RRSSSFFFRRR"),
        ("pt.StatusQueue: {queue: [RUNNING, FAILURE], eventually: SUCCESS}", "RFSS"),
        ("pt.StatusQueue: {queue: [RUNNING, FAILURE]}", "RFRF"),
        ("pt.SuccessEveryN: 3", "FFSFFS"),
        ("pt.TickCounter: {duration: 2, completion_status: FAILURE}", "RRFRRF"),
        ("pt.Timer: 1500ms", "RRSRR"),
        ("pt.Timer", "RRRRRRS"),
        ("pt.ProbabilisticBehaviour: {weights: [0, 1, 0]}", "FFFF"),
    ],
)
def test_leaves(node: str, statuses: str, generator: bool) -> None:
    tree = built(node)
    assert run(tree, len(statuses), generator=generator) == statuses
    if statuses[-1] == "F":
        assert tree.root.feedback_message


def test_entries_are_those_of_the_tree_that_names_them() -> None:
    inner = "\n---\nknothole: 1\ntree: u\nroot:\n  pt.Sequence:\n    memory: true\n    children:\n" + "".join(
        f"      - {line}\n"
        for line in (
            "pt.SetBlackboardVariable: {variable_name: $x, variable_value: 5, overwrite: true}",
            "pt.CheckBlackboardVariableExists: $x",
            'pt.CheckBlackboardVariableValue: {variable: $x, operator: "==", value: 5}',
            "pt.SetBlackboardVariable: {variable_name: $@x, variable_value: $x, overwrite: false}",
        )
    )
    tree = built(
        "pt.Sequence:\n  memory: true\n  children:\n"
        "    - pt.SetBlackboardVariable: {variable_name: $x, variable_value: 1, overwrite: true}\n"
        "    - use: u\n"
        '    - check: "$x == 1"',
        more=inner,
    )
    assert run(tree, 1) == "F", "the last node of the other tree may not overwrite $x of the root"
    assert entries(tree) == {"x": 1, "t/pt.Sequence/use/x": 5}
    assert tree.blackboard.cell("x").writer == "t/pt.Sequence/pt.SetBlackboardVariable"
    assert "the entry is set already" in tree.root.feedback_message


def test_a_written_value_is_read_in_each_tick() -> None:
    tree = built(
        "sequence:\n"
        "  - pt.SetBlackboardVariable: {variable_name: $copy, variable_value: $source, overwrite: true}\n"
        '  - check: "$copy == $source"',
        "inputs: {source: {type: int, default: 1}}\n",
    )
    run(tree, 1)
    tree.blackboard["source"] = 2
    assert run(tree, 1) == "S"
    assert entries(tree)["copy"] == 2


@FORMS
@pytest.mark.parametrize(
    ("nodes", "statuses"),
    [
        ("pt.CheckBlackboardVariableExists: $x", "FSF"),
        ("pt.WaitForBlackboardVariable: $x", "RSR"),
        ('pt.CheckBlackboardVariableValue: {variable: $x, operator: ">=", value: 3}', "FSF"),
        ('pt.CheckBlackboardVariableValue: {variable: $x, operator: "!=", value: 3}', "FFF"),
        ('pt.WaitForBlackboardVariableValue: {variable: $x, operator: "<", value: 4}', "RSR"),
        ('pt.CompareBlackboardVariables: {var1_key: $x, var2_key: $y, operator: "<="}', "FSF"),
        (
            'pt.CheckBlackboardVariableValues: {operator: xor, checks: [{variable: x, operator: "==", value: 3}, '
            '{variable: y, operator: "==", value: 3}]}',
            "FFF",
        ),
        (
            'pt.CheckBlackboardVariableValues: {operator: or, checks: [{variable: x, operator: "==", value: 3}, '
            '{variable: y, operator: "==", value: 9}], namespace: seen}',
            "FSF",
        ),
    ],
)
def test_looking_at_entries(nodes: str, statuses: str, generator: bool) -> None:
    tree = built(nodes)
    tree.blackboard["y"] = 3
    said = run(tree, 1, generator=generator)
    tree.blackboard["x"] = 3
    said += run(tree, 1, generator=generator)
    tree.blackboard.cell("x").clear()
    assert said + run(tree, 1, generator=generator) == statuses
    if "namespace" in nodes:
        assert entries(tree)["seen/1"] is True


@pytest.mark.parametrize(
    ("nodes", "statuses"),
    [
        ("pt.CheckBlackboardVariableExists: $place.xyz", "FS"),
        ("pt.CheckBlackboardVariableExists: $place.color", "FF"),
        ('pt.CheckBlackboardVariableValue: {variable: $place.quat_xyzw, operator: "==", value: 3}', "FF"),
        ('pt.WaitForBlackboardVariableValue: {variable: $place.xyz, operator: "!=", value: 3}', "RS"),
    ],
)
def test_fields_of_entries(nodes: str, statuses: str) -> None:
    tree = built(nodes)
    said = run(tree, 1)
    tree.blackboard["place"] = Pose((1.0, 2.0, 3.0))
    assert said + run(tree, 1) == statuses


def test_a_status_goes_through_the_blackboard_and_back() -> None:
    tree = built(
        "sequence:\n"
        "  - pt.StatusToBlackboard: {variable_name: $s, child: pt.Success}\n"
        "  - pt.FailureIsSuccess:\n      child: {pt.BlackboardToStatus: $s}\n"
        "  - pt.UnsetBlackboardVariable: $s\n"
        "  - pt.CheckBlackboardVariableExists: $s"
    )
    assert run(tree, 1) == "F"
    assert entries(tree) == {}
    assert tree.root.feedback_message == "variable 's' not found"


def test_a_wrong_operator_in_a_list_is_explained() -> None:
    checks = "[{variable: x, operator: '=>', value: 1}, {variable: x, operator: '<', value: 2}]"
    with pytest.raises(NodeFault, match=r"unknown operator '=>'\n  did you mean:  >=.*\n  fix:  write one of =="):
        built(f"pt.CheckBlackboardVariableValues: {{operator: and, checks: {checks}}}")


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ("pt.CheckBlackboardVariableExists: x", "takes the name of an entry, $name"),
        ('pt.CheckBlackboardVariableValue: {variable: $x, operator: "=", value: 3}', "takes == or != or <"),
        ("pt.Parallel: {policy: All, children: [pt.Success]}", "takes SuccessOnAll or SuccessOnOne"),
        ("pt.Sequence: [pt.Success]", "'pt.Sequence' needs the port 'memory'"),
        ("pt.ForEach: {source_key: $things, target_key: $thing, child: pt.Success}", "$things is never set"),
        ("pt.Timeout: {duration: 3, child: pt.Success}", "3 has no unit"),
        ("pt.pick_up_where_you_left_off: {children: [pt.Success]}", "did you mean:  tasks"),
    ],
)
def test_mistakes_are_found_before_the_first_tick(node: str, message: str) -> None:
    problems = [str(p) for p in check_text(f"knothole: 1\ntree: t\nroot:\n  {node}\n") if p.severity == "error"]
    assert len(problems) == 1
    assert message in problems[0]


def test_each_element_is_there_when_its_turn_comes() -> None:
    tree = built(
        'pt.ForEach:\n  source_key: $things\n  target_key: $thing\n  child: {check: "$thing < 3"}',
        "inputs: {things: {type: list, default: [1, 2, 3]}}\n",
    )
    assert run(tree, 3) == "RRF"
    assert entries(tree)["thing"] == 3
    assert tree.root.feedback_message == "$thing < 3 ($thing is 3) is false"


@FORMS
def test_a_task_that_was_done_is_not_done_again(generator: bool) -> None:
    tree = built(
        "pt.pick_up_where_you_left_off:\n  tasks:\n"
        "    - {pt.TickCounter: {duration: 1, completion_status: SUCCESS}, name: First bite}\n"
        "    - {pt.TickCounter: {duration: 1, completion_status: SUCCESS}, name: rest}"
    )
    assert run(tree, 2, generator=generator) == "RR"
    tree.root._x(INVALID)
    assert entries(tree) == {"first_bite_done": True}
    assert run(tree, 2, generator=generator) == "RS", "only the second task was left"
    assert entries(tree) == {}


def test_tasks_need_names_that_can_be_entries() -> None:
    with pytest.raises(
        NodeFault, match=r"the name 'pt.Success' of a task has a dot, and an entry is called after it\n"
    ):
        built("pt.pick_up_where_you_left_off: [pt.Success]")


@FORMS
def test_the_choice_is_locked_in_until_it_has_ended(generator: bool) -> None:
    nodes = (
        "pt.either_or:\n"
        "  conditions:\n"
        '    - {variable: left, operator: "==", value: true}\n'
        '    - {variable: right, operator: "==", value: true}\n'
        "  subtrees:\n"
        "    - {pt.TickCounter: {duration: 2, completion_status: SUCCESS}, name: go left}\n"
        "    - {pt.TickCounter: {duration: 2, completion_status: FAILURE}, name: go right}"
    )
    tree = built(nodes)
    tree.blackboard["left"], tree.blackboard["right"] = False, True
    said = run(tree, 1, generator=generator)
    tree.blackboard["left"], tree.blackboard["right"] = True, False
    said += run(tree, 2, generator=generator)
    assert said + run(tree, 3, generator=generator) == "RRFRRS"
    assert entries(tree)["t/pt.either_or/chosen/1"] is True, "the same names in each run"
    tree.blackboard["right"] = True
    assert run(tree, 1, generator=generator) == "F", "exactly one condition may hold"


@FORMS
@pytest.mark.parametrize(("policy", "statuses"), [("ON_SUCCESSFUL_COMPLETION", "FSS"), ("ON_COMPLETION", "FFF")])
def test_once(policy: str, statuses: str, generator: bool) -> None:
    child = Script("FS", "only once")
    node = NODES.get("pt.oneshot")(wiring(parts={"behaviour": child}, variable_name="done", policy=policy))
    assert play(node, 3, generator=generator) == statuses
    assert sum(call in "SF" for call in child.calls) == (2 if statuses[1] == "S" else 1)


def test_a_run_closes_what_was_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(TickCounter, "setup", lambda self, **_: said.append("setup"))
    monkeypatch.setattr(TickCounter, "shutdown", lambda self: said.append("shutdown"))
    tree = built(
        "selector:\n"
        "  - pt.TickCounter: {duration: 2, completion_status: SUCCESS}\n"
        "  - pt.TickCounter: {duration: 2, completion_status: SUCCESS}"
    )
    result = Loop(tree, clock=SteppedClock()).run()
    assert result.outcome is Outcome.SUCCESS
    assert said == ["setup", "shutdown"], "the second one was never ticked"


def test_the_same_run_has_the_same_digest() -> None:
    def digest(seed: int) -> str:
        node = "pt.Repeat: {num_success: 5, child: {pt.FailureIsSuccess: {child: pt.ProbabilisticBehaviour}}}"
        text = f"knothole: 1\ntree: t\nroot:\n  {node}\n"
        tree = build(load_text(text), Context(rng=np.random.default_rng(seed)))
        return Loop(tree, clock=SteppedClock()).run().digest

    assert digest(1) == digest(1)
    assert len({digest(seed) for seed in range(5)}) > 1


def test_wrappers_show_their_status() -> None:
    node = NODES.get("pt.Success")(Wiring("done"))
    assert letter(node) == "-"
    assert play(node, 1) == letter(node) == "S"


@pytest.mark.parametrize(("memory", "codes"), [("true", []), ("false", ["K302"])])
def test_the_checker_knows_that_a_memory_does_not_restart_a_motion(memory: str, codes: list[str]) -> None:
    text = (
        "knothole: 1\ntree: t\nroot:\n  pt.Sequence:\n"
        f"    memory: {memory}\n    children:\n"
        '      - see: {question: "Is the table free?", expect: yes, max_age: 5s}\n      - home\n'
    )
    assert [problem.code for problem in check_text(text) if problem.code == "K302"] == codes
