"""What a model says instead of a plan, a question back or a reason, and what the order and the picture say of that."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Literal

from ..means.differences import differences, question_for
from ..means.effects import named
from ..means.grounded import GroundedObject
from .finding import Found, around

_ANYTHING = ("object", "thing", "one", "item")
_ABSENT = re.compile(r"there (?:is|are) no ([\w -]+?)(?: here| there| on the table)?[.!]?\Z", re.IGNORECASE)
_WHICH = re.compile(r"which (?:one of the )?([\w -]+?)(?: do you mean| is meant)?\s*[:?]", re.IGNORECASE)


@dataclass(frozen=True)
class Saying:
    """A question back (``ask``), or a reason why something cannot be done (``cannot``).

    Attributes:
        kind: Which of the two.
        words: The question or the reason.
        options: What a question offers to choose from.
    """

    kind: Literal["ask", "cannot"]
    words: str
    options: tuple[str, ...] = ()

    @classmethod
    def of(cls, kind: Literal["ask", "cannot"], words: str) -> Saying:
        """Read one."""
        return cls(kind, words, options_in(words) if kind == "ask" else ())

    @property
    def query(self) -> str:
        """What to look for in the picture, to see whether it is so; empty where nothing tells."""
        about = self.about
        return f"every {about}" if about else ""

    @property
    def about(self) -> str:
        """What is asked about, or said not to be there."""
        return asked_about(self.words) if self.kind == "ask" else said_absent(self.words)

    @property
    def beginning(self) -> str:
        """What another answer must not have either: the words in JSON, of a question up to what it offers."""
        head, colon, _ = self.words.partition(":")
        return json.dumps(head + colon)[:-1]

    def contradicted(self, found: Found, instruction: str) -> str:
        """Say what a picture in which ``query`` was looked for says against it; empty for nothing."""
        if self.kind == "cannot":
            return f"{self.about} is found" if found.things.get(named(self.query)) else ""
        single = len(in_doubt(found, self.query, instruction)) == 1
        return f"the question {self.words!r} is needless: only one {self.about} is found" if single else ""

    def corrected(self, found: Found, instruction: str) -> Saying:
        """Return the same question about what is found, where that is something else than it offers."""
        things = in_doubt(found, self.query, instruction) if self.kind == "ask" else []
        names = tuple(differences(things, around(found)))
        if len(things) < 2 or {named(one) for one in names} == {named(one) for one in self.options}:
            return self
        return replace(self, words=question_for(self.about, things, around(found)), options=names)


def in_doubt(found: Found, words: str, instruction: str) -> list[GroundedObject]:
    """Return what words fit, without what the instruction names beside."""
    return [thing for thing in found.things.get(named(words), ()) if not beside(thing, instruction)]


def options_in(question: str) -> tuple[str, ...]:
    """Return the answers that a question names behind a colon, each once, however it is written.

    >>> options_in("Which cup: the red one, the blue one or the one in the bowl?")
    ('the red one', 'the blue one', 'the one in the bowl')
    >>> options_in("Which cup: the red one, the blue one or the red one?")
    ('the red one', 'the blue one')
    """
    _, colon, rest = question.strip().rstrip("?").partition(":")
    if not colon:
        return ()
    parts = [part.strip() for each in rest.split(", ") for part in each.split(" or ")]
    found = [part.removeprefix("or ").strip() for part in parts if part.strip()]
    each = {part.casefold(): part for part in found}
    return tuple(each.values()) if len(found) > 1 else ()


def pointless(question: str, instruction: str) -> str:
    """Say why a question back cannot be one; empty when it may be.

    It offers the same twice, or leaves nothing to choose from beside what the instruction names in its own words.

    >>> pointless("Which ball: the orange one or the orange one?", "Take the ball.")
    "the question 'Which ball: the orange one or the orange one?' offers the same thing twice"
    >>> pointless("Which cube: the red one or the blue one?", "Put the cube on the red cube.")
    'the question asks whether the red cube is meant, which the instruction names beside it'
    >>> pointless("Which blue object: the tray or the cube?", "Put the blue object into the blue tray.")
    'the question asks whether the blue tray is meant, which the instruction names beside it'
    >>> pointless("Which cube: the red one or the blue one?", "Put the cube into the red tray.")
    ''
    """
    options = options_in(question)
    kind, order = question.partition(":")[0].split()[1:], " ".join(re.findall(r"[\w-]+", instruction.lower()))
    known = []
    for option in options:
        words = option.lower().removeprefix("the ").split()
        name = [*words[:-1], *kind[-1:]] if words[-1:] == ["one"] else [*kind[:-1], *words]
        if len(name) > 1 and re.search(rf"\b{re.escape(' '.join(name))}\b", order):
            known.append(" ".join(name))
    if not options or len(options) - len(known) > 1:
        return ""
    if known:
        return f"the question asks whether the {known[0]} is meant, which the instruction names beside it"
    return f"the question {question!r} offers the same thing twice"


def asked_about(question: str) -> str:
    """Return what a question back asks to choose from, in the singular; empty where it does not say.

    >>> asked_about("Which blue object: the tray or the cube?"), asked_about("Shall I?")
    ('blue object', '')
    """
    hit = re.match(
        r"which (?:one of the )?([\w -]+?)(?: do you mean| is meant)?\s*[:?]", question.strip(), re.IGNORECASE
    )
    return hit[1].lower() if hit is not None else ""


def said_absent(reason: str) -> str:
    """Return the thing that a reason says is not there; empty where it says something else.

    >>> said_absent("There is no white plate."), said_absent("The white plate cannot be picked up.")
    ('white plate', '')
    """
    hit = _ABSENT.match(reason.strip())
    return hit[1].lower() if hit is not None else ""


def looser(words: str, instruction: str) -> str:
    """Return words for all that an instruction may mean by a thing that a plan names more exactly; else nothing.

    >>> looser("the blue can", "Slip the can into the tray."), looser("the blue can", "Lift the blue object.")
    ('every can', 'every blue object')
    >>> looser("the blue can", "Lift the blue can."), looser("the blue can", "Lift every can.")
    ('', '')
    """
    *marks, noun = named(words).split()
    order = [*re.findall(r"[\w-]+", instruction.lower()), "", ""]
    found = ""
    for the, first, second in zip(order, order[1:], order[2:], strict=False):
        if the != "the":
            continue
        if first in marks and second == noun:
            return ""
        if marks and first == noun:
            found = found or f"every {first}"
        elif first in marks and second in _ANYTHING:
            found = found or f"every {first} {second}"
    return found


def beside(thing: GroundedObject, instruction: str) -> bool:
    """Tell whether an instruction names a thing by more than one word, and so leaves no doubt about it."""
    label = thing.label.lower()
    return " " in label and re.search(rf"\b{re.escape(label)}\b", instruction.lower()) is not None
