"""The backend for OpenAI-compatible servers: ways to ask and what is remembered of them, pictures, plans, bills."""

from __future__ import annotations

import json
import select
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from knothole.tests.contracts.backends import picture
from knothole.tests.servers import looking, misbehaving
from knothole.tests.servers.loopback import Answer, Reply, Request, Served, serving
from knothole.tests.servers.openai_server import KEY, OpenAIServer, error
from knothole.vlm.broker import Broker, open_backend
from knothole.vlm.capabilities import Capabilities, write_capabilities
from knothole.vlm.contract import BACKENDS, Backend, BackendOptions
from knothole.vlm.questions import Frame, Question

YES = Question("yes_no", "Is there a red square?")
COLOR = Question("choice", "What color is it?", choices=("red", "green", "blue"))
MANY = [*(Question("yes_no", f"Is there a red square in row {row}?") for row in range(19)), COLOR]
DECISIONS, CHAT = "/v1/decisions", "/v1/chat/completions"
SEEN = pytest.approx({"yes": looking.YES, "no": looking.NO})


SAMPLED = {"method": "sampling", "samples": 4}


def writes(*texts: str) -> Answer:
    """Return a server that writes these texts, one for each sample."""
    rows = [{"message": {"content": text}, "finish_reason": "stop"} for text in texts]
    return lambda request: Reply(body={"choices": rows})


@contextmanager
def opened(server: Answer, **settings: object) -> Iterator[tuple[Backend, Served]]:
    with serving(server) as served:
        block = {"base_url": f"{served.url}/v1", "timeout": 60.0, "plan_timeout": 60.0, **settings}
        backend = BACKENDS.get("openai").open(BackendOptions("test-vlm", block))
        try:
            yield backend, served
        finally:
            backend.close()


def test_all_typed_questions_of_a_frame_are_one_request_where_the_server_decides() -> None:
    with opened(OpenAIServer()) as (backend, served):
        answers = backend.ask(picture(), MANY)
        assert served.paths() == [DECISIONS]
    assert [a.problem for a in answers] == [""] * len(MANY)
    assert answers[0].probabilities == pytest.approx({"yes": 0.8, "no": 0.2})
    assert answers[-1].probabilities == pytest.approx({"red": 7 / 9, "green": 1 / 9, "blue": 1 / 9})


def test_a_server_without_decisions_is_asked_for_them_once() -> None:
    with opened(OpenAIServer(decisions=False)) as (backend, served):
        assert backend.ask(picture(), [YES])[0].probabilities == SEEN
        assert served.paths() == [DECISIONS, CHAT]
        backend.ask(picture(), [YES, COLOR])
        assert served.paths()[2:] == [CHAT, CHAT]


def test_the_probabilities_of_tokens_are_those_of_all_spellings_and_the_rest_is_on_neither() -> None:
    with opened(OpenAIServer(), method="logprobs") as (backend, served):
        yes, color = backend.ask(picture(), [YES, COLOR])
        assert served.paths() == [CHAT, CHAT]
        assert served.requests[0].json["top_logprobs"] == 20
    assert yes.probabilities == SEEN
    assert yes.neither == pytest.approx(0.05)
    assert color.probabilities == pytest.approx({"red": 0.7, "green": 0.1, "blue": 0.1})


def test_fewer_tokens_are_asked_for_where_twenty_are_refused() -> None:
    with opened(OpenAIServer(decisions=False, logprobs=5)) as (backend, served):
        assert backend.ask(picture(), [YES])[0].probabilities == SEEN
        backend.ask(picture(), [YES])
        assert [request.json.get("top_logprobs") for request in served.requests[1:]] == [20, 5, 5]


