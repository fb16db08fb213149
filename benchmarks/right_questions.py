"""Whether an ambiguous instruction leads to the right question: named are exactly the things that could be meant.

``python benchmarks/right_questions.py --scenes 60 --vlm embedded``

Each scene has an instruction such as "Pick up the cube" with two or more things that fit. The things are grounded by
the model ("every cube"), measured in the picture, and named. A question is right when the things in it are just those
that fit, the names are unique, each is true of its thing alone, and each, given as an answer, leads back to its thing.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from knothole.app.models.oracle import Oracle
from knothole.app.models.truth import SceneTruth
from knothole.app.settings.names import register_all
from knothole.behaviors.means.differences import bare, differences, fitting, query_for, question_for
from knothole.behaviors.means.grounded import GroundedObject, lift
from knothole.behaviors.means.known import overlap
from knothole.behaviors.means.understanding import understand
from knothole.robots.contract import DRIVERS, CameraFrame, DriverOptions
from knothole.robots.seeing import View
from knothole.sim.draw import load_scene
from knothole.sim.scene import SceneSpec
from knothole.sim.world import World
from knothole.vlm.contract import BACKENDS, Backend, BackendOptions
from knothole.vlm.facts import FrameFacts
from knothole.vlm.language.grammar import parse_query
from knothole.vlm.language.matching import Scene, matches
from knothole.vlm.language.phrases import Thing, noun_phrase
from knothole.vlm.language.reading import normal, read_thing
from knothole.vlm.questions import Frame, Question

SCENE = """\
scene: several
about: Several things that one word fits.
objects:
  - {shape: [tray, bowl], color: any, carries: [{shape: [cube, ball, can], color: any, count: [1, 2]}]}
  - {shape: [plate, bowl, mug], color: any}
  - {shape: [cube, can, ball, mug], color: any, count: [3, 5]}
