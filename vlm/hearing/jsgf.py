"""Grammars of what may be said, in JSGF: instructions as ``vlm.language`` has them, or a few options.

A grammar keeps a small recognizer from hearing what nobody would say. That of instructions is made from the wordings
that are understood, the common ones: each further one is another to mistake them for. Wordings of one shape are joined
("put, place or move" ``<thing>`` "into or in" ``<place>``), so it takes in a few more sentences than are understood,
and stays small enough to be searched at once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ..facts import COLORS, SHAPES
from ..language.phrases import plural
from ..language.wordings import CLOSINGS, GATHER, OPENINGS, WORDINGS, common

INSTRUCTION = "instruction"
"""What ``Question.context`` of a ``transcribe`` says where an instruction is expected."""
_HEAD = "#JSGF V1.0;\ngrammar expected;\n"
_BEFORE = ("i mean", "i want", "take")
_ALSO = ("stack them", "stack them up", "stack the cubes")


def spoken(text: str) -> str:
    """Return a text as it is said: lower case, no marks.

    >>> spoken("Robot, put it down!")
    'robot put it down'
    """
    return " ".join(re.findall(r"[a-z0-9']+", text.lower()))


def options_grammar(options: Sequence[str]) -> str:
    """Return the grammar of a choice: one of the options, whole or without its article.

    Nothing else stands in it, since a grammar with more words stretches to fit any sound.
    """
    ways = dict.fromkeys(way for option in options for way in _ways(option))
    return f"{_HEAD}public <expected> = {' | '.join(ways)};\n"


def option_of(heard: str, options: Sequence[str]) -> str | None:
    """Return the option that was said in the words of its grammar; None where it is none, or more than one.

    >>> option_of("take red please", ["the red one", "the blue one"])
    'the red one'
    """
    said = heard.removesuffix(" please")
    for before in _BEFORE:
        said = said.removeprefix(f"{before} ")
    found = [option for option in options if said in _ways(option)]
    return found[0] if len(found) == 1 else None


def _ways(option: str) -> tuple[str, ...]:
    whole = spoken(option)
    return tuple(dict.fromkeys(way for way in (whole, _bare(whole)) if way))


@lru_cache(maxsize=1)
def instruction_grammar() -> str:
    """Return the grammar of instructions."""
    shapes, many = " | ".join((*SHAPES, "cup")), " | ".join(plural(shape) for shape in SHAPES)
    rules = {
        "color": " | ".join(COLORS),
        "one": f"[loose] [<color>] ({shapes} | object | container)",
        "many": f"[loose] [<color>] ({many} | objects)",
        "where": "(in | inside | outside | on | on top of | not in | not on) <b> | on the table",
        "b": f"the [<color>] ({shapes} | container)",
        "a": "(the | every) <one> [<where>] | all <many> [<where>] | everything",
        "ns": "[the] <many> [<where>]",
    }
    texts = [t for ts in (*WORDINGS.values(), GATHER) for t in common(ts)] + list(_ALSO)
    orders = list(_orders(texts))
    rules["order"] = "\n  | ".join(orders)
    rules["opening"] = _any(spoken(text) for text in common(OPENINGS))
    rules["closing"] = _any(spoken(text) for text in common(CLOSINGS))
    lines = [f"<{name}> = {text};" for name, text in rules.items()]
    return f"{_HEAD}" + "\n".join(lines) + "\npublic <expected> = [<opening>] <order> [<closing>];\n"


def _orders(texts: Iterable[str]) -> Iterable[str]:
    """Yield alternatives in which wordings with the same slots, and the same kind of words between them, are one."""
    groups: dict[tuple[str, ...], list[dict[str, None]]] = defaultdict(list)
    for text in texts:
        parts = re.split(r"(\{\w+\})", text)
        words = [spoken(part) for part in parts[::2]]
        slots = tuple(part[1:-1] for part in parts[1::2])
        group = groups[(*slots, *(_kind(between) for between in words[1:-1]))]
        group.extend({} for _ in range(len(words) - len(group)))
        for place, said in zip(group, words, strict=True):
            place[said] = None
    for key, places in groups.items():
        slots = key[: len(places) - 1]
        yield " ".join(
            part
            for i, place in enumerate(places)
            for part in (_any(place), f"<{slots[i]}>" if i < len(slots) else "")
            if part
        )


def _kind(between: str) -> str:
    first = between.split()[0] if between else ""
    return first if first in ("and", "with") else "verb" if first in ("belongs", "goes", "gets", "is") else ""


def _any(said: Iterable[str]) -> str:
    ways = list(said)
    full = [way for way in ways if way]
    if not full:
        return ""
    joined = " | ".join(full)
    return f"[{joined}]" if "" in ways else f"({joined})"


def _bare(text: str) -> str:
    words = text.split()
    return " ".join(word for word in words if word not in ("the", "one")) if len(words) > 1 else text


def words_of(grammar: str) -> tuple[str, ...]:
    """Return the words of a grammar, sorted."""
    body = re.sub(r"<\w+>", " ", grammar.removeprefix(_HEAD).replace("public", " "))
    return tuple(sorted(set(re.findall(r"[a-z0-9']+", body))))
