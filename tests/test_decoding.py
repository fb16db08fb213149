"""Promises of writing by a JSON Schema: what local models write obeys it, and a wrong schema is told, not obeyed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import AutoTokenizer

from knothole.tests import tiny_checkpoints
from knothole.tests.contracts.backends import picture
from knothole.vlm.contract import BACKENDS, BackendOptions
from knothole.vlm.decoding.constraint import Constraint, Vocabulary, json_processor, likeliest
from knothole.vlm.decoding.enforcing import Enforcer
from knothole.vlm.decoding.grammar import LONGEST, SchemaError, boxes_grammar, json_grammar
from knothole.vlm.embedded import weights
from knothole.vlm.questions import Question

STEP = {
    "type": "object",
    "properties": {"skill": {"enum": ["pick", "home"]}, "count": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["skill", "count"],
    "additionalProperties": False,
}
STEPS = {"type": "array", "items": STEP, "minItems": 1, "maxItems": 2}
UP = {"up": {"type": "boolean"}}
CLOSED = {"type": "object", "properties": UP, "required": ["up"], "additionalProperties": False}
REFUSED = [
    ("[1]", "the JSON Schema is no object"),
    ("true", "the JSON Schema is no object"),
    ("{not json", "the JSON Schema is no JSON"),
    ("[" * 100_000, "the JSON Schema is no JSON"),
    ('{"type": "objekt"}', "the JSON Schema cannot be read: Invalid type: objekt"),
    ('{"properties": 3}', "the JSON Schema cannot be read: properties must be an object"),
    ('{"$ref": "http://127.0.0.1/schema"}', "the JSON Schema cannot be read: Resource"),
    ('{"$ref": "#/nowhere"}', "the JSON Schema cannot be read: Pointer"),
    ('{"type": "string", "pattern": "("}', "the JSON Schema cannot be read: regex parse error"),
    ('{"not": {"type": "string"}}', 'the JSON Schema has words that cannot be enforced: ["not"]'),
    ('{"type": "array", "uniqueItems": true}', 'words that cannot be enforced: ["uniqueItems"]'),
    ('{"type": "integer", "minimum": 5, "maximum": 3}', "nothing obeys the JSON Schema: minimum (5) is greater"),
    ('{"type": "array", "minItems": 2, "maxItems": 1}', "nothing obeys the JSON Schema: minItems (2) is greater"),
    ('{"enum": []}', "nothing obeys the JSON Schema"),
    ('{"description": "' + "x" * LONGEST + '"}', "characters long, at most"),
    ('{"items":' * 300 + "{}" + "}" * 300, "the JSON Schema cannot be read: recursion limit"),
]


@pytest.mark.parametrize(("schema", "why"), REFUSED, ids=[row[0][:40] for row in REFUSED])
def test_a_schema_that_nothing_can_be_held_to_is_told(schema: str, why: str) -> None:
    with pytest.raises(SchemaError) as caught:
        json_grammar(schema)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(weights())


def fits(tokenizer: Any, grammar: str, text: str) -> bool:
    """Tell whether a text may be written by a grammar, and may end where it ends."""
    rule = Constraint(Vocabulary(tokenizer, [tokenizer.eos_token_id]), grammar)
    for token in [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]:
        if rule.allow(torch.zeros(len(tokenizer)))[token] != 0 or rule.problem:
            return False
        rule.take(token)
    return not rule.problem


WRITTEN = [
    (STEPS, '[{"skill":"pick","count":3}]', True),
    (STEPS, '[\n  {\n    "skill": "home",\n    "count": 1\n  }\n]', True),
    (STEPS, "[]", False),
    (STEPS, '[{"skill":"pick"}]', False),
    (STEPS, '[{"skill":"place","count":3}]', False),
    (STEPS, '[{"skill":"pick","count":12}]', False),
    (STEPS, "```json\n[]\n```", False),
    (CLOSED, '{"up":true}', True),
    (CLOSED, '{"up":true,"down":false}', False),
    ({}, "[1, 2", False),
    ({}, f"[1,{' ' * 200}2]", False),
    ({}, '{"é":"漢字 \\n"}', True),
]


@pytest.mark.parametrize(("schema", "text", "good"), WRITTEN, ids=range(len(WRITTEN)))
def test_only_what_obeys_may_be_written(tokenizer: Any, schema: dict[str, Any], text: str, good: bool) -> None:
    assert fits(tokenizer, json_grammar(schema), text) is good


@pytest.mark.parametrize(
    ("form", "text", "good"),
    [
        ("thousandths", '[{"bbox_2d": [1, 2, 3, 4], "label": "cup"}]', True),
        ("thousandths", '```json\n[\n\t{"bbox_2d": [1, 2, 3, 4], "label": "cup"}\n]\n```', True),
        ("thousandths", '[{"point_2d": [1, 2], "label": "cup"}]', True),
        ("thousandths", "[]", True),
        ("thousandths", '[{"bbox_2d": [1, 2, 3], "label": "cup"}]', False),
        ("thousandths", "There is none.", False),
        ("pixels", '[{"bbox_2d": [1.5, 2, 3, 4], "label": "cup"}]', False),
        ("relative", '[{"bbox_2d": [0.5, 0.25, 1.0, 1], "label": "cup"}]', True),
        ("gemini", '[{"box_2d": [1, 2, 3, 4], "label": "cup"}]', True),
    ],
)
def test_boxes_are_written_in_the_form_of_the_family(tokenizer: Any, form: str, text: str, good: bool) -> None:
    grammar = boxes_grammar(form)
    assert grammar is not None
    assert fits(tokenizer, grammar, text) is good


@pytest.mark.parametrize("form", ["paligemma", "florence", "molmo", "moondream", ""])
def test_forms_of_tokens_are_left_alone(form: str) -> None:
    assert boxes_grammar(form) is None


def test_the_likeliest_token_is_the_likeliest_of_those_that_may_come_and_keeps_its_own_probability(tokenizer: Any):
    rule = Constraint(Vocabulary(tokenizer, [tokenizer.eos_token_id]), json_grammar({"type": "boolean"}))
    logits = torch.zeros(len(tokenizer) + 32)  # weights are padded to a round number
    (true,) = tokenizer("t", add_special_tokens=False)["input_ids"]
    logits[5], logits[-1], logits[true] = 9.0, 9.0, 1.0
    chances = logits.softmax(-1)
    assert likeliest(logits, None) == (5, pytest.approx(float(chances[5])))
    assert likeliest(logits, rule) == (true, pytest.approx(float(chances[true])))
    assert not rule.problem
    rule.take(true)  # no "tt"
    assert "cannot be held to its JSON Schema" in rule.problem


def test_a_schema_without_an_end_is_a_problem_and_no_endless_text(tokenizer: Any) -> None:
    endless = {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}
    rule = Constraint(Vocabulary(tokenizer, [tokenizer.eos_token_id]), json_grammar(endless))
    token, _ = likeliest(torch.zeros(len(tokenizer)), rule)
    assert rule.problem or token == tokenizer.eos_token_id


def test_it_is_a_logits_processor_of_transformers(tmp_path: Path) -> None:
    """Any model of transformers writes by it: here one that has learned nothing at all."""
    backend = BACKENDS.get("transformers").open(BackendOptions(str(tiny_checkpoints.make("qwen3_vl", tmp_path))))
    engine = backend.engine
    inputs = engine.inputs(engine.see(None), "Is it?")
    opening = inputs["input_ids"].shape[1]
    made = json_processor(json.dumps(CLOSED), engine.tokenizer, engine.ends, opening)
    out = engine.model.generate(
        **inputs, max_new_tokens=200, do_sample=False, logits_processor=[made], eos_token_id=sorted(engine.ends)
    )
    text = engine.decode(out[0, opening:].tolist(), special=False)
    jsonschema.validate(json.loads(text), CLOSED)
    assert not made.problem
    backend.close()


def test_the_page_about_backends_says_how(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "writing-a-backend.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(from knothole\.vlm\.decoding.*?)^```", page, flags=re.M | re.S)
    backend = BACKENDS.get("qwen").open(BackendOptions(str(tiny_checkpoints.make("qwen3_vl", tmp_path))))
    vision = backend.vision
    inputs = vision.tokenizer(vision.frame(0)[0] + "Where?", return_tensors="pt")
    written: list[str] = []

    class Model:
        """Writes a few words more, and keeps them."""

        @staticmethod
        def generate(**given: Any) -> None:
            out = vision.model.generate(**given, max_new_tokens=20, do_sample=False)
            written.append(vision.tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))

    exec(
        program,
        {
            "tokenizer": vision.tokenizer,
            "model": Model,
            "inputs": inputs,
            "prompt_length": inputs["input_ids"].shape[1],
        },
    )
    assert written[0] in ('"left"', '"right"')
    backend.close()


CASES = ("qwen2_5_vl", "qwen3_vl", "smolvlm", "smolvlm alone")


@pytest.fixture(scope="module", params=CASES)
def untrained(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Backends over models that have learned nothing, in all ways in which they write."""
    folder = tmp_path_factory.mktemp("model")
    if request.param.startswith("qwen"):
        name, source, more = "qwen", tiny_checkpoints.make(request.param, folder), {}
    else:
        name, source = "transformers", tiny_checkpoints.make_other("smolvlm", folder)
        more = {"share": "never"} if "alone" in request.param else {}
    backend = BACKENDS.get(name).open(BackendOptions(str(source), {"max_tokens": 400, "box_tokens": 48, **more}))
    yield backend
    backend.close()


