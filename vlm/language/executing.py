"""Carry out a plan on what is true of a picture, as a perfect robot would, and tell whether that was what was asked.

``carry_out`` runs steps until one cannot be done; ``reached`` judges the facts, ``fulfilled`` also what was said and
looked at. A plan is the data that ``planning`` writes, or whatever a model wrote instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..facts import FrameFacts
from .instructions import Instruction
from .matching import HOLDERS, carried_by, is_loose, matches
from .phrases import Thing
from .planning import STACKABLE
from .reading import parse_query

_IDLE = ("home", "wait", "say", "close_gripper")
"""Skills that move no object and name none."""


@dataclass(frozen=True)
class Outcome:
    """What came of a plan.

    Attributes:
        facts: What is true afterwards, or before the step that cannot be done.
        done: How many steps were done.
        problem: Why the next one cannot be done; empty when all were.
        looked: Objects that were looked at, in this order.
        skills: Skills of the steps that were done.
    """

    facts: FrameFacts
    done: int
    problem: str = ""
    looked: tuple[int, ...] = ()
    skills: tuple[str, ...] = ()


class _Impossible(Exception):
    """A step cannot be done, for the reason it carries."""


def carry_out(steps: object, facts: FrameFacts) -> Outcome:
    """Run the steps of a plan.

    Args:
        steps: The plan as data: a list of ``{"skill": ..., "args": {...}}``. Anything else cannot be done.
        facts: What is true before.
    """
    if not isinstance(steps, list):
        return Outcome(facts, 0, "there are no steps")
    hand = _Hand(facts)
    for number, step in enumerate(steps):
        try:
            hand.do(step)
        except _Impossible as error:
            return Outcome(hand.facts, number, str(error), tuple(hand.looked), tuple(hand.skills))
    return Outcome(hand.facts, len(steps), "", tuple(hand.looked), tuple(hand.skills))


class _Hand:
    """A perfect hand among the objects of a picture."""

    def __init__(self, facts: FrameFacts) -> None:
        self.facts = facts
        self.looked: list[int] = []
        self.skills: list[str] = []

    def do(self, step: object) -> None:
        """Do one step.

        Raises:
            _Impossible: It cannot be done.
        """
        skill = step.get("skill") if isinstance(step, Mapping) else None
        args = step.get("args", {}) if isinstance(step, Mapping) else None
        if not isinstance(skill, str) or not isinstance(args, Mapping):
            raise _Impossible("it is no step")
        if skill == "pick":
            self._pick(self._find(args.get("object")))
        elif skill == "place":
            self._place(args)
        elif skill == "look_at":
            self.looked.append(self._find(args.get("object")))
        elif skill == "open_gripper":
            self._drop()
        elif skill not in _IDLE:
            raise _Impossible(f"the executor knows no skill {skill!r}")
        self.skills.append(skill)

    def _held(self) -> int | None:
        return next((i for i, o in enumerate(self.facts.objects) if o.relation == "held"), None)

    def _change(self, index: int, relation: str, support: int) -> None:
        objects = list(self.facts.objects)
        objects[index] = replace(objects[index], relation=relation, support=support)  # type: ignore[arg-type]
        self.facts = replace(self.facts, objects=tuple(objects), gripper_open=relation != "held")

    def _drop(self) -> None:
        """Leave what is held on the table: where it came from is as good as any place there."""
        if (held := self._held()) is not None:
            self._change(held, "table", -1)

    def _find(self, words: object) -> int:
        """Return the one object that is meant; of several that are called alike the first."""
        meant = parse_query(words) if isinstance(words, str) else None
        if meant is None:
            raise _Impossible(f"{words!r} is no thing")
        found = matches(replace(meant, every=False), self.facts)
        if not found:
            raise _Impossible(f"there is no such thing as {words!r}")
        if len({self.facts.objects[i].name for i in found}) > 1:
            raise _Impossible(f"{words!r} can be several things")
        return found[0]

    def _pick(self, index: int) -> None:
        objects = self.facts.objects
        if not objects[index].loose:
            raise _Impossible(f"the {objects[index].name} cannot be picked up")
        if cover := [o.name for o in objects if o.support == index]:
            raise _Impossible(f"the {cover[0]} lies on the {objects[index].name}")
        if self._held() == index:
            return
        self._drop()
        self._change(index, "held", -1)

    def _place(self, args: Mapping[str, object]) -> None:
        held = self._held()
        if held is None:
            raise _Impossible("there is nothing to place")
        given = [name for name in ("into", "onto") if args.get(name) is not None]
        if args.get("at") is not None and not given:
            return self._change(held, "table", -1)
        if len(given) != 1:
            raise _Impossible("it must say either into or onto what")
        at = self._find(args[given[0]])
        target = self.facts.objects[at]
        if at == held:
            raise _Impossible(f"the {target.name} cannot be put on itself")
        if target.shape in HOLDERS:
            return self._change(held, "on" if target.shape == "plate" else "in", at)
        if target.shape not in STACKABLE or not target.upright:
            raise _Impossible(f"nothing stays on the {target.name}")
        if cover := [o.name for o in self.facts.objects if o.support == at]:
            raise _Impossible(f"the {cover[0]} lies on the {target.name}")
        return self._change(held, "on", at)


def reached(meant: Instruction, before: FrameFacts, after: FrameFacts) -> bool:
    """Tell whether what an instruction asked for is true afterwards.

    Args:
        meant: The instruction.
        before: What was true when it was given; it says which things were meant.
        after: What is true now. Objects have the same numbers in both; new ones come last.
    """
    objects = after.objects
    if meant.act in ("put", "empty"):
        places = _meant(meant.b, before)
        if not places:
            return False
        if meant.act == "empty":
            return not any(carried_by(objects, i, places[0]) for i in range(len(objects)))
        things = _meant(meant.a, before)
        if meant.a is not None and meant.a.every:
            things = [i for i in things if before.objects[i].loose]
            return all(carried_by(objects, i, places[0]) for i in things if i != places[0])
        return any(carried_by(objects, i, place) for i in things for place in places if i != place)
    if meant.act == "tidy":
        return not any(is_loose(objects, i, bare=True) or o.relation == "held" for i, o in enumerate(objects))
    if meant.act == "stack":
        things = _meant(meant.a, before)
        supports = [objects[i].support for i in things]
        return len(set(supports)) == len(supports) and sum(s in things for s in supports) == len(things) - 1
    if meant.act == "fetch":
        return any(objects[i].relation == "held" for i in _meant(meant.a, before))
    if meant.act == "sort":
        homes = {o.color: i for i, o in enumerate(objects) if o.shape in HOLDERS}
        return all(
            carried_by(objects, i, homes[o.color]) for i, o in enumerate(objects) if o.loose and o.color in homes
        )
    return _arrangement(after) == _arrangement(before)


def _meant(thing: Thing | None, before: FrameFacts) -> list[int]:
    """Return the things that an instruction meant when it was given."""
    assert thing is not None
    return matches(replace(thing, group="any" if thing.every and thing.group == "loose" else thing.group), before)


def _arrangement(facts: FrameFacts) -> list[tuple[str, int]]:
    return [(o.relation, o.support) for o in facts.objects]


def fulfilled(meant: Instruction, before: FrameFacts, outcome: Outcome) -> bool:
    """Tell whether a plan did all that was asked: its steps could be done, and what they did was what was meant."""
    if outcome.problem or not reached(meant, before, outcome.facts):
        return False
    if meant.act == "look":
        assert meant.a is not None
        return outcome.looked[-1:] == tuple(matches(meant.a, before)[:1])
    wanted = {"hello": "say", "home": "home"}.get(meant.act)
    return wanted is None or outcome.skills[-1:] == (wanted,)


def needless(wanted: Outcome, outcome: Outcome) -> tuple[int, ...]:
    """Return the objects that ended elsewhere than where the best plan leaves them."""
    pairs = zip(_arrangement(wanted.facts), _arrangement(outcome.facts), strict=True)
    return tuple(i for i, (one, other) in enumerate(pairs) if one != other)
