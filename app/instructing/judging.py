"""Judge an answer to an instruction: are steps accepted, do they reach the goal, does a question name what is meant?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...behaviors.means.skills import DEFAULT_SKILLS, mistakes, plan_schema, refusal, skills
from ...vlm.facts import FrameFacts
from ...vlm.language.executing import carry_out, fulfilled, needless
from ...vlm.language.matching import matches
from ...vlm.language.reading import normal, parse_query
from ...vlm.questions import Answer, Question
from .drawing import Task

LONGEST = 30
_QUESTION = re.compile(r"which (?P<words>[\w ]+?)(?:: (?P<options>.+))?\?", re.IGNORECASE)


@dataclass(frozen=True)
class Judged:
    """What an answer is worth.

    Attributes:
        accepted: It has the form of an answer, and steps have no mistakes.
        right: Steps reach the goal, a question names exactly the things that can be meant, a reason was given where
            there is one.
        why: What is wrong, empty when it is right.
        exact: It does no more than that: no thing is moved needlessly, the reason is the right one.
    """

    accepted: bool
    right: bool
    why: str = ""
    exact: bool = False


def question_of(task: Task) -> Question:
    """Return the question that the leaf ``plan`` would ask first."""
    allowed = skills(DEFAULT_SKILLS)
    context = "Skills:\n" + "\n".join(str(one) for one in allowed.values())
    return Question("plan", task.words, schema=plan_schema(allowed, LONGEST), context=context)


def judge_answer(task: Task, answer: Answer) -> Judged:
    """Judge what a backend answered."""
    if answer.problem:
        return Judged(False, False, answer.problem)
    data = answer.data
    said = refusal(data)
    if not said and (wrong := mistakes(data, skills(DEFAULT_SKILLS), LONGEST)):
        return Judged(False, False, "; ".join(wrong[:2]))
    given = "steps" if not said else "ask" if isinstance(data, Mapping) and "ask" in data else "cannot"
    if given != task.kind:
        return Judged(True, False, f"{given} instead of {task.kind}: {answer.text or data}")
    if given == "ask":
        meant = asked_about(said, task.facts)
        right = meant == frozenset(task.best.named) and (":" in said) == (":" in task.best.ask)
        return Judged(True, right, "" if right else f"{said!r} instead of {task.best.ask!r}", right)
    if given == "cannot":
        exact = normal(said) == normal(task.best.cannot)
        return Judged(True, True, "" if exact else f"{said!r} instead of {task.best.cannot!r}", exact)
    outcome = carry_out(data, task.facts)
    if not fulfilled(task.meant, task.facts, outcome):
        why = outcome.problem or "the goal is not reached"
        return Judged(True, False, f"{why}: {answer.text or data}")
    extra = needless(carry_out(task.best.data, task.facts), outcome)
    names = ", ".join(task.facts.objects[k].name for k in extra)
    return Judged(True, True, f"moved needlessly: {names}" if extra else "", not extra)


def asked_about(question: str, facts: FrameFacts) -> frozenset[int] | None:
    """Return the things that a question names as those that can be meant; None when it cannot be read."""
    hit = _QUESTION.fullmatch(question.strip())
    thing = parse_query(hit["words"]) if hit is not None else None
    if hit is None or thing is None:
        return None
    fits = matches(thing, facts)
    if hit["options"] is None:
        return frozenset(fits)
    found: set[int] = set()
    for option in re.split(r", or |, | or ", hit["options"]):
        words = normal(option).removesuffix(" one")
        if words in ("left", "right") and len(fits) == 2:
            found.add((min if words == "left" else max)(fits, key=lambda i: facts.objects[i].box_xyxy))
            continue
        named = [i for i in fits if words in (facts.objects[i].color, facts.objects[i].shape, facts.objects[i].name)]
        if len(named) != 1:
            return None
        found.add(named[0])
    return frozenset(found)
