"""A table of the kinematic driver with its truth: what lies where, and a backend that sees it and plans as told."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np

from knothole.behaviors.means.effects import Fact
from knothole.robots.kinematic import KinematicRobot
from knothole.robots.pixels import world_to_pixels
from knothole.robots.pose import Pose
from knothole.robots.props import Prop
from knothole.sim.draw import load_scene
from knothole.vlm.facts import FrameFacts, ObjectFact
from knothole.vlm.language.grammar import Meaning, judge, parse
from knothole.vlm.language.matching import carried_by, matches
from knothole.vlm.language.reading import parse_query
from knothole.vlm.questions import Answer, Frame, Kind, Question, Region

NEAR = 0.012
"""A foot that is so near a surface stands on it, [m]."""


class Table:
    """A kinematic robot among the things of a scene.

    Args:
        scene: Name of the scene.
        seed: Its seed.
        cover: Whether one loose thing is put on top of a cube or can, where there are such.
    """

    def __init__(self, scene: str, seed: int, cover: bool = False) -> None:
        items = load_scene(scene, seed).objects
        props = [Prop(o.name, o.shape, o.color, o.size, Pose(o.xyz, o.quat_xyzw)) for o in items]
        self.robot = WatchedRobot(props)
        if cover:
            self._cover()

    def _cover(self) -> None:
        props = self.robot.props
        low = next((p for p in props if p.shape in ("cube", "can")), None)
        top = next((p for p in props if p.loose and low is not None and p.name != low.name), None)
        if low is not None and top is not None:
            x, y, z = low.xyz
            self.robot.put(top.name, Pose((x, y, z + low.size[2] / 2 + top.size[2] / 2), top.pose.quat_xyzw))

    @property
    def facts(self) -> FrameFacts:
        """What is true now."""
        props, held = self.robot.props, self.robot.held
        objects = tuple(self._fact(k, prop, props, held) for k, prop in enumerate(props))
        return FrameFacts(objects, robot_visible=True, gripper_open=not held)

    def _fact(self, index: int, prop: Prop, props: Sequence[Prop], held: str) -> ObjectFact:
        support = -1 if prop.name == held else _below(index, props)
        relation = "held" if prop.name == held else "table"
        if support >= 0:
            relation = "in" if props[support].shape in ("tray", "bowl", "mug") else "on"
        return ObjectFact(
            shape=prop.shape,
            color=prop.color,
            box_xyxy=self._box(prop),
            visible_fraction=1.0,
            pixels=200,
            depth=1.0,
            xyz=prop.xyz,
            size=prop.size,
            relation=relation,  # type: ignore[arg-type]
            support=support,
        )

    def _box(self, prop: Prop) -> tuple[float, float, float, float]:
        frame = self.robot.capture("table")
        signs = np.array([[a, b, c] for a in (-0.5, 0.5) for b in (-0.5, 0.5) for c in (-0.5, 0.5)])
        uv = world_to_pixels(frame, prop.pose.apply(signs * np.array(prop.size)))
        wide = np.array([frame.intrinsics.width, frame.intrinsics.height])
        low, high = np.clip(uv.min(axis=0) / wide, 0.0, 1.0), np.clip((uv.max(axis=0) + 1.0) / wide, 0.0, 1.0)
        return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))

    def holds(self, fact: Fact) -> bool:
        """Tell whether a fact about things in words is true, from where things are."""
        facts = self.facts
        objects = facts.objects
        things = [self._named(words, facts) for words in fact.args]
        held = next((k for k, o in enumerate(objects) if o.relation == "held"), None)
        true = {
            "hand_empty": lambda: held is None,
            "holding": lambda: held is not None and (fact.args[0] == "_" or held in things[0]),
            "visible": lambda: bool(things[0]),
            "clear": lambda: not any(o.support in things[0][:1] for o in objects),
            "on_table": lambda: any(objects[k].relation == "table" for k in things[0]),
            "inside": lambda: any(carried_by(objects, a, b) for a in things[0] for b in things[1] if a != b),
            "on": lambda: any(objects[a].support == b for a in things[0] for b in things[1]),
            "handed_over": lambda: False,
        }[fact.name]()
        return true == fact.positive

    def _named(self, words: str, facts: FrameFacts) -> list[int]:
        if words == "_":
            return list(range(len(facts.objects)))
        thing = parse_query(words)
        return matches(thing, facts) if thing is not None else []


def _below(index: int, props: Sequence[Prop]) -> int:
    """Return what a thing stands in or on, -1 for the table."""
    prop = props[index]

    best, height = -1, 0.004
    for k, other in enumerate(props):
        if k == index:
            continue
        u, v, _ = other.pose.inverse().apply(np.array([prop.xyz]))[0]
        half = np.array(other.size) / 2
        over = abs(u) < half[0] and abs(v) < half[1]
        floor = other.xyz[2] - half[2] if other.shape in ("tray", "bowl", "plate", "mug") else other.xyz[2] + half[2]
        top = other.xyz[2] + half[2]
        if over and floor - NEAR < prop.lowest < top + NEAR and prop.xyz[2] > other.xyz[2] - 1e-6 and top > height:
            best, height = k, top
    return best


class WatchedRobot(KinematicRobot):
    """Tells of each command that moves it."""

    def __init__(self, props: Sequence[Prop]) -> None:
        super().__init__(props)
        self.moved: Callable[[], None] = lambda: None

    def follow(self, trajectory):
        self.moved()
        return super().follow(trajectory)

    def servo(self, q):
        self.moved()
        super().servo(q)

    def move_gripper(self, width, force=40.0):
        self.moved()
        return super().move_gripper(width, force)


class Planted:
    """Sees what is true of a table, and answers each instruction with the plan it was given, whatever that is.

    Args:
        table: The table.
        plans: What it plans, one a question; the last one repeats.
    """

    name, model, remote = "planted", "a planner that was told what to say", False
    kinds: frozenset[Kind] = frozenset(("yes_no", "choice", "score", "ground", "plan"))

    def __init__(self, table: Table, plans: Sequence[object]) -> None:
        self._table, self._plans, self.asked = table, list(plans), 0

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer:
        if question.kind == "plan":
            plan = self._plans[min(self.asked, len(self._plans) - 1)]
            self.asked += 1
            return Answer("plan", text=plan if isinstance(plan, str) else json.dumps(plan))
        facts = self._table.facts
        if question.kind == "ground":
            thing = parse_query(question.text)
            verdict = judge(Meaning("ground", thing), facts, lenient=True) if thing is not None else None
            found = [facts.objects[k] for k in verdict.indices] if verdict is not None else []
            regions = tuple(Region(o.box_xyxy, o.name) for o in found)
            return Answer("ground", regions=regions if question.all else regions[:1])
        meaning = parse(question.text)
        verdict = judge(meaning, facts, lenient=True) if meaning is not None else None
        if verdict is None or verdict.yes is None:
            return Answer(question.kind, problem="it does not understand that")
        return Answer(question.kind, probabilities={"yes": float(verdict.yes), "no": float(not verdict.yes)})

    def close(self) -> None:
        pass