"""
SIDES = {"left": 0, "leftmost": 0, "right": -1, "rightmost": -1}


@dataclass
class Tally:
    """What was found: scenes with a right question of all, and what was wrong with the others."""

    right: int = 0
    all: int = 0
    wrong: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    groundable: int = 0
    names: int = 0


def with_twins(spec: SceneSpec, rng: random.Random) -> SceneSpec:
    """Let two things of one shape have one color, so that only their places tell them apart."""
    objects = list(spec.objects)
    pairs = [(i, k) for i, a in enumerate(objects) for k, b in enumerate(objects) if i < k and a.shape == b.shape]
    if not pairs:
        return spec
    i, k = rng.choice(pairs)
    objects[k] = replace(objects[k], color=objects[i].color, rgb=objects[i].rgb)
    return replace(spec, objects=tuple(objects))


def ambiguous(facts: FrameFacts, rng: random.Random) -> Thing | None:
    """Return words that fit two or more things which all can be seen well; None when there are none."""
    scene = Scene(facts, lenient=False)
    thoughts = {Thing(shape=o.shape) for o in facts.objects} | {Thing(color=o.color) for o in facts.objects}
    thoughts |= {Thing(color=o.color, shape=o.shape) for o in facts.objects} | {Thing(group="container")}
    fits = [t for t in thoughts if 2 <= len(found := scene.find(t)) <= 5 and not scene.doubtful(found)]
    fits = [t for t in fits if len(scene.find(t)) == len(matches(t, facts))]
    return rng.choice(sorted(fits, key=str)) if fits else None


def grounded(backend: Backend, frame: CameraFrame, view: View, query: str) -> list[GroundedObject]:
    """Return all things that words name, as ``ground`` does."""
    shown = Frame(frame.id, frame.stamp, frame.rgb)
    (answer,) = backend.ask(shown, [Question("ground", query, all=True)])
    return [thing for thing, _ in lift(answer, view, query)[0]]


def same_spot(a: GroundedObject, b: GroundedObject) -> bool:
    """Tell whether two groundings are of one thing."""
    return overlap(a.box_xyxy, b.box_xyxy) > 0.5


def fact_of(thing: GroundedObject, facts: FrameFacts) -> int:
    """Return which object of the truth a grounded thing is: the nearest one, seen from above and in the picture."""
    u, v = ((thing.box_xyxy[i] + thing.box_xyxy[i + 2]) / 2 for i in (0, 1))

    def away(i: int) -> float:
        box = facts.objects[i].box_xyxy
        return math.dist((u, v), ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))

    return min(range(len(facts.objects)), key=away)


def untrue(name: str, own: int, fits: Sequence[int], facts: FrameFacts) -> str:
    """Return what is wrong with a name, by the truth of the picture; empty when it fits this thing alone."""
    objects = facts.objects
    words = name.removeprefix("the ").replace("one", "object", 1).split()
    left = list(fits)
    columns = {i: (objects[i].box_xyxy[0] + objects[i].box_xyxy[2]) / 2 for i in fits}
    side = words.pop(0) if words[0] in (*SIDES, "middle") or "from the left" in name else ""
    size = words.pop(0) if words[0] in ("large", "small") else ""
    text = " ".join(words)
    where = next(
        (
            key
            for key in (
                " next to ",
                " nearest to me",
                " nearer to me",
                " farthest from me",
                " farther from me",
                " from the left",
            )
            if key in text
        ),
        "",
    )
    text, _, other = text.partition(where) if where else (text, "", "")
    thing = read_thing(normal(text))
    if thing is None:
        return f"{name!r} is not understood"
    left = [i for i in left if i in matches(thing, facts)]
    if size:
        left = [sorted(left, key=lambda i: math.prod(objects[i].size))[-1 if size == "large" else 0]]
    if where.strip().startswith(("near", "far")):
        left = [sorted(left, key=lambda i: math.hypot(*objects[i].xyz[:2]))[0 if "near" in where else -1]]
    if where == " next to ":
        scene = Scene(facts, lenient=True)
        place = matches(read_thing(normal(other)) or Thing(), facts)[0]
        left = sorted(left, key=lambda i: scene.gap(i, place))[:1]
    row = sorted(left, key=lambda i: columns[i])
    if where == " from the left":
        left = [row[("first", "second", "third", "fourth", "fifth").index(side)]]
    elif side == "middle":
        left = row[1:2] if len(row) == 3 else []
    elif side:
        left = [row[SIDES[side]]]
    return "" if left == [own] else f"{name!r} fits {[objects[i].name for i in left]}, not {objects[own].name}"


def judge(
    tally: Tally, scene: str, backend: Backend, frame: CameraFrame, view: View, facts: FrameFacts, thing: Thing
) -> None:
    """Ask which one is meant, and judge the question."""
    words = f"the {noun_phrase(thing)}"
    things = grounded(backend, frame, view, f"every {bare(words)}")
    around = grounded(backend, frame, view, "every object")
    missed = [one for one in around if not any(same_spot(one, each) for each in things)]
    things += fitting(words, missed, around)
    around = [one for one in around if not any(same_spot(one, each) for each in things)]
    fits = sorted(Scene(facts, lenient=False).find(thing))
    asked = question_for(words, things, around)
    tally.all += 1
    owners = [fact_of(one, facts) for one in things]
    if sorted(owners) != fits:
        names = [facts.objects[i].name for i in fits]
        tally.wrong.append(f"{scene} {asked} is about {[facts.objects[i].name for i in owners]}, not {names}")
        return
    names = differences(things, around)
    mistakes = [untrue(name, own, fits, facts) for name, own in zip(names, owners, strict=True)]
    mistakes += [f"{name!r} leads elsewhere" for name in names if understand(name, names) != name]
    mistakes += [f"{name!r} is there twice" for name, count in Counter(names).items() if count > 1]
    for one, own in zip(things, owners, strict=True):
        if query := query_for(words, one, things, around):
            meant = parse_query(query)
            if meant is None or matches(meant, facts) != [own]:
                mistakes.append(f"{query!r} does not find {facts.objects[own].name}")
            tally.groundable += 1
    tally.names += len(names)
    if mistakes := [one for one in mistakes if one]:
        tally.wrong.append(f"{scene} {asked} {'; '.join(mistakes)}")
    else:
        tally.right += 1
        tally.asked.append(asked)


def measure(scenes: int, vlm: str, first: int) -> Tally:
    """Ask about a number of scenes."""
    register_all()
    tally = Tally()
    path = Path(tempfile.mkdtemp()) / "several.yaml"
    path.write_text(SCENE, encoding="utf-8")
    with ExitStack() as stack:
        opened = None if vlm == "oracle" else BACKENDS.get(vlm).open(BackendOptions("", {}))
        seed = first
        while tally.all < scenes:
            rng = random.Random(seed)
            spec = load_scene(str(path), seed)
            spec = with_twins(spec, rng) if rng.random() < 0.5 else with_twins(with_twins(spec, rng), rng)
            with ExitStack() as one:
                world = World(spec)
                one.callback(world.close)
                robot = DRIVERS.get("panda")(DriverOptions("", world, {}))
                one.callback(robot.close)
                truth = SceneTruth(world, robot)
                frame = robot.capture("table")
                truth.saw(frame)
                facts = truth(Frame(frame.id, frame.stamp, frame.rgb))
                assert facts is not None
                thing = ambiguous(facts, rng)
                if thing is not None:
                    view = View(frame, robot.arm, robot.state().q)
                    judge(tally, f"seed {seed}:", opened or Oracle(truth), frame, view, facts, thing)
            seed += 1
        if opened is not None:
            stack.callback(opened.close)
    return tally


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--vlm", default="embedded", choices=["embedded", "oracle"])
    parser.add_argument("--first", type=int, default=40_000)
    args = parser.parse_args()
    found = measure(args.scenes, args.vlm, args.first)
    print("\n".join([*found.asked, *found.wrong]))
    print(
        f"right questions: {found.right} of {found.all}; {found.names} names, {found.groundable} that grounding knows"
    )
