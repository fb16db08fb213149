"""Questions in a run that is debugged: answers of models stop it, and whoever is there answers those to the human."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable

import pytest
from rich.console import Console

from knothole.app.humans.human import TerminalHuman
from knothole.app.humans.scripted_human import ScriptedHuman
from knothole.app.running.terminal import Watcher
from knothole.behaviors.context import Context
from knothole.behaviors.human import Human
from knothole.robots.contract import DRIVERS, DriverOptions
from knothole.tests.steering import Steered
from knothole.trees.debugging.humans import SharedHuman
from knothole.trees.debugging.standstill import Standstill
from knothole.trees.ticking.loop import Outcome
from knothole.vlm.broker import Broker
from knothole.vlm.scripted import Scripted

ASKS = """\
knothole: 1
tree: t
root:
  sequence:
    - ask_human: {question: "Which way?", options: [left, right], answer: $way}
    - say: "go ${way}"
"""
SEES = """\
knothole: 1
tree: t
root:
  sequence:
    - see: "Is it red?"
    - see: {question: "Is it round?", expect: "no"}
"""


def seeing(script: dict[str, object]) -> Context:
    robot = DRIVERS.get("kinematic")(DriverOptions())
    return Context(robot, Broker(Scripted(script), stepped=True, latency=0.1))


ANSWERS = [
    ({"answer": "no"}, "breakpoint 1: is answered 'no'", "t/sequence/see[2]"),
    ({"answer": "YES"}, "breakpoint 1: is answered 'YES'", "t/sequence/see[1]"),
    (
        {"answer": "no", "node": "t/sequence/see[2]"},
        "breakpoint 1: t/sequence/see[2] is answered 'no'",
        "t/sequence/see[2]",
    ),
    ({"answer": "no", "node": "t/sequence/see[1]"}, "", ""),
    ({"answer": "perhaps"}, "", ""),
]


@pytest.mark.parametrize(("given", "reason", "path"), ANSWERS, ids=[str(given) for given, _, _ in ANSWERS])
def test_an_answer_of_a_model_stops_the_run_in_its_tick(given: dict[str, object], reason: str, path: str) -> None:
    answers: dict[str, object] = {"Is it red?": "yes", "Is it round?": "no"}
    with Steered(SEES, context=seeing(answers)) as run:
        run.send("break", **given)
        state = run.go()
        assert (state["reason"], state["ended"]) == (reason, not reason)
        if path:
            assert run.tree[path].node.status.name == "SUCCESS"


def test_a_question_to_the_human_is_answered_by_a_command() -> None:
    with Steered(ASKS) as run:
        asked: list[dict[str, object]] = []
        run.control.subscribe(lambda state: asked.extend(state["questions"]))
        run.send("break", node="t/sequence/ask_human", status="RUNNING")
        (question,) = run.go()["questions"]
        assert question == {"id": 1, "prompt": "Which way?", "options": ["left", "right"], "default": "", "until": None}
        assert asked[0] == question
        assert run.refused({"do": "answer", "question": 1, "text": "up"}) == (
            "'up' is no answer to 'Which way?'\n  fix:  give one of left, right"
        )
        assert run.refused({"do": "answer", "question": 2, "text": "left"}) == (
            "question 2 is not open, or is answered already\n  fix:  answer one of 1"
        )
        assert run.send("answer", question=1, text="Right")["questions"] == []
        run.send("resume")
        assert run.join().outcome is Outcome.SUCCESS
        assert run.tree.blackboard["way"] == "right"


def test_a_simulated_run_waits_for_whoever_follows_it() -> None:
    with Steered(ASKS) as run:

        def answer(state: dict[str, object]) -> None:
            questions = state["questions"]
            assert isinstance(questions, list)
            for each in questions:
                answers.append(each["id"])

        answers: list[int] = []
        run.control.subscribe(answer)
        run.send("resume")
        while not answers:
            pass
        run.send("answer", question=answers[0], text="left")
        result = run.join()
        assert (result.outcome, result.ticks) == (Outcome.SUCCESS, 2)


def test_a_question_that_is_withdrawn_cannot_be_answered_any_more() -> None:
    text = ASKS.replace("answer: $way", "answer: $way, deadline: 200ms, default: left")
    with Steered(text) as run:
        run.send("break", node="t/sequence/say")
        assert run.go()["questions"] == []
        assert "is not open" in run.refused({"do": "answer", "question": 1, "text": "left"})
        assert run.tree.blackboard["way"] == "left"


def shared(other: Human | None, attended: bool = True) -> SharedHuman:
    return SharedHuman(other, Context(), Standstill(), lambda: None, lambda: attended)


def test_the_script_of_a_human_goes_before_whoever_follows() -> None:
    human = shared(ScriptedHuman({"Which way?": ("left",)}))
    asked = human.ask("Which way?", ("left", "right"))
    assert asked.answer == "left"
    assert human.questions == ()


@pytest.mark.parametrize("first", ["terminal", "page"])
def test_whoever_is_first_answers(first: str) -> None:
    source, sink = os.pipe()
    told: list[str] = []

    class Told(Watcher):
        def say(self, text: str) -> None:
            told.append(text)

    human = shared(TerminalHuman(Told(Console(quiet=True)), source))
    asked = human.ask("Which way?", ("left", "right"))
    acts: dict[str, Callable[[], object]] = {
        "terminal": lambda: os.write(sink, b"left\n"),
        "page": lambda: human.answer(asked.id, "right"),
    }
    acts[first]()
    human.wait(lambda: False)
    assert asked.answer == {"terminal": "left", "page": "right"}[first]
    assert human.questions == ()
    assert told == ([] if first == "terminal" else ["the question is withdrawn"])
    os.close(source)
    os.close(sink)


def test_an_answer_from_outside_ends_a_wait_that_began_before_anybody_looked() -> None:
    source, sink = os.pipe()
    looking: list[bool] = []

    class Typist(TerminalHuman):
        """Types nothing; somebody else looks and answers while it is waited for the terminal."""

        def wait(self, stopped: Callable[[], bool]) -> None:
            if not looking:
                looking.append(True)
                human.answer(asked.id, "right")
            super().wait(stopped)

    terminal = Typist(Watcher(Console(quiet=True)), source)
    human = SharedHuman(terminal, Context(), Standstill(), lambda: None, lambda: bool(looking))
    asked, looks = human.ask("Which way?", ("left", "right")), itertools.count()
    human.wait(lambda: next(looks) > 50)
    assert next(looks) <= 50, "the wait did not end by itself"
    assert (asked.answer, human.questions) == ("right", ())
    os.write(sink, b"left\n")
    assert human.ask("And now?", ("left", "right")).answer == "left"
    os.close(source)
    os.close(sink)


def test_a_line_answers_the_next_question_while_that_is_waited_for() -> None:
    source, sink = os.pipe()
    human = shared(TerminalHuman(Watcher(Console(quiet=True)), source), attended=False)
    first, second = human.ask("Which way?", ("left", "right")), human.ask("And then?", ("up", "down"))
    human.answer(first.id, "right")
    os.write(sink, b"up\n")
    human.wait(lambda: False)
    assert (first.answer, second.answer) == ("right", "up")
    os.close(source)
    os.close(sink)


def asked_once(run: Steered) -> None:
    """Let a run go on until it waits for an answer from outside."""
    open = threading.Event()
    run.control.subscribe(lambda state: open.set() if state["questions"] else None)
    run.send("resume")
    open.wait()


def test_a_run_that_waits_for_an_answer_stands_and_takes_values() -> None:
    digests = []
    text = ASKS.replace("tree: t\n", "tree: t\nparams: {n: 0}\n")
    for stands in (False, True):
        with Steered(text) as run:
            asked_once(run)
            if stands:
                run.send("pause")
                assert run.stand()["standing"]
                assert [each["id"] for each in run.control.state()["questions"]] == [1]
                run.send("resume")
            run.send("answer", question=1, text="left")
            result = run.join()
            assert (result.outcome, result.ticks) == (Outcome.SUCCESS, 2)
            digests.append(result.digest)
    assert digests[0] == digests[1]
    with Steered(text) as run:
        asked_once(run)
        run.send("set", name="n", value=5)
        run.send("answer", question=1, text="left")
        assert (run.join().outcome, run.tree.blackboard["n"]) == (Outcome.SUCCESS, 5)


def test_a_run_that_stands_for_an_answer_can_be_stopped() -> None:
    with Steered(ASKS) as run:
        asked_once(run)
        run.send("pause")
        run.stand()
        run.send("stop")
        assert run.join().outcome is Outcome.INTERRUPTED


def test_a_stop_from_outside_is_for_the_guards_and_answers_nothing() -> None:
    human = shared(None)
    free, choice = human.ask("What is wrong?"), human.ask("Go on?", ("go on", "stop"))
    human.answer(free.id, "stop")
    human.wait(lambda: False)
    assert (human.called, free.answer, human.overheard(), human.called) == (True, None, ["stop"], False)
    human.answer(choice.id, "stop")
    assert (choice.answer, human.overheard()) == ("stop", [])


def test_nobody_is_waited_for_where_nobody_follows() -> None:
    human = shared(None, attended=False)
    asked = human.ask("Which way?", ("left", "right"))
    human.wait(lambda: False)
    assert asked.answer is None


def test_waiting_ends_with_the_run_and_with_the_deadline() -> None:
    human = shared(None)
    human.ask("Which way?", ("left", "right"))
    human.wait(lambda: True)
    late = shared(None)
    asked = late.ask("Which way?", ("left", "right"), "left", 0.0)
    late.wait(lambda: False)
    assert asked.answer is None
    late.put_off(1000.0)
    assert late._in_time()
