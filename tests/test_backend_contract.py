"""The contract suite over all backends that come with the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from knothole.tests import tiny_checkpoints
from knothole.tests.contracts.backends import QUESTIONS, BackendContract, picture
from knothole.tests.servers.gemini_server import GeminiServer
from knothole.tests.servers.loopback import Answer, serving
from knothole.tests.servers.openai_server import OpenAIServer
from knothole.tests.servers.systemone_server import SystemOneServer
from knothole.vlm.cassette_writer import CassetteWriter
from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.recorded import question_data
from knothole.vlm.runner import answer_all
from knothole.vlm.training.export import random_checkpoint

SCRIPT = """\
"Is the red cube on the blue tray?": {yes: 0.9, neither: 0.05}
"What color is the cube?": red
"How full is the tray?": {empty: 0.2, half: 0.7}
"every loose object": [{box: [0.1, 0.2, 0.3, 0.4], label: red cube}, {box: [0.5, 0.5, 0.9, 0.9]}]
"the red cube": {box: [0.1, 0.2, 0.3, 0.4], confidence: 0.8}
"Describe the table.": A red cube.
"Put the cube away.": [{pick: red cube}, home]
"""


def _script(folder: Path) -> BackendOptions:
    (folder / "answers.yaml").write_text(SCRIPT)
    return BackendOptions(str(folder / "answers.yaml"))


def _qwen(folder: Path) -> BackendOptions:
    return BackendOptions(str(tiny_checkpoints.make("qwen2_5_vl", folder)), {"max_tokens": 8, "box_tokens": 8})


def _embedded(folder: Path) -> BackendOptions:
    return BackendOptions(str(random_checkpoint(folder)), {"max_tokens": 8, "box_tokens": 8})


def _transformers(folder: Path) -> BackendOptions:
    return BackendOptions(
        str(tiny_checkpoints.make_other("smolvlm", folder / "smolvlm")), {"max_tokens": 8, "box_tokens": 8}
    )


def _firewall(folder: Path) -> BackendOptions:
    inner = _embedded(folder)
    return BackendOptions(f"embedded:{inner.argument}", {"inner": inner.settings})


def _replay(folder: Path) -> BackendOptions:
    scripted = BACKENDS.get("scripted").open(_script(folder))
    writer = CassetteWriter(folder / "answers.jsonl", "scripted")
    asked = picture()
    for question, answer in zip(QUESTIONS, answer_all(scripted, asked, QUESTIONS), strict=True):
        writer.write(asked.digest(), question_data(question), answer)
    writer.close()
    return BackendOptions(str(folder / "answers.jsonl"))


SAMPLES: dict[str, Callable[[Path], BackendOptions]] = {
    "firewall": _firewall,
    "embedded": _embedded,
    "qwen": _qwen,
    "replay": _replay,
    "scripted": _script,
    "transformers": _transformers,
}
SERVED = ("gemini", "openai", "systemone")
HEARING = ("pocketsphinx", "whisper")
"""They answer what was said and nothing else; see ``test_listen``."""
OURS = [name for name, entry in BACKENDS.items().items() if entry.open.__module__.startswith("knothole.vlm.")]


def test_every_backend_of_the_package_has_a_sample_here():
    assert sorted([*SAMPLES, *SERVED, *HEARING]) == OURS


class _Registered(BackendContract):
    sample = ""

    @classmethod
    def open(cls, folder):
        return BACKENDS.get(cls.sample).open(SAMPLES[cls.sample](folder))

    def test_it_has_its_registered_name(self, backend):
        assert backend.name == self.sample

    def test_the_broker_gives_it_a_latency(self):
        assert BACKENDS.get(self.sample).latency >= 0


class TestScripted(_Registered):
    sample = "scripted"

    @pytest.mark.parametrize("question", QUESTIONS[:-1], ids=lambda q: q.text)
    def test_it_has_an_answer_to_what_its_script_says(self, backend, question):
        assert backend.ask(None, [question])[0].problem == ""


class TestFirewall(_Registered):
    sample = "firewall"


class TestReplay(_Registered):
    sample = "replay"

    def test_it_answers_as_was_recorded_and_knows_nothing_else(self, backend):
        recorded, other = backend.ask(picture(), QUESTIONS[:2]), backend.ask(picture(9, 9), QUESTIONS[:1])
        assert [answer.problem for answer in recorded] == ["", ""]
        assert recorded[0].p("yes") == 0.9
        assert "the picture differs" in other[0].problem


class TestQwen(_Registered):
    sample = "qwen"


class TestEmbedded(_Registered):
    sample = "embedded"


class _Served(_Registered):
    """A backend with the package of the service, real sockets, and a server on the loopback that behaves."""

    server: Answer
    path = ""
    settings: ClassVar[Mapping[str, object]] = {}

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def served(cls):
        with serving(cls.server) as served:
            cls.url = served.url
            yield served

    @classmethod
    def open(cls, folder):
        settings = {"base_url": cls.url + cls.path, "timeout": 60.0, **cls.settings}
        return BACKENDS.get(cls.sample).open(BackendOptions(cls.server.model, settings))

    @pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: f"{q.kind}{'-all' if q.all else ''}")
    def test_it_has_an_answer_to_all_that_it_takes(self, backend, question):
        for answer in backend.ask(picture(), [question] if question.kind in backend.kinds else []):
            assert answer.problem == ""
            assert answer.tokens > 0


class TestOpenAIDecisions(_Served):
    sample, server, path = "openai", OpenAIServer(), "/v1"
    settings: ClassVar = {"image_model": "test-image", "transcribe_model": "test-ear"}


class TestOpenAILogprobs(_Served):
    sample, server, path = "openai", OpenAIServer(decisions=False, form="pixels"), "/v1"
    settings: ClassVar = {"coordinates": "pixels"}


class TestOpenAISampling(_Served):
    sample, server, path = "openai", OpenAIServer(decisions=False, logprobs=0, n=None, formats=(), thinks=True), "/v1"


class TestGeminiDecisions(_Served):
    sample, server = "gemini", GeminiServer()
    settings: ClassVar = {"image_model": "gemini-test"}


class TestGeminiLogprobs(_Served):
    sample, server = "gemini", GeminiServer(decisions=False)


class TestGeminiSampling(_Served):
    sample, server = (
        "gemini",
        GeminiServer(decisions=False, logprobs=None, candidates=False, schemas=False, thinks=True),
    )


class TestSystemOne(_Served):
    sample, server, path = "systemone", SystemOneServer(), "/v1"


class TestTransformers(_Registered):
    sample = "transformers"
