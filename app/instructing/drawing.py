"""Draw instructions over the scenes that the arm can work in: what is meant, in which words, and what is true there."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ..._base import KnotholeError
from ...sim.draw import load_scene
from ...sim.scene import SceneSpec
from ...sim.truth import frame_truth
from ...sim.world import World
from ...vlm.facts import COLORS, LOOSE_SHAPES, SHAPES, FrameFacts, ObjectFact
from ...vlm.language.executing import carry_out
from ...vlm.language.held_apart import phrase_apart
from ...vlm.language.instructions import THEM, Instruction, phrase_instruction
from ...vlm.language.matching import HOLDERS
from ...vlm.language.phrases import EVERY_LOOSE, Thing
from ...vlm.language.planning import DONE, STACKABLE, Plan, plan
from ...vlm.questions import Frame
from ..models.truth import frame_facts
from .options import Words

Kind = Literal["steps", "ask", "cannot"]
KINDS: tuple[Kind, ...] = ("steps", "ask", "cannot")

ACTS: Mapping[str, tuple[float, tuple[str, ...]]] = {
    "put": (0.30, ("tidy_table", "sort_by_color", "clear_plate", "stack_two", "table")),
    "put every": (0.18, ("tidy_table", "sort_by_color", "clear_plate")),
    "tidy": (0.12, ("tidy_table", "clear_plate")),
    "fetch": (0.13, ("table", "tidy_table", "stack_two", "sort_by_color")),
    "stack": (0.09, ("stack_two",)),
    "empty": (0.07, ("clear_plate",)),
    "sort": (0.07, ("sort_by_color",)),
    "look": (0.04, ("table", "tidy_table", "clear_plate")),
}
"""Act → its share of the suite, and the scenes it is drawn in."""
_ABSENT = 5
"""How many things that are not there instructions may name."""
_LOAD = 2
"""Most things on a plate; on one below ``_WIDE`` [m] and in a bowl it is one."""
_WIDE = 0.19
_TOWER = 3


class SuiteError(KnotholeError):
    """No instruction of the suite can be drawn."""


@dataclass(frozen=True)
class Task:
    """One instruction in one scene.

    Attributes:
        seed: Seed of scene and words.
        kind: Whether the right answer is steps, a question, or a reason why not.
        act: As in ``ACTS``.
        scene: Name of the scene.
        meant: The instruction as a meaning.
        words: The instruction in words.
        apart: Whether they are held apart from the training.
        facts: What is true of the picture.
        best: The right answer.
        frame: The picture of the table camera, the arm at home.
    """

    seed: int
    kind: Kind
    act: str
    scene: str
    meant: Instruction
    words: str
    apart: bool
    facts: FrameFacts
    best: Plan
    frame: Frame

    @property
    def title(self) -> str:
        """One line for reports."""
        return f"seed {self.seed} {self.scene}: {self.words}"


def photograph(spec: SceneSpec) -> tuple[Frame, FrameFacts]:
    """Return the picture that a run in a scene begins with, and what is true of it."""
    with World(replace(spec, disturbances=())) as world:
        shown = world.render(spec.camera)
        facts = frame_facts(frame_truth(world, shown, spec.camera))
    return Frame(f"{spec.name}#{spec.seed}", 0.0, shown.rgb), facts


def draw_task(seed: int, kind: Kind = "steps", words: Words = "both") -> Task:
    """Draw one instruction whose right answer is of a kind.

    Args:
        seed: Seed of scene and words, below 100000.
        kind: Steps, a question, or a reason.
        words: Whose wordings; ``both`` are those of the training for even seeds, held apart from it for odd ones.

    Raises:
        SuiteError: No scene of the seed has such an instruction.
    """
    rng = random.Random(f"instructions/{seed}/{kind}")
    for act in _shuffled(rng):
        if kind != "steps" and act in ("tidy", "stack", "sort"):
            continue  # what they say names nothing that could be absent or one of several
        for scene in rng.sample(ACTS[act][1], len(ACTS[act][1])):
            frame, facts = photograph(load_scene(scene, seed))
            found = [one for one in _meanings(act, facts, rng) if _fits(one, kind, facts)]
            if found:
                meant = rng.choice(found)
                apart = seed % 2 == 1 if words == "both" else words == "apart"
                text = phrase_apart(meant, rng) if apart else phrase_instruction(meant, rng, usual=0.2)
                best = plan(meant, facts)
                assert best is not None
                return Task(seed, kind, act, scene, meant, text, apart, facts, best, frame)
    raise SuiteError(f"seed {seed}: no instruction of the kind {kind!r} can be drawn\n  fix:  leave the seed out")


def _shuffled(rng: random.Random) -> Iterator[str]:
    """Yield all acts in an order that depends on their shares."""
    left = {act: share for act, (share, _) in ACTS.items()}
    while left:
        act = rng.choices(list(left), list(left.values()))[0]
        del left[act]
        yield act


def _meanings(act: str, facts: FrameFacts, rng: random.Random) -> Iterable[Instruction]:
    """Return every instruction of an act that names what is there, or a few things that are not."""
    things = _described(facts, rng)
    places = [t for t in things if t.shape in (*HOLDERS, *STACKABLE)]
    if act == "put":
        return [Instruction("put", a, b) for a in things for b in places if a != b]
    if act == "put every":
        several = [EVERY_LOOSE, *dict.fromkeys(_several(facts))]
        return [Instruction("put", a, b) for a in several for b in places if b.shape in HOLDERS]
    if act in ("fetch", "look"):
        return [Instruction(act, a) for a in things]
    if act == "empty":
        return [Instruction("empty", None, b) for b in places if b.shape in HOLDERS]
    if act == "stack":
        colored = [Thing(o.color, "cube", every=True) for o in facts.objects if o.shape == "cube"]
        return [Instruction("stack", a) for a in (THEM, Thing("", "can", every=True), *colored)]
    return [Instruction(act)]


def _described(facts: FrameFacts, rng: random.Random) -> list[Thing]:
    found: dict[Thing, None] = {}
    for o in facts.objects:
        found |= dict.fromkeys((Thing(o.color, o.shape), Thing("", o.shape), Thing(o.color)))
    there = {(o.color, o.shape) for o in facts.objects}
    absent = [(c, s) for c in COLORS for s in SHAPES if (c, s) not in there]
    found |= {Thing(c, s): None for c, s in rng.sample(absent, _ABSENT)}
    return list(found)


def _several(facts: FrameFacts) -> Iterator[Thing]:
    for o in facts.objects:
        if o.shape in LOOSE_SHAPES:
            yield Thing(o.color, every=True)
            yield Thing(o.color, group="loose", every=True)
            yield Thing("", o.shape, every=True)


def _fits(meant: Instruction, kind: Kind, facts: FrameFacts) -> bool:
    """Tell whether the right answer is clear, of a kind, and no more than the hand can do."""
    made = plan(meant, facts)
    if made is None or (made.ask if kind == "steps" else False):
        return False
    given = "steps" if made.steps else "ask" if made.ask else "cannot"
    if given != kind or made.steps == (("say", "text", DONE),):
        return False
    return kind != "steps" or _holds(carry_out(made.data, facts).facts)


def _holds(after: FrameFacts) -> bool:
    """Tell whether things stay where a plan leaves them: room on plates, nothing tall in bowls, no ball on a cube."""
    objects = after.objects
    for k, place in enumerate(objects):
        load = [o for o in objects if o.support == k]
        if place.shape == "plate" and len(load) > (_LOAD if place.size[0] >= _WIDE else 1):
            return False
        if place.shape == "bowl" and (len(load) > 1 or any(o.shape == "bottle" for o in load)):
            return False
        if place.shape in STACKABLE and any(o.shape not in STACKABLE for o in load):
            return False
    return all(_height(objects, k) <= _TOWER for k in range(len(objects)))


def _height(objects: tuple[ObjectFact, ...], index: int) -> int:
    """Return how many things stand on each other up to one of them."""
    height = 1
    while (index := objects[index].support) >= 0 and objects[index].shape in STACKABLE:
        height += 1
    return height
