"""The contract suite over ``openai`` and ``systemone`` that speak to our own server, a process with the shipped model.

What comes over the socket equals what the model says when it is asked directly: probabilities to 1e-4, texts and plans
to the letter, boxes to the thousandth that they are written in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import jsonschema
import openai
import pytest

from knothole.app.models.measuring import pictures
from knothole.tests.contracts.backends import BackendContract
from knothole.tests.servers.own_server import by_command, message
from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.questions import Answer, Frame, Kind, Question

KNOWN = (
    Question("yes_no", "Is there a red cube?"),
    Question("yes_no", "Is a hand inside the workspace?"),
    Question("yes_no", "Is the gripper open?"),
    Question("choice", "What color is the cube: red, green or blue?", choices=("red", "green", "blue")),
    Question("ground", "every loose object", all=True),
    Question("ground", "the tray"),
    Question("describe", "Describe the image."),
    Question("plan", "Clean up the table.", schema='{"type": "array"}'),
    Question("plan", "Put the purple bowl into the tray."),
    Question("plan", "Go home.", schema='{"type": "array", "items": {"type": "object"}}'),
)
UNKNOWN = Question("yes_no", "Is the moon made of cheese?")
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with by_command(tmp_path_factory.mktemp("serve")) as (_, told):
        yield f"{told['url']}/v1"


@pytest.fixture(scope="module")
def frame() -> Frame:
    ((made, _),) = pictures(2_100_000, 1)
    return made


@pytest.fixture(scope="module")
def direct(frame: Frame) -> Iterator[dict[Question, Answer]]:
    opened = BACKENDS.get("embedded").open(BackendOptions())
    yield dict(zip((*KNOWN, UNKNOWN), opened.ask(frame, (*KNOWN, UNKNOWN)), strict=True))
    opened.close()


class _Own(BackendContract):
    """A backend behind a real socket; the other end is ``knothole vlm serve``."""

    sample = ""
    settings: ClassVar[Mapping[str, object]] = {}
    spread = False
    """The route has no room for *neither*: it is spread over the allowed answers."""
    kinds: ClassVar[set[Kind]] = {"yes_no", "choice", "ground", "describe", "plan"}

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def served(cls, url: str) -> None:
        cls.url = url

    @classmethod
    def open(cls, folder):
        settings = {"base_url": cls.url, "timeout": 120.0, "plan_timeout": 120.0, **cls.settings}
        return BACKENDS.get(cls.sample).open(BackendOptions("embedded", settings))

    def test_the_answers_are_those_of_the_model(self, backend, frame, direct):
        asked = [question for question in KNOWN if question.kind in self.kinds]
        for question, answer in zip(asked, backend.ask(frame, asked), strict=True):
            self.compare(question, answer, direct[question])

    def compare(self, question: Question, answer: Answer, mine: Answer) -> None:
        assert (answer.problem, mine.problem) == ("", "")
        assert answer.tokens > 0
        if mine.probabilities:
            even = mine.neither / len(mine.probabilities) if self.spread else 0.0
            wanted = {key: p + even for key, p in mine.probabilities.items()}
            assert dict(answer.probabilities) == pytest.approx(wanted, abs=TOLERANCE)
            assert answer.neither == pytest.approx(0.0 if self.spread else mine.neither, abs=TOLERANCE)
        elif question.kind == "ground":
            assert [one.label for one in answer.regions] == [one.label for one in mine.regions]
            for one, other in zip(answer.regions, mine.regions, strict=True):
                assert one.box_xyxy == pytest.approx(other.box_xyxy, abs=0.5e-3 + 1e-6)
        else:
            assert answer.data == mine.data
            assert question.kind == "plan" or answer.text == mine.text

    def test_what_the_model_does_not_know_stays_a_problem(self, backend, frame, direct):
        assert direct[UNKNOWN].problem
        (answer,) = backend.ask(frame, [UNKNOWN])
        assert answer.problem.startswith(f"the model refused: {direct[UNKNOWN].problem[:60]}")


class TestSystemOne(_Own):
    sample, spread = "systemone", True
    kinds: ClassVar = {"yes_no", "choice"}


class TestOpenAIDecisions(_Own):
    sample, spread = "openai", True
    settings: ClassVar = {"method": "decisions"}


class TestOpenAILogprobs(_Own):
    sample = "openai"
    settings: ClassVar = {"method": "logprobs"}


def ask(url: str, words: str, **more: Any) -> Any:
    with openai.OpenAI(base_url=url, api_key="any", max_retries=0, timeout=120) as client:
        return client.chat.completions.create(model="embedded", messages=message(words), **more).choices[0].message


def by_schema(schema: object) -> dict[str, object]:
    return {"type": "json_schema", "json_schema": {"name": "plan", "strict": True, "schema": schema}}


def closed(**properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


STEPS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "anyOf": [
            closed(skill={"const": "home"}, args=closed()),
            closed(skill={"const": "say"}, args=closed(text={"type": "string"})),
        ]
    },
}


def test_answers_obey_the_schema_of_a_request(url):
    said = json.loads(ask(url, "Go home.", response_format=by_schema(STEPS)).content)
    assert said == [{"skill": "home", "args": {}}]
    said = json.loads(ask(url, "Clean up the table.", response_format=by_schema(STEPS)).content)
    jsonschema.validate(said, STEPS)  # though it would rather pick and place
    wrapped = closed(steps=STEPS)
    said = json.loads(ask(url, "Go home.", response_format=by_schema(wrapped)).content)
    assert said == {"steps": [{"skill": "home", "args": {}}]}
    said = json.loads(ask(url, "Go home.", response_format={"type": "json_object"}).content)
    assert said == {"answer": [{"skill": "home", "args": {}}]}


def test_a_schema_that_nothing_can_be_held_to_is_refused_and_the_server_lives_on(url):
    for schema in ({"type": "objekt"}, {"not": {}}, {"enum": []}, {"properties": 3}, {"$ref": "#/nowhere"}):
        with pytest.raises(openai.BadRequestError, match=r"response_format\.json_schema\.schema"):
            ask(url, "Go home.", response_format=by_schema(schema))
    assert json.loads(ask(url, "Go home.", response_format=by_schema(STEPS)).content)
