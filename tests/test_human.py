"""Asking the human: what a typed line means, deadlines on the run clock, and a loop that waits only in simulation."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator

import pytest
from rich.console import Console

from knothole.app.humans.human import TerminalHuman, human_at
from knothole.app.running.terminal import Watcher
from knothole.behaviors.human import Asked
from knothole.tests.rig import Bench


class Desk:
    """A human at one end of a pipe, with what is shown to it."""

    def __init__(self) -> None:
        self.out = io.StringIO()
        self.source, self.sink = os.pipe()
        self.human = TerminalHuman(Watcher(Console(file=self.out, width=120)), self.source)

    def type(self, text: str) -> None:
        os.write(self.sink, text.encode())

    @property
    def shown(self) -> str:
        return self.out.getvalue()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    os.close(made.source)
    os.close(made.sink)


@pytest.mark.parametrize(
    ("line", "meant"),
    [("2", "no"), ("yes", "yes"), ("Y", "yes"), ("  NO ", "no"), ("", "no"), ("3", None), ("maybe", None)],
)
def test_a_line_means_an_option_by_number_word_or_beginning(desk: Desk, line: str, meant: str | None):
    inquiry = desk.human.ask("Go on?", ("yes", "no"), default="no")
    assert inquiry.answer is None
    desk.type(line + "\n")
    assert inquiry.answer == meant
    assert ("write one of: yes, no" in desk.shown) == (meant is None)


def test_an_ambiguous_beginning_means_nothing_and_an_exact_word_wins(desk: Desk):
    inquiry = desk.human.ask("Which?", ("red", "red cube", "2"))
    desk.type("re\nRED\n")
    assert inquiry.answer == "red"
    assert desk.human.ask("Which?", ("1", "10")).understand("10") == "10"


def test_the_question_shows_options_deadline_and_default(desk: Desk):
    desk.human.ask("Go on?", ("yes", "no"), "no", 30.0)
    assert desk.shown == "robot asks: Go on?  [1] yes  [2] no  (30 s, else no)\n"


def test_questions_are_put_one_after_the_other_and_half_a_line_waits(desk: Desk):
    first, second = desk.human.ask("First?"), desk.human.ask("Second?")
    assert "Second?" not in desk.shown
    desk.type("on")
    assert first.answer is None
    desk.type("e\ntwo\n")
    assert (first.answer, second.answer) == ("one", "two")
    assert "Second?" in desk.shown


def test_a_withdrawn_question_takes_no_answer_and_says_so(desk: Desk):
    first, second = desk.human.ask("First?"), desk.human.ask("Second?")
    first.withdraw()
    first.withdraw()
    desk.type("it\n")
    assert (first.answer, second.answer) == (None, "it")
    assert desk.shown.count("withdrawn") == 1


def test_waiting_ends_with_the_answer_the_deadline_the_end_of_input_or_a_stop(desk: Desk):
    inquiry = desk.human.ask("Go on?")
    desk.human.wait(lambda: True)
    desk.type("yes\n")
    desk.human.wait(lambda: False)
    assert inquiry.answer == "yes"
    desk.human.ask("Still?", deadline=0.0)
    desk.human.wait(lambda: False)
    os.close(desk.sink)
    desk.human.ask("Anyone?")
    desk.human.wait(lambda: False)
    desk.sink = os.open(os.devnull, os.O_WRONLY)


def test_the_deadline_is_kept_on_the_run_clock_and_then_the_default_counts(desk: Desk):
    bench = Bench()
    bench.context.human = desk.human
    leaf = bench.leaf("wait", duration=60.0)
    heard: list[object] = []
    bench.context.emit = lambda channel, data: heard.append((channel, dict(data)))
    asked = Asked(leaf, "Go on?", ("yes", "no"), "no", 1.0)
    bench.ticks(leaf, 20)
    assert (asked.answer, asked.late) == (None, False)
    asked.postpone(0.5)
    bench.ticks(leaf, 10)
    assert asked.answer is None
    bench.ticks(leaf, 2)
    assert (asked.answer, asked.late) == ("no", True)
    assert heard == [
        ("human", {"path": "wait", "asked": "Go on?", "options": ["yes", "no"], "default": "no"}),
        ("human", {"path": "wait", "answer": "no", "late": True, "over": "no answer within 1 s"}),
    ]


def test_without_a_human_the_default_counts_at_once_and_none_is_no_answer():
    bench = Bench()
    leaf = bench.leaf("wait", duration=1.0)
    assert Asked(leaf, "Go on?", default="no").answer == "no"
    nobody = Asked(leaf, "Go on?")
    assert (nobody.answer, nobody.late, nobody.absent) == (None, True, True)
    nobody.withdraw()


def test_ctrl_d_at_a_terminal_ends_nothing_and_a_closed_one_is_an_alarm():
    main, other = pty.openpty()
    out = io.StringIO()
    bench = Bench()
    bench.context.human = human = TerminalHuman(Watcher(Console(file=out, width=120)), other)
    leaf = bench.leaf("clear_of", alarms=["stop_word"])
    os.write(main, b"\x04")
    assert bench.ticks(leaf, 3) == ["S"] * 3
    os.write(main, b"stop\n")
    assert (bench.ticks(leaf, 2)[-1], leaf.feedback_message) == ("F", "the human said 'stop'")
    os.write(main, b"go on\n")
    assert bench.ticks(leaf, 2)[-1] == "S"
    os.close(main)
    assert bench.ticks(leaf, 2)[-1] == "F"
    assert leaf.feedback_message == "stop_word: nobody can type any more: the terminal was closed"
    assert out.getvalue().count("nobody can type any more") == 1
    assert human.ask("Anyone?").gone
    os.close(other)


def test_there_is_a_human_only_at_a_terminal(monkeypatch):
    watcher = Watcher(Console(quiet=True))
    main, other = pty.openpty()
    with os.fdopen(other) as terminal, open(os.devnull) as nobody:
        monkeypatch.setattr("sys.stdin", terminal)
        assert human_at(watcher) is not None
        monkeypatch.setattr("sys.stdin", nobody)
        assert human_at(watcher) is None
    monkeypatch.setattr("sys.stdin", nobody)
    assert human_at(watcher) is None
    os.close(main)