@pytest.mark.parametrize("logprobs", [0, -1], ids=["refused", "left out"])
def test_without_probabilities_a_few_answers_are_sampled_and_the_answer_says_so(logprobs: int) -> None:
    with opened(OpenAIServer(decisions=False, logprobs=logprobs), samples=5) as (backend, served):
        answer = backend.ask(picture(), [YES])[0]
        again = backend.ask(picture(), [YES])[0]
        assert served.requests[-1].json["n"] == 5
    assert answer.text == "5 samples: yes 5"
    assert answer.probabilities == pytest.approx({"yes": 5.25 / 5.5, "no": 0.25 / 5.5})
    assert again.probabilities == answer.probabilities


@pytest.mark.parametrize("n", [False, None], ids=["refused", "left out"])
def test_samples_are_asked_for_one_by_one_where_the_server_gives_one(n: bool | None) -> None:
    with opened(OpenAIServer(n=n), method="sampling") as (backend, served):
        assert backend.ask(picture(), [YES])[0].text == "3 samples: yes 3"
        before = len(served.requests)
        backend.ask(picture(), [YES])
        assert len(served.requests) == before + 3


def test_samples_that_answer_nothing_count_on_neither() -> None:
    with opened(writes("Yes.", "I cannot tell.", "**no**, it is blue", "No?</think> Yes"), **SAMPLED) as (backend, _):
        given = backend.ask(picture(), [YES])[0]
    assert given.text == "4 samples: yes 2, no 1, neither 1"
    assert given.neither == pytest.approx(0.25)
    assert given.probabilities == pytest.approx({"yes": 0.75 * 2.25 / 3.5, "no": 0.75 * 1.25 / 3.5})


def test_the_name_of_the_limit_and_a_refused_temperature_are_found_out_once() -> None:
    with opened(OpenAIServer(decisions=False, limit="max_completion_tokens", thinks=True)) as (backend, served):
        assert backend.ask(picture(), [YES])[0].probabilities == SEEN
        backend.ask(picture(), [YES])
        last = served.requests[-1].json
        assert last["max_completion_tokens"] == 3
        assert not {"max_tokens", "temperature"} & set(last)


def facts(backend: Backend) -> Mapping[str, object]:
    return backend.capability_facts()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("server", "found"),
    [
        (OpenAIServer(), {"decisions": True, "plans": "json_schema", "token_limit": "max_tokens"}),
        (
            OpenAIServer(decisions=False, limit="max_completion_tokens", formats=("json_object",)),
            {"decisions": False, "logprobs": 20, "plans": "json_object", "token_limit": "max_completion_tokens"},
        ),
        (OpenAIServer(decisions=False, logprobs=5), {"logprobs": 5, "yes": ("Yes", " Yes"), "no": ("No", " No")}),
        (OpenAIServer(decisions=False, logprobs=0, formats=()), {"logprobs": 0, "plans": "text"}),
    ],
    ids=["decides", "tells 20 tokens", "tells 5", "tells none"],
)
def test_what_was_found_out_is_told_to_who_measures(server: OpenAIServer, found: dict[str, object]) -> None:
    with opened(server) as (backend, served):
        assert facts(backend) == {"model": "test-vlm", "endpoint": f"{served.url}/v1"}
        backend.ask(picture(), [YES, PLAN])
        assert facts(backend).items() >= found.items()
        assert Capabilities("openai", **facts(backend)).endpoint == f"{served.url}/v1"  # type: ignore[arg-type]


def test_the_first_question_says_where_pictures_go(capfd: pytest.CaptureFixture[str]) -> None:
    with opened(OpenAIServer(), frames="blur") as (backend, served):
        for _ in range(2):
            backend.ask(picture(), [YES])
        where = f"{served.host}, which is a server on this machine"
    assert capfd.readouterr().err == f"knothole: the backend 'openai' sends blurred pictures and questions to {where}\n"


