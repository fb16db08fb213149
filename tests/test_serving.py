"""The embedded model answers as the same weights do in the hands of transformers alone."""

from __future__ import annotations

import pytest

from knothole.benchmarks.vlm import TEXTS, measure


@pytest.mark.long(minutes=0.3)
def test_one_reading_of_a_picture_gives_the_answers_of_separate_calls_of_generate() -> None:
    times, same = measure(1)
    assert same == len(TEXTS)
    assert all(len(taken) == 1 for taken in times.values())
