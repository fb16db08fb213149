"""What skills say they bring about is true: after SUCCESS, by the truth of a physical world."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from knothole.app.models.oracle import Oracle
from knothole.app.running.stage import open_stage
from knothole.app.settings.config import Config
from knothole.behaviors.means.effects import Fact, named
from knothole.behaviors.means.skills import DEFAULT_SKILLS, Skill, skill
from knothole.behaviors.node import NODES
from knothole.behaviors.planning.finding import Found
from knothole.behaviors.planning.symbolic import bound, facts_of
from knothole.behaviors.planning.telling import known_state
from knothole.behaviors.step import FAILURE, SUCCESS
from knothole.sim.truth import WorldTruth, world_truth
from knothole.sim.world import World
from knothole.tests.rig import Bench

CUBE, OTHER = "the red cube", "the blue cube"
RUNS: dict[str, tuple[tuple[str, dict[str, object]], ...]] = {
    "pick": (("pick", {"object": CUBE}),),
    "place": (("pick", {"object": CUBE}), ("place", {"object": CUBE, "onto": OTHER})),
    "put_back": (("pick", {"object": CUBE}), ("put_back", {})),
    "open_gripper": (("pick", {"object": CUBE}), ("open_gripper", {})),
    "close_gripper": (("close_gripper", {}),),
    "home": (("home", {}),),
    "look_at": (("look_at", {"object": CUBE}),),
    "move_to": (("move_to", {"above": CUBE}),),
}
"""Skill → steps in the scene ``stack_two``, the last one of which is what is judged."""

ELSEWHERE = {"hand_over": "a human takes it: test_hand_over.py::test_a_simulated_human_takes_what_is_held_out"}
"""Skill → where its effects are judged by the world instead, since a robot alone cannot bring them about."""


def true_in(truth: WorldTruth, fact: Fact) -> bool:
    """Judge a fact by the world."""
    args = [] if fact.name == "hand_empty" else [_index(truth, arg) for arg in fact.args]
    things = truth.objects
    if fact.name == "hand_empty":
        found = all(thing.relation != "held" for thing in things)
    elif fact.name == "holding":
        found = things[args[0]].relation == "held"
    elif fact.name == "inside":
        found = truth.inside(args[0], args[1])
    elif fact.name == "on":
        found = things[args[0]].relation == "on" and things[args[0]].support == args[1]
    elif fact.name == "on_table":
        found = things[args[0]].relation == "table"
    elif fact.name == "clear":
        found = all(thing.support != args[0] for thing in things)
    else:
        raise AssertionError(f"how to judge {fact.name} is not written here")
    return found == fact.positive


def _index(truth: WorldTruth, words: str) -> int:
    [index] = truth.find(named(words))
    return index


class Stage:
    """A bench on a physical world, with answers from its truth."""

    def __init__(self, stack: ExitStack, scene: str) -> None:
        stage = open_stage(stack, "panda", scene, 1, Config())
        assert stage.truth is not None
        assert stage.world is not None
        self.world: World = stage.world
        self.bench = Bench({}, stage.robot)
        from knothole.vlm.broker import Broker

        self.bench.context.broker = self.bench.broker = Broker(Oracle(stage.truth), stepped=True, latency=0.1)
        self.bench.context.frames = stage.truth.saw

    def run(self, name: str, values: dict[str, object]) -> tuple[Any, list[Fact]]:
        """Run a skill; return its leaf, and the effects it has declared for these values."""
        one = skill(name)
        assert isinstance(one, Skill)
        leaf = self.bench.leaf(name, **values)
        words = bound(one, values, known_state(leaf, Found()))
        self.bench.run(leaf, 60.0)
        return leaf, facts_of(one.effects, words)


def test_every_skill_that_moves_has_a_run_here():
    moves = {name for name in DEFAULT_SKILLS if getattr(NODES.get(name), "limb", "")}
    assert moves <= set(RUNS)
    ours = {name: cls for name, cls in NODES.items().items() if cls.__module__.startswith("knothole.behaviors.")}
    effective = {name for name, cls in ours.items() if getattr(cls, "effects", ()) and skill(name)}
    assert effective <= set(RUNS) | set(ELSEWHERE), "write how to judge it: nothing says what is not so"


@pytest.mark.parametrize("name", RUNS)
def test_after_success_the_declared_effects_are_true(name):
    with ExitStack() as stack:
        stage = Stage(stack, "stack_two")
        for step, values in RUNS[name]:
            leaf, effects = stage.run(step, values)
            assert leaf.status is SUCCESS, f"{step}: {leaf.feedback_message}"
        truth = world_truth(stage.world)
        assert effects or not skill(name).effects  # type: ignore[union-attr]
        assert [str(fact) for fact in effects if not true_in(truth, fact)] == []


def test_a_thing_in_a_container_is_inside_and_the_hand_is_empty():
    with ExitStack() as stack:
        stage = Stage(stack, "tidy_table")
        thing = next(o.spec.name for o in world_truth(stage.world).objects if o.spec.shape == "cube")
        assert stage.run("pick", {"object": f"the {thing}"})[0].status is SUCCESS
        leaf, effects = stage.run("place", {"into": "the blue tray"})
        assert leaf.status is SUCCESS, leaf.feedback_message
        assert [str(fact) for fact in effects] == ["hand_empty", f"inside({thing}, the blue tray)"]
        assert all(true_in(world_truth(stage.world), fact) for fact in effects)


def test_a_hand_that_opens_too_little_to_let_go_says_so():
    with ExitStack() as stack:
        stage = Stage(stack, "stack_two")
        assert stage.run("pick", {"object": CUBE})[0].status is SUCCESS
        leaf, effects = stage.run("open_gripper", {"width": 0.01})
        assert leaf.status is FAILURE
        assert leaf.feedback_message.startswith("the hand still holds something at ")
        assert not true_in(world_truth(stage.world), effects[0])
