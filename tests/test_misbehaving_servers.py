"""A server that misbehaves costs an answer, never a run: each way it can, the answers are problems and no key leaks."""

from __future__ import annotations

import gzip
import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pytest

from knothole.tests.contracts.backends import check, picture
from knothole.tests.servers import gemini_server, misbehaving, openai_server, systemone_server
from knothole.tests.servers.loopback import Answer, Reply, Request, Served, serving
from knothole.vlm.contract import BACKENDS, Backend, BackendOptions
from knothole.vlm.questions import Answer as Given
from knothole.vlm.questions import Question
from knothole.vlm.runner import answer_all

TYPED = (
    Question("yes_no", "Is the red cube on the tray?"),
    Question("choice", "What color is it?", choices=("red", "blue")),
    Question("score", "How full is it?", choices=("empty", "full")),
)
WRITTEN = (Question("describe", "Describe it."), Question("ground", "a cube"), Question("plan", "Take it."))
NAN = float("nan")


class Side(NamedTuple):
    """One backend in one of its ways, its key, and where the key comes from."""

    name: str
    method: str
    key: str
    variable: str

    def __str__(self) -> str:
        return f"{self.name}-{self.method}"


SIDES = (
    *(Side("openai", m, openai_server.KEY, "OPENAI_API_KEY") for m in ("decisions", "logprobs", "sampling", "auto")),
    *(Side("gemini", m, gemini_server.KEY, "GEMINI_API_KEY") for m in ("decisions", "logprobs", "sampling", "auto")),
    Side("systemone", "auto", systemone_server.KEY, "SYSTEMONE_API_KEY"),
)
Ask = Callable[..., list[Given]]


@pytest.fixture(params=SIDES, ids=str)
def side(request: pytest.FixtureRequest) -> Side:
    return request.param


@pytest.fixture
def ask(side: Side, monkeypatch: pytest.MonkeyPatch, capfd, caplog) -> Iterator[Ask]:
    """Ask a server everything the backend takes; what is said anywhere is searched for the key afterwards."""
    monkeypatch.setenv("A_KEY", side.key)
    caplog.set_level(logging.DEBUG)
    said: list[object] = []
    kept: dict[str, Backend] = {}

    def run(url: str, typed_only: bool = False, **settings: object) -> list[Given]:
        path = "" if side.name == "gemini" else "/v1"
        block = {"base_url": url + path, "api_key_env": "A_KEY", "method": side.method, **settings}
        for name in ("timeout", "plan_timeout"):
            block.setdefault(name, 0.5)
        if repr(block) not in kept:
            kept[repr(block)] = BACKENDS.get(side.name).open(BackendOptions("a-model", block))
        backend = kept[repr(block)]
        questions = [q for q in (TYPED if typed_only else TYPED + WRITTEN) if q.kind in backend.kinds]
        answers = list(answer_all(backend, picture(), questions))
        said.extend([answers, backend, vars(backend)])
        for question, answer in zip(questions, answers, strict=True):
            check(question, answer)
        return answers

    yield run
    for backend in kept.values():
        backend.close()
    out, err = capfd.readouterr()
    records = [(record.getMessage(), record.exc_text, record.args) for record in caplog.records]
    everything = repr((said, out, err, records))
    assert side.key not in everything
    assert side.key[:16] not in everything
    assert side.key[-10:] not in everything


def unsure(answers: list[Given], *words: str, about: object = None) -> None:
    """Assert that each answer is a problem that says why."""
    assert answers
    for answer in answers:
        assert answer.problem, about
        assert answer.supported
        assert not answer.probabilities
        assert any(word in answer.problem for word in words) or not words, answer.problem


def asked(served: Served) -> int:
    return len(served.requests)


def test_refused_connection(ask: Ask) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    unsure(
        ask(f"http://127.0.0.1:{port}", timeout=20.0, plan_timeout=20.0),
        f"cannot reach 127.0.0.1:{port}: connection refused",
    )


def test_unknown_host(ask: Ask) -> None:
    unsure(ask("http://no-such-host.invalid", plain_http=True, timeout=20.0, plan_timeout=20.0), "no-such-host.invalid")


@pytest.mark.parametrize(
    "how", [misbehaving.hangs, misbehaving.hangs_after_the_head], ids=["at once", "after the headers"]
)
def test_hang(ask: Ask, how) -> None:
    with serving(misbehaving.raw(how)) as served:
        unsure(ask(served.url), "within 0.5 s")
        assert not served.done.is_set()  # it hangs still


@pytest.mark.parametrize("how", [misbehaving.drips, misbehaving.drips_the_head], ids=["the body", "the headers"])
def test_slow_drip(ask: Ask, how) -> None:
    with serving(misbehaving.raw(how)) as served:
        unsure(ask(served.url), "within 0.5 s")
        assert not served.done.is_set()


def test_429_without_retry_after(ask: Ask) -> None:
    with serving(misbehaving.always(429)) as served:
        answers = ask(served.url, timeout=20.0, plan_timeout=20.0)
        unsure(answers, "answers 429")
        assert asked(served) <= len(answers)


