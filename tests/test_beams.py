"""The likeliest description, by the embedded model on pictures of the simulator."""

from __future__ import annotations

import math
from contextlib import ExitStack
from typing import Any

import pytest

from knothole.app.running.stage import open_stage
from knothole.app.settings.config import Config
from knothole.vlm.contract import BACKENDS, BackendError, BackendOptions
from knothole.vlm.decoding.beams import likeliest_text
from knothole.vlm.embedded import SETTINGS
from knothole.vlm.letterbox import Letterbox
from knothole.vlm.local.settings import LocalSettings
from knothole.vlm.questions import Frame, Question

SEEDS = (1, 2, 3, 4)
LIMIT = 120


@pytest.fixture(scope="module")
def backend():
    opened = BACKENDS.get("embedded").open(BackendOptions())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    taken = []
    for seed in SEEDS:
        with ExitStack() as stack:
            stage = open_stage(stack, "panda", "tidy_table", seed, Config())
            assert stage.robot is not None
            taken.append(Frame(f"table#{seed}", 0.0, stage.robot.capture("table").rgb))
    return taken


def _read(backend: Any, frame: Frame) -> tuple[Any, Any, list[int]]:
    """Return the model, what it read of a picture, and the tokens of the question."""
    model = backend.inner._open()
    picture = Letterbox(frame.rgb.shape[1], frame.rgb.shape[0]).pad(frame.rgb)
    return model, model.read([picture], frame.digest()), model.question_ids("Describe the image.", True)


def test_one_beam_takes_the_likeliest_token_each_time(backend, frames):
    for frame in frames:
        model, prefix, row = _read(backend, frame)
        [greedy] = model.write(prefix, [row], [LIMIT])
        one = likeliest_text(model, prefix, row, LIMIT, beams=1)
        assert (one.ids, one.complete) == (greedy.ids, greedy.complete)
        assert one.chances == pytest.approx(greedy.chances, abs=1e-4)


def test_more_beams_find_likelier_texts_on_the_whole(backend, frames):
    gains = []
    for frame in frames:
        model, prefix, row = _read(backend, frame)
        end = model.text_ids("<|im_end|>")
        one, four = (likeliest_text(model, prefix, row, LIMIT, beams) for beams in (1, 4))
        chances = model.text_chances(prefix, [(row, [*text.ids, *end]) for text in (one, four)])
        gains.append(math.log(chances[1] / chances[0]))
    assert sum(gains) >= -1e-3


def test_the_limit_of_tokens_holds(backend, frames):
    model, prefix, row = _read(backend, frames[0])
    short = likeliest_text(model, prefix, row, 3, beams=4)
    assert len(short.ids) == 3
    assert not short.complete


def test_descriptions_are_searched_for_beside_other_questions(backend, frames):
    describe, empty = Question("describe", "Describe the image."), Question("yes_no", "Is the table empty?")
    both = backend.ask(frames[0], [empty, describe])
    model, prefix, row = _read(backend, frames[0])
    best = likeliest_text(model, prefix, row, SETTINGS.max_tokens, SETTINGS.beams)
    assert both[1].text == model.decode(best.ids).strip()
    assert set(both[0].probabilities) == {"yes", "no"}


def test_the_backend_of_other_checkpoints_has_no_such_setting():
    with pytest.raises(BackendError, match="no setting 'beams'"):
        LocalSettings().updated({"beams": 4}, "transformers")
