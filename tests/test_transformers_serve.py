"""Our exported checkpoint answers through ``transformers serve``, a server that we have not written."""

from __future__ import annotations

import base64
import importlib.util
import io
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import httpx2
import numpy as np
import openai
import pytest
from PIL import Image

from knothole.tests.contracts.backends import QUESTIONS, BackendContract
from knothole.tests.servers.program import Program
from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.embedded import weights
from knothole.vlm.questions import Frame, Question

pytestmark = pytest.mark.long
COMMAND = Path(__file__).with_name("transformers_serve.py")
NEEDED = ("fastapi", "uvicorn", "accelerate")
PATIENCE = 60.0
"""Seconds until an answer is overdue; one takes less than one."""


class Server:
    """The running server; once it does not answer any more, each later test fails at once."""

    def __init__(self, program: Program, url: str) -> None:
        self.program = program
        self.url = url
        self.problem = ""

    def must_answer(self) -> None:
        if not self.problem:
            try:
                httpx2.get(f"{self.url}/health", timeout=PATIENCE).raise_for_status()
            except httpx2.HTTPError as error:
                self.problem = f"the server does not answer: {error!r}"
        assert self.problem == "", f"{self.problem}\n{self.program.tail()}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"transformers serve needs {', '.join(missing)}")
    where = ["--host", "127.0.0.1", "--port", "0", "--device", "cpu", "--dtype", "float32"]
    line = [sys.executable, str(COMMAND), "serve", str(weights()), *where]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
    with Program(line, tmp_path_factory.mktemp("serve"), environment) as program:
        yield Server(program, program.find(r"running on (http://\S+)")[1])


@pytest.fixture(autouse=True)
def url(server: Server) -> str:
    server.must_answer()
    return server.url


def picture() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    rgb = np.full((192, 192, 3), 150, np.uint8)
    rgb[60:120, 60:120] = (200, 20, 20)
    return rgb


def encoded() -> str:
    out = io.BytesIO()
    Image.fromarray(picture()).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


class _Contract(BackendContract):
    """A backend over this server: it answers, or says why not; what our weights say to its words is another matter."""

    sample = ""
    settings: ClassVar[Mapping[str, object]] = {}

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def served(cls, server: Server) -> None:
        cls.url = server.url

    @classmethod
    def open(cls, folder):
        settings = {"base_url": f"{cls.url}/v1", "timeout": PATIENCE, "plan_timeout": PATIENCE, **cls.settings}
        return BACKENDS.get(cls.sample).open(BackendOptions(str(weights()), settings))

    def test_typed_questions_have_answers(self, backend):
        for answer in backend.ask(Frame("f", 0.0, picture()), QUESTIONS[:3]):
            assert answer.problem == ""


class TestSystemOne(_Contract):
    sample = "systemone"


class TestOpenAI(_Contract):
    """It has neither decisions of OpenAI nor probabilities of tokens, so that samples are what is left."""

    sample = "openai"
    settings: ClassVar = {"samples": 1, "answer_tokens": 4, "max_tokens": 24}


def test_it_decides_with_our_weights_as_we_do(url):
    """Its prompt names the answers, ours does not: what is compared is the prompt of its own, read by our weights."""
    body = {
        "model": str(weights()),
        "state": "[[1]]",
        "assets": {"[[1]]": {"type": "image", "format": "png", "data_base64": encoded()}},
        "questions": {"cube": {"type": "noul", "instructions": "Is there a red cube?"}},
    }
    raw = httpx2.post(f"{url}/v1/systemone", json=body, timeout=PATIENCE).json()
    told = raw["answers"]["cube"]
    assert told["type"] == "noul"
    backend = BACKENDS.get("transformers").open(BackendOptions(str(weights()), {"yes_no_suffix": ""}))
    engine = backend.engine
    sight = engine.see(Frame("f", 0.0, picture()))
    row = engine.row(sight, "\n\nIs there a red cube?\nAnswer Yes or No only.")
    chances = engine.next_chances(sight, [row])[0]
    yes, no = (float(chances[engine.text_ids(word)[0]]) for word in ("Yes", "No"))
    assert told["noul"] == pytest.approx(yes / (yes + no), abs=1e-3)


def test_it_writes_with_our_weights_what_we_write(url):
    words = "Describe the image."
    shown = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded()}"}}
    with openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0, timeout=PATIENCE) as client:
        said = [{"role": "user", "content": [shown, {"type": "text", "text": words}]}]
        answer = client.chat.completions.create(
            model=str(weights()), messages=said, max_tokens=40, temperature=0, stream=False
        )
    here = BACKENDS.get("embedded").open(BackendOptions())
    (mine,) = here.ask(Frame("f", 0.0, picture()), [Question("describe", words)])
    assert answer.choices[0].message.content.strip() == mine.text
