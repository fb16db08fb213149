"""Promises of the probe: it finds out how boxes are written, and what it measured is used."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from knothole.app.models.probing import probe
from knothole.app.settings.backend_settings import settings_of
from knothole.app.settings.config import Config
from knothole.tests import tiny_checkpoints
from knothole.tests.servers.loopback import serving
from knothole.tests.servers.openai_server import OpenAIServer
from knothole.tests.test_grounding_formats import FORMS, written_box, written_point
from knothole.vlm.capabilities import Capabilities, find_capabilities, write_capabilities
from knothole.vlm.contract import BACKENDS, BackendError, BackendOptions
from knothole.vlm.grounding_format import read_boxes
from knothole.vlm.probing import SIDES, TIMES, measure
from knothole.vlm.questions import Answer, Frame, Question, Region


class Writes:
    """A model that sees the square and writes its box in one form, read by its backend in another."""

    name, model, kinds, remote = "writes", "writes@1", frozenset(("yes_no", "ground", "plan", "chat")), False

    def __init__(self, form: str, read_as: str = "", most_pictures: int = 1, most_pixels: int = 10**9) -> None:
        self.form, self.read_as = form, read_as or form
        self.most_pictures, self.most_pixels = most_pictures, most_pixels
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        assert frame is not None
        self.seconds += 0.25
        height, width = frame.rgb.shape[:2]
        problem = ""
        if len(frame.earlier) >= self.most_pictures:
            problem = "too many pictures"
        if height * width > self.most_pixels:
            problem = "too large"
        return [Answer(q.kind, problem=problem) if problem else self._answer(frame, q) for q in questions]

    def _answer(self, frame: Frame, question: Question) -> Answer:
        if question.kind == "yes_no":
            return Answer("yes_no", probabilities={"yes": 0.9, "no": 0.1})
        if question.kind == "plan":
            return Answer("plan", text='{"skill": "home"}', data={"skill": "home"})
        if question.kind == "chat":
            return Answer("chat", problem="it is rude")
        height, width = frame.rgb.shape[:2]
        rows, columns = (frame.rgb[:, :, 1] < 100).nonzero()
        box = (columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height)
        box = tuple(float(value) for value in box)
        if self.form == "molmo":
            text = written_point("molmo", (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, (width, height))
        else:
            text = written_box(self.form, box, (width, height))
        try:
            found = read_boxes(text, self.read_as, (width, height))
        except ValueError as error:
            return Answer("ground", text=text, problem=str(error))
        return Answer("ground", regions=tuple(Region(b.box_xyxy, "it", 1.0, b.point_uv) for b in found), text=text)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("form", [form for form in FORMS if form != "any_json"])
def test_the_form_of_the_boxes_is_found(form):
    found = measure(Writes(form))
    assert found.capabilities.coordinates == form
    assert found.capabilities.coordinates_error < 0.003
    assert found.own_error < 0.003
    assert [one.scene for one in found.placed] == [(448, 448), (672, 448), (448, 672)]


def test_a_backend_that_reads_its_boxes_wrongly_is_found_out():
    found = measure(Writes("gemini", read_as="thousandths"))
    assert found.capabilities.coordinates == "gemini"
    assert found.own_error > 0.1


def test_a_model_that_sees_no_square_is_not_measured_for_it():
    class Blind(Writes):
        def _answer(self, frame: Frame, question: Question) -> Answer:
            if question.kind == "ground":
                return Answer(
                    "ground", regions=(Region((0.0, 0.0, 0.1, 0.1), "it"),), text='{"bbox_2d": [0,0,100,100]}'
                )
            return super()._answer(frame, question)

    found = measure(Blind("thousandths"))
    assert found.capabilities.coordinates is None
    assert "coordinates are not measured" in found.notes[0]
    assert "ground" in found.capabilities.kinds


def test_kinds_sizes_numbers_and_times_are_measured():
    backend = Writes("thousandths", most_pictures=4, most_pixels=1000 * 1000)
    found = measure(backend, clock=backend.now).capabilities
    assert found.kinds == ("ground", "plan", "yes_no")
    assert found.images == 4
    assert found.image_side == max(side for side in SIDES if side * side * 3 // 4 <= 1000 * 1000)
    assert (found.latency, found.latency_p95) == (0.25, 0.25)
    assert found.plans == "text"
    assert TIMES >= 20


def test_the_table_says_what_was_not_measured():
    class Silent(Writes):
        def _answer(self, frame: Frame, question: Question) -> Answer:
            return Answer(question.kind, problem="no")

    text = str(measure(Silent("thousandths")))
    assert "kinds                 none" in text
    assert "latency, median       not measured" in text
    assert "note: no yes/no question of the probe was answered" in text


def test_a_local_model_tells_its_tokens_of_yes_and_no(tmp_path):
    folder = tiny_checkpoints.make_other("smolvlm", tmp_path / "smol")
    backend = BACKENDS.get("transformers").open(BackendOptions(str(folder), {"max_tokens": 2, "box_tokens": 2}))
    facts = backend.capability_facts()
    assert {"yes", "Yes"} <= set(facts["yes"])
    assert {"no", " No"} <= set(facts["no"])
    assert facts["logprobs"] > 300


def test_what_was_measured_of_a_checkpoint_is_used_for_that_checkpoint_alone(tmp_path):
    folder, file = tiny_checkpoints.make_other("smolvlm", tmp_path / "smol"), tmp_path / "capabilities.json"
    settings = {"capabilities": str(file)}
    opened = BACKENDS.get("transformers").open
    plain = opened(BackendOptions(str(folder), settings))
    assert plain.form == "any_json"
    write_capabilities(file, Capabilities("transformers", plain.model, coordinates="gemini"))
    assert opened(BackendOptions(str(folder), settings)).form == "gemini"
    assert opened(BackendOptions(str(folder), {**settings, "coordinates": "relative"})).form == "relative"
    write_capabilities(file, Capabilities("transformers", plain.model))
    assert opened(BackendOptions(str(folder), settings)).form == "any_json"
    file.write_text("{")
    with pytest.raises(BackendError, match="not JSON"):
        opened(BackendOptions(str(folder), settings))


def test_measurements_beside_the_configuration_reach_a_checkpoint_of_any_family(tmp_path):
    config = Config(file=tmp_path / "knothole.toml", backends={"transformers": {"device": "cpu"}})
    assert settings_of(config, "transformers") == {"device": "cpu"}
    write_capabilities(tmp_path / "capabilities.json", Capabilities("transformers", "smol@1"))
    kept = str(tmp_path / "capabilities.json")
    assert settings_of(config, "transformers") == {"device": "cpu", "capabilities": kept}
    assert settings_of(config, "qwen") == {}


def test_settings_of_the_broker_and_of_the_firewall_do_not_keep_a_backend_from_being_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with serving(OpenAIServer()) as served:
        block = f'[backends.openai]\nbase_url = "{served.url}/v1"\ntimeout = 60\n'
        (tmp_path / "knothole.toml").write_text(f"{block}firewall = false\nconcurrency = 2\npatience = 20\n")
        found = probe("openai:test-vlm")
    assert "yes_no" in found.capabilities.kinds


def test_the_command_prints_a_table_and_keeps_the_measurements(tmp_path: Path) -> None:
    script = {"Is there a red square?": "yes", "the red square": {"box": [0.1, 0.2, 0.3, 0.4]}}
    (tmp_path / "answers.yaml").write_text(json.dumps(script), encoding="utf-8")
    line = [sys.executable, "-m", "knothole.cli", "vlm", "probe", "scripted:answers.yaml"]
    done = subprocess.run([*line, "--json"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["backend"] == "scripted"
    assert "yes_no" in told["kinds"]
    kept = find_capabilities(tmp_path / "capabilities.json", "scripted", told["model"])
    assert kept is not None
    assert kept.latency == told["latency"]
    (tmp_path / "capabilities.json").unlink()
    block = "[backends.scripted]\nfirewall = false\nconcurrency = 2\npatience = 20\n"
    (tmp_path / "knothole.toml").write_text(block, encoding="utf-8")
    done = subprocess.run([*line, "--dry"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "latency, median" in done.stdout
    assert not (tmp_path / "capabilities.json").exists()
    done = subprocess.run([*line[:-1], "oracle"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "fix:  take a model" in done.stderr
