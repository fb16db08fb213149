"""Facts of skills: how they are read, and what is known after steps that were gone through in thought."""

from __future__ import annotations

import pytest

from knothole.behaviors.means.effects import Fact, FactError, State, parse_fact
from knothole.behaviors.means.skills import DEFAULT_SKILLS, mistakes, skill, skills


def state(*facts: str, **more) -> State:
    return State(map(parse_fact, facts), **more)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("hand_empty", Fact("hand_empty")),
        ("not hand_empty", Fact("hand_empty", (), False)),
        (" inside( red cube , blue tray ) ", Fact("inside", ("red cube", "blue tray"))),
        ("not on(_, plate)", Fact("on", ("_", "plate"), False)),
    ],
)
def test_a_fact_is_read_and_written(text, fact):
    assert parse_fact(text) == fact
    assert parse_fact(str(fact)) == fact


def test_a_fact_about_words_with_marks_can_be_read_again():
    fact = Fact("inside", ("the red, shiny cube (left)", "the tray"))
    assert parse_fact(str(fact)) == Fact("inside", ("the red shiny cube left", "the tray"))
    assert str(Fact("holding", (",",))) == "holding(_)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is no fact\n  fix:  write one such as `inside(object, into)` or `not hand_empty`"),
        ("holding(a", "'holding(a' is no fact\n  fix:  write one such as `inside(object, into)` or `not hand_empty`"),
        ("holdin(a)", None),
        ("inside(a)", "'inside(a)' has 1 things, wanted 2\n  fix:  write it as `inside(a, b)`"),
        ("hand_empty(a)", "'hand_empty(a)' has 1 things, wanted 0\n  fix:  write it as `hand_empty`"),
        ("on(a, )", "'on(a, )' has 2 things, wanted 2\n  fix:  write it as `on(a, b)`"),
    ],
)
def test_a_text_that_is_no_fact_is_refused_with_what_to_write(text, said):
    with pytest.raises(FactError) as caught:
        parse_fact(text)
    assert str(caught.value) == (said or str(caught.value))
    assert said or "did you mean:  holding" in str(caught.value)


@pytest.mark.parametrize(
    ("known", "asked", "told"),
    [
        ([], "hand_empty", None),
        (["hand_empty"], "holding(red cube)", False),
        (["hand_empty"], "holding(_)", False),
        (["not hand_empty"], "holding(_)", True),
        (["not hand_empty"], "holding(red cube)", None),
        (["holding(the red cube)"], "not hand_empty", True),
        (["holding(red cube)"], "holding(The red  cube)", True),
        (["holding(red cube)"], "holding(blue cube)", False),
        (["holding(red cube)"], "inside(red cube, tray)", False),
        (["inside(red cube, tray)"], "inside(red cube, _)", True),
        (["inside(red cube, tray)"], "inside(_, the tray)", True),
        (["inside(red cube, tray)"], "inside(_, bowl)", None),
        (["inside(red cube, bowl)"], "inside(red cube, tray)", None),
        (["inside(red cube, tray)"], "on_table(red cube)", False),
        (["on(red cube, can)"], "on(red cube, plate)", False),
        (["on(red cube, can)"], "clear(can)", False),
        (["on(red cube, can)"], "clear(red cube)", None),
        (["inside(red cube, tray)", "holding(red cube)"], "inside(red cube, tray)", False),
        (["holding(red cube)", "hand_empty"], "holding(red cube)", False),
        (["holding(red cube)", "not holding(red cube)"], "hand_empty", True),
        (["holding(red cube)", "holding(can)"], "holding(red cube)", False),
        (["not inside(can, tray)"], "inside(can, tray)", False),
        (["not inside(can, tray)", "inside(can, tray)"], "inside(can, tray)", True),
        (["clear(can)", "on(cube, can)", "holding(cube)"], "clear(can)", True),
        (["visible(can)"], "visible(can)", True),
        (["not visible(can)"], "visible(can)", False),
    ],
    ids=str,
)
def test_what_follows_is_known_and_nothing_else(known, asked, told):
    assert state(*known).holds(parse_fact(asked)) is told


def test_words_for_one_thing_are_one_thing_where_that_is_known():
    numbers = {"red cube": "1", "crimson block": "1"}
    known = state("holding(red cube)", same=lambda words: numbers.get(words, words))
    assert known.holds(parse_fact("holding(crimson block)")) is True


def test_a_copy_goes_its_own_way():
    one = state("hand_empty")
    other = one.copy()
    other.apply([parse_fact("holding(can)")])
    assert (one.held, other.held) == ("", "can")
    assert [str(fact) for fact in other.facts] == ["not hand_empty", "holding(can)"]


def test_a_fact_about_a_port_that_is_not_filled_is_left_out():
    onto = parse_fact("on(object, onto)")
    assert onto.bound({"object": "red cube"}) is None
    assert onto.bound({"object": "red cube", "onto": "can"}) == Fact("on", ("red cube", "can"))


def test_facts_are_told_in_words():
    assert Fact("inside", ("the can", "_")).words == "the can is in something"
    assert Fact("clear", ("the can",)).contrary.words == "something lies on the can"


def test_skills_come_with_their_facts():
    pick = skill("pick")
    assert pick is not None
    assert [str(fact) for fact in pick.needs] == ["hand_empty", "visible(object)", "clear(object)"]
    assert [str(fact) for fact in pick.effects] == ["holding(object)"]
    assert {name for name, one in skills(DEFAULT_SKILLS).items() if one.effects} == {"pick", "place", "open_gripper"}


def test_a_plan_cannot_fill_a_port_that_takes_no_words():
    assert "roi" not in {port.name for port in skill("see").ports}
    wrong = mistakes([{"skill": "report", "args": {"of": "three"}}], skills(["report"]), 1)
    assert wrong == ["step 1: report has no argument 'of'"]
