"""The leaf ``chat``: what is kept, what the model is shown, and what is no talk."""

from __future__ import annotations

from typing import Any

import pytest

from knothole.app.settings.config import Config
from knothole.app.testing.play import Scenario, play
from knothole.behaviors.blackboard import UNSET, Cell
from knothole.behaviors.step import FAILURE, SUCCESS, NodeFault
from knothole.tests.rig import Bench
from knothole.trees.loader import check_text, load_text
from knothole.vlm.script_file import Script

HELLO = {"role": "user", "text": "Hello"}
HI = {"role": "assistant", "text": "Hi!"}
TALK = """\
knothole: 1
tree: talk
root:
  sequence:
    - chat: {message: "Hello", history: $talk, reply: $first}
    - chat: {message: "What is on the table?", history: $talk, look: true, reply: $second}
    - say: "${first} ${second}"
"""


class Heard(Bench):
    """A bench that keeps what was asked."""

    def __init__(self, script: dict[str, object]) -> None:
        super().__init__(script)
        self.events: list[Any] = []
        self.broker.listener = lambda event: self.events.append(event) if event.what == "asked" else None

    def talk(self, message: str, before: object = UNSET, **ports: object) -> Any:
        leaf = self.leaf("chat", message=message, **ports)
        leaf.wiring.outputs["history"] = self.cells["history"] = Cell("history")
        if before is not UNSET:
            self.cells["history"].set(before)
        return leaf


def test_message_and_reply_are_added_to_what_was_said():
    bench = Heard({"Hello": "Hi!"})
    assert bench.run(bench.talk("Hello", [HELLO, HI])) is SUCCESS
    assert bench.out("history") == [HELLO, HI, HELLO, HI]
    assert bench.out("reply") == "Hi!"
    question = bench.events[0].ticket.question
    assert (question.kind, question.history) == ("chat", (("user", "Hello"), ("assistant", "Hi!")))
    assert bench.events[0].frame is None


@pytest.mark.parametrize(("turns", "sent", "kept"), [(1, 0, 2), (2, 2, 4), (3, 4, 6), (20, 6, 8)])
def test_the_oldest_turns_go(turns, sent, kept):
    bench = Heard({"Hello": "Hi!"})
    before = [{**turn, "text": f"{turn['text']} {n}"} for n in range(3) for turn in (HELLO, HI)]
    assert bench.run(bench.talk("Hello", before, turns=turns)) is SUCCESS
    assert len(bench.events[0].ticket.question.history) == sent
    assert bench.out("history") == [*before[len(before) - sent :], HELLO, HI]
    assert len(bench.out("history")) == kept


def test_what_the_model_is_told_besides_is_not_kept():
    bench = Heard({"Hello": "Hi!"})
    bench.run(bench.talk("Hello", setting="You are a robot."))
    assert bench.events[0].ticket.question.context == "You are a robot."
    assert bench.out("history") == [HELLO, HI]


def test_it_shows_the_model_what_it_sees_or_a_picture_that_is_given():
    bench = Heard({"Hello": "Hi!"})
    bench.run(bench.talk("Hello", look=True))
    assert bench.events[0].frame.id == "table#1"
    bench.run(bench.leaf("photo"))
    picture = bench.out("image")
    bench.run(bench.talk("Hello", image=picture))
    assert bench.events[1].frame.id == picture.id


def test_no_reply_is_a_failure_and_leaves_the_history_as_it_was():
    bench = Heard({"Hello": {"problem": "refused"}})
    leaf = bench.talk("Hello", [HELLO, HI])
    assert bench.run(leaf) is FAILURE
    assert leaf.feedback_message == "no reply to 'Hello': refused"
    assert bench.out("history") == [HELLO, HI]


@pytest.mark.parametrize("before", ["Hello", 3, [3], [{"role": "system", "text": "x"}], [{"role": "user"}]], ids=str)
def test_an_entry_that_holds_no_talk_is_a_fault(before):
    bench = Heard({"Hello": "Hi!"})
    with pytest.raises(NodeFault, match="port 'history' holds no talk"):
        bench.tick(bench.talk("Hello", before))


def test_a_talk_goes_on_from_leaf_to_leaf_in_a_tree_that_checks():
    assert [str(problem) for problem in check_text(TALK)] == []
    answers = Script({"Hello": "Hi!", "What is on the table?": "A cube."})
    played = play(Scenario(load_text(TALK), answers=answers, robot="kinematic"), Config())
    assert played.said == ("Hi! A cube.",)
    said = played.blackboard["talk"]
    assert isinstance(said, list)
    assert [turn["text"] for turn in said] == ["Hello", "Hi!", "What is on the table?", "A cube."]


def test_a_talk_without_pictures_needs_no_robot():
    text = 'knothole: 1\ntree: t\nroot:\n  chat: {message: "Hello", reply: $a}\noutputs:\n  a: {type: text}\n'
    played = play(Scenario(load_text(text), answers=Script({"Hello": "Hi!"}), robot="none"), Config())
    assert (played.status, played.blackboard["a"]) == ("SUCCESS", "Hi!")
