"""Promises of ``stream: true``: the real ``openai`` package hears answers while they are written, and may leave."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import openai
import pytest

from knothole.tests import tiny_checkpoints
from knothole.tests.contracts.backends import picture
from knothole.tests.servers.own_server import Running, by_command, message
from knothole.vlm.contract import BackendError, BackendOptions, Hearing
from knothole.vlm.questions import KINDS, Answer, Frame, Question
from knothole.vlm.worker import Worker

WORDS = "Ein Würfel, 赤い立方体, a red cube."


class Talking:
    """Writes letter by letter; once told to go on, without end until nobody listens."""

    name, model, kinds, remote = "scripted", "talking@1", frozenset(KINDS), False

    def __init__(self) -> None:
        self.left = threading.Event()

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        if any(question.text == "Break." for question in questions):
            raise BackendError("out of memory")
        return [
            Answer(q.kind, problem="it is dark")
            if q.text == "Who is there?"
            else Answer(q.kind, {"yes": 0.75, "no": 0.2}, neither=0.05, tokens=5)
            if q.kind == "yes_no"
            else Answer(q.kind, text=WORDS, tokens=7)
            for q in questions
        ]

    def write(self, frame: Frame | None, question: Question, hearing: Hearing) -> Answer:
        for end in range(1, len(WORDS) // 2):
            hearing(WORDS[:end])
        text = WORDS[: len(WORDS) // 2]
        while question.text == "Go on.":
            text += " and on"
            if not hearing(text):
                self.left.set()
                break
        return self.ask(frame, [question])[0]

    def close(self) -> None:
        """Release nothing."""


@pytest.fixture
def talking() -> Iterator[tuple[Talking, Running, openai.OpenAI]]:
    backend = Talking()
    running = Running(backend)
    with running.client() as client:
        yield backend, running, client
    running.close()


def parts(client: openai.OpenAI, words: str, **more: Any) -> list[Any]:
    return list(client.chat.completions.create(model="scripted", messages=message(words), stream=True, **more))


def test_an_answer_comes_in_parts_while_it_is_written(talking):
    told = parts(talking[2], "Hello")
    assert told[0].choices[0].delta.role == "assistant"
    said = [part.choices[0].delta.content for part in told if part.choices[0].delta.content]
    assert "".join(said) == WORDS
    assert len(said) > len(WORDS) // 3
    assert [part.choices[0].finish_reason for part in told] == [None] * (len(told) - 1) + ["stop"]
    assert {(part.id, part.object, part.model) for part in told} == {(told[0].id, "chat.completion.chunk", "scripted")}
    assert all(part.usage is None for part in told)


def test_the_last_part_tells_the_tokens_where_that_is_wanted(talking):
    told = parts(talking[2], "Hello", stream_options={"include_usage": True})
    assert told[-1].choices == []
    assert told[-1].usage.total_tokens == 7
    assert all(part.usage is None for part in told[:-1])


def test_a_word_with_its_probability_comes_in_one_part(talking):
    told = parts(talking[2], "Is there a cup? Answer yes or no.", logprobs=True, top_logprobs=2)
    (part,) = [part.choices[0] for part in told if part.choices[0].delta.content]
    assert part.delta.content == "Yes"
    rows = {row.token: math.exp(row.logprob) for row in part.logprobs.content[0].top_logprobs}
    assert rows == {"Yes": pytest.approx(0.75), "No": pytest.approx(0.2)}


def test_what_has_no_answer_is_a_refusal(talking):
    told = parts(talking[2], "Who is there? Answer yes or no.")
    assert "".join(part.choices[0].delta.refusal or "" for part in told) == "it is dark"
    assert told[-1].choices[0].finish_reason == "stop"


def test_the_bytes_are_server_sent_events_with_an_end(talking):
    with talking[2].chat.completions.with_streaming_response.create(
        model="scripted", messages=message("Hello"), stream=True
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    assert all(set(json.loads(line.removeprefix("data: "))) >= {"id", "choices", "created"} for line in lines[:-1])


def test_what_is_wrong_is_told_before_anything_is_sent(talking):
    for more in ({"n": 2}, {"top_logprobs": 3}, {"stream_options": {"include_usage": "yes"}}):
        with pytest.raises(openai.BadRequestError):
            parts(talking[2], "Hello", **more)
    assert parts(talking[2], "Hello")


def test_a_client_that_leaves_in_the_middle_frees_the_model(talking):
    backend, _, client = talking
    stream = client.chat.completions.create(model="scripted", messages=message("Go on."), stream=True)
    heard = [next(stream) for _ in range(30)]
    assert heard[-1].choices[0].delta.content
    assert not backend.left.is_set()
    stream.close()
    assert backend.left.wait(20)
    assert client.chat.completions.create(model="scripted", messages=message("Hello")).choices[0].message.content


def test_a_model_that_dies_while_it_is_heard_is_told(talking):
    with pytest.raises(openai.APIError, match="out of memory"):
        parts(talking[2], "Break.")
    with pytest.raises(openai.InternalServerError, match="not there any more"):
        parts(talking[2], "Hello")


ENDLESS = 10_000_000
"""Tokens that no test waits for."""


@pytest.fixture(scope="module", params=["qwen", "transformers", "transformers alone"])
def chatty(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, dict[str, object]]:
    """A local model that has learned nothing and hardly ever comes to an end."""
    folder = tmp_path_factory.mktemp("model")
    if request.param == "qwen":
        return "qwen", str(tiny_checkpoints.make("qwen2_5_vl", folder)), {}
    more: dict[str, object] = {"share": "never"} if "alone" in request.param else {}
    return "transformers", str(tiny_checkpoints.make_other("smolvlm", folder)), more


def test_a_worker_tells_what_is_written_and_stops_when_nobody_listens(chatty):
    name, source, more = chatty
    worker = Worker(name, BackendOptions(source, {"max_tokens": ENDLESS, **more}))
    heard: list[str] = []

    def hearing(text: str) -> bool:
        heard.append(text)
        return len(heard) < 5

    try:
        first = worker.submit_heard(picture(), Question("chat", "Say everything."), hearing)
        second = worker.submit(picture(), [Question("yes_no", "Is it?")])
        replies = []
        while len(replies) < 2:
            replies += worker.poll(60)
    finally:
        worker.close()
    assert [reply.request for reply in replies] == [first, second]
    assert replies[1].answers[0].problem == ""
    assert all(after.startswith(before) for before, after in pairwise(heard))
    assert len(heard) >= 5


def test_the_command_streams_and_is_free_again_when_its_client_leaves(tmp_path: Path) -> None:
    source = tiny_checkpoints.make("qwen2_5_vl", tmp_path / "tiny")
    (tmp_path / "knothole.toml").write_text(f"[backends.qwen]\nmax_tokens = {ENDLESS}\n", encoding="utf-8")
    with (
        by_command(tmp_path, "--vlm", f"qwen:{source}") as (_, told),
        openai.OpenAI(base_url=f"{told['url']}/v1", api_key="any", max_retries=0, timeout=60) as client,
    ):
        stream = client.chat.completions.create(model="qwen", messages=message("Say everything."), stream=True)
        said = [next(stream).choices[0].delta.content for _ in range(20)]
        assert "".join(filter(None, said))
        stream.close()
        answer = client.chat.completions.create(model="qwen", messages=message("Is it? Answer yes or no."))
        assert answer.choices[0].message.content in ("Yes", "No")
