"""Instructions to give about a frame, with the plan that the model should write."""

from __future__ import annotations

import random
import re

from ..language.grammar import HOLDERS, Meaning, Thing, Verdict
from ..language.instructions import THEM, Instruction, parse_instruction, phrase_instruction
from ..language.phrases import EVERY_LOOSE
from ..language.planning import STACKABLE, UNKNOWN, Plan, plan
from ..qwen import plan_prompt
from .asked import Asked
from .sampler import Sampler, named
from .words import nonsense, strange_word

_TRIES = 6
_WANTED = (("steps", 0.55), ("ask", 0.28), ("cannot", 0.17))
_STRANGE, _FILLED, _VERB = 0.05, 0.22, 0.4
"""Shares of errands that nobody could run, and of orders with made-up words around what they say; of these, the share
whose verb is made up as well, where the rest tells what to do."""
_TELLS = re.compile(r"\b(into|in|inside|onto|on|at|towards|tower|stack|color|out of|off)\b")
_TURNS = ("Don't", "No", "Nothing")
"""First words without which an order would mean the opposite."""
_ERRANDS = (
    "Make {n}.",
    "Put the {n} into the tray.",
    "Bring me the {n}.",
    "Look at the {n}.",
    "Open the {n}.",
    "{v} the cube.",
    "{v}.",
    "{v}!",
    "{v} {n}.",
)
_SAYINGS = (
    *("Make coffee.", "Sing a song.", "Write a letter.", "Paint the wall.", "Call my mother.", "Drive to town."),
    *("Cook.", "Dance.", "Jump.", "Sleep.", "Sing.", "Cook dinner.", "Wash the car.", "Tell me a joke."),
    *("What is your name?", "How are you?", "What time is it?", "Turn around.", "Buy some milk."),
)


def task(sampler: Sampler, filled: float = _FILLED) -> Asked | None:
    """Give one instruction that has a clear plan: steps, a question back, or a reason.

    Args:
        sampler: Draws from the frame.
        filled: Share of orders with made-up words around what they say.
    """
    rng = sampler.rng
    if rng.random() < _STRANGE:
        return _unknown(sampler)
    want = rng.choices([kind for kind, _ in _WANTED], [weight for _, weight in _WANTED])[0]
    spare = None
    for _ in range(_TRIES):
        meant = _draw(sampler, want)
        made = plan(meant, sampler.facts)
        if made is None:
            continue
        text = phrase_instruction(meant, rng, usual=0.2)
        noise = random.Random(rng.random())
        asked = asked_to(meant, _filled(text, noise) if noise.random() < filled else text, made)
        if _kind(made) == want:
            return asked
        spare = asked
    return spare


def _filled(text: str, rng: random.Random) -> str:
    """Put made-up words into an order: what it means follows from those that are left."""
    body, mark = text[:-1], text[-1]
    words = body.split()
    if rng.random() < _VERB and words[0] not in _TURNS and _TELLS.search(" ".join(words[1:])):
        words[0] = nonsense(rng)
    else:
        words[0] = words[0][0].lower() + words[0][1:]
        if rng.random() < 0.7:
            words[:0] = [nonsense(rng) for _ in range(rng.choice((1, 1, 2, 3)))]
            if rng.random() < 0.3:
                words.insert(1, rng.choice(("you", "to", "and", "if")))
        else:
            words += [nonsense(rng) for _ in range(rng.choice((1, 2, 3)))]
    return " ".join((words[0].capitalize(), *words[1:])) + mark


def _kind(made: Plan) -> str:
    return "ask" if made.ask else "cannot" if made.cannot else "steps"


def asked_to(meant: Instruction, text: str, made: Plan) -> Asked:
    """Ask for the plan of an instruction in these words."""
    evidence = made.named if made.ask else () if made.cannot else made.named[:1]
    verdict = Verdict("plan", indices=made.named if made.steps else (), text=made.text, evidence=evidence)
    return Asked(f"plan {_kind(made)}", Meaning("plan", meant.a, meant.b), plan_prompt(text), made.text, verdict)


