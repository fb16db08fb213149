"""Truth of questions that name their answers: "Is the bottle upright or tipped over?"."""

from __future__ import annotations

from collections.abc import Callable

from .matching import Scene, carried_by, hidden
from .phrases import POSTURES, Meaning, Thing
from .reading import parse_query
from .verdict import Verdict


def _options(meaning: Meaning, scene: Scene) -> list[list[int]] | None:
    """Return the objects each choice fits; None when a choice fits several or one that can hardly be seen."""
    found = []
    for choice in meaning.choices:
        thing = parse_query(choice)
        assert thing is not None, meaning
        fits = scene.find(thing)
        if len(fits) > 1 or scene.doubtful(fits):
            return None
        found.append(fits)
    return found


def _only(meaning: Meaning, scene: Scene, fits: Callable[[int], bool]) -> Verdict | None:
    """Return the only choice whose object ``fits``."""
    options = _options(meaning, scene) or []
    chosen = [k for k, found in enumerate(options) if any(fits(i) for i in found)]
    if len(chosen) != 1:
        return None
    return Verdict("text", text=meaning.choices[chosen[0]], evidence=tuple(options[chosen[0]]))


def which_in(meaning: Meaning, scene: Scene) -> Verdict | None:
    """Say which of the things lies in or on a place."""
    assert meaning.b is not None, meaning
    place = scene.sole(meaning.b)
    if place is None:
        return None
    return _only(meaning, scene, lambda i: i != place and carried_by(scene.objects, i, place))


def which_held(meaning: Meaning, scene: Scene) -> Verdict | None:
    """Say which of the things is in the gripper."""
    if not scene.facts.robot_visible and not scene.lenient:
        return None
    return _only(meaning, scene, lambda i: scene.objects[i].relation == "held")


def which_posture(meaning: Meaning, scene: Scene) -> Verdict | None:
    """Say whether a thing stands or lies."""
    i = scene.sole(_thing(meaning))
    if i is None or scene.objects[i].shape not in ("bottle", "can", "mug"):
        return None
    fits = [choice for choice in meaning.choices if POSTURES[choice] == scene.objects[i].upright]
    return Verdict("text", text=fits[0], evidence=(i,))


def which_color(meaning: Meaning, scene: Scene) -> Verdict | None:
    """Say which of the colors a thing has."""
    i = scene.sole(_thing(meaning))
    if i is None or scene.objects[i].color not in meaning.choices:
        return None
    return Verdict("text", text=scene.objects[i].color, evidence=(i,))


def which_side(relation: Callable[[Scene, int, int], bool | None]) -> Callable[[Meaning, Scene], Verdict | None]:
    """Return the judge that says where one thing is as seen from another: ``relation`` or its opposite."""

    def judge(meaning: Meaning, scene: Scene) -> Verdict | None:
        assert meaning.b is not None, meaning
        a, b = scene.sole(_thing(meaning)), scene.sole(meaning.b)
        said = None if a is None or b is None or a == b else relation(scene, a, b)
        if said is None:
            return None
        first = meaning.choices[0] in ("left", "in front of")
        return Verdict("text", text=meaning.choices[0 if said == first else 1])

    return judge


def _thing(meaning: Meaning) -> Thing:
    assert meaning.a is not None, meaning
    return meaning.a


def contact(scene: Scene, a: int, b: int) -> bool | None:
    """Tell whether two objects touch; None where a small gap could hide."""
    p, q = scene.objects[a], scene.objects[b]
    if a in q.touching or b in p.touching or p.support == b or q.support == a:
        return None if not scene.lenient and (hidden(p) or hidden(q)) else True
    if scene.lenient:
        return False
    close = scene.gap(a, b) < 0.04 or carried_by(scene.objects, a, b) or carried_by(scene.objects, b, a)
    return None if close or "held" in (p.relation, q.relation) else False