def test_what_was_measured_is_not_found_out_again(tmp_path: Path) -> None:
    file = tmp_path / "capabilities.json"
    server = OpenAIServer(decisions=False, logprobs=0, formats=(), form="pixels", limit="max_completion_tokens")
    with serving(server) as served:
        url = f"{served.url}/v1"
        known = Capabilities("openai", "test-vlm", url, False, 0, plans="text", coordinates="pixels")
        write_capabilities(file, Capabilities(**{**vars(known), "token_limit": "max_completion_tokens"}))
        options = BackendOptions("test-vlm", {"base_url": url, "capabilities": str(file), "timeout": 60.0})
        backend = BACKENDS.get("openai").open(options)
        answers = backend.ask(picture(), [YES, Question("plan", "Take it."), Question("ground", "the red square")])
        backend.close()
        assert [answer.problem for answer in answers] == ["", "", ""]
        assert answers[2].regions[0].box_xyxy == (0.25, 0.25, 0.5, 0.5)
        assert served.paths() == [CHAT] * 3


def test_a_way_that_is_set_is_not_left() -> None:
    for method in ("decisions", "logprobs"):
        with opened(OpenAIServer(decisions=False, logprobs=0), method=method) as (backend, _):
            assert "answers 40" in backend.ask(picture(), [YES])[0].problem


def test_a_server_that_refused_everything_is_asked_all_ways_again() -> None:
    down = [True]
    server = OpenAIServer()

    def answer(request: Request) -> Reply:
        return error(404, "The model is not loaded yet") if down else server(request)

    with opened(answer) as (backend, served):
        assert backend.ask(picture(), [YES])[0].problem.endswith("answers 404: The model is not loaded yet")
        down.clear()
        assert backend.ask(picture(), [YES])[0].probabilities == pytest.approx({"yes": 0.8, "no": 0.2})
        assert served.paths()[-1] == DECISIONS


def test_questions_go_out_side_by_side_but_never_more_than_allowed() -> None:
    server, lock = OpenAIServer(decisions=False), threading.Condition()
    now, most = [0], [0]

    def answer(request: Request) -> Reply:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
            lock.notify_all()
            lock.wait_for(lambda: most[0] >= 3, timeout=20)
        reply = server(request)
        with lock:
            now[0] -= 1
        return reply

    with opened(answer, method="logprobs", parallel=3) as (backend, _):
        assert [a.problem for a in backend.ask(picture(), MANY)] == [""] * len(MANY)
    assert most[0] == 3


SHAPES = ((224, 224), (640, 480), (300, 900), (97, 61))


