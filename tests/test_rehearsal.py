"""Plans that are played in a copy of the world: what is rejected and why, and that the world itself never notices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pybullet as p
import pytest

from knothole.app.rehearsing.playing import Limits, play
from knothole.app.rehearsing.rehearsal import Played, WorldRehearsal
from knothole.behaviors.context import Context
from knothole.behaviors.means.effects import Fact, State, parse_fact
from knothole.behaviors.means.skills import DEFAULT_SKILLS, Skill, Step, skills
from knothole.behaviors.rehearsing import Kind, RehearsalVerdict, SymbolicRehearsal
from knothole.robots.kinematic import KinematicRobot
from knothole.robots.pose import Pose
from knothole.sim.cloning import clone, drive, state_of
from knothole.sim.ghost import GhostPanda
from knothole.sim.layout import standing
from knothole.sim.objects import ObjectSpec
from knothole.sim.panda import PandaSim
from knothole.sim.scene import SceneSpec
from knothole.sim.truth import world_truth
from knothole.sim.world import World

SKILLS: dict[str, Skill] = skills([*DEFAULT_SKILLS, "ask_human"])
EDGE = 0.05


def cube(color: str, x: float, y: float, z: float = 0.0, edge: float = EDGE) -> ObjectSpec:
    return standing(ObjectSpec("cube", color, (edge, edge, edge)), x, y, z, 0.0)


RED, BLUE = cube("red", 0.45, -0.15), cube("blue", 0.45, 0.0)
BALL = standing(ObjectSpec("ball", "yellow", (0.06, 0.06, 0.06)), 0.5, 0.15, 0.0, 0.0)
TRAY = standing(ObjectSpec("tray", "green", (0.30, 0.22, 0.03)), 0.5, 0.2, 0.0, 0.0)
BOWL = standing(ObjectSpec("bowl", "white", (0.13, 0.13, 0.05)), 0.5, 0.2, 0.0, 0.0)


def pick(name: str) -> Step:
    return Step(skill="pick", args={"object": name})


def place(**where: object) -> Step:
    return Step(skill="place", args=dict(where))


@contextmanager
def world_of(*items: ObjectSpec) -> Iterator[tuple[World, PandaSim, Context]]:
    with World(SceneSpec("rehearsal", 0, items)) as world:
        robot = PandaSim(world)
        robot.advance(0.1)
        yield world, robot, Context(robot, now=robot.now(), rng=np.random.default_rng(0))


def tried(
    kind: Kind, items: Sequence[ObjectSpec], steps: Sequence[Step], limits: Limits | None = None
) -> RehearsalVerdict:
    with world_of(*items) as (world, robot, context):
        verdict = Played(play(state_of(world, robot), kind, context, steps, SKILLS, limits)).verdict
    assert verdict is not None
    assert verdict.kind == kind
    return verdict


def copied_posture(world: World) -> np.ndarray:
    states = p.getJointStates(world.robot, range(7), physicsClientId=world.client)
    return np.array([state[0] for state in states])


def bits(world: World) -> list[object]:
    """Return everything that PyBullet tells of the bodies of a world, exactly."""
    told: list[object] = [world.steps]
    for k in range(p.getNumBodies(physicsClientId=world.client)):
        body = p.getBodyUniqueId(k, physicsClientId=world.client)
        told += [p.getBasePositionAndOrientation(body, physicsClientId=world.client)]
        told += [p.getBaseVelocity(body, physicsClientId=world.client)]
        count = p.getNumJoints(body, physicsClientId=world.client)
        told += [p.getJointStates(body, range(count), physicsClientId=world.client)] if count else []
    return told


ON_BLUE = [pick("the red cube"), place(onto="the blue cube")]
PILE = (RED, cube("blue", 0.45, -0.15, EDGE), TRAY)
NO_TRAY_REACHED = replace(TRAY, xyz=(1.0, 0.1, TRAY.xyz[2]))
REJECTED = {
    "a thing beyond the reach of the arm": (
        [RED, cube("blue", 0.93, 0.1)],
        [pick("the red cube"), place(at=[0.5, 0.2, 0.0]), pick("the blue cube")],
        (3, "pick the blue cube: the hand cannot come down on the blue cube, 94 cm from the arm's base"),
    ),
    "a tray beyond the reach of the arm": (
        [RED, NO_TRAY_REACHED],
        [pick("the red cube"), place(into="the green tray")],
        (2, "place into the green tray: the hand cannot come down on the green tray, 100 cm from the arm's base"),
    ),
    "a place with nothing in the hand": (
        [RED, TRAY],
        [place(into="the green tray")],
        (1, "place into the green tray: it needs that the hand holds something, but the hand is empty"),
    ),
    "a thing with another one on it": (
        PILE,
        [pick("the red cube")],
        (1, "pick the red cube: it needs that nothing lies on the red cube, but the blue cube lies on the red cube"),
    ),
    "a thing that is not there": (
        [RED],
        [pick("the green can")],
        (1, "pick the green can: nothing found for 'the green can'"),
    ),
}


@pytest.mark.parametrize("case", REJECTED.values(), ids=REJECTED)
def test_a_plan_that_needs_what_is_not_so_is_rejected_at_its_step(case) -> None:
    items, steps, expected = case
    verdict = tried("kinematic", items, steps)
    assert not verdict.ok
    assert verdict.finished
    assert (verdict.step, verdict.reason) == expected


def test_a_second_thing_for_a_full_hand_is_rejected_where_it_is_picked() -> None:
    verdict = tried("kinematic", [RED, BLUE], [pick("the red cube"), pick("the blue cube")])
    assert (verdict.ok, verdict.step) == (False, 2)
    assert verdict.reason == "pick the blue cube: it needs that the hand is empty, but the hand holds the red cube"
    assert len(verdict.steps) == 2
    assert verdict.seconds > 2


def test_a_container_that_is_too_small_is_rejected_with_the_words_of_the_leaf() -> None:
    big = cube("red", 0.45, -0.15, edge=0.07)
    verdict = tried("kinematic", [big, replace(BOWL, size=(0.09, 0.09, 0.04))], [pick("red cube"), place(into="bowl")])
    assert (verdict.ok, verdict.step) == (False, 2)
    assert verdict.reason.startswith("place into bowl: no place in white bowl: the ")
    assert "have no free spot for a thing of 7 x 7 cm" in verdict.reason


def test_what_a_skill_promises_is_looked_for_in_the_world() -> None:
    with world_of(RED) as (world, robot, context):
        boasting = {"say": replace(SKILLS["say"], effects=(parse_fact("not hand_empty"),))}
        steps = [Step(skill="say", args={"text": "I have it"})]
        verdict = Played(play(state_of(world, robot), "kinematic", context, steps, boasting)).verdict
    assert verdict is not None
    assert (verdict.ok, verdict.step) == (False, 1)
    assert verdict.reason == "say I have it: afterwards the hand is empty"


def test_what_an_earlier_step_brought_about_must_stay_true() -> None:
    wait = Step(skill="wait", args={"duration": 5.0})
    with world_of(RED, BLUE) as (world, robot, context):
        playing = play(state_of(world, robot), "kinematic", context, [*ON_BLUE, wait], SKILLS)
        next(playing)
        copied = playing.gi_frame.f_locals["world"]
        while world_truth(copied).objects[0].relation != "on":
            next(playing)
        while np.abs(copied_posture(copied) - robot.arm.home).max() > 0.01:
            next(playing)
        for _ in range(40):
            next(playing)
        copied.put(0, (0.45, 0.3, 0.03))  # somebody takes it away while the robot waits
        verdict = Played(playing).verdict
    assert verdict is not None
    assert (verdict.ok, verdict.step) == (False, 3)
    assert verdict.reason == "wait 5: afterwards the red cube is not on the blue cube"


def test_what_was_brought_about_of_any_thing_binds_no_later_step() -> None:
    steps = [pick("the red cube"), place(into="the green tray"), Step(skill="wait", args={"duration": 0.5})]
    with world_of(RED, TRAY) as (world, robot, context):
        vague = replace(SKILLS["place"], effects=(parse_fact("inside(_, into)"),))
        plan = play(state_of(world, robot), "kinematic", context, steps, {**SKILLS, "place": vague})
        verdict = Played(plan).verdict
    assert verdict is not None
    assert verdict.ok, verdict.reason


def test_a_sound_plan_passes_and_each_step_is_told() -> None:
    steps = [pick("the red cube"), place(into="the green tray"), Step(skill="say", args={"text": "done"})]
    verdict = tried("physics", [RED, TRAY], steps)
    assert verdict.ok, verdict.reason
    assert (verdict.finished, verdict.reason, verdict.step) == (True, "", 0)
    assert [line.split(":")[0:2] for line in verdict.steps] == [
        ["step 1", " pick the red cube"],
        ["step 2", " place into the green tray"],
        ["step 3", " say done"],
    ]
    assert 5 < verdict.seconds < 30


def test_the_world_is_the_same_to_the_last_bit_and_goes_on_as_if_nothing_had_been() -> None:
    def lived(rehearse: bool) -> tuple[list[object], list[object], list[object]]:
        with world_of(RED, BALL) as (world, robot, context):
            before, draws = bits(world), context.rng.bit_generator.state
            if rehearse:
                for kind in ("kinematic", "physics"):
                    steps = [pick("the red cube"), pick("the red cube")]
                    verdict = Played(play(state_of(world, robot), kind, context, steps, SKILLS)).verdict
                    assert verdict is not None
                    assert verdict.step == 2
            between = bits(world)
            assert context.rng.bit_generator.state == draws
            assert not context.notes
            assert robot.capture("table").id == "table#1"
            robot.servo(robot.arm.home + 0.2)
            robot.advance(1.0)
            return before, between, bits(world)

    plain, rehearsed = lived(False), lived(True)
    assert rehearsed[0] == rehearsed[1]
    assert plain == rehearsed


@pytest.mark.parametrize("ghost", [True, False], ids=["ghost", "physics"])
def test_the_copy_holds_what_the_hand_holds(ghost: bool) -> None:
    with world_of(RED) as (world, robot, _):
        q = robot.arm.ik(Pose.facing_down((0.45, -0.15, 0.03), 0.0), robot.arm.home, np.random.default_rng(0))
        robot.servo(robot.arm.ik(Pose.facing_down((0.45, -0.15, 0.2), 0.0), robot.arm.home, np.random.default_rng(0)))
        robot.advance(4.0)
        robot.servo(q)
        robot.advance(7.0)
        robot.move_gripper(0.0)
        robot.advance(9.0)
        assert robot.state().holding
        state = state_of(world, robot)
        with clone(state) as copied:
            twin = GhostPanda(copied) if ghost else drive(copied, state)
            assert twin.state().holding
            assert world_truth(copied).objects[0].relation == "held"
            assert twin.state().gripper_width == pytest.approx(robot.state().gripper_width, abs=0.002)
            twin.servo(robot.arm.home)
            twin.advance(twin.now() + 3.0)
            assert copied.pose(0)[0][2] > 0.2
        assert world.pose(0)[0][2] < 0.04


def test_words_that_the_simulator_does_not_know_reject_nothing() -> None:
    verdict = tried("kinematic", [RED], [pick("the thing I like best")])
    assert (verdict.ok, verdict.finished, verdict.step) == (True, False, 1)
    assert verdict.reason.endswith("the simulator cannot tell what 'the thing I like best' is, so it was not tried")


def test_what_is_up_to_a_human_is_not_tried() -> None:
    verdict = tried("kinematic", [RED], [Step(skill="ask_human", args={"question": "Which one?"})])
    assert (verdict.ok, verdict.finished, verdict.step) == (True, False, 1)


def test_a_rehearsal_over_its_limit_is_given_up_which_rejects_nothing() -> None:
    wait = Step(skill="wait", args={"duration": 60.5})
    verdict = tried("kinematic", [RED], [wait], Limits(seconds=5.0))
    assert (verdict.ok, verdict.finished, verdict.step) == (True, False, 1)
    assert verdict.reason == "wait 60.5: not finished after 5 s of the rehearsal's time"


def test_a_step_that_may_not_be_run_rejects_the_plan() -> None:
    both = place(into="the red cube", at=[0.4, 0.1, 0.0])
    with world_of(RED) as (world, robot, context):
        bare = {"place": replace(SKILLS["place"], needs=())}
        verdict = Played(play(state_of(world, robot), "kinematic", context, [both], bare)).verdict
    assert verdict is not None
    assert (verdict.ok, verdict.step) == (False, 1)
    assert verdict.reason.endswith("the step cannot be run: place takes exactly one of into, onto, at, not into, at")


def _clients() -> set[int]:
    return {k for k in range(40) if p.getConnectionInfo(k)["isConnected"]}


def test_a_dropped_or_stopped_rehearsal_leaves_no_world_behind() -> None:
    with world_of(RED) as (world, robot, context):
        before, left = _clients(), iter([False] * 20)
        steps = [pick("the red cube")]
        rehearsal = WorldRehearsal(context, lambda: state_of(world, robot), stopped=lambda: next(left, True))
        rehearsing = rehearsal.start(steps, SKILLS)
        assert rehearsing is not None
        assert rehearsing.verdict is None  # it was stopped on its way
        assert len(_clients()) == len(before) + 1
        rehearsing.drop()
        rehearsing.drop()
        assert _clients() == before
        unstarted = rehearsal.start(steps, SKILLS)
        assert unstarted is not None
        unstarted.drop()
        assert _clients() == before


def test_what_a_run_wants_goes_before_what_a_node_wants() -> None:
    with world_of(RED) as (world, robot, context):

        def rehearsal(mode):
            return WorldRehearsal(context, lambda: state_of(world, robot), mode=mode)

        steps = [Step(skill="home", args={})]
        assert rehearsal("never").start(steps, SKILLS, "physics") is None
        assert rehearsal(None).start(steps, SKILLS, "never") is None
        kinds = {
            (ours, theirs): rehearsal(ours).start(steps, SKILLS, theirs).verdict.kind
            for ours, theirs in [("symbolic", "physics"), ("kinematic", "never"), (None, "auto"), (None, "symbolic")]
        }
        assert kinds == {
            ("symbolic", "physics"): "symbolic",
            ("kinematic", "never"): "kinematic",
            (None, "auto"): "physics",
            (None, "symbolic"): "symbolic",
        }


SYMBOLIC = [
    ([pick("the red cube"), place(into="the tray")], True, 0, ""),
    ([pick("a"), pick("b")], False, 2, "pick needs that the hand is empty, but the hand holds a"),
    ([place(into="the tray")], False, 1, "place needs that the hand holds something, but the hand is empty"),
    (
        [pick("a"), place(onto="b"), pick("b")],
        False,
        3,
        "pick needs that nothing lies on b, but something lies on b",
    ),
]


@pytest.mark.parametrize(("steps", "ok", "step", "reason"), SYMBOLIC, ids=lambda value: str(value)[:20])
def test_without_a_simulator_the_facts_of_skills_are_gone_through(steps, ok, step, reason) -> None:
    rehearsing = SymbolicRehearsal(Context(KinematicRobot())).start(steps, SKILLS)
    assert rehearsing is not None
    verdict = rehearsing.verdict
    assert (verdict.ok, verdict.step, verdict.reason) == (ok, step, reason)
    assert (verdict.kind, verdict.finished, verdict.seconds) == ("symbolic", True, 0.0)
    assert len(verdict.steps) == (step or len(steps))


def test_what_is_known_at_the_beginning_can_be_given() -> None:
    state = State([Fact("on", ("the cup", "the red cube")), Fact("hand_empty")])
    verdict = SymbolicRehearsal(Context(), lambda: state).tried([pick("the red cube")], SKILLS)
    assert (verdict.ok, verdict.step) == (False, 1)
    assert SymbolicRehearsal(Context(), lambda: state).tried([pick("the cup")], SKILLS).ok
