"""Promises of the broker about who goes first, what is too late, what nobody wants, what is spent, and who steps in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from knothole.vlm.broker import Broker, chain_of, open_backend
from knothole.vlm.broking.breaker import Breaker, Rest
from knothole.vlm.broking.budget import Budget, BudgetSpentError, Limits
from knothole.vlm.contract import BackendError
from knothole.vlm.questions import Answer, Frame, Question
from knothole.vlm.runner import Reply
from knothole.vlm.scripted import Scripted
from knothole.vlm.tickets import GUARD, BrokerEvent, Ticket

HAND, FULL, WORDS = Question("yes_no", "hand?"), Question("yes_no", "full?"), Question("describe", "what?")
TICK = 0.05


def frame(number: int, stamp: float = 0.0) -> Frame:
    return Frame(f"table#{number}", stamp, np.full((8, 8, 3), number % 256, np.uint8))


class Slow:
    """A backend elsewhere: it answers when the test says so, or dies."""

    def __init__(self, name: str = "slow", answer: Answer | None = None) -> None:
        self.name, self.latency, self.concurrency = name, 0.1, 1
        self.answer = answer or Answer("yes_no", {"yes": 1.0, "no": 0.0}, model=name)
        self.asked: list[tuple[str, list[str]]] = []
        self.done: list[Reply] = []
        self.broken = ""
        self.ready = True
        self.closed = 0
        self.patience: float | None = None

    def submit(self, frame: Frame | None, questions: Sequence[Question]) -> int:
        self.asked.append((frame.id if frame else "", [q.text for q in questions]))
        return len(self.asked) - 1

    def finish(self) -> None:
        """Answer everything it was asked and has not answered."""
        for number in range(len(self.asked)):
            if all(number != reply.request for reply in self.done):
                self.done.append(Reply(number, tuple(self.answer for _ in self.asked[number][1]), 0.5))

    def poll(self, timeout: float) -> list[Reply]:
        if self.broken:
            raise BackendError(self.broken)
        return list(self.done)

    def fileno(self) -> None:
        return None

    def close(self) -> None:
        self.closed += 1


def ask_and_send(broker: Broker, now: float, *questions: tuple[Question, Frame, dict[str, Any]]) -> list[Ticket]:
    tickets = [broker.ask(q, f, now, more.pop("asker", "a"), **more) for q, f, more in questions]
    broker.flush(now)
    return tickets


def settle(broker: Broker, *backends: Slow, now: float = 0.0, rounds: int = 12) -> list[Ticket]:
    """Let the backends answer all they are asked, until nothing comes any more."""
    found: list[Ticket] = []
    for _ in range(rounds):
        for backend in backends:
            backend.finish()
        found += broker.collect(now)
        broker.flush(now)
    return found


# who goes first


def test_while_the_backend_is_busy_guards_wait_before_others_and_the_rest_in_the_order_of_asking():
    slow = Slow()
    broker = Broker(slow, stepped=False)
    ask_and_send(broker, 0.0, (HAND, frame(0), {}))
    ask_and_send(broker, 0.1, (FULL, frame(1), {}), (FULL, frame(2), {}))
    ask_and_send(broker, 0.2, (HAND, frame(3), {"priority": GUARD}))
    assert [asked[0] for asked in slow.asked] == ["table#0"]
    settle(broker, slow)
    assert [asked[0] for asked in slow.asked] == ["table#0", "table#3", "table#1", "table#2"]


def test_a_question_about_a_frame_that_waits_joins_the_others_about_it():
    slow = Slow()
    broker = Broker(slow, stepped=False)
    ask_and_send(broker, 0.0, (HAND, frame(0), {}))
    ask_and_send(broker, 0.1, (HAND, frame(1), {}))
    ask_and_send(broker, 0.2, (FULL, frame(1), {"priority": GUARD}))
    settle(broker, slow)
    assert slow.asked == [("table#0", ["hand?"]), ("table#1", ["hand?", "full?"])]


def test_what_a_guard_rests_on_does_not_wait_for_answers_that_are_written():
    slow = Slow()
    broker = Broker(slow, stepped=False)
    ask_and_send(broker, 0.0, (WORDS, frame(1), {}), (HAND, frame(1), {"priority": GUARD}), (FULL, frame(1), {}))
    settle(broker, slow)
    assert slow.asked == [("table#1", ["hand?", "full?"]), ("table#1", ["what?"])]


def test_without_a_guard_all_questions_about_a_frame_are_one_request():
    slow = Slow()
    broker = Broker(slow, stepped=False)
    ask_and_send(broker, 0.0, (WORDS, frame(1), {}), (HAND, frame(1), {}))
    assert slow.asked == [("table#1", ["what?", "hand?"])]


def test_on_a_stepped_clock_a_backend_with_concurrency_takes_one_after_the_other():
    slow = Slow()
    broker = Broker(slow, stepped=True)
    ask_and_send(broker, 0.0, (HAND, frame(0), {}), (HAND, frame(1), {}))
    slow.finish()
    assert [t.frame_id for t in broker.collect(0.1)] == ["table#0"]
    slow.finish()
    assert broker.collect(0.15) == []
    assert [t.frame_id for t in broker.collect(0.2)] == ["table#1"]


def test_a_waiting_question_is_renewed_in_its_old_place_and_a_sent_one_is_not():
    slow = Slow()
    broker = Broker(slow, stepped=False)
    (sent,) = ask_and_send(broker, 0.0, (HAND, frame(0), {}))
    old, _ = ask_and_send(broker, 0.1, (HAND, frame(1), {}), (FULL, frame(2), {}))
    assert broker.renew(sent, frame(3), 0.2, "a") is sent
    new = broker.renew(old, frame(3), 0.2, "a")
    assert (new.frame_id, new.since) == ("table#3", 0.1)
    broker.flush(0.2)
    settle(broker, slow)
    assert [asked[0] for asked in slow.asked] == ["table#0", "table#3", "table#2"]


# what nobody wants


def test_a_question_that_nobody_waits_for_is_not_sent_and_said_to_be_cancelled():
    heard: list[tuple[str, str]] = []

    def listen(event: BrokerEvent) -> None:
        heard.append((event.what, event.asker))

    slow = Slow()
    broker = Broker(slow, stepped=False, listener=listen)
    ask_and_send(broker, 0.0, (HAND, frame(0), {}))
    ticket, same = ask_and_send(broker, 0.1, (FULL, frame(1), {"asker": "a"}), (FULL, frame(1), {"asker": "b"}))
    assert same is ticket
    broker.drop(ticket, 0.2, "a")
    assert heard[-1] == ("shared", "b")
    broker.drop(ticket, 0.2, "b")
    broker.drop(ticket, 0.2, "b")
    assert heard[-1] == ("cancelled", "b")
    settle(broker, slow)
    assert [asked[0] for asked in slow.asked] == ["table#0"]
    assert broker.counters.cancelled == 1
    assert broker.pending == 0
    again = broker.ask(FULL, frame(1), 0.3)
    assert again is not ticket


def test_a_question_that_was_sent_is_answered_whoever_waits():
    slow = Slow()
    broker = Broker(slow, stepped=False)
    (ticket,) = ask_and_send(broker, 0.0, (HAND, frame(0), {}))
    broker.drop(ticket, 0.0, "a")
    assert settle(broker, slow) == [ticket]


# what is too late


@pytest.mark.parametrize("stepped", [True, False])
def test_an_answer_after_its_deadline_is_a_problem_at_the_deadline(stepped: bool):
    slow = Slow()
    slow.latency = 2.0
    broker = Broker(slow, stepped=stepped)
    sent, waiting = ask_and_send(broker, 0.0, (HAND, frame(0), {"deadline": 0.5}), (HAND, frame(1), {"deadline": 0.5}))
    assert broker.collect(0.45) == []
    assert broker.collect(0.5) == [waiting, sent]
    for ticket in (sent, waiting):
        assert ticket.answer is not None
        assert ticket.answer.problem == "no answer within 0.5 s"
    slow.finish()
    assert broker.collect(2.0) == []
    broker.flush(2.0)
    assert len(slow.asked) == 1
    assert broker.counters.late == 2
    assert broker.ask(HAND, frame(0), 2.0) is not sent


def test_of_several_deadlines_the_latest_counts():
    broker = Broker(Slow(), stepped=False)
    ticket, _ = ask_and_send(broker, 0.0, (HAND, frame(0), {"deadline": 0.5}), (HAND, frame(0), {"deadline": 1.0}))
    assert broker.collect(0.9) == []
    assert broker.collect(1.0) == [ticket]


def test_a_backend_whose_answers_come_too_late_rests_like_one_that_fails():
    slow, quick = Slow("slow"), Slow("quick")
    broker = Broker([slow, quick], stepped=False, rest=Rest(2, 100.0))
    late = []
    for number in range(3):
        now = number * 3.0
        ask_and_send(broker, now, (HAND, frame(number), {"deadline": now + 0.5}))
        settle(broker, quick, now=now + 0.4)
        late += [t for t in broker.collect(now + 0.5) if t.answer is not None and t.answer.problem]
        settle(broker, slow, quick, now=now + 2.0)
    assert [ticket.frame_id for ticket in late] == ["table#0", "table#1"]
    assert [asked[0] for asked in quick.asked] == ["table#2"]


# what is spent


def sees(**more: Any) -> Broker:
    return Broker(Scripted({"*": "yes"}), stepped=True, latency=0.0, **more)


def problems(broker: Broker, count: int, **more: Any) -> list[str]:
    said = []
    for number in range(count):
        (ticket,) = ask_and_send(broker, number * TICK, (HAND, frame(number), dict(more)))
        broker.collect(number * TICK)
        assert ticket.answer is not None
        said.append(ticket.answer.problem)
    return said


def test_a_spent_budget_of_calls_makes_answers_unsure_and_says_so():
    broker = sees(budget=Budget(Limits(calls=2)))
    assert problems(broker, 4) == ["", "", *["the budget of 2 model calls is spent"] * 2]
    assert (broker.counters.model_calls, broker.counters.refused) == (2, 2)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(tokens=200), "200 tokens"),
        (Limits(money=0.02), "0.02 USD"),
        (Limits(seconds=0.2), "0.2 s of model time"),
    ],
)
def test_tokens_money_and_seconds_are_counted_as_answers_come(limits: Limits, words: str):
    paid = Slow(answer=Answer("yes_no", {"yes": 1.0, "no": 0.0}, tokens=100, cost=0.01))
    broker = Broker(paid, stepped=True, latency=0.1, budget=Budget(limits))
    said = []
    for number in range(4):
        (ticket,) = ask_and_send(broker, number * 0.1, (HAND, frame(number), {}))
        paid.finish()
        broker.collect(number * 0.1 + 0.1)
        assert ticket.answer is not None
        said.append(ticket.answer.problem)
    assert said == ["", "", *[f"the budget of {words} is spent"] * 2]
    assert len(paid.asked) == 2


def test_a_node_has_a_budget_of_its_own_and_shared_questions_cost_it_nothing():
    broker = sees()
    assert problems(broker, 3, budget=2, asker="x") == [
        "", "", "this node has spent its budget of 2 model calls"
    ]  # fmt: skip
    (ticket, same) = ask_and_send(broker, 1.0, (FULL, frame(9), {"asker": "y"}), (FULL, frame(9), {"asker": "x"}))
    assert ticket is same
    broker.collect(1.0)
    assert ticket.answer is not None
    assert ticket.answer.problem == ""


def test_the_configured_budget_of_nodes_holds_for_each_of_them():
    broker = sees(budget=Budget(node=Limits(calls=1)))
    assert problems(broker, 2, asker="x")[1] == "this node has spent its budget of 1 model calls"
    broker.ask(FULL, frame(7), 1.0, "y")
    broker.flush(1.0)
    assert [t.answer.problem for t in broker.collect(1.0) if t.answer] == [""]


def test_what_was_never_sent_is_given_back_to_the_budget_of_its_node():
    slow = Slow()
    broker = Broker(slow, stepped=False)
    ask_and_send(broker, 0.0, (HAND, frame(0), {"asker": "other"}))
    for number in range(1, 6):
        (ticket,) = ask_and_send(broker, 0.0, (HAND, frame(number), {"asker": "x", "budget": 1}))
        broker.drop(ticket, 0.0, "x")
    nodes = broker.statistics["nodes"]
    assert isinstance(nodes, dict)
    assert nodes["x"] == {"questions": 5, "cancelled": 5}


def test_when_spent_fail_ends_the_run_with_the_budget_as_its_reason():
    broker = sees(budget=Budget(Limits(calls=1), when_spent="fail"))
    assert problems(broker, 1) == [""]
    ask_and_send(broker, 1.0, (HAND, frame(5), {"asker": "root/see"}))
    with pytest.raises(BudgetSpentError, match="the budget of 1 model calls is spent\n  fix:  raise the limit"):
        broker.collect(1.0)
    assert broker.askers == ("root/see",)


def test_fallback_goes_to_the_next_backend_and_then_is_unsure():
    first, second = Scripted({"*": "yes"}, model="first"), Scripted({"*": "no"}, model="second")
    first.name, second.name = "first", "second"
    broker = Broker([first, second], stepped=True, latency=0.0, budget=Budget(Limits(calls=1), when_spent="fallback"))
    said = []
    for number in range(3):
        (ticket,) = ask_and_send(broker, number * TICK, (HAND, frame(number), {}))
        broker.collect(number * TICK)
        assert ticket.answer is not None
        said.append(ticket.answer.problem or ticket.answer.model)
    assert said == ["first", "second", "the budget of 1 model calls of second is spent"]


@pytest.mark.parametrize("limit", [{"calls": 0}, {"money": -1.0}])
def test_a_limit_that_is_not_above_zero_is_refused(limit: dict[str, Any]):
    with pytest.raises(ValueError, match="must be > 0"):
        Limits(**limit)


# who steps in

NO_USE = Answer("yes_no", problem="500 internal server error")


def test_a_problem_answer_goes_on_to_the_next_backend_and_only_the_last_problem_is_final():
    first, second = Slow("first", NO_USE), Slow("second")
    broker = Broker([first, second], stepped=False)
    (ticket,) = ask_and_send(broker, 0.0, (HAND, frame(0), {}))
    assert settle(broker, first, second) == [ticket]
    assert ticket.answer is not None
    assert (ticket.answer.p("yes"), ticket.backend) == (1.0, "second")
    third = Slow("third", Answer("yes_no", problem="429 too many requests"))
    broker = Broker([first, third], stepped=False)
    (ticket,) = ask_and_send(broker, 0.0, (HAND, frame(0), {}))
    settle(broker, first, third)
    assert ticket.answer is not None
    assert ticket.answer.problem == "500 internal server error; 429 too many requests"
    assert broker.counters.failed_over == 1


def test_on_a_stepped_clock_the_second_backend_adds_its_latency():
    first, second = Slow("first", NO_USE), Slow("second")
    first.latency, second.latency = 0.2, 0.3
    broker = Broker([first, second], stepped=True)
    (ticket,) = ask_and_send(broker, 0.0, (HAND, frame(0), {}))
    first.finish()
    assert broker.collect(0.2) == []
    second.finish()
    assert broker.collect(0.45) == []
    assert broker.collect(0.5) == [ticket]


def test_what_a_backend_does_not_take_goes_on_and_is_no_failure_of_it():
    class Yes(Scripted):
        kinds = frozenset({"yes_no"})

    seeing, writing = Yes({"*": "yes"}), Scripted({"*": "a table"})
    broker = Broker([seeing, writing], stepped=True, latency=0.0, rest=Rest(1, 5.0))
    ticket, words = ask_and_send(broker, 0.0, (HAND, frame(0), {}), (WORDS, frame(1), {}))
    broker.collect(0.0)
    assert ticket.answer is not None
    assert words.answer is not None
    assert (ticket.answer.p("yes"), words.answer.text) == (1.0, "a table")
    assert broker.counters.model_calls == 2
    (again,) = ask_and_send(broker, TICK, (HAND, frame(2), {}))
    broker.collect(TICK)
    assert again.answer is not None
    assert again.answer.p("yes") == 1.0


def test_a_backend_rests_after_some_failures_and_is_tried_once_after_that():
    first, second = Slow("first", NO_USE), Slow("second")
    told: list[str] = []
    broker = Broker([first, second], stepped=False, rest=Rest(2, 5.0), notify=told.append)
    for number in range(4):
        ask_and_send(broker, float(number), (HAND, frame(number), {}))
        settle(broker, first, second, now=float(number))
    assert len(first.asked) == 2
    assert told == ["first rests for 5.0 s: 500 internal server error"]
    for number in (4, 5):
        ask_and_send(broker, 6.5, (HAND, frame(number), {}))
    assert len(first.asked) == 3
    settle(broker, first, second, now=6.5)
    assert told[1:] == ["first rests for 10.0 s: 500 internal server error"]
    first.answer = second.answer
    ask_and_send(broker, 17.0, (HAND, frame(6), {}))
    settle(broker, first, second, now=17.0)
    ask_and_send(broker, 17.1, (HAND, frame(7), {}))
    assert len(first.asked) == 5


def test_while_every_backend_rests_questions_are_unsure_at_once():
    only = Slow("only", NO_USE)
    broker = Broker(only, stepped=False, rest=Rest(1, 5.0))
    ask_and_send(broker, 0.0, (HAND, frame(0), {}))
    settle(broker, only)
    (ticket,) = ask_and_send(broker, 1.0, (HAND, frame(1), {}))
    assert broker.collect(1.0) == [ticket]
    assert ticket.answer is not None
    assert ticket.answer.problem == "only rests for 4.0 s: 500 internal server error"
    assert len(only.asked) == 1


def test_a_breaker_says_when_it_opens_and_a_success_forgets_all():
    breaker = Breaker(Rest(3, 1.0))
    assert [breaker.failed(0.0, "x") for _ in range(2)] == [False, False]
    breaker.succeeded()
    assert [breaker.failed(0.0, "x") for _ in range(3)] == [False, False, True]
    assert not breaker.allows(0.5)
    assert breaker.allows(1.0)
    breaker.sent()
    assert not breaker.allows(1.0)
    breaker.undecided()
    assert breaker.allows(1.0)
    assert Breaker(None).failed(0.0, "x", at_once=True) is False


def test_what_was_on_its_way_to_a_backend_that_dies_goes_to_the_next_one():
    first, second = Slow("first"), Slow("second")
    told: list[str] = []
    broker = Broker([first, second], stepped=False, rest=Rest(5, 5.0), notify=told.append)
    ticket, other = ask_and_send(broker, 0.0, (HAND, frame(0), {}), (HAND, frame(1), {}))
    first.broken = "the worker process of backend 'first' died (exit code -9)\n  why:  memory"
    assert settle(broker, second, now=0.1) == [ticket, other]
    assert told == ["the worker process of backend 'first' died (exit code -9)"]
    assert [asked[0] for asked in second.asked] == ["table#0", "table#1"]
    broker.close()
    assert first.closed >= 1


def test_the_only_backend_that_dies_ends_the_run():
    only = Slow()
    broker = Broker(only, stepped=False)
    ask_and_send(broker, 0.0, (HAND, frame(0), {"asker": "root/see"}))
    only.broken = "it died"
    assert broker.arrived()
    with pytest.raises(BackendError, match="it died"):
        broker.collect(0.1)


def test_a_backend_that_hangs_is_given_up_and_opened_again_off_the_tick():
    first, fresh = Slow("first"), Slow("first")
    first.patience = 2.0
    first.reopen = lambda: fresh  # type: ignore[attr-defined]
    broker = Broker(first, stepped=False)
    (ticket,) = ask_and_send(broker, 0.0, (HAND, frame(0), {}))
    assert broker.collect(1.0) == []
    assert broker.collect(3.1) == [ticket]
    assert ticket.answer is not None
    assert ticket.answer.problem == "first gave no answer within 2 s"
    now = 3.1
    while not fresh.asked:
        now += TICK
        (ticket,) = ask_and_send(broker, now, (HAND, frame(round(now * 100)), {}))
        broker.collect(now)
    settle(broker, fresh, now=now)
    assert first.closed == 1
    broker.close()
    assert fresh.closed == 1


def test_a_request_that_waits_for_those_before_it_does_not_hang():
    slow = Slow()
    slow.concurrency, slow.patience = 4, 2.0
    broker = Broker(slow, stepped=False)
    tickets = ask_and_send(broker, 0.0, *((HAND, frame(number), {}) for number in range(4)))
    for number, now in enumerate((1.5, 3.0, 4.5)):
        slow.done = [Reply(number, (slow.answer,), 1.5)]
        assert broker.collect(now) == [tickets[number]]
    slow.done = []
    assert broker.collect(6.4) == []
    assert broker.collect(6.6) == [tickets[3]]
    assert tickets[3].answer is not None
    assert tickets[3].answer.problem == "slow gave no answer within 2 s"


def test_what_is_answered_side_by_side_comes_when_it_is_there_and_the_one_that_hangs_is_found():
    slow = Slow()
    slow.concurrency, slow.patience = 4, 2.0
    broker = Broker(slow, stepped=False)
    tickets = ask_and_send(broker, 0.0, *((HAND, frame(number), {}) for number in range(3)))
    assert broker.collect(0.5) == []
    slow.done = [Reply(2, (slow.answer,), 1.0)]
    assert broker.collect(1.0) == [tickets[2]]
    slow.done = [Reply(1, (slow.answer,), 1.9)]
    assert broker.collect(1.9) == [tickets[1]]
    slow.done = []
    assert broker.collect(2.4) == []
    assert broker.collect(2.6) == [tickets[0]]
    assert tickets[0].answer is not None
    assert tickets[0].answer.problem == "slow gave no answer within 2 s"


def test_loading_a_model_is_no_hanging():
    slow = Slow()
    slow.patience, slow.ready = 2.0, False
    broker = Broker(slow, stepped=False)
    (ticket,) = ask_and_send(broker, 0.0, (HAND, frame(0), {}))
    assert broker.collect(100.0) == []
    slow.ready = True
    assert broker.collect(101.0) == []
    assert broker.collect(102.9) == []
    assert broker.collect(103.1) == [ticket]


# books


def test_the_books_name_nodes_and_backends():
    first, second = Slow("first", NO_USE), Slow("second", Answer("yes_no", {"yes": 1.0}, tokens=50, cost=0.5))
    broker = Broker([first, second], stepped=True, latency=0.1)
    ask_and_send(broker, 0.0, (HAND, frame(0), {"asker": "x"}), (HAND, frame(0), {"asker": "y"}))
    first.finish()
    broker.collect(0.1)
    second.finish()
    broker.collect(0.2)
    broker.spared("x")
    assert broker.statistics == {
        "total": {
            "questions": 2, "shared": 1, "model_calls": 2, "problems": 0, "cancelled": 0, "late": 0, "failed_over": 1,
            "refused": 0, "spared": 1, "tokens": 50, "cost": 0.5,
        },
        "nodes": {
            "x": {
                "questions": 1, "calls": 2, "failed_over": 1, "spared": 1, "tokens": 50, "cost": 0.5, "seconds": 0.2
            },
            "y": {"questions": 1, "shared": 1},
        },
        "backends": {
            "first": {"questions": 1, "calls": 1, "problems": 1, "seconds": 0.1},
            "second": {"questions": 1, "calls": 1, "failed_over": 1, "tokens": 50, "cost": 0.5, "seconds": 0.1},
        },
    }  # fmt: skip


# opening


def test_a_chain_is_written_with_commas():
    assert chain_of("openai:gpt-4o, embedded") == ("openai:gpt-4o", "embedded")
    assert chain_of("embedded") == ("embedded",)
    with pytest.raises(BackendError, match="names an empty backend"):
        chain_of("embedded,")
    with pytest.raises(BackendError, match="names the backend 'embedded' twice"):
        chain_of("embedded,embedded")


@pytest.mark.parametrize(
    ("setting", "value"), [("concurrency", 0), ("concurrency", 1.5), ("patience", 0), ("patience", "x")]
)
def test_a_wrong_setting_of_the_broker_is_an_error_of_usage(setting: str, value: object):
    with pytest.raises(BackendError, match=f"setting '{setting}' of backend 'scripted' is {value!r}, must be"):
        open_backend("scripted:x.yaml", {setting: value})
