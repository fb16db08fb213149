"""What each word of an answer looks at while the embedded model learns to write it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from knothole.vlm.facts import FrameFacts, ObjectFact
from knothole.vlm.language.grammar import Meaning, Thing
from knothole.vlm.language.instructions import Instruction
from knothole.vlm.language.planning import plan
from knothole.vlm.training.packing import pack
from knothole.vlm.training.questions import Asked, ask
from knothole.vlm.training.tasks import asked_to
from knothole.vlm.training.tokenizer import Codec, build_tokenizer

SIDE = 4


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(build_tokenizer())


def _fact(shape: str, color: str, left: float, **more: object) -> ObjectFact:
    box = (left, 0.5, left + 0.1, 0.6)
    made = ObjectFact(shape, color, box, 1.0, 400, 1.0 - left, (left, 0.0, 0.0), (0.05,) * 3)
    return replace(made, **more)


FACTS = FrameFacts(
    (
        _fact("tray", "blue", 0.6),
        _fact("cube", "red", 0.65, support=0, relation="in"),
        _fact("cube", "green", 0.1),
        _fact("can", "green", 0.3, relation="held"),
    ),
    robot_visible=True,
    hand_in_workspace=False,
)
TRAY, RED, GREEN, CAN = range(4)


def _looks(asked: Asked | None, codec: Codec) -> list[tuple[str, tuple[int, ...]]]:
    """Return each word of the answer that decides, with what is looked at before it is said."""
    assert asked is not None
    batch = pack(codec, [[asked]], [FACTS], SIDE, 320)
    said = dict(zip(batch.index.tolist(), batch.target.tolist(), strict=True))
    decided = [look for look in batch.answers if look.weight == 1.0]
    return [(codec.tokenizer.decode([said[look.at]]).strip(), look.values) for look in decided]


def test_every_box_looks_at_its_object(codec: Codec) -> None:
    looks = _looks(ask(Meaning("ground", Thing("", "cube", every=True)), FACTS, random.Random(0)), codec)
    assert [values for _, values in looks] == [(GREEN,), (RED,), ()]


def test_every_name_in_a_caption_looks_at_its_object(codec: Codec) -> None:
    asked = ask(Meaning("describe"), FACTS, random.Random(0))
    assert asked is not None
    assert asked.answer == "A green cube, a green can held by the gripper and a red cube in a blue tray."
    assert [look for look in _looks(asked, codec) if look[0] in ("green", "red", "blue", ".")] == [
        ("green", (GREEN,)),
        ("green", (CAN,)),
        ("red", (RED,)),
        ("blue", (TRAY,)),
        (".", ()),
    ]


@pytest.mark.parametrize(
    ("thing", "wanted"),
    [
        (Thing("", "cube"), [("green", (GREEN,)), ("or", (RED,)), ("red", (RED,)), ("?", ())]),
        (Thing("green"), [("cube", (GREEN,)), ("or", (CAN,)), ("can", (CAN,)), ("?", ())]),
    ],
)
def test_a_question_back_looks_at_each_thing_it_offers(
    thing: Thing, wanted: list[tuple[str, tuple[int, ...]]], codec: Codec
) -> None:
    meant = Instruction("fetch", thing)
    made = plan(meant, FACTS)
    assert made is not None
    assert made.ask
    looks = _looks(asked_to(meant, "Fetch it.", made), codec)
    assert set(looks[0][1]) == set(made.named)
    assert looks[1:] == wanted


def test_a_step_looks_at_the_thing_it_names(codec: Codec) -> None:
    meant = Instruction("put", Thing("green", "cube"), Thing("blue", "tray"))
    made = plan(meant, replace(FACTS, objects=tuple(replace(o, relation="on") for o in FACTS.objects[:3])))
    assert made is not None
    assert made.steps
    looks = [look for look in _looks(asked_to(meant, "Put it there.", made), codec) if look[0] in ("green", "blue")]
    assert [values for _, values in looks] == [(2,), (0,)]
