"""The language of questions: words to meaning and back, and what is true of a frame."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knothole.vlm.facts import COLORS, MASK_HAND, SHAPES, FrameFacts, ObjectFact
from knothole.vlm.grammar import (
    PREDICATES,
    Meaning,
    Thing,
    caption,
    judge,
    matches,
    parse,
    parse_query,
    phrase,
    phrases,
)

TRAY, PLATE = Thing("blue", "tray"), Thing("white", "plate")
EVERY_LOOSE = Thing(group="loose", every=True)


def fact(
    color: str, shape: str, u: float = 0.5, support: int = -1, relation: str | None = None, **more: object
) -> ObjectFact:
    known = relation or ("table" if support < 0 else "in")
    o = ObjectFact(
        shape, color, (u - 0.05, 0.4, u + 0.05, 0.6), 1.0, 300, 1.0, (0.5, u, 0.0), (0.05,) * 3, known, support
    )
    return replace(o, **more)


TABLE = FrameFacts(
    (
        fact("blue", "tray", 0.2),
        fact("red", "cube", 0.25, support=0),
        fact("green", "can", 0.6),
        fact("white", "plate", 0.8),
        fact("red", "ball", 0.82, support=3, relation="on"),
        fact("yellow", "cube", 0.61, support=2, relation="on"),
    ),
    robot_visible=True,
)


def colors() -> st.SearchStrategy[str]:
    return st.sampled_from(COLORS)


places = st.builds(Thing, st.sampled_from(("", *COLORS)), st.sampled_from(("tray", "bowl", "plate")))
plain = st.builds(Thing, st.sampled_from(("", *COLORS)), st.sampled_from(SHAPES))
described = st.one_of(
    plain,
    st.builds(lambda c: Thing(c), colors()),
    st.builds(lambda t, p, w: replace(t, where=w, place=p), plain, places, st.sampled_from(("in", "out"))),
    st.builds(lambda t: replace(t, where="table"), plain),
    st.just(Thing(group="loose")),
    st.just(Thing(group="container")),
)
meanings = st.one_of(
    st.builds(lambda a: Meaning("exists", a), described),
    st.builds(lambda a: Meaning("count", a), described),
    st.builds(lambda a, e: Meaning("ground", replace(a, every=e)), described, st.booleans()),
    st.builds(lambda p, a: Meaning(p, a), st.sampled_from(("held", "upright", "tipped", "on_table")), plain),
    st.builds(lambda p, a: Meaning(p, a), st.sampled_from(("empty", "contains")), places),
    st.builds(
        lambda p, a, b: Meaning(p, a, b),
        st.sampled_from(("in", "outside", "under", "left", "right", "front", "behind", "near")),
        plain,
        plain,
    ),
    st.builds(lambda a, b: Meaning("all_in", replace(a, every=True), b), plain, places),
    st.builds(lambda b: Meaning("all_in", EVERY_LOOSE, b), places),
    st.builds(lambda s, c: Meaning("color", Thing("", s), word=c), st.sampled_from(SHAPES), colors()),
    st.builds(lambda s: Meaning("attribute", Thing("", s), word="color"), st.sampled_from(SHAPES)),
    st.sampled_from(("hand", "robot", "holding_any", "gripper_empty", "gripper_open", "table_empty", "describe")).map(
        Meaning
    ),
)


@given(meanings, st.integers(0, 2**32))
def test_every_wording_is_understood_as_what_was_meant(meaning: Meaning, seed: int) -> None:
    for text in (*phrases(meaning), phrase(meaning, random.Random(seed), usual=0.0)):
        assert parse(text) == meaning, text


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused_without_fault(text: str) -> None:
    assert parse(text) is None or isinstance(parse(text), Meaning)
    assert parse_query(text) is None or isinstance(parse_query(text), Thing)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Is everything inside the blue tray?", Meaning("all_in", EVERY_LOOSE, TRAY)),
        ("is every loose object in blue tray", Meaning("all_in", EVERY_LOOSE, TRAY)),
        ("ARE ALL RED CUBES IN THE TRAY?!", Meaning("all_in", Thing("red", "cube", every=True), Thing("", "tray"))),
        ("Is a hand inside the workspace?", Meaning("hand")),
        ("Is there a hand in the image?", Meaning("hand")),
        ("Is the gripper holding the red cube?", Meaning("held", Thing("red", "cube"))),
        ("Is the plate empty?", Meaning("empty", Thing("", "plate"))),
        ("Is anything loose left on the table?", Meaning("exists", Thing(group="loose"))),
        ("Is there a red cube on the table?", Meaning("exists", Thing("red", "cube", where="table"))),
        ("Is the weather nice?", None),
        ("Is the red blue cube visible?", None),
        ("", None),
    ],
    ids=str,
)
def test_questions_of_authors_are_understood(text: str, meaning: Meaning | None) -> None:
    assert parse(text) == meaning


@pytest.mark.parametrize(
    ("query", "indices"),
    [
        ("every loose object", (2, 5)),
        ("the red cube", (1,)),
        ("every red object", (1, 4)),
        ("every object on the white plate", (4,)),
        ("all objects outside the blue tray", (2, 5, 3, 4)),
        ("every loose object in the blue tray", (1,)),
        ("every container", (0, 3)),
        ("the purple bottle", ()),
        ("every object on the table", (0, 2, 3)),
    ],
    ids=str,
)
def test_queries_find_the_objects_meant(query: str, indices: tuple[int, ...]) -> None:
    thing = parse_query(query)
    assert thing is not None
    verdict = judge(Meaning("ground", thing), TABLE)
    assert verdict is not None
    assert verdict.indices == indices


@pytest.mark.parametrize(
    ("question", "yes"),
    [
        ("Is there a red cube?", True),
        ("Is there a red can?", False),
        ("Is the red cube inside the blue tray?", True),
        ("Is the red ball in the blue tray?", False),
        ("Is the red ball on the white plate?", True),
        ("Is the green can outside the blue tray?", True),
        ("Is everything inside the blue tray?", False),
        ("Is every red cube in the blue tray?", True),
        ("Is the white plate empty?", False),
        ("Is the yellow cube on the green can?", True),
        ("Is the green can under the yellow cube?", True),
        ("Is the green can to the left of the white plate?", True),
        ("Is the gripper holding anything?", False),
        ("Is the gripper empty?", True),
        ("Is a hand inside the workspace?", False),
        ("Is the cube red?", None),
        ("Is the can green?", True),
        ("Is the red cube on the table?", False),
        ("Is the table empty?", False),
        ("Is the purple bottle in the blue tray?", False),
        ("Is the purple bottle behind the blue tray?", None),
    ],
    ids=str,
)
def test_truth_is_read_from_the_facts(question: str, yes: bool | None) -> None:
    meaning = parse(question)
    assert meaning is not None
    verdict = judge(meaning, TABLE)
    assert (None if verdict is None else verdict.yes) == yes


def test_everything_is_inside_once_no_loose_object_lies_elsewhere() -> None:
    inside = FrameFacts(tuple(o if not o.loose else replace(o, relation="in", support=0) for o in TABLE.objects))
    verdict = judge(Meaning("all_in", EVERY_LOOSE, TRAY), inside)
    assert verdict is not None
    assert verdict.yes
    assert matches(EVERY_LOOSE, inside) == []


def test_nearly_hidden_objects_are_not_asked_about_unless_lenient() -> None:
    facts = FrameFacts((fact("red", "cube", pixels=9, visible_fraction=0.1),))
    meaning = Meaning("exists", Thing("red", "cube"))
    assert judge(meaning, facts) is None
    lenient = judge(meaning, facts, lenient=True)
    assert lenient is not None
    assert lenient.yes


def test_a_hand_is_its_own_evidence() -> None:
    verdict = judge(Meaning("hand"), FrameFacts((), hand_in_workspace=True))
    assert verdict is not None
    assert verdict.evidence == (MASK_HAND,)


@given(meanings)
def test_lenient_truth_never_contradicts_strict_truth(meaning: Meaning) -> None:
    strict, lenient = judge(meaning, TABLE), judge(meaning, TABLE, lenient=True)
    if strict is not None and strict.kind == "yes_no":
        assert lenient is not None
        assert lenient.yes == strict.yes


def test_a_caption_names_all_objects_from_left_to_right() -> None:
    assert caption(TABLE) == (
        "A red cube in a blue tray, a yellow cube on a green can and a red ball on a white plate."
    )
    assert caption(FrameFacts(())) == "The table is empty."


def test_every_predicate_has_a_wording() -> None:
    tray = Meaning("all_in", EVERY_LOOSE, TRAY)
    assert phrases(tray)[0] == "Is everything inside the blue tray?"
    assert "ground" in PREDICATES
