"""Answers from a file: lines or JSON, asked again a bounded number of times, and never a wait without an end."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from knothole.app.humans.human import TerminalHuman
from knothole.app.humans.inbox import Inbox, InboxError
from knothole.app.humans.scripted_human import ScriptedHuman
from knothole.app.humans.several_humans import SeveralHumans
from knothole.app.recorded.replay import ReplayOptions, replay_run
from knothole.app.running.terminal import Watcher
from knothole.behaviors.step import FAILURE, SUCCESS
from knothole.tests.acting import scene
from knothole.tests.rig import Bench

WHICH = "Which cube?"
OPTIONS = ["the red one", "the one in the bowl"]


@pytest.fixture
def box(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "answers")


def put(box: Inbox, text: str) -> None:
    with box.inbox.open("a", encoding="utf-8") as file:
        file.write(text)


def told(box: Inbox) -> list[dict[str, Any]]:
    return [json.loads(line) for line in box.outbox.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("red\n", "the red one"),
        ("2\n", "the one in the bowl"),
        ('{"id": 1, "answer": "the red one"}\n', "the red one"),
        ('{"answer": "bowl"}\n', "the one in the bowl"),
        ('{"id": 7, "answer": "red"}\n', None),
        ('{"id": 1, "anwser": "red"}\n', None),
        ('{"id": 1, "answer": null}\n', None),
        ('{"id": 1, "answer": ""}\n', "the red one"),
        ("\n", "the red one"),
        ("[" * 100_000 + "\n", None),
        ("pink\n", None),
        ("red", None),
    ],
)
def test_a_line_answers_the_question(box: Inbox, line: str, meant: str | None):
    inquiry = box.ask(WHICH, OPTIONS, "the red one")
    put(box, line.replace('"id": 1', f'"id": {inquiry.id}'))
    assert inquiry.answer == meant


def test_questions_and_what_becomes_of_them_stand_in_the_outbox(box: Inbox):
    inquiry = box.ask(WHICH, OPTIONS, "the red one", 5.0)
    put(box, "pink\nred\n")
    assert inquiry.answer == "the red one"
    second = box.ask("Go on?")
    second.withdraw()
    assert second.id != inquiry.id
    assert told(box) == [
        {"id": inquiry.id, "question": WHICH, "options": OPTIONS, "default": "the red one", "deadline": 5.0},
        {"id": inquiry.id, "refused": "pink", "options": OPTIONS},
        {"id": inquiry.id, "over": "answered"},
        {"id": second.id, "question": "Go on?", "options": [], "default": "", "deadline": None},
        {"id": second.id, "over": "withdrawn"},
    ]


def test_an_answer_to_a_question_of_an_earlier_run_answers_none_of_a_later_one(box: Inbox):
    earlier = box.ask(WHICH, OPTIONS)
    earlier.withdraw()
    box.outbox.unlink()
    later = Inbox(box.inbox)
    inquiry = later.ask("Which bowl?", OPTIONS)
    put(later, json.dumps({"id": earlier.id, "answer": "red"}) + "\n")
    assert inquiry.answer is None
    assert told(later)[-1] == {"id": earlier.id, "ignored": "red"}
    put(later, json.dumps({"id": inquiry.id, "answer": "red"}) + "\n")
    assert inquiry.answer == "the red one"


def test_what_stood_in_the_inbox_before_answers_nothing(tmp_path: Path):
    (tmp_path / "answers").write_text("red\n", encoding="utf-8")
    assert Inbox(tmp_path / "answers").ask(WHICH, OPTIONS).answer is None


def test_what_comes_too_late_for_one_question_does_not_answer_the_next(box: Inbox):
    box.ask("Shall I stand still?", ["yes", "no"], deadline=1.0).withdraw()
    put(box, "yes\n")
    inquiry = box.ask("Shall I let go?", ["yes", "no"])
    assert inquiry.answer is None
    put(box, "no\n")
    assert inquiry.answer == "no"


def test_a_stop_in_the_inbox_is_heard_by_a_guard(box: Inbox):
    rig = Bench({"*": "no"})
    rig.context.human = box
    leaf = rig.leaf("clear_of", alarms=["stop_word"])
    assert rig.tick(leaf) is SUCCESS
    inquiry = box.ask(WHICH, OPTIONS)
    put(box, "stop\n")
    assert rig.tick(leaf) is FAILURE
    assert leaf.feedback_message == "the human said 'stop' (inbox)"
    assert (inquiry.answer, inquiry.refused) == (None, 0)
    put(box, '{"answer": "go on"}\n')
    assert rig.tick(leaf) is SUCCESS
    answering = box.ask("The robot stands still. Go on?", ["go on", "stop"])
    inquiry.withdraw()
    put(box, "stop\n")
    assert answering.answer == "stop"
    free = box.ask("What is wrong?")
    put(box, "stop\n")
    assert rig.tick(leaf) is FAILURE
    put(box, "go on\nit fell\n")
    assert free.answer == "it fell"
    assert rig.tick(leaf) is SUCCESS


def test_a_stop_that_no_guard_hears_ends_the_question_and_no_default_counts(box: Inbox):
    rig = Bench()
    rig.context.human = box
    leaf = rig.leaf("ask_human", question="Shall I go on?", default="yes")
    rig.tick(leaf)
    put(box, "stop\n")
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message == "'Shall I go on?': the human said 'stop' (inbox)"
    assert rig.context.stop_sign.said
    rig.tick(leaf)
    put(box, "go on\nyes\n")
    assert rig.run(leaf) is SUCCESS
    assert (rig.out("answer"), box.overheard()) == ("yes", ["go on"])


def test_an_inbox_that_is_gone_is_an_alarm_and_one_that_comes_back_is_read(tmp_path: Path):
    heard: list[str] = []
    box, rig = Inbox(tmp_path / "answers", tell=heard.append), Bench()
    rig.context.human = SeveralHumans([box, ScriptedHuman({})])
    leaf = rig.leaf("clear_of", alarms=["stop_word"])
    put(box, "tea\n")
    assert rig.tick(leaf) is SUCCESS
    box.inbox.rename(tmp_path / "older")
    why = f"the inbox {box.inbox} cannot be read: No such file or directory"
    assert rig.ticks(leaf, 3) == ["F"] * 3
    assert leaf.feedback_message == f"stop_word: {why}"
    put(box, "milk\nstop\n")
    assert rig.tick(leaf) is FAILURE
    assert leaf.feedback_message == "the human said 'stop'"
    assert heard == [why, f"the inbox {box.inbox} can be read again"]
    put(box, "go on\n")
    assert rig.tick(leaf) is SUCCESS


@pytest.mark.parametrize("written", ["stop\n", "stop it\n", "stop\nmilk\n"])
@pytest.mark.parametrize("before", ["tea\n", "stop\n", "stop\nmore\n" * 2000])
def test_a_stop_that_is_written_over_what_was_read_is_heard(tmp_path: Path, before: str, written: str):
    (tmp_path / "answers").write_text(before, encoding="utf-8")
    box, since = Inbox(tmp_path / "answers"), 10**18
    box.read()
    box.inbox.write_text(written, encoding="utf-8")
    os.utime(box.inbox, ns=(since, since))  # as if some time had passed
    if (before, written) != ("stop\n", "stop\nmilk\n"):  # that is a line more
        assert len(box.overheard()) == 1
    assert box.overheard() == []


GUARDED = """
root:
  guard:
    check: {clear_of: stop_word}
    child:
      ask_human: {question: "Where shall it go?", deadline: 50s, answer: $where}
