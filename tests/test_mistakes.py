"""A slip of the finger costs seconds: mistakes are told where they are, with the word that was meant as first guess."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

import pytest

from knothole.tests.mistakes import Mistake, mistakes, slip, words_of
from knothole.trees.loader import check_text, library
from knothole.trees.problems import Problem

FILES = sorted(library().glob("*.yaml"))
COUNT = 200


def problems(text: str, file: Path) -> list[Problem]:
    return check_text(text, str(file))


def is_valid(text: str, file: Path) -> bool:
    return not problems(text, file)


class Told(NamedTuple):
    """How a mistake was told.

    Attributes:
        line: A problem is on its line.
        column: One is at its column.
        guess: One on its line has the meant word as its first guess.
        alone: No error is on another line.
    """

    line: bool
    column: bool
    guess: bool
    alone: bool


def told(mistake: Mistake) -> Told:
    word = mistake.word
    found = problems(mistake.text, word.file)
    on_line = [p for p in found if (p.place.file, p.place.line) == (str(word.file), word.line)]
    return Told(
        bool(on_line),
        any(p.place.column == word.column for p in on_line),
        any(p.guess[:1] == (word.meant,) for p in on_line),
        not any(p.severity == "error" and p not in on_line for p in found),
    )


def shares(seed: int) -> tuple[list[float], list[tuple[Mistake, Told]]]:
    """Return the share of mistakes for each field of ``Told``, and the mistakes that lack one."""
    results = [(mistake, told(mistake)) for mistake in mistakes(FILES, COUNT, seed, is_valid)]
    found = [sum(result[i] for _, result in results) / COUNT for i in range(len(Told._fields))]
    return found, [(mistake, result) for mistake, result in results if not all(result)]


@pytest.mark.parametrize("seed", [1, 2])
def test_slips_are_told_where_they_are_with_what_was_meant(seed: int) -> None:
    (line, column, guess, alone), missed = shares(seed)
    assert line >= 0.99, missed
    assert column >= 0.95, missed
    assert guess >= 0.90, missed
    assert alone >= 0.90, missed


def test_the_words_of_a_tree() -> None:
    words = {(w.kind, w.meant, w.line, w.column) for w in words_of(library() / "put_away.yaml")}
    assert {
        ("key", "root", 9, 1),
        ("key", "pick", 12, 11),
        ("name", "$thing", 12, 17),
        ("key", "retry", 15, 7),
    } <= words
    assert {meant for _, meant, _, _ in words} == {
        "knothole", "tree", "inputs", "type", "about", "root", "selector", "sequence", "pick", "$thing", "place",
        "object", "into", "$container", "name", "retry", "say",
    }  # fmt: skip
    assert [word.meant for word in words_of(library() / "clear_plate.yaml") if word.kind == "unit"] == ["500ms", "60s"]


def test_a_slip_changes_one_letter_or_swaps_two() -> None:
    draws = random.Random(0)
    written = {slip("ab", draws) for _ in range(2000)}
    assert {"a", "b", "ba", "aab", "abx", "xb", "ax"} <= written
    assert all(len(word) in (1, 2, 3) and set(word) & {"a", "b"} for word in written)


if __name__ == "__main__":
    for each in range(1, 6):
        found, others = shares(each)
        print(
            f"seed {each}:", ", ".join(f"{field} {share:.1%}" for field, share in zip(Told._fields, found, strict=True))
        )
        for mistake, result in others:
            print(f"    {mistake}: {result}")
