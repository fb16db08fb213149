"""Nav2's nodes: status tables, one row a case, with the lines of the sources that say so.

The sources are those of ros-navigation/navigation2 at a3a97043ee93, folder ``nav2_behavior_tree/plugins``. In a table a
child is the text of its statuses, one a tick and the last one for ever: S, F, R, and K for skipped. The expectation is
the text of the node's statuses, and behind a colon how often each child was ticked and (h) halted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from knothole.behaviors.blackboard import Blackboard
from knothole.behaviors.context import Context
from knothole.behaviors.node import NODES, Wiring
from knothole.behaviors.ports import REQUIRED
from knothole.behaviors.step import INVALID, NodeFault
from knothole.robots.contract import RobotState
from knothole.robots.pose import Pose
from knothole.tests.script_nodes import Script, letter, play

FORMS = pytest.mark.parametrize("generator", [False, True], ids=["fast", "generator"])


def make(
    name: str,
    children: list[Any] | None = None,
    context: Context | None = None,
    board: Blackboard | None = None,
    **ports: Any,
) -> Any:
    """Return a node; a port is a value, ``Entry`` for an entry of the board, left out for its default."""
    cls: Any = NODES.get(f"nav2.{name}")
    board = Blackboard() if board is None else board
    inputs: dict[str, Callable[[], object]] = {}
    outputs = {}
    for port in cls.ports:
        value = ports.pop(port.name, port.default)
        if isinstance(value, str) and value.startswith("$"):
            cell = board.cell(value[1:])
            outputs[port.name] = cell
            inputs[port.name] = cell.get
        elif value is not REQUIRED and port.type not in ("node", "nodes"):
            inputs[port.name] = lambda value=value: value  # type: ignore[misc]
    assert not ports, f"unknown ports {ports}"
    wiring = Wiring(name, name, None, inputs, outputs, children or (), context=context or Context(), board=board)
    return cls(wiring)


TABLE = [
    # control/pipeline_sequence.cpp
    ("PipelineSequence", {}, ["S", "S"], "S:1 1"),  # 67-75
    ("PipelineSequence", {}, ["RS", "S"], "RS:2 1"),  # 54-58
    ("PipelineSequence", {}, ["SRS", "RRS"], "RRS:3 3"),  # 55-60: a running child before the furthest one goes on
    ("PipelineSequence", {}, ["SF", "R"], "RFF:3 1h"),  # 42-45
    ("PipelineSequence", {}, ["F", "S"], "F:1 0"),  # 42-45
    ("PipelineSequence", {}, ["K", "K"], "K:1 1"),  # 71-74
    ("PipelineSequence", {}, ["K", "S"], "S:1 1"),  # 46-49
    ("PipelineSequence", {}, ["S", "RS", "RS"], "RRS:3 3 2"),  # 55-57: the third is reached in the second tick
    ("PipelineSequence", {}, ["SSR", "SRSR", "RRS"], "RRS:3h 3 3"),  # 55-60, 67-69: running ones before the furthest
    # control/recovery_node.cpp
    ("RecoveryNode", {}, ["S", "S"], "S:1 0"),  # 53-58
    ("RecoveryNode", {}, ["FS", "S"], "S:2 1"),  # 63-69, 96-103: all in one tick
    ("RecoveryNode", {}, ["F", "S"], "F:2 1"),  # 70-74
    ("RecoveryNode", {"number_of_retries": 2}, ["F", "S"], "F:3 2"),  # 42, 70-74
    ("RecoveryNode", {"number_of_retries": 0}, ["F", "S"], "F:1 0"),  # 65, 70-74
    ("RecoveryNode", {"number_of_retries": -1}, ["S", "S"], "F:0 0"),  # 42, 116-118
    ("RecoveryNode", {}, ["F", "F"], "F:1 1"),  # 105-108
    ("RecoveryNode", {}, ["K", "S"], "K:1 0"),  # 48-51
    ("RecoveryNode", {}, ["F", "K"], "F:1 1"),  # 83-92
    ("RecoveryNode", {}, ["RF", "RS"], "RRF:3 2"),  # 60-61, 93-94
    ("RecoveryNode", {}, ["FRS", "S"], "RS:3 1"),  # 96-103, then 60-61, then 53-58
    ("RecoveryNode", {}, ["FFS", "S"], "FS:3 1"),  # 70-74: the next execution begins anew
    ("RecoveryNode", {}, ["F", "SK"], "FF:3 2"),  # 121-126: halt() forgets the count
    # control/round_robin_node.cpp
    ("RoundRobin", {}, ["S", "S", "S"], "SSF:1 1 1"),  # 48-58: the last child ends the round, even with SUCCESS
    ("RoundRobin", {"wrap_around": True}, ["S", "S"], "SSS:2 1"),  # 49-50, 64-69
    ("RoundRobin", {}, ["F", "F"], "F:1 1"),  # 54-58, 90-93
    ("RoundRobin", {"wrap_around": True}, ["F", "F"], "FF:2 2"),  # 42, 90-93
    ("RoundRobin", {"wrap_around": True}, ["F", "S"], "SS:2 2"),  # 71-75, 49-50
    ("RoundRobin", {}, ["F", "RS", "F"], "RSF:1 2 1"),  # 82-83, 64-69, then from the third child on
    ("RoundRobin", {}, ["K", "K"], "K:1 1"),  # 52-53, 90-93
    ("RoundRobin", {"wrap_around": True}, ["K", "K"], "K:1 1"),  # 77-81, 42
    ("RoundRobin", {}, ["F", "K"], "F:1 1"),  # 90-93
    # control/nonblocking_sequence.cpp
    ("NonblockingSequence", {}, ["S", "S"], "S:1 1"),  # 60-64
    ("NonblockingSequence", {}, ["RS", "S"], "RS:2 2"),  # 49-51: a child that succeeded is ticked again
    ("NonblockingSequence", {}, ["R", "F", "S"], "F:1h 1 0"),  # 43-46
    ("NonblockingSequence", {}, ["RF", "R"], "RF:2 1h"),  # 43-46
    # control/persistent_sequence.cpp
    ("PersistentSequence", {}, ["S", "S"], "S:1 1"),  # 67-72
    ("PersistentSequence", {}, ["S", "RS"], "RS:1 2"),  # 45-46: goes on at the present child
    ("PersistentSequence", {}, ["S", "F"], "FF:2 2"),  # 48-53: begins anew after a failure
    ("PersistentSequence", {}, ["K", "K"], "S:1 1"),  # 55-60, 72: never skipped
    # decorator/single_trigger_node.cpp; no parent that keeps its status, so each execution is a new one
    ("SingleTrigger", {}, ["RS"], "RS:2"),  # 43-50
    ("SingleTrigger", {}, ["F"], "F:1"),  # 47-50
    ("SingleTrigger", {}, ["K"], "K:1"),  # 43-45
    # decorator/goal_updated_controller.cpp, decorator/goal_updater_node.cpp
    ("GoalUpdatedController", {}, ["RS"], "RS:2"),  # 61-63
    ("GoalUpdatedController", {}, ["F"], "F:1"),  # 63
    ("GoalUpdater", {}, ["RSFK"], "RSFK:4"),  # 143
    # decorator/rate_controller.cpp
    ("RateController", {}, ["RRS"], "RRS:3"),  # 61-62: a running child is ticked each time
    ("RateController", {}, ["F"], "F:1"),  # 70-71
    ("RateController", {}, ["K"], "K:1"),  # 68-71
    # decorator/distance_controller.cpp
    ("DistanceController", {}, ["S"], "F:0"),  # 56-62, without a robot
    # decorator/speed_controller.cpp
    ("SpeedController", {}, ["RSF"], "RSF:3"),  # 90, 101
]


@FORMS
@pytest.mark.parametrize(("name", "ports", "scripts", "expected"), TABLE, ids=[f"{r[0]} {r[2]}" for r in TABLE])
def test_statuses(name: str, ports: dict[str, Any], scripts: list[str], expected: str, generator: bool) -> None:
    statuses, counts = expected.split(":")
    context, board = Context(), Blackboard()
    if name == "PersistentSequence":
        board["idx"] = 0
        ports = {"current_child_idx": "$idx"}
    children = [Script(script, f"c{number}", context) for number, script in enumerate(scripts)]
    node = make(name, children, context, board, **ports)
    assert play(node, len(statuses), context, 0.01, generator=generator) == statuses
    ticked = [f"{sum(c in 'SFRK' for c in child.calls)}{'h' * child.calls.count('halt')}" for child in children]
    assert " ".join(ticked) == counts
    if statuses[-1] == "F":
        assert node.feedback_message
    node._x(INVALID)
    assert all(child.status is INVALID for child in children if statuses[-1] != "S")


@FORMS
def test_a_pipeline_halts_what_runs_when_it_is_halted_and_begins_anew(generator: bool) -> None:
    children = [Script("S"), Script("R"), Script("S")]
    node = make("PipelineSequence", children)
    assert play(node, 2, generator=generator) == "RR"
    node._x(INVALID)  # control/pipeline_sequence.cpp 78-82
    assert [letter(child) for child in children] == ["-", "-", "-"]
    assert children[1].calls[-1] == "halt"
    children[0].letters, children[0].at = "R", 0
    assert play(node, 1, generator=generator) == "R"
    assert children[1].calls[-1] == "halt", "the furthest child is the first again"


def test_a_skipped_recovery_keeps_the_count_of_recoveries() -> None:
    # control/recovery_node.cpp 83-92: no halt() there
    task, recovery = Script("F", "drive"), Script("SKS", "back up")
    node = make("RecoveryNode", [task, recovery], number_of_retries=2)
    assert play(node, 1) == "F"
    assert "the recovery was skipped" in node.feedback_message
    calls = len([c for c in recovery.calls if c in "SFRK"])
    assert calls == 2
    assert play(node, 1) == "F"
    assert len([c for c in recovery.calls if c in "SFRK"]) == 3, "one recovery was left"
    assert node.feedback_message == "drive said F (after 2 recoveries)"
    once = make("RecoveryNode", [Script("F", "drive"), Script("S", "back up")])
    assert play(once, 1) == "F"
    assert once.feedback_message == "drive said F (after 1 recovery)"


@pytest.mark.parametrize(
    ("name", "children", "message"),
    [
        ("NonblockingSequence", ["K"], "its child 'leaf' was skipped"),  # nonblocking_sequence.cpp 52-57
        ("PersistentSequence", ["S"], "current_child_idx is not set"),  # persistent_sequence.cpp 31-36
        ("RecoveryNode", ["S"], "it has 1 children and needs 2"),  # recovery_node.cpp 36-38
        ("PauseResumeController", ["S"] * 5, "it has 5 children and needs 1 to 4"),  # pause_resume_controller.cpp 63-68
        ("SpeedController", ["S"], "the rates are 0 and 1"),  # speed_controller.cpp 44-48
    ],
)
def test_faults(name: str, children: list[str], message: str) -> None:
    ports = {"min_rate": 0.0} if name == "SpeedController" else {}
    with pytest.raises(NodeFault, match=re.escape(message)):
        make(name, [Script(each) for each in children], **ports)._t()


@FORMS
def test_a_persistent_sequence_goes_on_after_a_halt(generator: bool) -> None:
    board = Blackboard()
    board["idx"] = 0
    children = [Script("S"), Script("RS"), Script("S")]
    node = make("PersistentSequence", children, board=board, current_child_idx="$idx")
    assert play(node, 1, generator=generator) == "R"
    node._x(INVALID)  # persistent_sequence.cpp has no halt(): the entry stays
    assert board["idx"] == 1
    assert play(node, 1, generator=generator) == "S"
    assert children[0].calls.count("S") == 1
    assert board["idx"] == 0
    assert board.cell("idx").writer == "PersistentSequence"


@FORMS
def test_pausing_and_going_on(generator: bool) -> None:
    # control/pause_resume_controller.cpp
    board = Blackboard()
    children = [Script("R", "work"), Script("R", "wait"), Script("RS", "park"), Script("S", "unpark")]
    node = make(
        "PauseResumeController", children, board=board, pause_service_name="/pause", resume_service_name="resume"
    )

    def tick() -> str:
        said = play(node, 1, generator=generator)
        return said + "".join(letter(child) for child in children)

    assert tick() == "RR---"
    board["resume"] = True
    assert tick() == "RR---", "156-167: it is not paused"
    board["pause"] = True
    assert tick() == "R--R-", "78-81, 91: the work is halted, the third child begins"
    assert board["pause"] is False
    assert tick() == "R--S-", "97-105"
    assert tick() == "R" + "-RS-", "122-131: paused"
    board["pause"] = True
    assert tick() == "R-RS-", "136-149: it is paused already"
    board["resume"] = True
    assert tick() == "R---S", "158-161, 78-81"
    assert tick() == "RR--S"
    children[0].letters = "S"
    assert tick() == "SS--S", "99-102"
    node._x(INVALID)
    assert children[0].calls[-1] == "S"


def test_a_pause_without_children_for_it_just_waits() -> None:
    board = Blackboard()
    work = Script("R")
    node = make("PauseResumeController", [work], board=board, pause_service_name="pause", resume_service_name="resume")
    play(node, 1)
    board["pause"] = True
    assert play(node, 3) == "RRR"  # 83-88
    assert work.calls == ["start", "R", "halt"]
    board["resume"] = True
    assert play(node, 2) == "RR"
    assert work.calls == ["start", "R", "halt", "start", "R"]


def statuses(node: Any, context: Context, ticks: int, period: float = 0.5, generator: bool = False) -> str:
    pipeline = make("PipelineSequence", [node, Script("R", "later", context)], context)
    said = ""
    for _ in range(ticks):
        play(pipeline, 1, context, period, generator)
        said += letter(node)
    return said


@FORMS
def test_the_rate_counts_from_the_last_success(generator: bool) -> None:
    context = Context()
    child = Script("SRRS", "plan", context)
    node = make("RateController", [child], context, hz=1.0)
    # rate_controller.cpp 61-80: at 0 s, from 1 s on (RUNNING, RUNNING, SUCCESS at 2 s), then at 3 s
    assert statuses(node, context, 8, generator=generator) == "SRRRSRSR"
    assert [c for c in child.calls if c in "SR"] == ["S", "R", "R", "S", "S"]


def test_the_period_stands_still_in_a_pause() -> None:
    context = Context()
    node = make("RateController", [Script("S", "plan", context)], context, hz=1.0)
    pipeline = make("PipelineSequence", [node, Script("R", "later", context)], context)
    play(pipeline, 2, context, 0.5)
    pipeline._pause()
    context.now += 10.0
    pipeline._resume()
    context.now -= 0.5
    play(pipeline, 1, context, 0.5)
    assert letter(node) == "R", "half a second has passed"
    play(pipeline, 1, context, 0.5)
    assert letter(node) == "S"


class Walker:
    """A robot that goes along x at a speed; nothing else of it is asked for."""

    def __init__(self, context: Context, speed: float) -> None:
        self.context, self.speed = context, speed

    def state(self) -> RobotState:
        base = Pose((self.speed * self.context.now, 1.0, 0.0))
        return RobotState(self.context.now, np.zeros(0), np.zeros(0), base, world_from_base=base)


def walking(speed: float) -> Context:
    context = Context()
    context.robot = Walker(context, speed)  # type: ignore[assignment]
    return context


@FORMS
def test_the_distance_counts_from_the_last_success(generator: bool) -> None:
    context = walking(1.0)
    child = Script("SRS", "plan", context)
    node = make("DistanceController", [child], context, distance=1.0)
    # distance_controller.cpp 85-104: at 0 m, from 1 m on (RUNNING, SUCCESS at 1.5 m), then at 2.5 m
    assert statuses(node, context, 7, generator=generator) == "SRRSRSR"


@FORMS
@pytest.mark.parametrize(
    ("speed", "expected"),
    [
        (0.0, "SRSRRRRRRRRRS"),  # speed_controller.cpp 96-99: after 1 s at the slow rate of 0.2 Hz
        (0.25, "SRSRRRSRRRSRR"),  # half way: 0.6 Hz, 1.67 s
        (9.0, "SRSRSRSRSRSRS"),  # the fast rate of 1 Hz
    ],
)
def test_the_rate_follows_the_speed(speed: float, expected: str, generator: bool) -> None:
    context = walking(speed)
    node = make("SpeedController", [Script("S", "plan", context)], context, min_rate=0.2, max_rate=1.0, max_speed=0.5)
    assert statuses(node, context, 13, generator=generator) == expected


@FORMS
def test_a_new_goal_is_planned_for_at_once(generator: bool) -> None:
    for name in ("GoalUpdatedController", "SpeedController"):  # 52-64; speed_controller.cpp 74-81
        context, board = Context(), Blackboard()
        board["goal"] = Pose((1.0, 0.0, 0.0))
        node = make(name, [Script("S", "plan", context)], context, board)
        pipeline = make("PipelineSequence", [node, Script("R", "later", context)], context)
        said = ""
        for tick in range(5):
            if tick == 3:
                board["goal"] = Pose((2.0, 0.0, 0.0))
            play(pipeline, 1, context, 0.01, generator)
            said += letter(node)
        assert said == "SRRSR", name


def test_a_single_trigger_fails_after_it_has_ended() -> None:
    context = Context()
    child = Script("RS", "plan", context)
    node = make("SingleTrigger", [child], context)
    node.parent = type("Keeps", (), {"keeps_status": True, "resumes_skipped": True})()
    assert play(node, 4) == "RSFF"  # single_trigger_node.cpp 39-58
    assert node.feedback_message == "plan was run before"
    node._x(INVALID)
    assert play(node, 1) == "S"  # 33-35


@pytest.mark.parametrize(
    ("goal", "update", "expected"),
    [
        ({"stamp": 2.0}, None, {"stamp": 2.0}),  # goal_updater_node.cpp 115-117
        ({"stamp": 2.0}, {"stamp": 3.0}, {"stamp": 3.0}),  # 105-106
        ({"stamp": 2.0}, {"stamp": 2.0}, {"stamp": 2.0}),  # 105-106
        ({"stamp": 2.0}, {"stamp": 1.0}, {"stamp": 2.0}),  # 107-113
        ({"stamp": 2.0}, {"x": 1.0, "y": 0.0}, {"x": 1.0, "y": 0.0}),  # ours: 97-101 would not count it
    ],
)
def test_the_newer_goal_is_handed_on(goal: object, update: object, expected: object) -> None:
    board = Blackboard()
    board["goal"] = goal
    if update is not None:
        board["goal_update"] = update
    node = make("GoalUpdater", [Script("S")], board=board, input_goal="$goal", output_goal="$next")
    assert play(node, 1) == "S"
    assert board["next"] == expected


def test_an_empty_list_of_new_goals_does_not_count() -> None:
    board = Blackboard()
    board["goals"], board["goals_update"] = [[1.0, 2.0]], []
    node = make("GoalUpdater", [Script("S")], board=board, input_goals="$goals", output_goals="$next")
    play(node, 1)
    assert board["next"] == [[1.0, 2.0]]  # goal_updater_node.cpp 120-121


SHORT, LONG, OTHER = [[0, 0], [1, 0]], [[0, 0], [0, 3], [1, 0]], [[0, 0], [0, 9], [2, 0]]
FAR, FARTHER = [[0, 0], [9, 0]], [[0, 0], [0, 30], [9, 0]]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([SHORT, LONG], "SF"),  # path_longer_on_approach.cpp 68-81: the child decides
        ([SHORT, SHORT], "SS"),  # 68, path_utils.cpp 233-241: the same number of poses
        ([SHORT, OTHER], "SS"),  # 57-63: another goal
        ([FAR, FARTHER], "SS"),  # 34-39: the goal is not near
        ([SHORT, [[0, 0], [0.5, 0.1], [1, 0]]], "SS"),  # 41-49: not much longer
        ([None, LONG], "SS"),  # 58
    ],
)
def test_a_much_longer_path_near_the_goal_runs_the_child(paths: list[Any], expected: str) -> None:
    board = Blackboard()
    node = make("PathLongerOnApproach", [Script("F", "slow down")], board=board, path="$path")
    said = ""
    for path in paths:
        if path is not None:
            board["path"] = path
        said += play(node, 1)
    assert said == expected


def test_a_changed_goal_is_noticed_once() -> None:
    board = Blackboard()
    board["goal"] = [1.0, 0.0]
    local, whole = make("GoalUpdated", board=board), make("GlobalUpdatedGoal", board=board)
    said = ["", ""]
    for tick in range(6):
        if tick == 2:
            board["goal"] = [2.0, 0.0]
        if tick == 4:
            local._x(INVALID)
            whole._x(INVALID)
            board["goals"] = [[3.0, 0.0]]
        for number, node in enumerate((local, whole)):
            said[number] += play(node, 1)
    # goal_updated_condition.cpp: first look after a reset; globally_updated_goal_condition.cpp: once in a run
    assert said == ["FFSFFF", "SFSFSF"]


def test_time_expires_again_and_again() -> None:
    context = Context()
    node = make("TimeExpired", context=context, seconds=1.0)
    assert play(node, 7, context, 0.5) == "FFSFSFS"  # time_expired_condition.cpp
    node._x(INVALID)
    assert play(node, 3, context, 0.5) == "FFS"


def test_a_path_expires_unless_it_changes() -> None:
    context, board = Context(), Blackboard()
    board["path"] = SHORT
    node = make("PathExpiringTimer", context=context, board=board, seconds=1.0, path="$path")
    said = play(node, 4, context, 0.5)
    board["path"] = LONG
    node._x(INVALID)
    said += play(node, 4, context, 0.5)
    assert said == "FFSFFFSF"  # path_expiring_timer_condition.cpp; a reset does not begin it anew


def test_a_distance_is_gone_again_and_again() -> None:
    context = walking(1.0)
    assert play(make("DistanceTraveled", context=context), 6, context, 0.5) == "FFSFSF"
    assert play(make("DistanceTraveled"), 1) == "F"


def test_a_goal_is_nearby_when_little_is_left_of_the_path() -> None:
    context, board = walking(1.0), Blackboard()
    board["path"] = [[x, 1.0] for x in range(6)]
    node = make("IsGoalNearby", context=context, board=board, path="$path", proximity_threshold=2.5)
    assert play(node, 6, context, 1.0) == "FFFSSS"  # is_goal_nearby_condition.cpp
    board["path"] = []
    assert play(node, 1) == "F"


def test_a_search_along_the_path_does_not_jump_ahead() -> None:
    context, board = walking(0.0), Blackboard()
    board["path"] = [[0.0, 1.0], [3.0, 1.0], [3.0, 2.0], [0.1, 1.0]]
    ports = {"path": "$path", "proximity_threshold": 1.0}
    context.robot.context = Context(now=0.09)  # type: ignore[union-attr]
    context.robot.speed = 1.0  # type: ignore[union-attr]
    whole = make("IsGoalNearby", context=context, board=board, **ports)
    ahead = make("IsGoalNearby", context=context, board=board, max_robot_pose_search_dist=4.0, **ports)
    assert play(whole, 1) + play(ahead, 1) == "SF"


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("AreErrorCodesPresent", 107, "S"),
        ("AreErrorCodesPresent", 108, "F"),
        ("WouldAControllerRecoveryHelp", 105, "S"),
        ("WouldAControllerRecoveryHelp", 107, "F"),
        ("WouldAPlannerRecoveryHelp", 308, "S"),
        ("WouldAPlannerRecoveryHelp", 209, "F"),
        ("WouldARouteRecoveryHelp", 404, "S"),
        ("WouldARouteRecoveryHelp", 402, "F"),
        ("WouldASmootherRecoveryHelp", 503, "S"),
        ("WouldASmootherRecoveryHelp", 501, "F"),
        ("WouldASmootherRecoveryHelp", None, "F"),
    ],
)
def test_error_codes(name: str, code: int | None, expected: str) -> None:
    assert play(make(name, error_code=code, error_codes_to_check=[101, 107]), 1) == expected


@pytest.mark.parametrize(
    ("name", "ports", "entries", "expected"),
    [
        ("InitialPoseReceived", {}, {}, "F"),
        ("InitialPoseReceived", {}, {"initial_pose_received": True}, "S"),
        ("InitialPoseReceived", {"initial_pose_received": False}, {"initial_pose_received": True}, "F"),
        ("ArePosesNear", {"ref_pose": Pose((0, 0, 9)), "target_pose": [0.3, 0.4]}, {}, "S"),
        ("ArePosesNear", {"ref_pose": {"pose": {"position": {"x": 0, "y": 0}}}, "target_pose": [0.4, 0.4]}, {}, "F"),
        ("GoalReached", {"goal": [0.2, 1.1]}, {}, "S"),
        ("GoalReached", {"goal": [0.3, 1.0]}, {}, "F"),
        ("GoalReached", {"goal": [0.3, 1.0]}, {"goal_reached_tol": 0.5}, "S"),
        ("IsBatteryLow", {"min_battery": 0.2}, {}, "F"),
        ("IsBatteryLow", {"min_battery": 0.2}, {"battery_status": {"percentage": 0.2}}, "S"),
        ("IsBatteryLow", {"min_battery": 0.2}, {"battery_status": {"percentage": 0.21}}, "F"),
        ("IsBatteryLow", {"min_battery": 11.0, "is_voltage": True}, {"battery_status": {"voltage": 10.5}}, "S"),
        ("IsBatteryCharging", {"battery_topic": "dock"}, {"dock": {"power_supply_status": 1}}, "S"),
        ("IsBatteryCharging", {"battery_topic": "dock"}, {"dock": {"power_supply_status": 2}}, "F"),
        ("IsBatteryCharging", {}, {}, "F"),
        ("IsWithinPathTrackingBounds", {}, {}, "S"),
    ],
)
def test_conditions(name: str, ports: dict[str, Any], entries: dict[str, Any], expected: str) -> None:
    board = Blackboard()
    for entry, value in entries.items():
        board[entry] = value
    node = make(name, context=walking(1.0), board=board, **ports)
    assert play(node, 1) == expected
    assert expected == "S" or node.feedback_message


@pytest.mark.parametrize(
    ("aside", "turned", "expected"),
    [(0.5, 0.0, "S"), (0.51, 0.0, "F"), (-0.2, 0.0, "S"), (-0.21, 0.0, "F"), (0.0, -0.4, "S"), (0.0, -0.41, "F")],
)
def test_path_tracking(aside: float, turned: float, expected: str) -> None:
    feedback = {"position_tracking_error": aside, "heading_tracking_error": turned}
    node = make(
        "IsWithinPathTrackingBounds",
        max_error_left=0.5,
        max_error_right=-0.2,  # its sign does not count
        max_error_heading=0.4,
        tracking_feedback=feedback,
    )
    assert play(node, 1) == expected