def test_429_with_a_retry_after_beyond_the_deadline(ask: Ask) -> None:
    with serving(misbehaving.always(429, {"retry-after": "3600"})) as served:
        answers = ask(served.url, retries=5, timeout=20.0, plan_timeout=20.0)
        unsure(answers, "(it asks to wait 3600 s)")
        assert asked(served) <= len(answers)  # nobody waited, nobody asked again


def test_429_with_a_senseless_retry_after(ask: Ask) -> None:
    header = {"retry-after": ""}
    with serving(lambda request: misbehaving.always(429, dict(header))(request)) as served:
        for header["retry-after"] in ("soon", "-5", "nan", "inf", "Mon, 99 Xxx 2026", "1e999", "²"):
            unsure(ask(served.url, typed_only=True, timeout=20.0), "answers 429")


def test_500s(ask: Ask) -> None:
    status = [0]
    with serving(lambda request: misbehaving.always(status[0])(request)) as served:
        for status[0] in (500, 502, 503, 504, 529):
            unsure(ask(served.url, timeout=20.0, plan_timeout=20.0), f"answers {status[0]}")


def test_500_as_a_page(ask: Ask) -> None:
    page = Reply(502, b"<html><body>Bad gateway</body></html>", {"content-type": "text/html"})
    with serving(lambda _: page) as served:
        unsure(ask(served.url, timeout=20.0, plan_timeout=20.0), "answers 502")


@pytest.mark.parametrize("how", [misbehaving.breaks_off, misbehaving.breaks_off_a_stream], ids=["body", "chunks"])
def test_truncated_stream(ask: Ask, how) -> None:
    with serving(misbehaving.raw(how)) as served:
        unsure(ask(served.url, timeout=20.0, plan_timeout=20.0), "broke off")


def test_something_else_than_http(ask: Ask) -> None:
    with serving(misbehaving.raw(misbehaving.is_no_server)) as served:
        unsure(ask(served.url, timeout=20.0, plan_timeout=20.0), "broke off")


def each(ask: Ask, bodies: Sequence[object], *words: str) -> None:
    """Assert that the answers are problems, whichever of these the server says."""
    body: list[object] = [None]
    with serving(lambda _: Reply(body=body[0])) as served:
        for body[0] in bodies:
            unsure(ask(served.url, timeout=20.0, plan_timeout=20.0), *words, about=body[0])


def test_invalid_json(ask: Ask) -> None:
    each(ask, [b"", b"{", b"\xff\xfe", b'{"choices": [', b"[" * 50_000, b"yes"], "sent no JSON")


EMPTY = ({}, [], None, {"choices": []}, {"answers": []}, {"answers": {}}, {"candidates": []}, {"error": "no"})


def test_empty_choices(ask: Ask) -> None:
    each(ask, EMPTY)


def chat(**message: object) -> dict:
    return {"choices": [{"message": {"role": "assistant", **message}, "finish_reason": "stop"}]}


def content(**part: object) -> dict:
    return {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}


WRONG = (
    *(3, "yes", True, [1, 2], {"choices": "yes"}, {"choices": {"0": 1}}, {"choices": [None]}, {"choices": [[]]}),
    *(
        chat(content=3),
        chat(content={"a": 1}),
        chat(content=["yes"]),
        chat(content=None),
        {"choices": [{"message": 3}]},
    ),
    *({"answers": 3}, {"answers": [3, 3, 3]}, {"answers": {"q0": 3, "q1": "x", "q2": None}}),
    {
        "answers": [
            {"type": "predicate", "probability": "0.9"},
            {"type": "choice"},
            {"type": "score", "probabilities": 3},
        ]
    },
    {"answers": {"q0": {"type": "noul", "noul": "0.9"}, "q1": {"type": "choice"}, "q2": {"type": "score"}}},
    *(content(text=3), content(text={"a": 1}), content(), {"candidates": 3}, {"candidates": [3]}),
    {"candidates": [{"content": {"parts": 3}, "finishReason": "STOP"}]},
)


def test_wrong_types(ask: Ask) -> None:
    each(ask, WRONG)


def typed_with(value: object) -> Answer:
    """A server whose every probability is ``value``, in the form that each route has."""

    def answer(request: Request) -> Reply:
        token = {"token": "Yes", "logprob": value, "top_logprobs": [{"token": "Yes", "logprob": value}]}
        row = {"token": "Yes", "logProbability": value}
        if request.path.endswith("/chat/completions"):
            choice = {"message": {"content": "Yes"}, "logprobs": {"content": [token]}, "finish_reason": "stop"}
            return Reply(body={"choices": [choice] * request.json.get("n", 1)})
        if request.path.endswith(":generateContent"):
            logprobs = {"topCandidates": [{"candidates": [row]}], "chosenCandidates": [row]}
            return Reply(body={"candidates": [{**content()["candidates"][0], "logprobsResult": logprobs}]})
        if request.path == "/v1/decisions":
            rows = [{"value": c, "probability": value} for c in ("red", "blue")]
            levels = [{"label": c, "probability": value} for c in ("empty", "full")]
            found = [{"type": "predicate", "probability": value}, {"type": "choice", "probabilities": rows}]
            return Reply(body={"answers": [*found, {"type": "score", "probabilities": levels}]})
        noul = {"q0": {"type": "noul", "noul": value}}
        noul["q1"] = {"type": "choice", "probabilities": {"red": value, "blue": value}}
        noul["q2"] = {"type": "score", "probabilities": {"0": value, "1": value}}
        return Reply(body={"answers": noul})

    return answer


