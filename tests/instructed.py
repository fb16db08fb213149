"""Instructions and tables for tests of what is made of them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from knothole.vlm.facts import COLORS, LOOSE_SHAPES, SHAPES, FrameFacts, ObjectFact
from knothole.vlm.language.grammar import Thing
from knothole.vlm.language.instructions import THEM, Instruction
from knothole.vlm.language.matching import HOLDERS
from knothole.vlm.language.phrases import EVERY_LOOSE

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
