"""Questions about two pictures: words to meaning and back, and what is true of both."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knothole.vlm.facts import BEFORE, COLORS, SHAPES, UNSEEN_PAIRS, FrameFacts, ObjectFact
from knothole.vlm.language.comparing import compare
from knothole.vlm.language.comparisons import COMPARED_ALONE, COMPARISONS
from knothole.vlm.language.grammar import PREDICATES, Meaning, Thing, judge, parse, phrase, phrases
from knothole.vlm.training.comparing import comparisons


def fact(name: str, u: float, x: float = 0.5, **more: object) -> ObjectFact:
    """An object whose box lies around column ``u`` and whose center stands at ``x``, ``u`` [m]."""
    color, shape = name.split()
    o = ObjectFact(shape, color, (u - 0.05, 0.4, u + 0.05, 0.6), 1.0, 300, 1.0, (x, u, 0.02), (0.05,) * 3)
    return replace(o, **more)  # type: ignore[arg-type]


RED, BLUE, CAN = fact("red cube", 0.2), fact("blue cube", 0.5), fact("green can", 0.8)
TABLE = FrameFacts((RED, BLUE, CAN))
HIDDEN = replace(BLUE, pixels=0, visible_fraction=0.0, box_xyxy=(0.0,) * 4)
FAINT = replace(BLUE, pixels=12, visible_fraction=0.1)
FALLEN = replace(CAN, upright=False)


def after(*objects: ObjectFact, same: tuple[int, ...] = (0, 1, 2)) -> FrameFacts:
    return FrameFacts(objects, same=same)


SAME = after(RED, BLUE, CAN)
MOVED = after(fact("red cube", 0.35), BLUE, CAN)
NUDGED = after(fact("red cube", 0.215), BLUE, CAN)
SHAKEN = after(fact("red cube", 0.203), BLUE, CAN)
COVERED = after(RED, HIDDEN, CAN)
FEINT = after(RED, FAINT, CAN)
TIPPED = after(RED, BLUE, FALLEN)
GONE = after(RED, CAN, same=(0, 2))
NEW = after(RED, BLUE, CAN, fact("white ball", 0.95), same=(0, 1, 2, -1))
NEW_HIDDEN = after(RED, BLUE, CAN, replace(HIDDEN, color="white"), same=(0, 1, 2, -1))
SWAPPED = after(fact("blue cube", 0.2), fact("red cube", 0.5), CAN, same=(1, 0, 2))
ALIKE = after(RED, BLUE, CAN, fact("red cube", 0.95), same=(0, 1, 2, -1))


NAMES = {"SAME": SAME, "MOVED": MOVED, "NUDGED": NUDGED, "SHAKEN": SHAKEN, "COVERED": COVERED, "FEINT": FEINT}
NAMES |= {"TIPPED": TIPPED, "GONE": GONE, "NEW": NEW, "NEW_HIDDEN": NEW_HIDDEN, "SWAPPED": SWAPPED, "ALIKE": ALIKE}


def shown(what: object) -> str:
    return next((name for name, facts in NAMES.items() if facts is what), str(what))


@pytest.mark.parametrize(
    ("text", "last", "yes"),
    [
        ("Did the red cube move?", MOVED, True),
        ("Did the blue cube move?", MOVED, False),
        ("Did the red cube move between the two images?", SAME, False),
        ("Did the red cube move?", NUDGED, None),
        ("Did the red cube move?", SHAKEN, False),
        ("Did the blue cube move?", COVERED, None),
        ("Did the blue cube move?", FEINT, None),
        ("Did the can move?", TIPPED, None),
        ("Did the cube move?", MOVED, None),
        ("Did the red cube move?", ALIKE, None),
        ("Did the blue cube move?", GONE, None),
        ("Did the white ball move?", NEW, None),
        ("Did the red cube move?", SWAPPED, True),
        ("Is the red cube still in the same place?", MOVED, False),
        ("Is the red cube where it was before?", SAME, True),
        ("Did anything move?", MOVED, True),
        ("Did anything move?", SWAPPED, True),
        ("Did anything move?", SAME, False),
        ("Did anything move?", COVERED, None),
        ("Did anything move?", GONE, None),
        ("Did anything move?", NEW, None),
        ("Did the blue cube disappear?", GONE, True),
        ("Did the red cube disappear?", GONE, False),
        ("Did the red cube disappear?", MOVED, False),
        ("Did the blue cube disappear?", COVERED, None),
        ("Did the white ball disappear?", SAME, None),
        ("Did something disappear?", GONE, True),
        ("Did something disappear?", MOVED, False),
        ("Did something disappear?", COVERED, None),
        ("Did a white ball appear?", NEW, True),
        ("Did a white ball appear?", SAME, False),
        ("Did a red cube appear?", SAME, False),
        ("Did a red cube appear?", ALIKE, None),
        ("Is something new there?", NEW, True),
        ("Is something new there?", NEW_HIDDEN, None),
        ("Did a white cube appear?", NEW_HIDDEN, None),
        ("Did the red cube move?", NEW_HIDDEN, False),
        ("Is something new there?", GONE, False),
        ("Are the things arranged the same in both images?", SAME, True),
        ("Are the things arranged the same in both images?", SHAKEN, True),
        ("Are the things arranged the same in both images?", FEINT, True),
        ("Are the things arranged the same in both images?", MOVED, False),
        ("Are the things arranged the same in both images?", GONE, False),
        ("Are the things arranged the same in both images?", NEW, False),
        ("Are the things arranged the same in both images?", NUDGED, None),
        ("Are the things arranged the same in both images?", COVERED, None),
    ],
    ids=shown,
)
def test_truth_of_two_pictures(text: str, last: FrameFacts, yes: bool | None) -> None:
    meaning = parse(text)
    assert meaning is not None
    verdict = compare(meaning, TABLE, last)
    assert (verdict and verdict.yes) == yes
    assert judge(meaning, last) is None


def test_what_is_hard_to_see_is_decided_by_the_plain_truth_where_that_is_wanted() -> None:
    for text, last, yes in (
        ("Did the blue cube move?", COVERED, False),
        ("Did anything move?", NEW, False),
        ("Did anything move?", NUDGED, False),
        ("Is something new there?", NEW_HIDDEN, True),
        ("Did a red cube appear?", ALIKE, True),
    ):
        meaning = parse(text)
        assert meaning is not None
        verdict = compare(meaning, TABLE, last, lenient=True)
        assert verdict is not None
        assert verdict.yes == yes, text


def test_objects_are_told_apart_by_their_number_where_no_label_says_which_is_which() -> None:
    verdict = compare(Meaning("any_appeared"), TABLE, replace(NEW, same=()))
    assert verdict is not None
    assert (verdict.yes, verdict.evidence) == (True, (3,))


@pytest.mark.parametrize(
    ("meaning", "last", "evidence"),
    [
        (Meaning("moved", Thing("red", "cube")), SWAPPED, (BEFORE, 1)),
        (Meaning("any_moved"), SWAPPED, (BEFORE + 1, BEFORE, 0, 1)),
        (Meaning("disappeared", Thing("blue", "cube")), GONE, (BEFORE + 1,)),
        (Meaning("appeared", Thing("white", "ball")), NEW, (3,)),
        (Meaning("appeared", Thing("white", "ball")), SAME, ()),
        (Meaning("same"), SAME, None),
    ],
    ids=shown,
)
def test_an_answer_says_where_it_is_to_be_seen(
    meaning: Meaning, last: FrameFacts, evidence: tuple[int, ...] | None
) -> None:
    verdict = compare(meaning, TABLE, last)
    assert verdict is not None
    assert verdict.evidence == evidence


plain = st.builds(Thing, st.sampled_from(("", *COLORS)), st.sampled_from(SHAPES))
meanings = st.one_of(
    st.sampled_from(sorted(COMPARED_ALONE)).map(Meaning),
    st.builds(Meaning, st.sampled_from(sorted(set(COMPARISONS) - COMPARED_ALONE)), plain),
)


@given(meanings, st.integers(0, 2**32))
def test_every_wording_is_understood_as_what_was_meant(meaning: Meaning, seed: int) -> None:
    for text in (*phrases(meaning), phrase(meaning, random.Random(seed), usual=0.0)):
        assert parse(text) == meaning, text


def test_every_meaning_is_asked_in_several_ways_and_none_is_about_one_picture() -> None:
    for predicate in COMPARISONS:
        meaning = Meaning(predicate) if predicate in COMPARED_ALONE else Meaning(predicate, Thing("red", "cube"))
        assert len(phrases(meaning)) >= 5
    assert not set(COMPARISONS) & set(PREDICATES)


def test_questions_of_training_are_true_and_balanced_where_something_happened() -> None:
    words, said = random.Random(0), []
    for last in (SAME, MOVED, GONE, NEW, SWAPPED, COVERED) * 20:
        for one in comparisons(TABLE, last, words, 8):
            assert parse(one.question) == one.meaning
            assert compare(one.meaning, TABLE, last) == one.verdict
            assert one.answer == ("Yes" if one.verdict.yes else "No")
            said.append(one)
    assert {one.meaning.predicate for one in said} == set(COMPARISONS)
    assert 0.35 < sum(one.answer == "Yes" for one in said) / len(said) < 0.65
    assert {"moved", "same arrangement", "anything moved"} < {one.kind for one in said}


def test_training_never_names_the_pairs_that_only_measuring_does() -> None:
    color, shape = sorted(UNSEEN_PAIRS)[0]
    first = FrameFacts((fact(f"{color} {shape}", 0.2), BLUE))
    last = FrameFacts((fact(f"{color} {shape}", 0.4), BLUE), same=(0, 1))
    words = random.Random(0)
    drawn = [one for _ in range(30) for one in comparisons(first, last, words, 8)]
    measured = [one for _ in range(30) for one in comparisons(first, last, words, 8, measuring=True)]
    assert not any(f"{color} {shape}" in one.question for one in drawn)
    assert any(f"{color} {shape}" in one.question for one in measured)