def test_nan_and_other_numbers_that_are_no_probabilities(ask: Ask) -> None:
    value: list[object] = [NAN]
    with serving(lambda request: typed_with(value[0])(request)) as served:
        unsure(ask(served.url, typed_only=True, timeout=20.0), "NaN is no number of JSON")
        for value[0] in (float("inf"), 7.5, None, "0.5", True, [], {}):
            for answer in ask(served.url, typed_only=True, timeout=20.0):
                assert answer.problem or "samples: " in answer.text  # what was sampled is read as words


@pytest.mark.parametrize(
    "side", [s for s in SIDES if "decisions" in s or s.name == "systemone"], ids=str, indirect=True
)
def test_probabilities_that_add_up_to_more_than_one(ask: Ask) -> None:
    with serving(typed_with(0.9)) as served:
        answers = ask(served.url, typed_only=True, timeout=20.0)
    assert answers[0].probabilities == pytest.approx({"yes": 0.9, "no": 0.1})
    unsure(answers[1:], "add up to 1.8")


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "endless"])
def test_100_mb_body(ask: Ask, announced: bool) -> None:
    floods: list[misbehaving.Floods] = []

    def answer(_: Request) -> Reply:
        floods.append(misbehaving.Floods(announced))
        return Reply(raw=floods[-1])

    with serving(answer) as served:
        unsure(
            ask(served.url, max_answer_mb=1, timeout=60.0, plan_timeout=60.0), "is over 1 MB (setting max_answer_mb)"
        )
    assert floods
    assert max(flood.sent for flood in floods) < misbehaving.MUCH / 4


def test_a_small_answer_that_unpacks_to_100_mb(ask: Ask) -> None:
    bomb = gzip.compress(b" " * 2**24)
    reply = Reply(200, bomb, {"content-encoding": "gzip"})
    with serving(lambda _: reply) as served:
        unsure(ask(served.url, timeout=20.0, plan_timeout=20.0), "packed its answer")


def test_wrong_content_type(ask: Ask) -> None:
    kind = [""]
    with serving(lambda request: misbehaving.says(chat(content="yes"), kind[0])(request)) as served:
        for kind[0] in ("text/html", "text/plain", "text/event-stream", "image/png", "", "json"):
            unsure(ask(served.url, timeout=20.0, plan_timeout=20.0), "not JSON")


@pytest.mark.parametrize("status", [401, 403])
def test_expired_key(ask: Ask, status: int) -> None:
    with serving(misbehaving.always(status)) as served:
        answers = ask(served.url, timeout=20.0, plan_timeout=20.0)
        unsure(answers, "the key is missing, wrong, expired, or may not do this")
        assert asked(served) <= len(answers)


def test_key_that_gemini_calls_an_invalid_argument(ask: Ask) -> None:
    with serving(misbehaving.always(400)) as served:
        unsure(ask(served.url, timeout=20.0, plan_timeout=20.0), "answers 400")


REFUSALS = {
    "openai": (
        chat(content=None, refusal="I cannot help with that."),
        {"answers": [{"type": "refusal", "name": None}] * 3},
        {"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]},
    ),
    "gemini": (
        {"promptFeedback": {"blockReason": "SAFETY"}},
        {"prompt_feedback": {"block_reason": "image_safety"}},
        {"candidates": [{"finishReason": "RECITATION"}]},
        *({"candidates": [{"content": {"parts": [{"text": "yes"}]}, "finishReason": reason}]} for reason in
          ("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "NO_IMAGE", "OTHER", "NEW_REASON")),
        {"candidates": [{"content": {"parts": []}, "finishReason": "MAX_TOKENS"}]},
    ),
    "systemone": ({"answers": {"q0": {"type": "refusal"}, "q1": {"type": "refusal"}}},),
}  # fmt: skip


def test_refusal(ask: Ask, side: Side) -> None:
    each(ask, REFUSALS[side.name])


def test_a_redirect_is_not_followed(ask: Ask) -> None:
    with serving(misbehaving.says({})) as other:
        away = Reply(307, b"", {"location": f"{other.url}/v1/chat/completions"})
        with serving(lambda _: away) as served:
            unsure(ask(served.url, timeout=20.0, plan_timeout=20.0), "sends on to another address (307)")
        assert asked(other) == 0


@pytest.mark.parametrize("side", [s for s in SIDES if s.name != "systemone"], ids=str, indirect=True)
def test_a_key_in_an_answer_is_hidden(ask: Ask) -> None:
    """The server writes the key where the words of the model stand."""

    def answer(request: Request) -> Reply:
        words = f"your key is {misbehaving.key_of(request)}"
        return Reply(body={**chat(content=words), **content(text=words)})

    with serving(answer) as served:
        ask(served.url, timeout=20.0, plan_timeout=20.0)