def test_models_that_have_learned_nothing_write_plans_that_obey(untrained: Any) -> None:
    schemas = [CLOSED, {"enum": ["left", "right"]}, STEPS, {"const": {"a": [1, None]}}]
    asked = [Question("plan", f"Go {number}.", schema=json.dumps(schema)) for number, schema in enumerate(schemas)]
    answers = untrained.ask(picture(), [*asked, Question("yes_no", "Is it?"), Question("describe", "Say.")])
    for answer, schema in zip(answers, schemas, strict=False):
        assert answer.problem == ""
        jsonschema.validate(answer.data, schema)
    assert answers[4].p("yes") + answers[4].p("no") + answers[4].neither == pytest.approx(1.0)


def test_models_that_have_learned_nothing_write_boxes_that_can_be_read(untrained: Any) -> None:
    (answer,) = untrained.ask(picture(), [Question("ground", "every cup", all=True)])
    assert answer.text.startswith(("[", "```json"))


def test_a_wrong_schema_is_a_problem_of_its_question_alone(untrained: Any) -> None:
    wrong, good = untrained.ask(
        picture(),
        [Question("plan", "Go.", schema='{"not": {}}'), Question("plan", "Go.", schema=json.dumps(CLOSED))],
    )
    assert wrong.problem == 'the JSON Schema has words that cannot be enforced: ["not"]'
    assert good.problem == ""


def test_without_the_constraint_what_is_written_is_checked(tmp_path: Path) -> None:
    source = str(tiny_checkpoints.make("qwen3_vl", tmp_path))
    question = Question("plan", "Go.", schema=json.dumps(CLOSED))
    for name in ("qwen", "transformers"):
        backend = BACKENDS.get(name).open(BackendOptions(source, {"max_tokens": 12, "constrained": False}))
        (answer,) = backend.ask(picture(), [question])
        assert answer.problem.startswith(("the plan is no JSON", "the plan does not obey its schema"))
        backend.close()


def test_a_tokenizer_that_cannot_be_read_leaves_the_model_free() -> None:
    class Strange:
        """Has tokens, and no way to tell them."""

    question = Question("plan", "Go.", schema=json.dumps(CLOSED))
    enforcer = Enforcer(Strange(), [0])
    assert enforcer.constraint(question) is None
    assert enforcer.fault(question) == ""
    with pytest.raises(SchemaError, match="the tokens of a Strange cannot be read"):
        Vocabulary(Strange(), [0])

    class Broken:
        """Has a tokenizer without any token."""

        backend_tokenizer = Tokenizer(models.BPE())

    assert Enforcer(Broken(), [7]).constraint(question) is None
