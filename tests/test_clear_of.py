"""The check of a guard in one line: alarms that are seen and heard, what is not known, and a human who confirms."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from knothole.app.humans.human import TerminalHuman
from knothole.app.models.oracle import Oracle
from knothole.app.models.truth import SceneTruth
from knothole.app.running.terminal import Watcher
from knothole.behaviors.context import Context
from knothole.behaviors.guard import Guard
from knothole.behaviors.means.alarms import alarms_of
from knothole.behaviors.means.surroundings import Held
from knothole.behaviors.node import NodeFault
from knothole.behaviors.step import FAILURE, RUNNING, SUCCESS
from knothole.robots.contract import AT_REST
from knothole.sim.draw import load_scene
from knothole.sim.hand import HandSpec
from knothole.sim.panda import PandaSim
from knothole.sim.world import World
from knothole.tests.acting import scene
from knothole.tests.rig import Bench
from knothole.tests.script_nodes import Script, wiring
from knothole.trees.builder import build
from knothole.trees.loader import check_text, load_text
from knothole.trees.ticking.loop import Loop
from knothole.vlm.broker import Broker
from knothole.vlm.runner import InLoop
from knothole.vlm.tickets import GUARD

HAND, PERSON = "Is a hand inside the workspace?", "Is a person near the table?"


@pytest.mark.parametrize(
    ("says", "status", "why"),
    [
        ({"*": "no"}, SUCCESS, ""),
        ({HAND: "yes", "*": "no"}, FAILURE, f"hand: {HAND!r} yes"),
        ({PERSON: "yes", HAND: "yes"}, FAILURE, f"hand: {HAND!r} yes; person: {PERSON!r} yes"),
        ({HAND: "no", PERSON: 0.5}, FAILURE, f"person: {PERSON!r} not answered for sure for 0.2 s (p(no) = 0.50)"),
        (
            {HAND: "no", PERSON: {"problem": "fog"}},
            FAILURE,
            f"person: {PERSON!r} not answered for sure for 0.2 s (fog)",
        ),
    ],
    ids=["clear", "hand", "both", "unsure", "unusable"],
)
def test_it_is_clear_only_while_every_answer_is_a_sure_no(says, status, why):
    bench = Bench(says)
    leaf = bench.leaf("clear_of", alarms=["hand", "person"], max_age=0.2)
    bench.ticks(leaf, 8)
    assert (leaf.status, leaf.feedback_message) == (status, why)


def test_no_answer_is_an_alarm_once_it_is_older_than_max_age():
    bench = Bench({"*": "no"}, latency=10.0)
    leaf = bench.leaf("clear_of", alarms=["hand"], max_age=0.3)
    assert bench.ticks(leaf, 9) == ["R"] * 7 + ["F"] * 2  # 0.3 s are 7 ticks with the first
    assert leaf.feedback_message == f"hand: {HAND!r} not answered for sure for 0.3 s"


def test_an_unsure_answer_leaves_a_clear_verdict_for_no_longer_than_max_age():
    bench = Bench({HAND: {"times": {"0s": "no", "1s": 0.5, "3s": "no"}}})
    leaf = bench.leaf("clear_of", alarms=["hand"], max_age=0.1)
    said = "".join(bench.ticks(leaf, 80))
    assert said.strip("R").startswith("SSSS")
    assert "F" in said
    assert said.endswith("SSS")


def test_a_question_of_its_own_is_an_alarm_and_a_word_that_is_none_is_refused():
    bench = Bench({"Is a person near the stove?": "yes"})
    leaf = bench.leaf("clear_of", alarms=["Is a person near the stove?"])
    bench.ticks(leaf, 3)
    assert leaf.feedback_message == "'Is a person near the stove?' yes"
    with pytest.raises(NodeFault, match="there is no alarm 'hnad'") as caught:
        bench.tick(bench.leaf("clear_of", alarms=["hnad"]))
    assert "hand, person, falling, stop_word" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("[]", "there are no alarms, so nothing is guarded"),
        ('"hnad, person"', "there is no alarm 'hnad'"),
        ('[hand, "Is it late?", persn]', "there is no alarm 'persn'"),
        ('"hand, Is there smoke, or fire?"', "there is no alarm 'Is there smoke'"),
        ('"hand, Is there smoke?"', ""),
        ('"Is a person near, or a cat?"', ""),
        ('"${which}"', ""),
    ],
)
def test_alarms_are_checked_before_anything_runs(given, said):
    text = "knothole: 1\ntree: t\ninputs: {which: {type: text, default: hand}}\nroot:\n  guard:\n    check:\n"
    text += f"      clear_of: {{alarms: {given}}}\n    child:\n      say: $which\n"
    found = [(problem.code, problem.message) for problem in check_text(text) if problem.severity == "error"]
    assert found == ([("K151", said)] if said else [])


def test_facts_to_verify_are_checked_before_anything_runs():
    text = 'knothole: 1\ntree: t\nroot:\n  verify: {facts: ["inside(a)", "holdin(x)", "holding(x)"]}\n'
    found = [(problem.code, problem.guess) for problem in check_text(text)]
    assert found == [("K151", ()), ("K151", ("holding",))]


def test_a_name_before_a_question_is_an_alarm_of_its_own():
    assert alarms_of("hand, Is there smoke?") == ["hand", "Is there smoke?"]


def test_one_tick_asks_all_questions_in_one_call_and_before_those_of_others():
    bench = Bench({"*": "no"})
    asked: list[Any] = []
    bench.broker.listener = asked.append
    leaf = bench.leaf("clear_of", alarms=["hand", "person"])
    guard = Guard(wiring([Script("R")], bench.context, {"check": leaf}))
    bench.tick(guard)
    assert [event.ticket.priority for event in asked if event.what == "asked"] == [GUARD, GUARD]
    assert (bench.broker.counters.questions, bench.broker.counters.model_calls) == (2, 1)


def test_a_spent_budget_is_an_alarm():
    bench = Bench({HAND: {"times": {"0s": "no", "0.5s": 0.5}}})
    leaf = bench.leaf("clear_of", alarms=["hand"], max_age=0.1, budget=2)
    bench.ticks(leaf, 60)
    assert leaf.status is FAILURE
    assert "not answered for sure" in leaf.feedback_message
    assert bench.broker.counters.model_calls <= 2


@pytest.mark.parametrize("tree", ["sort_by_color", "color", "shape"])
def test_stop_pauses_every_way_of_sorting(tree: str):
    use = f"{{tree: {tree}}}" if tree == "sort_by_color" else f"{{tree: sort_on_request, inputs: {{rule: {tree}}}}}"
    with scene(f"root:\n  use: {use}\n", {"*": "no"}) as made:
        made.loop.context.stop_sign.hear("stop")
        made.ticks(10)
        assert "paused: the human said 'stop'" in [each.node.feedback_message for each in made.tree.nodes]
        assert not made.loop.context.robot.state().dq.any()


def test_stop_holds_until_somebody_says_go_on():
    bench = Bench({"*": "no"})
    leaf = bench.leaf("clear_of", alarms=["stop_word"])
    assert bench.tick(leaf) is SUCCESS
    assert bench.context.stop_sign.hear("Stop!", "a microphone")
    assert bench.tick(leaf) is FAILURE
    assert leaf.feedback_message == "the human said 'Stop!' (a microphone)"
    assert not bench.context.stop_sign.hear("put the cup on the table")
    assert bench.tick(leaf) is FAILURE
    assert bench.context.stop_sign.hear("go on")
    assert bench.tick(leaf) is SUCCESS


def test_stop_that_is_typed_is_heard_also_while_a_question_is_open():
    reading, writing = os.pipe()
    try:
        human = TerminalHuman(Watcher(Console(quiet=True)), reading)
        os.write(writing, b"hello\nstop\n")
        assert human.overheard() == ["stop"]
        inquiry = human.ask("Which cup?", ("red", "blue"))
        os.write(writing, b"halt\nred\n")
        assert inquiry.answer == "red"
        assert human.overheard() == ["halt"]
        free = human.ask("Where to?")
        os.write(writing, b"stop\n")
        human.wait(lambda: False)
        assert (free.answer, human.overheard()) == (None, ["stop"])
        os.write(writing, b"go on\nhome\n")
        assert (free.answer, human.overheard()) == ("home", ["go on"])
        choice = human.ask("To what?", ("the bus stop", "the red cube"))
        os.write(writing, b"stop\nstop the red cube\nred\n")
        assert (choice.answer, human.overheard()) == ("the red cube", ["stop", "stop the red cube"])
        agreed = human.ask("Shall I go on?")
        os.write(writing, b"go on\n")
        assert agreed.answer is None, "it takes the stop back"
        os.write(writing, b"go on\n")
        assert agreed.answer == "go on"
    finally:
        os.close(reading)
        os.close(writing)


class Confirms:
    """A human who answers when told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: str | None = None
        self.refused, self.gone, self.withdrawn = 0, False, 0

    def ask(self, prompt: str, options: Sequence[str] = (), default: str = "", deadline: float | None = None) -> Any:
        self.asked.append(prompt)
        return self

    def withdraw(self) -> None:
        self.withdrawn += 1

    def wait(self, stopped: Callable[[], bool]) -> None:
        return


