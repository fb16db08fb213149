"""The backend for Gemini: ways to ask, boxes with y first, what is blocked, pictures and sound."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from knothole.tests.contracts.backends import picture
from knothole.tests.servers import looking
from knothole.tests.servers.gemini_server import KEY, GeminiServer
from knothole.tests.servers.loopback import Answer, Reply, Served, serving
from knothole.vlm.contract import BACKENDS, Backend, BackendOptions
from knothole.vlm.questions import Frame, Question

YES = Question("yes_no", "Is there a red square?")
COLOR = Question("choice", "What color is it?", choices=("red", "green", "blue"))
DECISIONS, CONTENT = "/v1beta/decisions", "/v1beta/models/gemini-test:generateContent"


@contextmanager
def opened(server: Answer, **settings: object) -> Iterator[tuple[Backend, Served]]:
    with serving(server) as served:
        block = {"base_url": served.url, "timeout": 60.0, "plan_timeout": 60.0, **settings}
        backend = BACKENDS.get("gemini").open(BackendOptions("gemini-test", block))
        try:
            yield backend, served
        finally:
            backend.close()


def test_all_typed_questions_of_a_frame_are_one_request() -> None:
    questions = [*(Question("yes_no", f"Is there a red square in row {row}?") for row in range(19)), COLOR]
    with opened(GeminiServer()) as (backend, served):
        answers = backend.ask(picture(), questions)
        assert served.paths() == [DECISIONS]
    assert [answer.problem for answer in answers] == [""] * 20
    assert answers[0].probabilities == pytest.approx({"yes": 0.8, "no": 0.2})


def test_decisions_then_logprobs_then_samples_and_each_is_refused_once() -> None:
    with opened(GeminiServer(decisions=False)) as (backend, served):
        for _ in range(2):
            assert backend.ask(picture(), [YES])[0].probabilities == pytest.approx({"yes": 0.8, "no": 0.15})
        assert served.paths() == [DECISIONS, CONTENT, CONTENT]
        assert served.requests[-1].json["generationConfig"]["responseLogprobs"] is True
    with opened(GeminiServer(decisions=False, logprobs=False)) as (backend, served):
        for _ in range(2):
            assert backend.ask(picture(), [YES])[0].text == "3 samples: yes 3"
        assert served.paths() == [DECISIONS, CONTENT, CONTENT, CONTENT]


def test_a_model_that_always_thinks_is_let_and_its_thoughts_are_not_read() -> None:
    with opened(GeminiServer(decisions=False, logprobs=None, thinks=True)) as (backend, served):
        assert backend.ask(picture(), [YES])[0].text == "3 samples: yes 3"
        before = len(served.requests)
        backend.ask(picture(), [YES])
        assert len(served.requests) == before + 1
        assert "thinkingConfig" not in served.requests[-1].json["generationConfig"]


@pytest.mark.parametrize("size", [(224, 224), (640, 480), (300, 900), (97, 61)], ids=str)
def test_a_square_is_found_within_one_pixel(size: tuple[int, int]) -> None:
    width, height = size
    side = min(size) // 3
    with opened(GeminiServer(), image_side=0) as (backend, _):
        for left, top in ((0, 0), (width // 4, height // 2), (width - side, height - side)):
            rgb = np.full((height, width, 3), 150, np.uint8)
            rgb[top : top + side, left : left + side] = (200, 20, 20)
            (region,) = backend.ask(Frame("f", 0.0, rgb), [Question("ground", "the red square")])[0].regions
            found = [value * size[i % 2] for i, value in enumerate(region.box_xyxy)]
            assert found == pytest.approx([left, top, left + side, top + side], abs=1.0)


def said(text: str) -> Answer:
    one = {"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}
    return lambda _: Reply(body={"candidates": [one]})


def test_points_are_read_with_y_first() -> None:
    with opened(said('[{"point": [250, 500], "label": "knob"}]')) as (backend, _):
        (region,) = backend.ask(picture(), [Question("ground", "the knob")])[0].regions
    assert region.point_uv == (0.5, 0.25)
    x1, y1, x2, y2 = region.box_xyxy
    assert x1 < 0.5 < x2
    assert y1 < 0.25 < y2


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, "blocked the question: prohibited content"),
        ({"candidates": [{"finishReason": "SAFETY"}]}, "held the answer back: safety"),
        ({"candidates": [{"finishReason": "RECITATION"}]}, "held the answer back: recitation"),
        ({"candidates": []}, "sent an answer without candidates"),
        ({"candidates": [{"finishReason": "MAX_TOKENS"}]}, "wrote nothing before its limit of tokens"),
    ],
)
def test_what_is_held_back_is_unsure_and_says_why(body: dict, problem: str) -> None:
    with opened(lambda _: Reply(body=body)) as (backend, _):
        answer = backend.ask(picture(), [Question("describe", "Describe it.")])[0]
    assert problem in answer.problem


@pytest.mark.parametrize("schemas", [True, False])
def test_a_plan_is_asked_for_with_its_schema_where_the_model_takes_one(schemas: bool) -> None:
    step = {"type": "object", "properties": {"skill": {"const": "pick"}}, "required": ["skill"]}
    plan = Question("plan", "Take it.", schema=json.dumps({"type": "array", "items": step}))
    with opened(GeminiServer(schemas=schemas)) as (backend, served):
        answer = backend.ask(picture(), [plan])[0]
        config = served.requests[-1].json["generationConfig"]
    assert answer.data == looking.PLAN
    assert ("responseJsonSchema" in config or "response_json_schema" in config) == schemas
    if schemas:
        assert '"enum": ["pick"]' in json.dumps(config)


def test_sound_is_written_down_and_pictures_are_made() -> None:
    with opened(GeminiServer(), image_model="gemini-test") as (backend, _):
        heard = backend.ask(None, [Question("transcribe", "", audio=b"RIFF1234")])[0]
        made, edited = (backend.ask(frame, [Question("imagine", "a tidy table")])[0] for frame in (None, picture()))
    assert heard.text == "take the red cube"
    assert made.image is not None
    assert edited.image is not None
    assert (made.image[0, 0, 0], edited.image[0, 0, 0]) == (100, 200)


def test_frames_of_the_last_seconds_are_parts_with_their_age() -> None:
    frame = Frame("now", 3.5, picture().rgb, (Frame("e", 1.0, np.zeros((20, 30, 3), np.uint8)),))
    for server, key in ((GeminiServer(), "input"), (GeminiServer(decisions=False), "contents")):
        with opened(server) as (backend, served):
            assert backend.ask(frame, [YES])[0].problem == ""
            sent = served.requests[-1].json
            parts = sent["input"] if key == "input" else sent["contents"][-1]["parts"]
            texts = [part["text"] for part in parts if "text" in part]
            assert texts[:2] == ["Picture 1 of 2, 2.50 s before the last one:", "Picture 2 of 2, the last one:"]


def test_a_chat_goes_on_from_what_was_said() -> None:
    history = (("user", "I am Ada."), ("assistant", "Hello, Ada."))
    with opened(GeminiServer()) as (backend, served):
        answer = backend.ask(None, [Question("chat", "Who am I?", history=history)])[0]
        assert [one["role"] for one in served.requests[0].json["contents"]] == ["user", "model", "user"]
    assert answer.text == "You said 'I am Ada.'."


def test_the_wait_that_google_asks_for_in_its_details_is_kept() -> None:
    server, left = GeminiServer(), [1]
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.01s"}]

    def answer(request):
        if left:
            left.clear()
            return Reply(429, {"error": {"code": 429, "message": "quota", "status": "X", "details": details}})
        return server(request)

    with opened(answer, retries=1) as (backend, _):
        assert backend.ask(picture(), [YES])[0].problem == ""


def test_the_key_is_sent_in_a_header_never_in_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    with opened(GeminiServer(key=KEY), api_key_env="SOME_KEY") as (backend, served):
        assert [a.problem for a in backend.ask(picture(), [YES, Question("describe", "it")])] == ["", ""]
        assert all(KEY not in request.path for request in served.requests)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    with opened(GeminiServer()) as (backend, served):
        backend.ask(picture(), [YES])
        assert KEY not in str(served.requests)


def test_an_invalid_key_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY + "x")
    with opened(GeminiServer(key=KEY), api_key_env="SOME_KEY") as (backend, _):
        problem = backend.ask(picture(), [YES])[0].problem
    assert "API key not valid: •••" in problem
    assert KEY not in problem