@pytest.mark.parametrize("size", SHAPES, ids=str)
@pytest.mark.parametrize("form", ["thousandths", "pixels", "relative", "any_json", "gemini"])
def test_a_square_is_found_within_one_pixel_in_each_convention(form: str, size: tuple[int, int]) -> None:
    width, height = size
    side = min(size) // 3
    with opened(OpenAIServer(form=form), coordinates=form, image_side=0) as (backend, _):
        for left, top in ((0, 0), (width // 4, height // 2), (width - side, height - side)):
            rgb = np.full((height, width, 3), 150, np.uint8)
            rgb[top : top + side, left : left + side] = (200, 20, 20)
            (region,) = backend.ask(Frame("f", 0.0, rgb), [Question("ground", "the red square")])[0].regions
            found = [value * size[i % 2] for i, value in enumerate(region.box_xyxy)]
            assert found == pytest.approx([left, top, left + side, top + side], abs=1.0)


@pytest.mark.parametrize("form", ["thousandths", "pixels", "relative"])
def test_boxes_of_a_picture_that_was_made_smaller_are_those_of_the_frame(form: str) -> None:
    rgb = np.full((480, 640, 3), 150, np.uint8)
    rgb[120:240, 160:320] = (200, 20, 20)
    with opened(OpenAIServer(form=form), coordinates=form, image_side=320) as (backend, served):
        (region,) = backend.ask(Frame("f", 0.0, rgb), [Question("ground", "the red square")])[0].regions
        assert shown(served.requests[-1])[0].shape == (240, 320, 3)
    assert region.box_xyxy == pytest.approx((0.25, 0.25, 0.5, 0.5), abs=1 / 320)


def test_a_box_is_as_sure_as_the_tokens_it_is_written_with() -> None:
    ground = Question("ground", "the red square")
    for logprobs, sure, requests in ((20, pytest.approx(0.9), 2), (-1, 1.0, 2), (0, 1.0, 3)):
        with opened(OpenAIServer(logprobs=logprobs)) as (backend, served):
            for _ in range(2):
                assert backend.ask(picture(), [ground])[0].regions[0].confidence == sure
            assert len(served.requests) == requests


def shown(request: Request) -> list[np.ndarray]:
    parts = request.json["messages"][-1]["content"]
    return [looking.pixels(p["image_url"]["url"].partition(",")[2]) for p in parts if p["type"] == "image_url"]


def test_pictures_arrive_as_they_are_with_the_level_of_detail() -> None:
    with opened(OpenAIServer(), method="logprobs", detail="low") as (backend, served):
        backend.ask(picture(), [YES])
        assert (shown(served.requests[0])[0] == picture().rgb).all()
        (image,) = [p for p in served.requests[0].json["messages"][-1]["content"] if p["type"] == "image_url"]
        assert image["image_url"]["detail"] == "low"
        assert image["image_url"]["url"].startswith("data:image/png;base64,")


def test_jpeg_is_smaller_and_nearly_the_same() -> None:
    with opened(OpenAIServer(), method="logprobs", image_format="jpeg", jpeg_quality=95) as (backend, served):
        backend.ask(picture(), [YES])
        assert "data:image/jpeg" in served.requests[0].body.decode()
        assert np.abs(shown(served.requests[0])[0].astype(int) - picture().rgb).mean() < 3


def test_earlier_pictures_are_shown_first_each_with_its_age() -> None:
    earlier = tuple(Frame(f"e{i}", float(i), np.full((20, 30, 3), 40 * i, np.uint8)) for i in range(2))
    frame = Frame("now", 3.5, picture().rgb, earlier)
    with opened(OpenAIServer(), method="logprobs") as (backend, served):
        assert backend.ask(frame, [YES])[0].probabilities == SEEN
        parts = served.requests[0].json["messages"][-1]["content"]
        assert [image[0, 0, 0] for image in shown(served.requests[0])] == [0, 40, 150]
    assert [part["text"] for part in parts if part["type"] == "text"][:3] == [
        "Picture 1 of 3, 3.50 s before the last one:",
        "Picture 2 of 3, 2.50 s before the last one:",
        "Picture 3 of 3, the last one:",
    ]


def test_too_many_pictures_are_a_problem_and_none_is_sent() -> None:
    frame = Frame("now", 3.5, picture().rgb, tuple(picture() for _ in range(4)))
    with opened(OpenAIServer(), max_pictures=4) as (backend, served):
        problem = "the question shows 5 pictures, at most 4 are sent (max_pictures)"
        assert backend.ask(frame, [YES])[0].problem == problem
        assert served.requests == []


def test_blurred_frames_keep_only_broad_shapes() -> None:
    rgb = np.zeros((256, 256, 3), np.uint8)
    rgb[::2] = 255  # lines of one pixel, as those of letters
    with opened(OpenAIServer(), method="logprobs", frames="blur") as (backend, served):
        backend.ask(Frame("f", 0.0, rgb), [YES])
        (seen,) = shown(served.requests[0])
    assert seen.shape == rgb.shape
    assert np.ptp(seen) < 30  # of 255


def test_dropped_frames_are_never_sent_and_what_needs_none_is_answered() -> None:
    sound = Question("transcribe", "", audio=b"RIFF")
    with opened(OpenAIServer(), frames="drop", transcribe_model="ear", image_model="painter") as (backend, served):
        questions = [YES, Question("ground", "it"), Question("describe", "it"), Question("imagine", "it"), sound]
        *refused, heard = backend.ask(picture(), questions)
        for answer in refused:
            assert answer.problem == f'no picture is sent to {served.host}: frames = "drop"'
        assert heard.text == "take the red cube"
        assert backend.ask(None, [Question("chat", "Hello")])[0].text
        assert all(b"image" not in request.body for request in served.requests)


def test_a_chat_goes_on_from_what_was_said() -> None:
    history = (("user", "I am Ada."), ("assistant", "Hello, Ada."))
    with opened(OpenAIServer()) as (backend, served):
        answer = backend.ask(None, [Question("chat", "Who am I?", history=history, context="Be brief.")])[0]
        said = served.requests[0].json["messages"]
    assert answer.text == "You said 'I am Ada.'."
    assert [message["role"] for message in said] == ["system", "user", "assistant", "user"]
    assert said[-1]["content"] == "Who am I?\n\nBe brief."


STEP = {"type": "object", "properties": {"skill": {"const": "pick"}, "args": {"type": "object"}}, "required": ["skill"]}
PLAN = Question("plan", "Take the cube.", schema=json.dumps({"type": "array", "items": STEP}))


@pytest.mark.parametrize("formats", [("json_schema", "json_object"), ("json_object",), ()], ids=str)
def test_a_plan_is_asked_for_by_the_best_form_the_server_takes(formats: tuple[str, ...]) -> None:
    with opened(OpenAIServer(formats=formats)) as (backend, served):
        for _ in range(2):
            answer = backend.ask(picture(), [PLAN])[0]
            assert answer.problem == ""
            assert answer.data == looking.PLAN
        last, before = served.requests[-1].json, len(served.requests)
        backend.ask(picture(), [PLAN])
        assert len(served.requests) == before + 1
    assert last.get("response_format", {}).get("type") == (formats[0] if formats else None)
    assert ("JSON Schema" in str(last["messages"])) == ("json_schema" not in formats)


def test_with_concurrency_a_server_is_sent_requests_side_by_side() -> None:
    both, served_both, plain = threading.Barrier(2), threading.Event(), OpenAIServer()

    def answer(request: Request) -> Reply:
        if not served_both.is_set():
            both.wait(60.0)  # nobody comes out before two are in
            served_both.set()
        return plain(request)

    with serving(answer) as served:
        runner = open_backend("openai:test-vlm", {"base_url": f"{served.url}/v1", "timeout": 30.0, "concurrency": 2})
        with Broker(runner, stepped=False) as broker:
            tickets = [broker.ask(YES, replace(picture(), id=f"p#{number}"), 0.0) for number in range(4)]
            broker.flush(0.0)
            while not all(ticket.done for ticket in tickets):
                select.select([broker.descriptor], [], [], 60.0)
                broker.collect(0.0)
                broker.flush(0.0)
    assert [ticket.answer.problem for ticket in tickets if ticket.answer is not None] == [""] * 4
    assert served.paths() == [DECISIONS] * 4


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
def test_a_schema_is_enforced_strictly_where_it_can_be(closed: bool) -> None:
    schema = {"type": "object", "properties": {"skill": {"type": "string"}}, "required": ["skill"]}
    schema |= {"additionalProperties": False} if closed else {}
    with opened(OpenAIServer()) as (backend, served):
        backend.ask(None, [Question("plan", "Go.", schema=json.dumps(schema))])
        backend.ask(picture(), [Question("plan", "Go.", schema=json.dumps(schema))])
        sent = served.requests[0].json["response_format"]["json_schema"]
    assert sent["strict"] is closed
    assert sent["schema"] == schema


@pytest.mark.parametrize(
    ("choices", "written", "meant"),
    [
        (("B", "C", "D"), "B", "C"),
        (("B", "C", "D"), " b.", ""),
        (("B", "C", "D"), "D", "D"),
        (("A", "B"), "b", "B"),
        (("x", "b"), "b", "b"),
        (("B. Brown", "A. Black"), "B. Brown", "B. Brown"),
        (("red", "blue"), "B: blue", "blue"),
        (("red", "blue"), "Blue.", "blue"),
        (("red", "blue"), "I see a cube.\n</think>\n\nB", "blue"),
        (("red", "blue"), "<think>red?</think>B", "blue"),
    ],
)
def test_the_letter_that_a_choice_was_listed_under_goes_before_a_choice_of_that_text(
    choices: tuple[str, ...], written: str, meant: str
) -> None:
    with opened(writes(*[written] * 4), **SAMPLED) as (backend, _):
        answer = backend.ask(picture(), [Question("choice", "Which bin is the cup in?", choices)])[0]
    assert answer.text == f"4 samples: {meant or 'neither'} 4"


def test_a_thought_whose_opening_the_server_wrote_itself_is_no_answer() -> None:
    words = Question("describe", "What is there?")
    with opened(writes("Okay, I see a mug.\n</think>\n\nA mug.")) as (backend, _):
        assert backend.ask(picture(), [words])[0].text == "A mug."


def test_a_plan_whose_words_hold_a_fence_is_read_as_a_whole() -> None:
    for said in ("use ```json {} ``` here", "end with </think>"):
        with opened(writes(json.dumps({"say": said}))) as (backend, _):
            answer = backend.ask(picture(), [Question("plan", "Say it.")])[0]
        assert (answer.data, answer.problem) == ({"say": said}, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Sure! Here is the plan.", "the plan is no JSON"),
        ('[{"skill": "fly"}]', "the plan does not obey its schema: the plan[0].skill is 'fly', must be 'pick'"),
        (
            '{"answer": [{"skill": "pick", "args": 3}]}',
            "the plan does not obey its schema: the plan[0].args is no object",
        ),
        ('[{"skill": NaN}]', "NaN is no number of JSON"),
        ('```json\n[{"skill": "pick"}]\n```', ""),
        ('<think>I could [] or</think>[{"skill": "pick"}]', ""),
        ('I could [] or</think>```json\n[{"skill": "pick"}]\n```', ""),
    ],
)
def test_a_plan_that_is_none_is_a_problem(text: str, problem: str) -> None:
    reply = Reply(body={"choices": [{"message": {"content": text}, "finish_reason": "stop"}]})
    with opened(lambda _: reply) as (backend, _):
        answer = backend.ask(picture(), [PLAN])[0]
    assert problem in answer.problem
    assert bool(problem) == bool(answer.problem)


def test_pictures_are_made_from_words_and_from_a_frame() -> None:
    with opened(OpenAIServer(), image_model="painter", image_size="1024x1024") as (backend, served):
        made, edited = (backend.ask(frame, [Question("imagine", "a tidy table")])[0] for frame in (None, picture()))
        assert served.paths() == ["/v1/images/generations", "/v1/images/edits"]
        assert served.requests[0].json == {"model": "painter", "prompt": "a tidy table", "size": "1024x1024"}
    assert made.image is not None
    assert edited.image is not None
    assert made.image.shape == (8, 16, 3)
    assert (made.image[0, 0, 0], edited.image[0, 0, 0]) == (100, 200)
    assert made.model == "painter"


@pytest.mark.parametrize("data", ["", "x", "bm8gcGljdHVyZQ==", 3, None])
def test_a_picture_that_is_none_is_a_problem(data: object) -> None:
    with opened(lambda _: Reply(body={"data": [{"b64_json": data}]}), image_model="painter") as (backend, _):
        assert "picture" in backend.ask(None, [Question("imagine", "a table")])[0].problem


def test_tokens_and_money_of_a_request_are_shared_by_its_answers() -> None:
    prices = {"usd_per_million_in": 2.0, "usd_per_million_out": 10.0, "usd_per_image": 0.04}
    with opened(OpenAIServer(), image_model="painter", **prices) as (backend, _):
        answers = backend.ask(picture(), [*MANY[:3], Question("describe", "Describe it."), Question("imagine", "it")])
    typed, said, made = answers[:3], answers[3], answers[4]
    assert [answer.tokens for answer in typed] == [34, 33, 33]
    assert sum(answer.cost for answer in typed) == pytest.approx(100 * 2.0 / 1e6)
    assert (said.tokens, said.cost) == (107, pytest.approx((100 * 2.0 + 7 * 10.0) / 1e6))
    assert (made.tokens, made.cost) == (30, pytest.approx((10 * 2.0 + 20 * 10.0) / 1e6 + 0.04))


@pytest.mark.parametrize("wait", ["0", "0.01"])
def test_what_may_pass_is_tried_again_as_often_as_configured(wait: str) -> None:
    server, left = OpenAIServer(), [2]

    def answer(request: Request) -> Reply:
        if left[0]:
            left[0] -= 1
            return error(429 if left[0] else 503, "slow down", {"retry-after": wait})
        return server(request)

    with opened(answer, retries=2) as (backend, served):
        assert backend.ask(picture(), [YES])[0].problem == ""
        assert served.paths() == [DECISIONS] * 3
    left[0] = 2
    with opened(answer, retries=1) as (backend, served):
        assert "answers 503" in backend.ask(picture(), [YES])[0].problem
        assert len(served.requests) == 2


def test_each_kind_of_question_has_its_own_deadline() -> None:
    questions = [YES, Question("plan", "Take it."), Question("imagine", "a table")]
    times = {"timeout": 0.3, "plan_timeout": 0.4, "media_timeout": 0.5}
    with opened(misbehaving.raw(misbehaving.hangs), image_model="painter", **times) as (backend, served):
        problems = [answer.problem for answer in backend.ask(picture(), questions)]
        assert not served.done.is_set()
    assert problems == [f"no answer from {served.host} within {seconds} s" for seconds in (0.3, 0.4, 0.5)]


def test_what_is_asked_in_another_way_does_not_wait_for_slower_questions() -> None:
    """The way to ask is found out while a picture is painted, which takes until everything else is answered."""
    server, answered = OpenAIServer(decisions=False), threading.Event()

    def answer(request: Request) -> Reply:
        if request.path == "/v1/images/edits":
            answered.wait(60.0)
        reply = server(request)
        if request.path == CHAT:
            answered.set()
        return reply

    with opened(answer, image_model="painter", media_timeout=120.0) as (backend, _):
        yes, table = backend.ask(picture(), [YES, Question("imagine", "a table")])
        assert answered.is_set()
    assert (yes.problem, table.problem) == ("", "")
    assert yes.probabilities == SEEN


def test_further_fields_of_the_request_are_sent() -> None:
    extra = {"chat_template_kwargs": {"enable_thinking": False}}
    with opened(OpenAIServer(), method="logprobs", extra_body=extra) as (backend, served):
        assert backend.ask(picture(), [YES])[0].problem == ""
        assert served.requests[0].json["chat_template_kwargs"] == {"enable_thinking": False}


def test_the_key_is_sent_to_whom_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with opened(OpenAIServer()) as (backend, served):
        backend.ask(picture(), [YES])
        assert KEY not in str(served.requests)  # the address is that of the settings: the usual key is not for it
    with opened(OpenAIServer(key=KEY), api_key_env="OPENAI_API_KEY") as (backend, served):
        assert backend.ask(picture(), [YES])[0].problem == ""
    with serving(OpenAIServer(key=KEY)) as served:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{served.url}/v1")
        backend = BACKENDS.get("openai").open(BackendOptions("test-vlm", {"timeout": 60.0}))
        assert backend.ask(picture(), [YES])[0].problem == ""
        backend.close()
