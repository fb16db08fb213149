"""What tells several things apart that could be meant, in words."""

from __future__ import annotations

from collections.abc import Sequence

from .grounded import GroundedObject


def differences(objects: Sequence[GroundedObject], around: Sequence[GroundedObject] = ()) -> list[str]:
    """Name several things so that the names tell them apart: by their labels, else from left to right."""
    labels = [thing.label for thing in objects]
    if len(set(labels)) == len(labels):
        return [f"the {label}" for label in labels]
    order = sorted(range(len(objects)), key=lambda i: objects[i].box_xyxy)
    words = ["left", "right"] if len(objects) == 2 else [f"number {n}" for n in range(1, len(objects) + 1)]
    return [f"the {words[order.index(i)]} one" for i in range(len(objects))]


def question_for(words: str, objects: Sequence[GroundedObject], around: Sequence[GroundedObject] = ()) -> str:
    """Ask which of several things is meant."""
    return f"Which {words.removeprefix('the ')}: {' or '.join(differences(objects, around))}?"
