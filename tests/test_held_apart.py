"""Wordings that no training uses: they are new to the language, and they say what was meant."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knothole.tests.instructed import instructions
from knothole.vlm import training
from knothole.vlm.language import held_apart
from knothole.vlm.language.grammar import Thing
from knothole.vlm.language.held_apart import apart_phrases, phrase_apart, wordings
from knothole.vlm.language.instructions import (
    ACTS,
    CLOSINGS,
    OPENINGS,
    WORDINGS,
    Instruction,
    has_taught_word,
    instruction_phrases,
    parse_instruction,
)


@settings(deadline=None, max_examples=200)
@given(instructions, st.integers(0, 2**32))
def test_no_held_apart_wording_is_of_the_language_of_the_training(meant: Instruction, seed: int) -> None:
    rng = random.Random(seed)
    for text in (*apart_phrases(meant), *(phrase_apart(meant, rng) for _ in range(4))):
        assert parse_instruction(text) is None, text
        assert has_taught_word(text), text
        assert "{" not in text
        assert text[0].isupper()


@settings(deadline=None)
@given(instructions)
def test_a_held_apart_wording_names_the_things_that_are_meant(meant: Instruction) -> None:
    things = [thing for thing in (meant.a, meant.b) if thing is not None]
    for text in apart_phrases(meant):
        for thing in things:
            assert thing.color in text
            assert thing.shape in text


def test_every_act_has_held_apart_wordings_and_none_is_a_wording_of_the_training() -> None:
    assert set(held_apart.WORDINGS) == set(ACTS)
    for act, mine in held_apart.WORDINGS.items():
        assert len(mine) >= 2
        assert len(set(mine)) == len(mine)
        assert not set(mine) & set(WORDINGS[act])
    assert not set(held_apart.OPENINGS) & set(OPENINGS)
    assert not set(held_apart.CLOSINGS) & set(CLOSINGS)


@pytest.mark.parametrize("shape", ["tray", "bowl", "plate", "cube"])
def test_a_held_apart_wording_has_the_preposition_of_its_place(shape: str) -> None:
    meant = Instruction("put", Thing("red", "can"), Thing("", shape))
    texts = " ".join(wordings(meant))
    assert ("on {b}" in texts) == (shape in ("plate", "cube"))
    assert ("in {b}" in texts) == (shape in ("tray", "bowl"))
    assert not set(apart_phrases(meant)) & set(instruction_phrases(meant))


def test_nothing_in_the_training_can_know_the_held_apart_wordings() -> None:
    folder = Path(training.__file__).parent
    files = list(folder.rglob("*.py"))
    assert len(files) > 10
    for file in (*files, folder.parent / "language" / "instructions.py", folder.parent / "language" / "planning.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom | ast.Import):
                names = [alias.name for alias in node.names]
                names.append(getattr(node, "module", None) or "")
                assert not any("held_apart" in name for name in names), file
