"""The language of questions: words to meaning and back, and what is true of a frame."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knothole.vlm.facts import COLORS, MASK_HAND, SHAPES, FrameFacts, ObjectFact
from knothole.vlm.language.grammar import (
    CHOICES,
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
from knothole.vlm.language.phrases import DOORS

NAMES = tuple(f"{article}{c} {s}" for article in ("the ", "") for c in ("red", "blue") for s in ("cube", "can"))
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


def either(*words: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.permutations(words).map(tuple)


chosen = st.one_of(
    st.builds(
        lambda b, c: Meaning("which_in", b=b, choices=tuple(c)),
        places,
        st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True),
    ),
    st.builds(lambda c: Meaning("which_held", choices=c), either("the red cube", "the blue can", "the ball")),
    st.builds(
        lambda a, c: Meaning("which_posture", a, choices=c),
        plain,
        st.one_of(
            either("upright", "tipped over"), either("standing", "lying"), either("upright", "lying on its side")
        ),
    ),
    st.builds(lambda a, b, c: Meaning("which_side", a, b, choices=c), plain, plain, either("left", "right")),
    st.builds(lambda a, b, c: Meaning("which_depth", a, b, choices=c), plain, plain, either("in front of", "behind")),
    st.builds(
        lambda s, c: Meaning("which_color", Thing("", s), choices=tuple(c)),
        st.sampled_from(SHAPES),
        st.lists(colors(), min_size=2, max_size=5, unique=True),
    ),
)
meanings = st.one_of(
    chosen,
    st.builds(lambda p, w: Meaning(p, word=w), st.sampled_from(("door_open", "door_closed")), st.sampled_from(DOORS)),
    st.builds(lambda a: Meaning("exists", a), described),
    st.builds(lambda a: Meaning("count", a), described),
    st.builds(lambda a, e: Meaning("ground", replace(a, every=e)), described, st.booleans()),
    st.builds(lambda p, a: Meaning(p, a), st.sampled_from(("held", "upright", "tipped", "on_table")), plain),
    st.builds(lambda p, a: Meaning(p, a), st.sampled_from(("empty", "contains")), places),
    st.builds(
        lambda p, a, b: Meaning(p, a, b),
        st.sampled_from(("in", "outside", "under", "left", "right", "front", "behind", "near", "touching")),
        plain,
        plain,
    ),
    st.builds(lambda a, b: Meaning("all_in", replace(a, every=True), b), plain, places),
    st.builds(lambda b: Meaning("all_in", EVERY_LOOSE, b), places),
    st.builds(lambda s, c: Meaning("color", Thing("", s), word=c), st.sampled_from(SHAPES), colors()),
    st.builds(lambda s: Meaning("attribute", Thing("", s), word="color"), st.sampled_from(SHAPES)),
    st.sampled_from(
        ("hand", "robot", "person", "holding_any", "gripper_empty", "gripper_open", "table_empty", "describe")
    ).map(Meaning),
)


@given(meanings, st.integers(0, 2**32))
def test_every_wording_is_understood_as_what_was_meant(meaning: Meaning, seed: int) -> None:
    for text in (*phrases(meaning), phrase(meaning, random.Random(seed), usual=0.0)):
        assert parse(text) == meaning, text


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused_without_fault(text: str) -> None:
    assert parse(text) is None or isinstance(parse(text), Meaning)
    assert parse_query(text) is None or isinstance(parse_query(text), Thing)


WHICH_POSTURE = Meaning("which_posture", Thing("", "bottle"), choices=("upright", "tipped over"))
WHICH_SIDE = Meaning("which_side", Thing("", "mug"), Thing("", "bowl"), choices=("left", "right"))
WHICH_COLOR = Meaning("which_color", Thing("", "cube"), choices=("red", "green", "blue"))
WHICH_IN = Meaning("which_in", b=PLATE, choices=("the red cube", "the blue can"))


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
        ("Is the drawer open?", Meaning("door_open", word="drawer")),
        ("Is the red cube touching the blue tray?", Meaning("touching", Thing("red", "cube"), TRAY)),
        ("Is someone near the table?", Meaning("person")),
        ("Is the bottle upright or tipped over?", WHICH_POSTURE),
        ("is the cup left or right of the bowl", WHICH_SIDE),
        ("What colour is the cube: red, green, or blue?", WHICH_COLOR),
        ("Which one is on the white plate: the red cube or the blue can?", WHICH_IN),
        ("Is the window open?", None),
        ("Is the bottle upright or standing?", None),
        ("Is the bottle upright or red?", None),
        ("What color is the cube: red or red?", None),
        ("Which one is on the white plate: the red cube or the moon?", None),
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


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Which one is on the white plate: the red cube or the red ball?", "the red ball"),
        ("Which one is in the blue tray: red ball, red cube or green can?", "red cube"),
        ("Which one is in the blue tray: the green can or the yellow cube?", None),
        ("Which one is in the red tray: the green can or the red cube?", None),
        ("Is the can upright or tipped over?", "upright"),
        ("Is the ball upright or tipped over?", None),
        ("Is the green can left or right of the white plate?", "left"),
        ("Is the white plate left or right of the green can?", "right"),
        ("Is the white plate in front of or behind the green can?", None),
        ("What color is the can: red, green or blue?", "green"),
        ("What color is the can: red or blue?", None),
        ("What color is the cube: red or blue?", None),
        ("What is the gripper holding: the red cube or the red ball?", None),
    ],
)
def test_questions_that_name_their_answers_get_one_of_them(question: str, text: str | None) -> None:
    meaning = parse(question)
    assert meaning is not None
    assert meaning.predicate in CHOICES
    verdict = judge(meaning, TABLE)
    assert (None if verdict is None else verdict.text) == text


def test_what_is_in_the_gripper_is_chosen_by_name() -> None:
    held = FrameFacts((replace(TABLE.objects[1], relation="held", support=-1), TABLE.objects[2]), robot_visible=True)
    meaning = parse("What is the gripper holding: the green can or the red cube?")
    assert meaning is not None
    verdict = judge(meaning, held)
    assert verdict is not None
    assert (verdict.text, verdict.evidence) == ("the red cube", (0,))
    assert judge(meaning, replace(held, robot_visible=False)) is None


def test_contact_is_what_the_labels_say_and_a_small_gap_is_not_judged() -> None:
    near = replace(fact("blue", "cube", 0.5), xyz=(0.5, 0.5, 0.0))
    touching = FrameFacts((replace(fact("red", "cube", 0.45), xyz=(0.5, 0.45, 0.0), touching=(1,)), near))
    apart = replace(touching, objects=(replace(touching.objects[0], touching=()), near))
    far = replace(apart, objects=(apart.objects[0], replace(near, xyz=(0.5, 0.9, 0.0))))
    question = parse("Are the red cube and the blue cube touching?")
    assert question is not None

    def said(facts: FrameFacts, lenient: bool = False) -> bool | None:
        verdict = judge(question, facts, lenient)
        return None if verdict is None else verdict.yes

    assert [said(facts) for facts in (touching, apart, far)] == [True, None, False]
    assert said(apart, lenient=True) is False
    on_it = judge(Meaning("touching", Thing("yellow", "cube"), Thing("green", "can")), TABLE)
    assert on_it is not None
    assert on_it.yes


@pytest.mark.parametrize(
    ("is_open", "question", "yes"),
    [
        (True, "Is the cupboard open?", True),
        (False, "Is the cupboard open?", False),
        (False, "Is the door closed?", True),
        (None, "Is the cupboard open?", None),
        (True, "Is the drawer open?", None),
    ],
)
def test_a_door_that_cannot_be_seen_has_no_clear_answer(is_open: bool | None, question: str, yes: bool | None) -> None:
    meaning = parse(question)
    assert meaning is not None
    verdict = judge(meaning, replace(TABLE, door_open=is_open))
    assert (None if verdict is None else verdict.yes) == yes
    assert judge(meaning, replace(TABLE, door_open=is_open), lenient=True) is not None


def test_a_person_is_seen_or_not() -> None:
    for near in (True, False):
        verdict = judge(Meaning("person"), replace(TABLE, person_near=near))
        assert verdict is not None
        assert verdict.yes == near


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
