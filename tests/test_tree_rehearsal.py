"""Plans that are trees are run ahead in a copy of the world: each way that is taken, each question, and what fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pybullet as p
import pytest

from knothole.app.rehearsing.playing import Limits, play
from knothole.app.rehearsing.rehearsal import Played, WorldRehearsal
from knothole.behaviors.context import Context
from knothole.behaviors.means.effects import parse_fact
from knothole.behaviors.means.skills import Skill
from knothole.behaviors.planning.tree_form import tree_mistakes
from knothole.behaviors.rehearsing import Kind, RehearsalVerdict, SymbolicRehearsal
from knothole.robots.kinematic import KinematicRobot
from knothole.sim.cloning import state_of
from knothole.sim.objects import ObjectSpec
from knothole.sim.truth import world_truth
from knothole.tests.test_rehearsal import (
    BLUE,
    NO_TRAY_REACHED,
    PILE,
    RED,
    SKILLS,
    TRAY,
    bits,
    pick,
    place,
    world_of,
)

WAIT = {"skill": "wait", "args": {"duration": 0.2}}
IN_TRAY = "Is the red cube in the green tray?"
CAN, INTO = pick("the green can"), place(into="the green tray")
GONE = "pick the green can: nothing found for 'the green can'"


def tried(
    items: Sequence[ObjectSpec],
    plan: dict[str, object],
    kind: Kind = "kinematic",
    limits: Limits | None = None,
    allowed: dict[str, Skill] = SKILLS,
) -> RehearsalVerdict:
    assert tree_mistakes(plan, allowed, 30) == []
    with world_of(*items) as (world, robot, context):
        verdict = Played(play(state_of(world, robot), kind, context, plan, allowed, limits)).verdict
    assert verdict is not None
    assert verdict.kind == kind
    return verdict


REJECTED = {
    "a thing that is not there": ({"sequence": [WAIT, CAN]}, [RED], (2, "sequence[2]", GONE)),
    "every way": (
        {"fallback": [CAN, {"retry": pick("the white bowl"), "times": 2}]},
        [RED],
        (2, "fallback[2]/retry", "pick the white bowl: nothing found for 'the white bowl'"),
    ),
    "a thing with another one on it": (
        {"retry": pick("the red cube"), "times": 3},
        PILE,
        (
            1,
            "retry",
            "pick the red cube: it needs that nothing lies on the red cube, but the blue cube lies on the red cube",
        ),
    ),
    "a tray beyond the reach of the arm": (
        {"sequence": [pick("the red cube"), {"fallback": [INTO]}]},
        [RED, NO_TRAY_REACHED],
        (
            2,
            "sequence[2]/fallback[1]",
            "place into the green tray: the hand cannot come down on the green tray, 100 cm from the arm's base",
        ),
    ),
    "a question": (
        {"sequence": [WAIT, {"see": IN_TRAY, "expect": "yes"}, pick("the red cube")]},
        [RED, TRAY],
        (0, "sequence[2]", f"see {IN_TRAY!r}: p(yes) = 0.00"),
    ),
    "the way that a question chooses": (
        {"if": IN_TRAY, "then": WAIT, "else": {"sequence": [WAIT, CAN]}},
        [RED, TRAY],
        (3, "else/sequence[2]", GONE),
    ),
    "a step alone": (CAN, [RED], (1, "the tree", GONE)),
}


@pytest.mark.parametrize("case", REJECTED.values(), ids=REJECTED)
def test_a_tree_is_rejected_with_the_node_that_failed_and_why(case) -> None:
    plan, items, expected = case
    verdict = tried(items, plan)
    assert (verdict.ok, verdict.finished) == (False, True)
    assert (verdict.step, verdict.where, verdict.reason) == expected
    assert str(verdict) == f"{verdict.where}: {verdict.reason}"
    assert verdict.steps[-1] == str(verdict)


PASSES = {
    "the second way": ({"fallback": [CAN, pick("the red cube")]}, [RED], [f"fallback[1]: {GONE}", "fallback[2]: pick"]),
    "the way round what lies on it": (
        {
            "fallback": [
                pick("the red cube"),
                {"sequence": [pick("the blue cube"), INTO, pick("the red cube")]},
            ]
        },
        PILE,
        ["fallback[1]: pick the red cube: it needs that nothing lies on the red cube", "fallback[2]/sequence[1]: pick"],
    ),
    "a question that is so afterwards": (
        {"sequence": [pick("the red cube"), INTO, {"see": IN_TRAY, "expect": "yes"}]},
        [RED, TRAY],
        ["sequence[1]: pick", "sequence[2]: place", f"sequence[3]: see {IN_TRAY!r}: p(yes) = 1.00"],
    ),
    "an if without another way": (
        {"sequence": [{"if": IN_TRAY, "then": CAN}, WAIT]},
        [RED, TRAY],
        [f"sequence[1]: see {IN_TRAY!r}: p(yes) = 0.00", "sequence[2]: wait"],
    ),
}


@pytest.mark.parametrize("case", PASSES.values(), ids=PASSES)
def test_a_tree_passes_by_the_way_that_works_in_the_copy(case) -> None:
    plan, items, lines = case
    verdict = tried(items, plan)
    assert verdict.ok, verdict
    assert (verdict.finished, verdict.reason, verdict.step, verdict.where) == (True, "", 0, "")
    for line, begins in zip(verdict.steps, lines, strict=False):
        assert line.startswith(begins), verdict.steps


def test_a_tree_passes_with_physics() -> None:
    grip = {"retry": pick("the red cube"), "times": 2}
    verdict = tried([RED, TRAY], {"sequence": [grip, {"if": IN_TRAY, "then": WAIT, "else": INTO}]}, "physics")
    assert verdict.ok, verdict
    assert 5 < verdict.seconds < 30
    assert [line.partition(":")[0] for line in verdict.steps] == [
        "sequence[1]/retry",
        "sequence[2]",
        "sequence[2]/else",
    ]


def test_a_step_whose_need_is_not_true_moves_nothing() -> None:
    verdict = tried(PILE, {"fallback": [pick("the red cube"), {"see": "Is there a mug?", "expect": "no"}]})
    assert verdict.ok, verdict
    assert verdict.seconds < 1.0


def test_what_a_skill_promises_and_does_not_do_fails_the_step_so_that_the_other_way_is_taken() -> None:
    boasting = {**SKILLS, "say": replace(SKILLS["say"], effects=(parse_fact("not hand_empty"),))}
    boast = {"skill": "say", "args": {"text": "I have it"}}
    verdict = tried([RED], {"fallback": [boast, WAIT]}, allowed=boasting)
    assert verdict.ok, verdict
    assert verdict.steps[0] == "fallback[1]: say I have it: afterwards the hand is empty"


def test_what_an_earlier_step_brought_about_must_be_so_in_the_end() -> None:
    plan = {"sequence": [pick("the red cube"), place(onto="the blue cube"), {"fallback": [_long_wait(5.0), WAIT]}]}
    with world_of(RED, BLUE) as (world, robot, context):
        playing = play(state_of(world, robot), "kinematic", context, plan, SKILLS)
        next(playing)
        copied = playing.gi_frame.f_locals["world"]
        while world_truth(copied).objects[0].relation != "on":
            next(playing)
        for _ in range(60):
            next(playing)
        copied.put(0, (0.45, 0.3, 0.03))  # somebody takes it away while the robot waits
        verdict = Played(playing).verdict
    assert verdict is not None
    assert (verdict.ok, verdict.where) == (False, "sequence[3]/fallback[2]")
    assert verdict.reason == "wait 0.2: afterwards the red cube is not on the blue cube"


def _long_wait(seconds: float) -> dict[str, object]:
    return {"skill": "wait", "args": {"duration": seconds}}


UNTRIED = {
    "a question that the simulator does not know": (
        {"sequence": [WAIT, {"see": "Does it look nice?", "expect": "yes"}, CAN]},
        "sequence[2]",
        "see 'Does it look nice?': the simulator has no answer, so nothing from here on was tried: "
        "the oracle does not understand 'Does it look nice?'",
    ),
    "words that it does not know": (
        {"retry": pick("the thing I like best"), "times": 2},
        "retry",
        "pick the thing I like best: the simulator cannot tell what 'the thing I like best' is, so it was not tried",
    ),
    "a human": (
        {"fallback": [{"skill": "ask_human", "args": {"question": "Which one?"}}, CAN]},
        "fallback[1]",
        "ask_human Which one?: it is up to a human, so nothing from here on was tried",
    ),
}


@pytest.mark.parametrize("case", UNTRIED.values(), ids=UNTRIED)
def test_what_cannot_be_tried_rejects_nothing(case) -> None:
    plan, where, reason = case
    verdict = tried([RED], plan)
    assert (verdict.ok, verdict.finished) == (True, False)
    assert (verdict.where, verdict.reason) == (where, reason)


def test_a_question_on_a_way_that_is_not_taken_is_not_asked() -> None:
    plan = {"fallback": [WAIT, {"see": "Does it look nice?", "expect": "yes"}]}
    assert tried([RED], plan).finished


def test_a_tree_over_its_limit_is_given_up_at_the_node_where_it_is() -> None:
    verdict = tried([RED], {"retry": {"sequence": [_long_wait(60.5), CAN]}, "times": 5}, limits=Limits(seconds=5.0))
    assert (verdict.ok, verdict.finished, verdict.where) == (True, False, "retry/sequence[1]")
    assert verdict.reason == "wait 60.5: not finished after 5 s of the rehearsal's time"


def test_the_world_is_the_same_to_the_last_bit_after_a_tree_was_tried() -> None:
    with world_of(RED, TRAY) as (world, robot, context):
        before, draws = bits(world), context.rng.bit_generator.state
        for kind in ("kinematic", "physics"):
            plan = {"sequence": [{"fallback": [pick("the red cube"), WAIT]}, CAN]}
            verdict = Played(play(state_of(world, robot), kind, context, plan, SKILLS)).verdict
            assert verdict is not None
            assert verdict.where == "sequence[2]"
        assert bits(world) == before
        assert context.rng.bit_generator.state == draws
        assert not context.notes


def _clients() -> set[int]:
    return {k for k in range(40) if p.getConnectionInfo(k)["isConnected"]}


def test_a_dropped_rehearsal_of_a_tree_leaves_no_world_behind() -> None:
    with world_of(RED) as (world, robot, context):
        before, left = _clients(), iter([False] * 20)
        rehearsal = WorldRehearsal(context, lambda: state_of(world, robot), stopped=lambda: next(left, True))
        rehearsing = rehearsal.start({"retry": pick("the red cube"), "times": 2}, SKILLS)
        assert rehearsing is not None
        assert rehearsing.verdict is None  # it was stopped on its way
        assert len(_clients()) == len(before) + 1
        rehearsing.drop()
        assert _clients() == before


SYMBOLIC = [
    ({"sequence": [pick("a"), place(into="the tray")]}, True, 0, "", ""),
    (
        {"sequence": [WAIT, {"retry": place(into="the tray"), "times": 2}]},
        False,
        2,
        "sequence[2]/retry",
        "place needs that the hand holds something, but the hand is empty",
    ),
    ({"if": "Is there a mug?", "then": pick("a"), "else": pick("b")}, True, 0, "", ""),
    (
        {"sequence": [{"if": "Is there a mug?", "then": pick("a"), "else": pick("b")}, pick("c")]},
        False,
        3,
        "sequence[2]",
        "pick needs that the hand is empty, but the hand holds something",
    ),
]


@pytest.mark.parametrize(("plan", "ok", "step", "where", "reason"), SYMBOLIC, ids=lambda value: str(value)[:20])
def test_without_a_simulator_a_tree_is_gone_through_in_thought(plan, ok, step, where, reason) -> None:
    verdict = SymbolicRehearsal(Context(KinematicRobot())).tried(plan, SKILLS)
    assert (verdict.ok, verdict.step, verdict.where, verdict.reason) == (ok, step, where, reason)
    assert (verdict.kind, verdict.finished, verdict.seconds) == ("symbolic", True, 0.0)
