"""Names that tell things apart: short, unique, true of one thing alone, and understood when they come back."""

from __future__ import annotations

import random

import pytest

from knothole.behaviors.leaves.ask_human import option_names
from knothole.behaviors.means.differences import differences, fitting, query_for, question_for
from knothole.behaviors.means.grounded import GroundedObject
from knothole.behaviors.means.lying import support_of
from knothole.behaviors.means.understanding import understand
from knothole.robots.pose import Pose


def thing(
    label: str,
    u: float = 0.5,
    xy: tuple[float, float] = (0.5, 0.0),
    size: tuple[float, float, float] = (0.05, 0.05, 0.05),
    foot: float = 0.0,
    id: int = 0,
) -> GroundedObject:
    """Return what ``ground`` would have measured of a thing."""
    xyz = (*xy, foot + size[2] / 2)
    box = (u - 0.03, 0.4, u + 0.03, 0.5)
    return GroundedObject(label, box, xyz, size, 0.0, Pose(xyz), foot + size[2], 0.0, "table", "table#1", 0.0, id=id)


BOWL = thing("white bowl", 0.8, (0.5, -0.3), (0.16, 0.16, 0.06))
IN_BOWL = thing("red mug", 0.8, (0.5, -0.3), foot=0.01)
TRAY = thing("blue tray", 0.2, (0.5, 0.3), (0.32, 0.23, 0.05))


@pytest.mark.parametrize(
    ("objects", "names"),
    [
        ([thing("red mug", 0.2), thing("blue mug", 0.8)], ["the red one", "the blue one"]),
        ([thing("red mug", 0.2), thing("red ball", 0.8)], ["the mug", "the ball"]),
        ([thing("red mug", 0.2), IN_BOWL], ["the one on the table", "the one in the bowl"]),
        ([thing("red mug", 0.7), thing("red mug", 0.2)], ["the right one", "the left one"]),
        (
            [thing("cup", 0.5), thing("cup", 0.2), thing("cup", 0.8)],
            ["the middle one", "the left one", "the right one"],
        ),
        ([thing("red cube", size=(0.08, 0.08, 0.08)), thing("red cube")], ["the large one", "the small one"]),
        (
            [thing("red cube", xy=(0.4, 0.0)), thing("red cube", xy=(0.6, 0.0))],
            ["the one nearer to me", "the one farther from me"],
        ),
        (
            [thing("red cube", 0.5), thing("red cube", 0.5), thing("blue cube", 0.5)],
            ["the first red one from the left", "the second red one from the left", "the blue one"],
        ),
        (
            [thing(f"{color} can", u) for color, u in (("red", 0.1), ("red", 0.2), ("red", 0.3), ("blue", 0.6))],
            ["the leftmost one", "the middle red one", "the right red one", "the blue one"],
        ),
        ([thing("red cube")], ["the red cube"]),
        ([], []),
    ],
    ids=lambda value: "" if value and isinstance(value[0], GroundedObject) else str(value),
)
def test_the_shortest_difference_names_each(objects, names):
    assert differences(objects, [BOWL]) == names


def test_what_stands_beside_something_is_named_by_it():
    near = thing("red cube", 0.5, (0.5, 0.13))
    row = [near, thing("red cube", 0.5, (0.5, -0.2)), thing("red cube", 0.51, (0.5, -0.1))]
    assert differences(row, [TRAY])[0] == "the one next to the tray"


def test_the_question_names_every_one_and_speaks_as_people_do():
    assert question_for("the cup", [thing("red mug", 0.2), IN_BOWL], [BOWL]) == (
        "Which cup: the one on the table or the one in the bowl?"
    )
    assert question_for("every cup", []) == "Which cup?"


def test_names_do_not_depend_on_the_order_and_are_always_unique():
    rng = random.Random(3)
    for _ in range(200):
        labels = [f"{rng.choice(('red', 'blue', ''))} {rng.choice(('cube', 'mug'))}".strip() for _ in range(5)]
        row = [
            thing(one, rng.random(), (rng.uniform(0.3, 0.7), rng.uniform(-0.3, 0.3)), id=n + 1)
            for n, one in enumerate(labels)
        ]
        names = differences(row, [TRAY, BOWL])
        assert len(set(names)) == 5
        assert [understand(name, names) for name in names] == names
        order = rng.sample(range(5), 5)
        assert differences([row[i] for i in order], [TRAY, BOWL]) == [names[i] for i in order]


def test_what_lies_where_is_told_from_the_measures():
    assert support_of(IN_BOWL, [TRAY, BOWL]) is BOWL
    assert support_of(thing("red mug"), [TRAY, BOWL]) is None
    cube = thing("green cube", xy=(0.4, 0.0))
    assert support_of(thing("red can", xy=(0.4, 0.01), foot=0.05), [cube]) is cube
    assert support_of(thing("red can", xy=(0.4, 0.01), foot=0.2), [cube]) is None


def test_grounding_gets_words_for_a_thing_where_it_has_some():
    cups = [thing("red mug", 0.2), IN_BOWL, thing("blue mug", 0.4)]
    assert [query_for("the cup", cup, cups, [BOWL]) for cup in cups] == [
        "the red mug on the table",
        "the mug in the bowl",
        "the blue mug",
    ]
    assert query_for("the cup", cups[1], cups, [BOWL, thing("red bowl", xy=(0.3, 0.3))]) == "the mug in the white bowl"
    assert query_for("the sprocket", cups[1], cups, [BOWL]) == ""


def test_the_things_that_words_fit_are_found_among_all():
    things = [thing("red mug", 0.2), IN_BOWL, thing("blue mug", 0.4), BOWL]
    assert fitting("the red cup", things) == things[:2]
    assert fitting("every mug in the bowl", things) == [IN_BOWL]
    assert fitting("the container", things) == [BOWL]
    assert fitting("every loose object", [thing("red cube"), *things]) == [thing("red cube")]
    assert fitting("the sprocket", [thing("sprocket")]) == [thing("sprocket")]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("the red one", "the red one"),
        ("red", "the red one"),
        ("Red, please!", "the red one"),
        ("I mean the one in the bowl", "the one in the bowl"),
        ("bowl", "the one in the bowl"),
        ("take the red cup", "the red one"),
        ("2", "the one in the bowl"),
        ("not the red one", None),
        ("the red one in the bowl", None),
        ("the one", None),
        ("the", None),
        ("3", None),
        ("gibberish", None),
        ("", None),
    ],
)
def test_an_answer_means_one_option_or_none(said, meant):
    assert understand(said, ["the red one", "the one in the bowl"]) == meant


@pytest.mark.parametrize(
    ("said", "meant"), [("yes please", "yes"), ("sure", "yes"), ("no thanks", "no"), ("not now", None)]
)
def test_yes_and_no_have_other_words(said, meant):
    assert understand(said, ["yes", "no"]) == meant


def test_options_of_one_label_are_told_apart():
    twins = [thing("red cube", 0.7), thing("red cube", 0.2)]
    assert option_names(twins) == ["the right one", "the left one"]
    assert option_names([twins[0], thing("blue cube")]) == ["red cube", "blue cube"]
    assert option_names([twins[0], twins[1], "none of them"]) == ["red cube", "red cube 2", "none of them"]
