"""The small language of questions about a table: words to meaning, meaning to words, and meaning to truth.

``parse`` turns a question into a ``Meaning``, ``phrase`` turns a meaning into one of its many wordings, and ``judge``
says what is true of a frame. Training questions, the truth-telling backend and the tests all share these three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..facts import LOOSE_SHAPES, MASK_DOOR, MASK_HAND, MASK_PERSON, FrameFacts
from .choosing import contact, which_color, which_held, which_in, which_posture, which_side
from .comparisons import COMPARISONS
from .matching import HOLDERS, Scene, caption, captioned, carried_by, faint, hidden, holder, matches
from .phrases import CHOICES, PREDICATES, YES_NO, Meaning, Thing, phrase, phrases
from .reading import parse, parse_query
from .verdict import Verdict, yes_or_no

__all__ = [
    "CHOICES",
    "COMPARISONS",
    "HOLDERS",
    "PREDICATES",
    "YES_NO",
    "Meaning",
    "Thing",
    "Verdict",
    "caption",
    "holder",
    "judge",
    "judge_in",
    "matches",
    "parse",
    "parse_query",
    "phrase",
    "phrases",
]

MOST_BOXES = 8


def judge(meaning: Meaning, facts: FrameFacts, lenient: bool = False) -> Verdict | None:
    """Say what is true of a frame.

    Args:
        meaning: What is asked.
        facts: The labels of the frame.
        lenient: Decide borderline cases (nearly hidden objects, small distances, several fitting objects) by the
            plain truth instead of refusing. Training asks only what a careful eye could answer, so it leaves this off.

    Returns:
        The verdict; None when the question has no clear answer in this frame, such as one that compares two.
    """
    return judge_in(meaning, Scene(facts, lenient))


def judge_in(meaning: Meaning, scene: Scene) -> Verdict | None:
    """Say what is true of a scene, as ``judge`` does."""
    if meaning.predicate in COMPARISONS:
        return None
    if meaning.predicate in _PAIRS:
        return _judge_pair(meaning, scene)
    return _JUDGES[meaning.predicate](meaning, scene)


def _thing(meaning: Meaning) -> Thing:
    assert meaning.a is not None, meaning
    return meaning.a


def _exists(meaning: Meaning, scene: Scene) -> Verdict | None:
    found = scene.find(_thing(meaning))
    if clear := scene.clear(found):
        return yes_or_no(True, clear)
    return yes_or_no(None if found else False, ())


def _held(meaning: Meaning, scene: Scene) -> Verdict | None:
    held = [i for i, o in enumerate(scene.objects) if o.relation == "held"]
    if meaning.a is not None:
        fits = set(scene.find(meaning.a))
        if not scene.lenient and len(fits) > 1 and fits & set(held):
            return None
        held_fit = [i for i in held if i in fits]
    else:
        held_fit = held
    if scene.doubtful(held) or (not scene.lenient and any(hidden(scene.objects[i]) for i in held)):
        return None
    if not scene.facts.robot_visible and not scene.lenient:
        return None
    empty = meaning.predicate == "gripper_empty"
    return yes_or_no((not held) if empty else bool(held_fit), held if empty else held_fit)


def _contents(meaning: Meaning, scene: Scene) -> Verdict | None:
    places = scene.find(_thing(meaning))
    if len(places) != 1 or scene.doubtful(places) or scene.objects[places[0]].shape not in HOLDERS:
        return None
    inside = [i for i in range(len(scene.objects)) if i != places[0] and carried_by(scene.objects, i, places[0])]
    seen = [i for i in inside if scene.lenient or not (hidden(scene.objects[i]) or faint(scene.objects[i]))]
    if inside and not seen:
        return None
    return yes_or_no(bool(seen) == (meaning.predicate == "contains"), seen)


def _all_in(meaning: Meaning, scene: Scene) -> Verdict | None:
    assert meaning.b is not None, meaning
    places = scene.find(meaning.b)
    if not places or (len(places) > 1 and not scene.lenient) or scene.doubtful(places):
        return None
    thing = _thing(meaning)
    found = [i for i in scene.find(replace(thing, group="any")) if i not in places]
    if thing.group == "loose":
        found = [i for i in found if scene.objects[i].loose]
    elif not scene.lenient and any(not scene.objects[i].loose for i in found):
        return None
    if not found and not scene.lenient and thing.group != "loose":
        return None
    stray = [i for i in found if not any(carried_by(scene.objects, i, p) for p in places)]
    clear = scene.clear(stray)
    if stray and not clear:
        return None
    return yes_or_no(not stray, clear)


def _hand(meaning: Meaning, scene: Scene) -> Verdict | None:
    there = scene.facts.hand_in_workspace
    return yes_or_no(there, (MASK_HAND,) if there else ())


def _robot(meaning: Meaning, scene: Scene) -> Verdict | None:
    return yes_or_no(scene.facts.robot_visible)


def _person(meaning: Meaning, scene: Scene) -> Verdict | None:
    there = scene.facts.person_near
    return yes_or_no(there, (MASK_PERSON,) if there else ())


def _door(meaning: Meaning, scene: Scene) -> Verdict | None:
    is_open = scene.facts.door_open
    if not scene.lenient and (is_open is None or meaning.word == "drawer"):  # no scene has a drawer yet
        return None
    return yes_or_no(bool(is_open) == (meaning.predicate == "door_open"), None if is_open is None else (MASK_DOOR,))


def _gripper_open(meaning: Meaning, scene: Scene) -> Verdict | None:
    if not scene.facts.robot_visible and not scene.lenient:
        return None
    return yes_or_no(scene.facts.gripper_open)


def _table_empty(meaning: Meaning, scene: Scene) -> Verdict | None:
    standing = scene.find(Thing(where="table"))
    loose = scene.clear(i for i in standing if scene.objects[i].loose)
    if standing and not loose and not scene.lenient:
        return None
    return yes_or_no(not standing, loose or standing)


def _posture(meaning: Meaning, scene: Scene) -> Verdict | None:
    i = scene.sole(_thing(meaning))
    if i is None or scene.objects[i].shape not in ("bottle", "can", "mug"):
        return None
    return yes_or_no(scene.objects[i].upright == (meaning.predicate == "upright"), (i,))


def _is_color(meaning: Meaning, scene: Scene) -> Verdict | None:
    i = scene.sole(_thing(meaning))
    return None if i is None else yes_or_no(scene.objects[i].color == meaning.word, (i,))


def _on_table(meaning: Meaning, scene: Scene) -> Verdict | None:
    found = scene.find(_thing(meaning))
    if scene.doubtful(found):
        return None
    said = {scene.objects[i].relation == "table" for i in found}
    return yes_or_no(None if len(said) > 1 else said == {True}, found)


def _count(meaning: Meaning, scene: Scene) -> Verdict | None:
    found = scene.find(_thing(meaning))
    if scene.doubtful(found):
        return None
    return Verdict("count", count=len(found), text=str(len(found)), evidence=tuple(found))


def _attribute(meaning: Meaning, scene: Scene) -> Verdict | None:
    i = scene.sole(_thing(meaning))
    if i is None:
        return None
    text = scene.objects[i].color if meaning.word == "color" else scene.objects[i].shape
    return Verdict("text", text=text, evidence=(i,))


def _ground(meaning: Meaning, scene: Scene) -> Verdict | None:
    thing = _thing(meaning)
    found = scene.find(thing)
    if scene.doubtful(found) or (
        not scene.lenient and (len(found) > MOST_BOXES or (len(found) > 1 and not thing.every))
    ):
        return None
    seen = sorted((i for i in found if not hidden(scene.objects[i])), key=lambda i: scene.objects[i].box_xyxy)
    return Verdict("ground", indices=tuple(seen[:MOST_BOXES]), evidence=tuple(seen[:MOST_BOXES]))


def _describe(meaning: Meaning, scene: Scene) -> Verdict | None:
    if scene.doubtful(range(len(scene.objects))):
        return None
    text, named = captioned(scene.facts)
    return Verdict("text", text=text, indices=named)


_JUDGES: dict[str, Callable[[Meaning, Scene], Verdict | None]] = {
    "exists": _exists,
    "held": _held,
    "holding_any": _held,
    "gripper_empty": _held,
    "gripper_open": _gripper_open,
    "contains": _contents,
    "empty": _contents,
    "all_in": _all_in,
    "hand": _hand,
    "robot": _robot,
    "person": _person,
    "door_open": _door,
    "door_closed": _door,
    "table_empty": _table_empty,
    "upright": _posture,
    "tipped": _posture,
    "color": _is_color,
    "on_table": _on_table,
    "count": _count,
    "attribute": _attribute,
    "ground": _ground,
    "describe": _describe,
}


# Relations of two objects: each says yes, no, or None where the eye could go either way.
def _in(scene: Scene, a: int, b: int) -> bool | None:
    return carried_by(scene.objects, a, b)


def _left(scene: Scene, a: int, b: int) -> bool | None:
    gap = scene.center_u(a) - scene.center_u(b)
    clear = scene.lenient or (abs(gap) > 0.05 and not _stacked(scene, a, b))
    return gap < 0 if clear else None


def _front(scene: Scene, a: int, b: int) -> bool | None:
    gap = scene.objects[a].depth - scene.objects[b].depth
    held = "held" in (scene.objects[a].relation, scene.objects[b].relation)
    clear = scene.lenient or (abs(gap) > 0.05 and not held and not _stacked(scene, a, b))
    return gap < 0 if clear else None


def _near(scene: Scene, a: int, b: int) -> bool | None:
    gap = scene.gap(a, b)
    if scene.lenient:
        return gap < 0.07
    held = "held" in (scene.objects[a].relation, scene.objects[b].relation)
    if held or _stacked(scene, a, b) or 0.04 <= gap <= 0.1:
        return None
    return gap < 0.04


def _stacked(scene: Scene, a: int, b: int) -> bool:
    return carried_by(scene.objects, a, b) or carried_by(scene.objects, b, a)


def _not(rule: Callable[[Scene, int, int], bool | None]) -> Callable[[Scene, int, int], bool | None]:
    def negated(scene: Scene, a: int, b: int) -> bool | None:
        said = rule(scene, a, b)
        return None if said is None else not said

    return negated


_PAIRS: dict[str, Callable[[Scene, int, int], bool | None]] = {
    "in": _in,
    "outside": _not(_in),
    "under": lambda scene, a, b: carried_by(scene.objects, b, a),
    "left": _left,
    "right": _not(_left),
    "front": _front,
    "behind": _not(_front),
    "near": _near,
    "touching": contact,
}
_JUDGES |= {
    "which_in": which_in,
    "which_held": which_held,
    "which_posture": which_posture,
    "which_color": which_color,
    "which_side": which_side(_left),
    "which_depth": which_side(_front),
}


def _judge_pair(meaning: Meaning, scene: Scene) -> Verdict | None:
    assert meaning.b is not None, meaning
    subjects, objects = scene.find(_thing(meaning)), scene.find(meaning.b)
    if scene.doubtful([*subjects, *objects]):
        return None
    if not subjects or not objects:
        return yes_or_no(False, ()) if meaning.predicate == "in" and (objects or scene.lenient) else None
    said = {_PAIRS[meaning.predicate](scene, a, b) for a in subjects for b in objects if a != b}
    if len(said) != 1:
        return yes_or_no(True in said, subjects) if scene.lenient and said else None
    return yes_or_no(said.pop(), subjects if meaning.predicate in ("in", "outside") else None)


assert set(_JUDGES) | set(_PAIRS) == set(PREDICATES)
assert set(LOOSE_SHAPES).isdisjoint(HOLDERS)
