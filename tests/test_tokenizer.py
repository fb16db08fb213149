"""Which texts the tokenizer of the embedded model keeps whole."""

from __future__ import annotations

import re

import pytest

from knothole.vlm.facts import COLORS, SHAPES
from knothole.vlm.language.wordings import OPENINGS, WORDINGS
from knothole.vlm.training.tokenizer import PIECES, Codec, build_tokenizer


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(build_tokenizer())


def test_the_tokenizer_keeps_numbers_answers_and_json_pieces_whole(codec: Codec) -> None:
    assert all(len(codec.encode(str(i))) == 1 for i in range(1000))
    assert all(len(codec.encode(piece)) == 1 for piece in PIECES)
    assert all(len(codec.encode(w)) == 1 for w in ("Yes", "No", *(f" {v}" for v in (*COLORS, *SHAPES))))
    text = 'Locate the red cube. [{"bbox_2d": [1, 20, 300, 999], "label": "red cube"}]'
    assert codec.tokenizer.decode(codec.encode(text)) == text


def test_every_word_of_the_orders_is_one_token(codec: Codec) -> None:
    texts = [t.format(a="the red cube", b="the blue tray", ns="the cubes") for ts in WORDINGS.values() for t in ts]
    words = {w for text in (*texts, *(f"{o} put it" for o in OPENINGS)) for w in re.findall(r" ?[A-Za-z]+", text)}
    assert [w for w in sorted(words) if len(codec.encode(w)) != 1] == []
