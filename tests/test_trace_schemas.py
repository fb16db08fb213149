"""What real runs write into a trace obeys the JSON Schema that the trace declares for it, and has no other fields."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcap.reader import make_reader
from py_trees.common import Status

from knothole.behaviors.node import Leaf, behavior
from knothole.behaviors.ports import Port
from knothole.tests.acting import scene, step
from knothole.tests.calling import call
from knothole.tests.steering import Steered
from knothole.tests.traced import seen_run
from knothole.trees.loader import load_text
from knothole.trees.tracing.amount import Amount
from knothole.trees.tracing.channels import CALIBRATION, CHANNELS

OPEN = ("/interventions",)
"""Channels whose messages have the fields of a command as well."""
FAILS: list[str] = []


@behavior("try_for_the_trace")
class TryForTheTrace(Leaf):
    """Try something that fails as long as it is listed.

    Ports:
        what (in, text, main): What.

    Status:
        SUCCESS: It is not listed.
        FAILURE: It is, and was taken from the list.

    Halt:
        Nothing moves.
    """

    ports = (Port("what", "text", "what", main=True),)

    def step(self) -> Status:
        what = str(self.get("what"))
        if what in FAILS:
            FAILS.remove(what)
            return self.fail(f"{what} slipped")
        return self.succeed()


def closed(schema: Any) -> Any:
    """Return a JSON Schema in which each object that lists its properties has no others."""
    if isinstance(schema, Mapping):
        found = {key: closed(value) for key, value in schema.items()}
        return {**found, "additionalProperties": False} if schema.get("properties") else found
    return [closed(each) for each in schema] if isinstance(schema, list) else schema


def no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def wrong(path: Path, told: Counter[str]) -> list[str]:
    """Return what in a trace does not obey the schemas in the same trace, and count its messages by channel."""
    validators: dict[str, Draft202012Validator] = {}
    found: dict[str, str] = {}
    with path.open("rb") as file:
        for schema, channel, message in make_reader(file, validate_crcs=True).iter_messages():
            assert schema is not None
            assert (schema.encoding, channel.message_encoding) == ("jsonschema", "json")
            if channel.topic not in validators:
                declared = json.loads(schema.data)
                Draft202012Validator.check_schema(declared)
                whole = declared if channel.topic in OPEN else closed(declared)
                validators[channel.topic] = Draft202012Validator(whole)
            told[channel.topic] += 1
            data = json.loads(message.data, parse_constant=no_number)
            for error in validators[channel.topic].iter_errors(data):
                where = f"{channel.topic} {error.json_path.translate(str.maketrans('', '', '0123456789'))}"
                found.setdefault(f"{where} {error.validator}", f"{where}: {error.message[:300]}")
    return sorted(found.values())


def seen(folder: Path) -> Iterator[Path]:
    """Questions, boxes, things in space, pictures that are kept, and dropped."""
    for name, amount, frames in (
        ("whole", None, "keep"),
        ("few", Amount("png", 2.0, 2.0), "drop"),
    ):
        seen_run(folder / f"{name}.mcap", amount, frames)  # type: ignore[arg-type]
        yield folder / f"{name}.mcap"


def planned(folder: Path) -> Iterator[Path]:
    """Plans that fail, are repaired, come to the same again, and are proposed; rules that refuse; a human."""
    text = "root:\n  achieve: {instruction: do it, skills: [try_for_the_trace, say, wait], patience: 2s}\n"
    plans = [[step("try_for_the_trace", what=each) for each in names] for names in ("ab", "bc", "bc", "c")]
    loops = {"do it": {"calls": [*plans[:3], plans[2], plans[3]]}, "*": "yes"}
    FAILS[:] = ["b", "b"]
    human = {"The same plan failed*": ["skip this step"]}
    made = scene(text, loops, trace=folder / "repaired.mcap", human=human, proposals=folder / "p", things="abc")
    assert made.run().status == "SUCCESS"
    FAILS.clear()
    yield folder / "repaired.mcap"
    asked = {"do it": {"ask": "Which it: the red it or the blue it?"}, "do the red it": plans[0]}
    human = {"Which it*": ["the green it", "the red it"]}
    scene(text, asked, trace=folder / "asked.mcap", human=human, things="abc").run()
    yield folder / "asked.mcap"
    text = (
        "root:\n  sequence:\n    - guard: {check: {see: Is it free?}, child: {wait: 200ms}, give_up_after: 1s}\n"
        "    - plan: {instruction: plan it, skills: [say, wait], tree: $plan}\n"
        "    - ask_human: {question: Which?, options: [one, two], answer: $which}\n"
    )
    script = {"Is it free?": {"calls": ["no", "yes"]}, "plan it": [step("wait", duration=0.1)], "*": "yes"}
    scene(text, script, trace=folder / "guarded.mcap", human={"Which?": ["two"]}).run()
    yield folder / "guarded.mcap"


def steered(folder: Path) -> Iterator[Path]:
    """A run that somebody steers, and changes while it goes on."""
    text = (
        "knothole: 1\ntree: t\ninputs: {charge: {type: number, default: 1}}\nroot:\n  sequence:\n    - wait: 200ms\n"
        "    - ask_human: {question: Which?, options: [one, two], answer: $which}\n    - check: $charge > 0.5\n"
    )
    with Steered(text, folder) as run:
        run.send("break", node="t/sequence/check", status="FAILURE", when="$charge < 1", answer=None, once=True)
        run.go("step", ticks=2)
        run.send("set", name="charge", value=0.25)
        run.send("force", node="t/sequence/wait", status="SUCCESS", once=True)
        run.loop.graft("t/sequence", load_text("knothole: 1\ntree: b\nroot:\n  say: grafted\n"), 0)
        run.go("step", ticks=2)
        run.send("unbreak", id=1)
    assert run.path is not None
    yield run.path


def simulated(folder: Path) -> Iterator[Path]:
    """The command line, physics, simulator truth."""
    (folder / "t.yaml").write_text('knothole: 1\ntree: t\nroot:\n  sequence: [see: "Is there a cube?", wait: 100ms]\n')
    line = f"run {folder}/t.yaml --robot panda --scene stack_two --vlm oracle --truth --trace {folder}/sim.mcap --json"
    code, _, err = call(line)
    assert code in (0, 1), err
    yield folder / "sim.mcap"


@pytest.mark.parametrize(
    ("runs", "channels"),
    [
        (seen, {"/frames", "/frames_dropped", "/answers", "/annotations", "/scene", "/joints", "/transforms", "/log"}),
        (planned, {"/plans", "/human", "/blackboard", "/questions", "/replay", "/checkpoint"}),
        (steered, {"/interventions", "/run", "/tree", "/status", "/human"}),
        (simulated, {"/simulated", "/truth", f"{CALIBRATION}table"}),
    ],
    ids=["seen", "planned", "steered", "simulated"],
)
def test_every_message_obeys_the_schema_in_its_trace(runs: Any, channels: set[str], tmp_path: Path) -> None:
    told: Counter[str] = Counter()
    assert {path.name: found for path in runs(tmp_path) if (found := wrong(path, told))} == {}
    assert channels <= set(told)
    assert {topic for topic in told if topic not in CHANNELS} <= {
        "/human",
        "/say",
        "/ground",
        "/doings",
        "/calibration/table",
    }