"""
ALONE = GUARDED.replace("stop_word", "hand")


def test_a_stop_to_a_question_pauses_the_run_and_the_question_stays_open(box: Inbox):
    made = scene(GUARDED)
    made.loop.context.human = box
    while not told(box):
        made.loop.tick()
    put(box, "stop\n")
    made.loop.tick()
    assert made.loop.tree.root.feedback_message == "paused: the human said 'stop' (inbox)"
    put(box, "go on\ninto the tray\n")
    assert made.run().status == "SUCCESS"
    assert made.loop.tree.blackboard["where"] == "into the tray"


def test_a_run_that_a_stop_ended_replays(box: Inbox, tmp_path: Path):
    made = scene(ALONE, {"*": "no"}, trace=tmp_path / "run.mcap")
    made.loop.context.human = box
    while not told(box):
        made.loop.tick()
    put(box, "stop\n")
    ran = made.run()
    assert (ran.status, ran.reason) == ("FAILURE", "'Where shall it go?': the human said 'stop' (inbox)")
    report = replay_run(ReplayOptions(tmp_path / "run.mcap"))
    assert (report.difference, report.stopped, report.digest) == (None, None, report.recorded)


def test_an_inbox_that_is_written_anew_is_read_from_its_start(box: Inbox):
    inquiry = box.ask(WHICH, OPTIONS)
    put(box, "pink, no, blue, no, green\n")
    assert inquiry.answer is None
    box.inbox.write_text("bowl\n", encoding="utf-8")
    assert inquiry.answer == "the one in the bowl"


def test_an_inbox_that_cannot_be_made_is_told(tmp_path: Path):
    with pytest.raises(InboxError, match="cannot open the inbox"):
        Inbox(tmp_path / "nowhere" / "answers")
    os.mkfifo(tmp_path / "pipe")
    for inbox in (tmp_path, tmp_path / "pipe", Path()):
        with pytest.raises(InboxError, match="is no file"):
            Inbox(inbox)


@pytest.mark.parametrize(
    ("tries", "default", "status", "reason"),
    [
        (1, "the red one", SUCCESS, "the red one, by default"),
        (2, "", FAILURE, "'Which cube?': 2 answers were none of the options, and no default"),
    ],
)
def test_after_some_wrong_answers_the_default_counts(box: Inbox, tries, default, status, reason):
    rig = Bench()
    rig.context.human = box
    leaf = rig.leaf("ask_human", question=WHICH, options=OPTIONS, tries=tries, default=default)
    rig.tick(leaf)
    put(box, "pink\n" * tries)
    assert rig.run(leaf) is status
    assert leaf.feedback_message == reason


def test_a_vanished_inbox_and_a_closed_terminal_end_the_question(box: Inbox):
    rig = Bench()
    rig.context.human = box
    leaf = rig.leaf("ask_human", question=WHICH, options=OPTIONS)
    rig.tick(leaf)
    box.inbox.unlink()
    assert rig.run(leaf) is FAILURE
    assert leaf.feedback_message == "'Which cube?': nobody is there any more to answer, and no default"
    source, sink = os.pipe()
    rig.context.human = TerminalHuman(Watcher(Console(quiet=True)), source)
    leaf = rig.leaf("ask_human", question=WHICH, options=OPTIONS, default="red")
    os.close(sink)
    assert rig.run(leaf) is SUCCESS
    assert rig.out("answer") == "the red one"
    os.close(source)


SAID = st.sampled_from(
    ["red", "pink", "", "2", "9", "\x00\xff", '{"answer": 3}', '{"id": "x"}', "[1]", "not the red one"]
)
DOINGS = st.lists(st.tuples(st.integers(0, 30), st.one_of(SAID, st.sampled_from(["<gone>", "<anew>"]))), max_size=8)


@settings(max_examples=60, deadline=None)
@given(DOINGS, st.sampled_from(["", "the red one"]), st.integers(1, 3), st.floats(0.1, 2.0))
def test_whatever_is_said_and_when_a_question_ends_by_its_deadline(tmp_path_factory, doings, default, tries, deadline):
    box = Inbox(tmp_path_factory.mktemp("box") / "answers")
    rig = Bench()
    rig.context.human = box
    leaf = rig.leaf("ask_human", question=WHICH, options=OPTIONS, default=default, tries=tries, deadline=deadline)
    began, left = rig.context.now, sorted(doings, key=lambda doing: doing[0])
    for tick in range(60):
        status = rig.tick(leaf)
        if status in (SUCCESS, FAILURE):
            break
        for _, said in [doing for doing in left if doing[0] == tick]:
            if said == "<gone>":
                box.inbox.unlink(missing_ok=True)
            elif said == "<anew>":
                box.inbox.write_text("", encoding="utf-8")
            elif box.inbox.exists():
                put(box, said + "\n")
    assert status in (SUCCESS, FAILURE)
    assert rig.context.now - began <= deadline + 0.2
    answered = rig.out("answer")
    assert (status is SUCCESS) == (answered in OPTIONS)
    assert default == "" or status is SUCCESS