def _unknown(sampler: Sampler) -> Asked | None:
    rng = sampler.rng
    text = rng.choice((*_ERRANDS, *_ERRANDS, *_SAYINGS))
    text = text.format(n=strange_word(rng), v=strange_word(rng).capitalize())
    if parse_instruction(text) is not None:
        return None
    made = Plan(cannot=UNKNOWN)
    verdict = Verdict("plan", text=made.text)
    return Asked("plan unknown", Meaning("plan"), plan_prompt(text), made.text, verdict)


def _draw(sampler: Sampler, want: str) -> Instruction:
    rng = sampler.rng
    acts = {"put": 3.4, "every": 2.6, "tidy": 1.9, "stack": 1.1, "fetch": 1.5, "empty": 1.2, "sort": 1.3, "look": 0.7}
    if want == "steps":
        acts |= {"hello": 0.12, "home": 0.12}
    act = rng.choices(list(acts), list(acts.values()))[0]
    if act == "put":
        goal = _goal(sampler, want)
        alike = goal.shape in STACKABLE and rng.random() < 0.3
        return Instruction("put", Thing("", goal.shape) if alike else _thing(sampler, want, goal), goal)
    if act == "every":
        return Instruction("put", _several(sampler), _place(sampler, want))
    if act == "stack":
        color = rng.choice(sampler.seen).color if sampler.seen and rng.random() < 0.2 else ""
        return Instruction("stack", Thing(color, "can", every=True) if rng.random() < 0.2 else _cubes(color))
    if act in ("fetch", "look"):
        return Instruction(act, _thing(sampler, want))
    return Instruction(act, None, _place(sampler, want) if act == "empty" else None)


def _cubes(color: str) -> Thing:
    return Thing(color, "cube", every=True) if color else THEM


def _thing(sampler: Sampler, want: str, goal: Thing | None = None) -> Thing:
    """Describe one thing, so that the plan becomes what is wanted of it where the frame allows.

    Where no other can be meant its shape or its color is sometimes enough: of two cubes one is put on the other.
    """
    rng = sampler.rng
    if want == "cannot":
        fixed = [o for o in sampler.seen if not o.loose]
        return named(rng.choice(fixed)) if fixed and rng.random() < 0.2 else sampler.absent()
    loose = [o for o in sampler.sole if o.loose]
    if not loose:
        return sampler.present()
    o = rng.choice(loose)
    if want == "ask":
        same = [q for q in sampler.seen if sum(r.shape == q.shape for r in sampler.seen) > 1]
        q = rng.choice(same or [o])
        return Thing("", q.shape) if rng.random() < 0.68 else Thing(q.color)
    others = [q for q in sampler.seen if q is not o and named(q) != goal]
    brief = [Thing("", o.shape)] if all(q.shape != o.shape for q in others) else []
    if all(q.color != o.color for q in others):
        brief.append(Thing(o.color))
    return rng.choice(brief) if brief and rng.random() < 0.4 else named(o)


def _several(sampler: Sampler) -> Thing:
    rng = sampler.rng
    loose = [o for o in sampler.seen if o.loose]
    if not loose or rng.random() < 0.35:
        return EVERY_LOOSE
    o = rng.choice(loose)
    group = "loose" if rng.random() < 0.4 else "any"
    return rng.choice(
        (Thing(o.color, group=group, every=True), Thing("", o.shape, every=True), Thing(o.color, o.shape, every=True))  # type: ignore[arg-type]
    )


def _place(sampler: Sampler, want: str) -> Thing:
    rng = sampler.rng
    if want == "cannot" and rng.random() < 0.5:
        thing = sampler.absent()
        return Thing(thing.color, rng.choice(HOLDERS))
    if want == "ask" and sampler.holders:
        return Thing("", rng.choice(sampler.holders).shape)
    return sampler.place()


def _goal(sampler: Sampler, want: str) -> Thing:
    bases = [o for o in sampler.sole if o.shape in STACKABLE]
    if bases and sampler.rng.random() < 0.25:
        return named(sampler.rng.choice(bases))
    return _place(sampler, want)
