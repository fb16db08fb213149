"""Promises of the broker: one request per frame and tick, exact delivery in simulated time, no waiting otherwise."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from knothole._base import UnknownNameError
from knothole.vlm.broker import Broker, open_backend
from knothole.vlm.contract import BackendError
from knothole.vlm.questions import Answer, Frame, Question
from knothole.vlm.scripted import Scripted
from knothole.vlm.tickets import BrokerEvent

HAND = Question("yes_no", "Is a hand inside the workspace?")
FULL = Question("yes_no", "Is the tray full?")
SAYS = {HAND.text: {"calls": [0.1, 0.9]}, FULL.text: {"times": {"0s": "no", "1s": "yes"}}}
TICK = 0.05


def frame(number: int, stamp: float = 0.0) -> Frame:
    return Frame(f"table#{number}", stamp, np.full((8, 8, 3), number, np.uint8))


def broker(stepped: bool = True, latency: float | None = 0.1, script: object = None) -> Broker:
    return Broker(Scripted(script or SAYS), stepped=stepped, latency=latency)


def test_the_same_question_about_the_same_frame_is_one_ticket_and_one_call():
    b = broker()
    first = b.ask(HAND, frame(1), 0.0)
    assert b.ask(Question("yes_no", HAND.text), frame(1), 0.0) is first
    assert b.ask(FULL, frame(1), 0.0) is not first
    b.flush(0.0)
    assert b.ask(HAND, frame(1), TICK) is first
    b.flush(TICK)
    b.collect(0.1)
    assert b.ask(HAND, frame(1), 0.1) is first
    c = b.counters
    assert (c.questions, c.shared, c.model_calls) == (5, 3, 1)


def test_a_request_is_a_model_call_only_if_the_backend_takes_one_of_its_questions():
    class Seeing(Scripted):
        kinds = frozenset({"yes_no"})

    b = Broker(Seeing(SAYS), stepped=True, latency=0.0)
    plan = Question("plan", "tidy up")
    for number, questions in enumerate(([plan], [plan, HAND], [FULL])):
        for question in questions:
            b.ask(question, frame(number), 0.0)
    b.flush(0.0)
    b.collect(0.0)
    assert b.counters.model_calls == 2


def test_questions_of_a_tick_are_grouped_by_frame_in_order_of_asking():
    asked: list[tuple[str, list[str]]] = []

    class Listening(Scripted):
        def ask(self, frame, questions):
            asked.append((frame.id, [q.text for q in questions]))
            return super().ask(frame, questions)

    b = Broker(Listening(SAYS), stepped=True, latency=0.1)
    tickets = [b.ask(q, frame(n), 0.0) for n, q in ((2, HAND), (1, FULL), (2, FULL), (1, HAND))]
    b.flush(0.0)
    assert asked == [("table#2", [HAND.text, FULL.text]), ("table#1", [FULL.text, HAND.text])]
    assert b.collect(0.1) == [tickets[0], tickets[2], tickets[1], tickets[3]]


def test_an_answer_arrives_exactly_after_the_latency_and_ticks_go_on_meanwhile():
    b = broker(latency=2.0)
    ticket = b.ask(HAND, frame(1), 0.0)
    b.flush(0.0)
    assert b.next_due() == 2.0
    empty = 0
    for tick in range(1, 41):
        now = tick * TICK
        got = b.collect(now)
        b.flush(now)
        if got:
            break
        assert ticket.answer is None
        empty += 1
    assert empty == 39
    assert got == [ticket]
    assert ticket.answered_at == pytest.approx(2.0)
    assert b.next_due() is None


def test_without_latency_the_answer_is_there_at_the_next_collect():
    b = broker(latency=None)
    ticket = b.ask(HAND, frame(1), 0.0)
    b.flush(0.0)
    assert not ticket.done
    b.collect(0.0)
    assert ticket.answer is not None
    assert ticket.answer.p("yes") == 0.1


def test_several_requests_in_flight_are_delivered_first_in_first_out():
    b = broker(latency=0.2)
    seen = []
    for tick in range(10):
        now = tick * TICK
        seen += [t.frame_id for t in b.collect(now)]
        if tick < 5:
            b.ask(HAND, frame(tick, now), now)
        assert b.pending <= 5
        b.flush(now)
    assert seen == [f"table#{n}" for n in range(5)]


def test_an_answer_names_model_frame_and_time_of_the_frame():
    b = broker()
    ticket = b.ask(FULL, frame(7, 1.5), 2.0)
    b.flush(2.0)
    b.collect(2.1)
    assert ticket.answer is not None
    assert (ticket.answer.model, ticket.answer.frame_id, ticket.answer.frame_stamp) == ("script", "table#7", 1.5)
    assert ticket.answer.p("yes") == 1.0


def test_a_failed_request_is_an_answer_with_a_problem_for_each_question():
    class Broken(Scripted):
        def ask(self, frame, questions):
            raise RuntimeError("out of memory")

    b = Broker(Broken({}), stepped=True)
    one, two = b.ask(HAND, frame(1), 0.0), b.ask(FULL, frame(1), 0.0)
    b.flush(0.0)
    b.collect(0.0)
    for ticket in (one, two):
        assert ticket.answer is not None
        assert ticket.answer.problem == "scripted failed: RuntimeError: out of memory"
        assert ticket.answer.p("yes") == 0.0
    assert b.counters.problems == 2


def test_a_wrong_number_of_answers_is_a_problem_not_a_shift():
    class Short(Scripted):
        def ask(self, frame, questions):
            return [Answer("yes_no", {"yes": 1.0, "no": 0.0})]

    b = Broker(Short({}), stepped=True)
    tickets = [b.ask(HAND, frame(1), 0.0), b.ask(FULL, frame(1), 0.0)]
    b.flush(0.0)
    b.collect(0.0)
    assert [t.answer.problem for t in tickets if t.answer] == [
        "scripted failed: ValueError: 2 questions, 1 answers"
    ] * 2


def test_a_kind_the_backend_does_not_know_is_a_problem():
    b = broker(latency=0.0)
    ticket = b.ask(Question("transcribe", "what was said"), frame(1), 0.0)
    b.flush(0.0)
    b.collect(0.0)
    assert ticket.answer is not None
    assert ticket.answer.problem == "scripted does not answer questions of kind transcribe"


def test_the_listener_hears_asked_shared_and_answered_in_order():
    heard: list[BrokerEvent] = []
    b = Broker(Scripted(SAYS), stepped=True, latency=0.1, listener=heard.append)
    b.ask(HAND, frame(1), 0.0, asker="root/see")
    b.ask(HAND, frame(1), 0.0, asker="root/guard")
    b.flush(0.0)
    b.collect(0.1)
    assert [(e.what, e.now, e.asker) for e in heard] == [
        ("asked", 0.0, "root/see"),
        ("shared", 0.0, "root/guard"),
        ("answered", 0.1, ""),
    ]
    assert heard[0].frame is not None
    assert heard[2].ticket.answer is not None


def test_talk_without_a_frame_is_asked_anew_each_time():
    b = broker(script={"hello": {"calls": ["hi", "again"]}}, latency=0.0)
    said = []
    for now in (0.0, 1.0):
        ticket = b.ask(Question("chat", "hello"), None, now)
        b.flush(now)
        b.collect(now)
        assert ticket.answer is not None
        said.append((ticket.answer.text, ticket.answer.frame_stamp))
    assert said == [("hi", 0.0), ("again", 1.0)]


def test_on_a_real_clock_answers_come_when_they_are_ready_and_have_no_due_time():
    b = broker(stepped=False, latency=5.0)
    ticket = b.ask(HAND, frame(1), 100.0)
    assert ticket.due is None
    b.flush(100.0)
    assert b.next_due() is None
    assert b.collect(100.01) == [ticket]


def test_a_spec_is_a_name_with_an_optional_argument(tmp_path):
    path = tmp_path / "a:b.yaml"
    path.write_text('"Is a hand inside the workspace?": yes\n')
    runner = open_backend(f"scripted:{path}", {"latency": 0.25})
    assert runner.name == "scripted"
    assert Broker(runner, stepped=True).latency == 0.25


def test_an_unknown_backend_names_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        open_backend("scriptd:x.yaml")
    assert str(caught.value) == (
        "unknown backend 'scriptd'\n  did you mean:  scripted\n"
        "  fix:  correct the name, or list backends with `knothole doctor`"
    )


@pytest.mark.parametrize("latency", ["fast", -1, True])
def test_a_wrong_latency_is_an_error_of_usage(latency):
    with pytest.raises(
        BackendError, match=r"setting 'latency' of backend 'scripted' is .*, must be a number of seconds"
    ):
        open_backend("scripted:x.yaml", {"latency": latency})


def test_finding_backends_loads_neither_torch_nor_transformers():
    code = (
        "import sys; from knothole.vlm.contract import BACKENDS; names = list(BACKENDS); "
        "import knothole.vlm.broker; print('embedded' in names, {'torch', 'transformers'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "True set()\n"