def guarded(check: str, human: Any, **ports: object) -> tuple[Guard, Script, Context]:
    child, context = Script("R"), Context(human=human)
    node = Guard(wiring([child], context, {"check": Script(check, "see")}, resume="after_confirm", **ports))
    return node, child, context


def test_after_an_alarm_it_goes_on_only_when_a_human_says_so():
    human = Confirms()
    node, child, _ = guarded("RSFSS", human)
    for _ in range(5):
        node._t()
    assert child.calls == ["start", "R", "pause"]
    assert human.asked == ["The robot stands still (see said F). Go on?"]
    human.answer = "go on"
    node._t()
    assert child.calls[-2:] == ["resume", "R"]


def test_a_human_who_says_stop_ends_it_and_without_one_it_never_hangs():
    human = Confirms()
    node, child, _ = guarded("SFS", human)
    for _ in range(3):
        node._t()
    human.answer = "stop"
    node._t()
    assert (node.status, node.feedback_message) == (FAILURE, "the human said stop after: see said F")
    assert child.calls[-1] == "halt"
    node, child, _ = guarded("SFS", None)
    assert [node._t() for _ in range(3)][-1] is FAILURE
    assert node.feedback_message == "nobody is there to confirm that it may go on after: see said F"


def test_a_human_who_is_gone_before_the_answer_ends_it_as_well():
    human = Confirms()
    node, child, _ = guarded("SFS", human)
    for _ in range(3):
        node._t()
    assert node.status is RUNNING
    human.gone = True
    node._t()
    assert (node.status, child.calls[-1]) == (FAILURE, "halt")
    assert node.feedback_message == "nobody is there to confirm that it may go on after: see said F"


