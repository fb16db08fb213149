"""Instructions: words to meaning and back, and from a meaning and a picture to steps that reach the goal."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knothole.behaviors.means.skills import DEFAULT_SKILLS, mistakes, skills
from knothole.vlm.facts import COLORS, LOOSE_SHAPES, SHAPES, FrameFacts, ObjectFact
from knothole.vlm.language.grammar import Meaning, Thing, judge
from knothole.vlm.language.instructions import (
    ACTS,
    THEM,
    Instruction,
    instruction_phrases,
    parse_instruction,
    phrase_instruction,
)
from knothole.vlm.language.matching import HOLDERS, carried_by, is_loose, matches
from knothole.vlm.language.phrases import EVERY_LOOSE
from knothole.vlm.language.planning import DONE, Plan, plan
from knothole.vlm.language.reading import parse_query
from knothole.vlm.language.same_plan import equivalent

colors = st.sampled_from(COLORS)
plain = st.builds(Thing, st.sampled_from(("", *COLORS)), st.sampled_from(SHAPES))
places = st.builds(Thing, st.sampled_from(("", *COLORS)), st.sampled_from(HOLDERS))
several = st.one_of(
    st.just(EVERY_LOOSE),
    st.builds(lambda c: Thing(c, every=True), colors),
    st.builds(lambda c, s: Thing(c, s, every=True), st.sampled_from(("", *COLORS)), st.sampled_from(LOOSE_SHAPES)),
    st.builds(lambda c: Thing(c, group="loose", every=True), colors),
    st.builds(lambda s, p: Thing("", s, every=True, where="out", place=p), st.sampled_from(LOOSE_SHAPES), places),
)
instructions = st.one_of(
    st.builds(lambda a, b: Instruction("put", a, b), plain, plain),
    st.builds(lambda a, b: Instruction("put", a, b), several, places),
    st.builds(lambda a: Instruction("fetch", a), plain),
    st.builds(lambda a: Instruction("look", a), plain),
    st.builds(lambda b: Instruction("empty", None, b), places),
    st.builds(lambda c, s: Instruction("stack", Thing(c, s, every=True)), colors, st.sampled_from(("cube", "can"))),
    st.just(Instruction("stack", THEM)),
    st.sampled_from(("tidy", "sort", "hello", "home")).map(Instruction),
)


def thing(color: str, shape: str, u: float, support: int = -1, relation: str = "table", **more: object) -> ObjectFact:
    box = (u, 0.4, u + 0.05, 0.6)
    made = ObjectFact(shape, color, box, 1.0, 300, 1.0, (0.5, u, 0.0), (0.05,) * 3, relation, support)  # type: ignore[arg-type]
    return replace(made, **more)  # type: ignore[arg-type]


@st.composite
def tables(draw: st.DrawFn) -> FrameFacts:
    """Tables of up to six things, some of them in, on or under each other, one perhaps in the hand."""
    objects: list[ObjectFact] = []
    for k in range(draw(st.integers(0, 6))):
        shape, color = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(COLORS[:4]))
        below = [i for i, o in enumerate(objects) if o.shape in (*HOLDERS, "cube", "can") and o.relation != "held"]
        taken = {o.support for o in objects}
        free = [i for i in below if objects[i].shape in HOLDERS or i not in taken]
        support, relation = -1, "table"
        if shape in LOOSE_SHAPES and free and draw(st.booleans()):
            support = draw(st.sampled_from(free))
            relation = "in" if objects[support].shape in ("tray", "bowl") else "on"
        elif shape in LOOSE_SHAPES and draw(st.integers(0, 9)) == 0 and all(o.relation != "held" for o in objects):
            relation = "held"
        objects.append(thing(color, shape, draw(st.integers(0, 90)) / 100 + k * 0.001, support, relation))
    return FrameFacts(tuple(objects), robot_visible=True)


def carry_out(facts: FrameFacts, made: Plan) -> FrameFacts:
    """Run the steps of a plan as a perfect robot would."""
    objects = list(facts.objects)

    def find(words: str) -> int:
        meant = parse_query(words)
        assert meant is not None, words
        found = matches(meant, FrameFacts(tuple(objects)))
        assert found, f"{words}: {[o.name for o in objects]}"
        return found[0]

    for skill, _, words in made.steps:
        held = next((i for i, o in enumerate(objects) if o.relation == "held"), None)
        if skill == "pick":
            if held is not None:
                objects[held] = replace(objects[held], relation="table", support=-1)
            i = find(words)
            assert objects[i].loose, f"{words} cannot be picked"
            assert all(o.support != i for o in objects), f"something lies on {words}"
            objects[i] = replace(objects[i], relation="held", support=-1)
        elif skill == "place":
            assert held is not None, "there is nothing to place"
            at = find(words)
            flat = objects[at].shape in HOLDERS
            assert flat or all(o.support != at for o in objects), f"{words} is taken"
            relation = "in" if objects[at].shape in ("tray", "bowl") else "on"
            objects[held] = replace(objects[held], relation=relation, support=at)  # type: ignore[arg-type]
    return replace(facts, objects=tuple(objects))


def reached(meant: Instruction, before: FrameFacts, after: FrameFacts) -> bool:
    """Tell whether what an instruction asked for is true afterwards."""
    objects = after.objects
    if meant.act == "put" and meant.a is not None and meant.a.every:
        first = [i for i in matches(replace(meant.a, group="any"), before) if before.objects[i].loose]
        place = matches(meant.b, before)[0]  # type: ignore[arg-type]
        return all(carried_by(objects, i, place) for i in first if i != place)
    if meant.act == "put":
        verdict = judge(Meaning("in", meant.a, meant.b), after, lenient=True)
        return verdict is not None and bool(verdict.yes)
    if meant.act == "tidy":
        return not any(is_loose(objects, i, bare=True) or o.relation == "held" for i, o in enumerate(objects))
    if meant.act == "stack":
        things = matches(replace(meant.a, every=False), after)  # type: ignore[type-var]
        supports = [objects[i].support for i in things]
        return len(set(supports)) == len(supports) and sum(s in things for s in supports) == len(things) - 1
    if meant.act == "fetch":
        return any(objects[i].relation == "held" for i in matches(meant.a, after))  # type: ignore[arg-type]
    if meant.act == "empty":
        place = matches(meant.b, before)[0]  # type: ignore[arg-type]
        return not any(carried_by(objects, i, place) for i in range(len(objects)))
    if meant.act == "sort":
        homes = {o.color: i for i, o in enumerate(objects) if o.shape in HOLDERS}
        return all(
            carried_by(objects, i, homes[o.color]) for i, o in enumerate(objects) if o.loose and o.color in homes
        )
    return after == before


@settings(deadline=None)
@given(instructions, st.integers(0, 2**32))
def test_every_wording_is_understood_as_what_was_meant(meant: Instruction, seed: int) -> None:
    rng = random.Random(seed)
    for text in (*instruction_phrases(meant), phrase_instruction(meant, rng, usual=0.0)):
        assert parse_instruction(text) == meant, text


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused_without_fault(text: str) -> None:
    assert parse_instruction(text) is None or isinstance(parse_instruction(text), Instruction)


@settings(max_examples=300, deadline=None)
@given(instructions, tables())
def test_the_steps_of_a_plan_reach_the_goal(meant: Instruction, facts: FrameFacts) -> None:
    made = plan(meant, facts)
    if made is None:
        return
    assert [bool(made.steps), bool(made.ask), bool(made.cannot)].count(True) == 1
    if made.steps:
        assert mistakes(made.data, skills(DEFAULT_SKILLS), 60) == []
        assert reached(meant, facts, carry_out(facts, made)), made.text
        if made.steps == (("say", "text", DONE),):
            assert reached(meant, facts, facts)


@settings(deadline=None)
@given(instructions, tables())
def test_an_instruction_that_fits_several_things_is_asked_back(meant: Instruction, facts: FrameFacts) -> None:
    subjects = [t for t in (meant.a, meant.b) if t is not None and not t.every]
    made = plan(meant, facts, lenient=True)
    counts = [len(matches(t, facts)) for t in subjects]
    if counts and max(counts) > 1 and min(counts) > 0 and made is not None:
        assert not made.steps
    if counts and counts[0] == 0:
        assert made is not None
        assert made.cannot


TABLE = FrameFacts(
    (
        thing("blue", "tray", 0.1),
        thing("red", "cube", 0.3),
        thing("green", "can", 0.5),
        thing("yellow", "ball", 0.5, support=2, relation="on"),
        thing("blue", "cube", 0.7),
        thing("white", "plate", 0.9),
    ),
    robot_visible=True,
)


def steps(text: str, facts: FrameFacts = TABLE) -> object:
    meant = parse_instruction(text)
    assert meant is not None, text
    made = plan(meant, facts)
    assert made is not None, text
    if made.steps:
        return " | ".join(" ".join(w for w in (skill, words) if w) for skill, _, words in made.steps)
    return made.data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Put the red cube into the blue tray.", "pick the red cube | place the blue tray"),
        ("put red cube in tray", "pick the red cube | place the blue tray"),
        ("Please bring me the ball!", "pick the yellow ball"),
        ("Hand over the can", "pick the yellow ball | place the blue tray | pick the green can"),
        ("Stack the red cube on the blue cube.", "pick the red cube | place the blue cube"),
        ("Stack the cubes", "pick the blue cube | place the red cube"),
        (
            "Put every can onto the plate.",
            "pick the yellow ball | place the white plate | pick the green can | place the white plate",
        ),
        ("Sort by color", "pick the blue cube | place the blue tray"),
        ("Look at the plate", "look_at the white plate"),
        ("Say hello.", "say Hello."),
        ("Go home", "home"),
        ("Empty the plate", f"say {DONE}"),
        ("Put the cube into the tray", {"ask": "Which cube: the red one or the blue one?"}),
        ("Put the red cube into the bowl", {"cannot": "There is no bowl."}),
        ("Put the red cube into the purple bowl", {"cannot": "There is no purple bowl."}),
        ("Put the plate into the tray", {"cannot": "The white plate cannot be picked up."}),
        ("Put the red cube on the ball", {"cannot": "Nothing stays on the yellow ball."}),
        ("Look at the blue object", {"ask": "Which blue object: the tray or the cube?"}),
        ("Stack the balls", {"cannot": "There is only one ball."}),
    ],
    ids=str,
)
def test_instructions_become_plans(text: str, expected: object) -> None:
    assert steps(text) == expected


def test_twins_are_told_apart_by_where_they_are() -> None:
    facts = FrameFacts((*TABLE.objects[:2], thing("red", "cube", 0.6), thing("red", "cube", 0.1, 0, "in")))
    twin = "pick the red cube outside the blue tray | place the blue tray"
    assert steps("Put every red cube into the blue tray", facts) == f"{twin} | {twin}"
    assert steps("Bring me the red cube", facts) == {"ask": "Which red cube?"}


def test_a_thing_that_is_hard_to_see_gives_no_plan_unless_lenient() -> None:
    facts = FrameFacts((TABLE.objects[0], replace(TABLE.objects[1], pixels=9, visible_fraction=0.1)))
    meant = parse_instruction("Clean up the table.")
    assert meant is not None
    assert plan(meant, facts) is None
    assert plan(meant, facts, lenient=True) is not None


@pytest.mark.parametrize("text", ["Make coffee.", "Put the unicorn into the tray.", "", "Bring every cube", "Empty me"])
def test_what_is_no_instruction_of_the_language_is_not_understood(text: str) -> None:
    assert parse_instruction(text) is None


def put(name: str, place: str) -> list[dict[str, object]]:
    return [{"skill": "pick", "args": {"object": name}}, {"skill": "place", "args": {"into": place}}]


RED, GREEN, BALL = (put(name, "the blue tray") for name in ("the red cube", "the green can", "the yellow ball"))


def test_plans_are_equal_whatever_the_order_of_independent_steps() -> None:
    assert equivalent(RED + GREEN, GREEN + RED)
    assert equivalent(put("red cube", "blue tray"), RED)
    assert not equivalent(RED + GREEN, RED)
    assert not equivalent(RED, put("the red cube", "the red tray"))
    assert equivalent({"ask": "Which?"}, {"ask": "Which?"})
    assert not equivalent({"ask": "Which?"}, RED)
    assert not equivalent("tidy", RED)


def test_the_order_counts_where_one_step_needs_another() -> None:
    tower = [*put("the red cube", "the blue cube"), *put("the green cube", "the red cube")]
    assert not equivalent(tower, tower[2:] + tower[:2])
    assert equivalent(BALL + GREEN, GREEN + BALL)
    assert not equivalent(BALL + GREEN, GREEN + BALL, TABLE)


def test_every_act_has_wordings() -> None:
    assert {meant.act for meant in map(parse_instruction, ("Tidy up.", "Hello.")) if meant} == {"tidy", "hello"}
    assert set(ACTS) == {"put", "tidy", "stack", "fetch", "empty", "sort", "look", "hello", "home"}