def test_an_alarm_while_a_human_is_asked_takes_the_question_back():
    human = Confirms()
    node, child, _ = guarded("SFSFS", human)
    for _ in range(5):
        node._t()
    assert (len(human.asked), human.withdrawn) == (2, 1)
    assert node.status is RUNNING
    assert "resume" not in child.calls


@pytest.mark.parametrize(("latency", "max_age"), [(0.0, 0.3), (0.1, 0.3), (0.2, 0.5), (0.3, 0.5)])
def test_falling_is_no_alarm_at_the_start_nor_after_a_grip(latency: float, max_age: float):
    bench = Bench({"*": "no"}, latency=latency)
    leaf = bench.leaf("clear_of", alarms=["falling"], max_age=max_age)
    begun = "".join(bench.ticks(leaf, 30))
    assert (set(begun.lstrip("R")), begun.count("R") * 0.05 <= 0.5 + latency) == ({"S"}, True)
    bench.robot.move_gripper(0.0)
    assert bench.ticks(leaf, 60) == ["S"] * 60
    assert leaf.feedback_message == ""


def test_falling_is_an_alarm_when_nobody_answers_after_a_grip():
    bench = Bench({"Did anything move?": {"times": {"0s": "no", "2s": 0.5}}})
    leaf = bench.leaf("clear_of", alarms=["falling"])
    bench.ticks(leaf, 40)
    bench.robot.move_gripper(0.0)
    assert "".join(bench.ticks(leaf, 60)).endswith("F")
    assert leaf.feedback_message == "falling: 'Did anything move?' not answered for sure for 0.5 s (p(no) = 0.50)"


def test_falling_is_looked_for_where_the_hand_is_empty_whatever_is_remembered():
    bench = Bench({"*": "yes"})
    bench.context.notes["held"] = Held.unknown(0.05, bench.robot.state().world_from_tcp)
    leaf = bench.leaf("clear_of", alarms=["falling"])
    assert "".join(bench.ticks(leaf, 20)).strip("R") in {"F" * n for n in range(1, 20)}
    assert leaf.feedback_message == "falling: 'Did anything move?' yes"


TREE = """
knothole: 1
tree: watched
root:
  guard:
    check:
      clear_of: hand, falling, stop_word
    child:
      sequence:
        - move_to: {point: [0.45m, 0.3m, 0.4m], speed: 0.8}
        - move_to: {point: [0.45m, -0.3m, 0.4m], speed: 0.8}
      repeat: -1
"""


LOOSE = 2
"""A cube of the scene."""


@pytest.fixture(scope="module")
def stage():
    world = World(load_scene("tidy_table", 3))
    robot = PandaSim(world)
    truth = SceneTruth(world, robot)
    context = Context(robot, Broker(InLoop(Oracle(truth), 0.1), stepped=True), rng=np.random.default_rng(0))
    context.frames = truth.saw
    with Loop(build(load_text(TREE), context)) as loop:
        yield world, robot, context, loop
    world.close()


def moves(robot: PandaSim, loop: Loop, ticks: int = 100) -> bool:
    """Tick until the arm moves fast; False when it does not."""
    for _ in range(ticks):
        loop.tick()
        if np.abs(robot.state().dq).max() > 0.3:
            return True
    return False


@pytest.mark.parametrize("what", ["hand", "stop_word", "falling"])
def test_in_physics_the_arm_is_at_rest_one_tick_and_the_braking_time_after_the_answer(stage, what):
    world, robot, context, loop = stage
    guard = loop.tree.root
    assert moves(robot, loop)
    if what == "hand":
        world.set_hand(HandSpec((0.5, 0.0, 0.12)))
    elif what == "stop_word":
        context.stop_sign.hear("stop")
    else:
        (x, y, z), _ = world.pose(LOOSE)
        world.put(LOOSE, (x + 0.06, y, z + 0.12))
    while not guard.paused:
        loop.tick()
        assert context.now < 60.0, "it never paused"
    stopped = context.now
    assert what in guard.check.feedback_message or "'stop'" in guard.check.feedback_message
    robot.advance(stopped + 0.05 + robot.capabilities.braking_time)
    assert np.abs(robot.state().dq).max() <= AT_REST
    world.set_hand(None)
    context.stop_sign.hear("go on")
    assert moves(robot, loop, 200), "it goes on when it is clear"
