"""Facts that skills need and bring about, and what is known of the world while steps are gone through in thought.

A leaf declares ``needs`` and ``effects`` as texts, with names of its input ports, or ``_`` for any thing:

    needs = ("hand_empty", "clear(object)")
    effects = ("holding(object)",)

``not`` before a fact says the contrary. A fact about a port that a step does not fill is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ..._base import KnotholeError, near_misses

ANY: Final = "_"
"""Stands for any thing."""
FACTS: Final[Mapping[str, str]] = {
    "hand_empty": "the hand is empty",
    "holding": "the hand holds {0}",
    "inside": "{0} is in {1}",
    "on": "{0} is on {1}",
    "on_table": "{0} is on the table",
    "clear": "nothing lies on {0}",
    "visible": "{0} can be seen",
    "handed_over": "{0} was handed over",
}
"""Fact → what it says; the marks are its arguments."""
_CONTRARY: Final[Mapping[str, str]] = {
    "hand_empty": "the hand holds something",
    "holding": "the hand does not hold {0}",
    "inside": "{0} is not in {1}",
    "on": "{0} is not on {1}",
    "on_table": "{0} is not on the table",
    "clear": "something lies on {0}",
    "visible": "{0} cannot be seen",
    "handed_over": "{0} was not handed over",
}
_PLACES: Final = ("holding", "inside", "on", "on_table", "handed_over")
"""Facts that say where a thing is: one of them holds at a time."""
_FORM = re.compile(r"(not\s+)?(\w+)\s*(?:\(([^()]*)\))?")
_MARKS = re.compile(r"[(),]")
_ARTICLE = re.compile(r"^(the|a|an|this|that|my|your)\s+")


class FactError(KnotholeError):
    """A text that is no fact."""


@dataclass(frozen=True)
class Fact:
    """Something that is true of the world, or its contrary.

    Attributes:
        name: A key of ``FACTS``.
        args: Names of ports where a skill declares it, else the things it is about in words; ``_`` for any.
        positive: False for the contrary.
    """

    name: str
    args: tuple[str, ...] = ()
    positive: bool = True

    def __str__(self) -> str:
        """Return the text that ``parse_fact`` reads: words for a thing stand there without commas and brackets."""
        inner = (
            f"({', '.join(' '.join(_MARKS.sub(' ', arg).split()) or ANY for arg in self.args)})" if self.args else ""
        )
        return f"{'' if self.positive else 'not '}{self.name}{inner}"

    @property
    def words(self) -> str:
        """The fact as a sentence without a dot."""
        forms = FACTS if self.positive else _CONTRARY
        return forms[self.name].format(*("something" if arg == ANY else arg for arg in self.args))

    @property
    def contrary(self) -> Fact:
        """What is true where it is not."""
        return replace(self, positive=not self.positive)

    def bound(self, values: Mapping[str, str]) -> Fact | None:
        """Return it about things instead of ports; None when a port it names has no value."""
        if any(arg != ANY and not values.get(arg) for arg in self.args):
            return None
        return replace(self, args=tuple(arg if arg == ANY else values[arg] for arg in self.args))


def parse_fact(text: str) -> Fact:
    """Read a fact.

    Raises:
        FactError: It is none.

    >>> parse_fact("not inside(object, _)")
    Fact(name='inside', args=('object', '_'), positive=False)
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise FactError(f"{text!r} is no fact\n  fix:  write one such as `inside(object, into)` or `not hand_empty`")
    name, inner = found[2], found[3]
    if name not in FACTS:
        near = near_misses(name, FACTS)
        hint = f"\n  did you mean:  {near[0]}" if near else ""
        raise FactError(f"{name!r} is no fact that is known{hint}\n  fix:  write one of {', '.join(FACTS)}")
    args = tuple(arg.strip() for arg in inner.split(",")) if inner is not None and inner.strip() else ()
    wanted = arity(name)
    if len(args) != wanted or not all(args):
        shown = f"{name}({', '.join(('a', 'b')[:wanted])})" if wanted else name
        raise FactError(f"{text.strip()!r} has {len(args)} things, wanted {wanted}\n  fix:  write it as `{shown}`")
    return Fact(name, args, found[1] is None)


def arity(name: str) -> int:
    """Return how many things a fact is about."""
    return FACTS[name].count("{")


def named(words: str) -> str:
    """Return words for a thing without what does not tell it from others: article, capitals, blanks.

    >>> named("The  red cube")
    'red cube'
    """
    return _ARTICLE.sub("", " ".join(words.lower().split()))


class State:
    """What is known of the world; anything may be unknown.

    A thing is in one place at a time, and the hand holds one thing at most: what follows from a fact is known with it.

    Args:
        facts: What is known at the beginning; later ones overrule earlier ones.
        same: Words for a thing → what is equal for all words for it, such as the number that ``ground`` gave it.
    """

    def __init__(self, facts: Iterable[Fact] = (), same: Callable[[str], str] = named) -> None:
        self._same = same
        self._places: dict[str, tuple[str, str]] = {}
        self._plain: dict[tuple[str, ...], bool] = {}
        self._words: dict[str, str] = {}
        self.apply(facts)

    def copy(self) -> State:
        """Return another one that knows the same."""
        made = State(same=self._same)
        made._places, made._plain, made._words = dict(self._places), dict(self._plain), dict(self._words)
        return made

    def common(self, other: State) -> State:
        """Return one that knows what both know."""
        made = self.copy()
        made._places = {k: v for k, v in self._places.items() if other._places.get(k) == v}
        made._plain = {k: v for k, v in self._plain.items() if other._plain.get(k) == v}
        return made

    @property
    def held(self) -> str:
        """What the hand holds, in words; empty when that is nothing or not known."""
        return next((self._words[thing] for thing, (place, _) in self._places.items() if place == "holding"), "")

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Everything that is known, sorted, things in the words that came last."""
        known = [Fact(*self._fact(thing, place)) for thing, place in self._places.items()]
        known += [
            Fact(name, tuple(self._words.get(arg, arg) for arg in args), truth)
            for (name, *args), truth in self._plain.items()
            if not (name == "hand_empty" and truth and self.held)
        ]
        return tuple(sorted(known, key=lambda fact: (fact.name, fact.args)))

    def _fact(self, thing: str, place: tuple[str, str]) -> tuple[str, tuple[str, ...]]:
        args = (thing, place[1])[: arity(place[0])]
        return place[0], tuple(self._words.get(arg, arg) for arg in args)

    def holds(self, fact: Fact) -> bool | None:
        """Tell whether a fact is true; None when that is not known. ``_`` in it means: of some thing."""
        known = self._true(fact.name, tuple(arg if arg == ANY else self._same(arg) for arg in fact.args))
        return known if known is None or fact.positive else not known

    def _true(self, name: str, args: tuple[str, ...]) -> bool | None:
        if name == "hand_empty":
            return False if self.held else self._plain.get(("hand_empty",))
        if name == "clear" and any(place[0] in ("inside", "on") and place[1] == args[0] for place in self._where()):
            return False
        if name not in _PLACES:
            return self._plain.get((name, *args))
        if name == "holding" and self._plain.get(("hand_empty",)) is not None and not self.held:
            empty = self._plain["hand_empty",]
            if empty or args[0] == ANY:
                return not empty
        if args[0] == ANY:
            matches = [place for place in self._where() if place[0] == name and args[1:] in ((), (ANY,), (place[1],))]
            return True if matches else None
        return self._lies(name, args)

    def _lies(self, name: str, args: tuple[str, ...]) -> bool | None:
        """Tell whether a thing is in a place that is known, or in another one."""
        at = self._places.get(args[0])
        if at is None:
            other = name == "holding" and self.held
            return False if other else self._plain.get((name, *args))
        if at[0] == name:
            if args[1:] in ((), (ANY,), (at[1],)):
                return True
            return None if name == "inside" else False  # a bowl may stand in a tray
        within = {"inside", "on"}
        return None if {name, at[0]} == within else False

    def _where(self) -> Iterable[tuple[str, str]]:
        return self._places.values()

    def missing(self, needs: Iterable[Fact]) -> list[Fact]:
        """Return those facts that are known to be false."""
        return [fact for fact in needs if self.holds(fact) is False]

    def apply(self, effects: Iterable[Fact]) -> None:
        """Let facts become true, one after the other, and with each what follows from it."""
        for fact in effects:
            args = tuple(self._key(arg) for arg in fact.args)
            if fact.name == "hand_empty":
                self._empty_hand(fact.positive)
            elif fact.name not in _PLACES:
                self._plain[fact.name, *args] = fact.positive
            elif not fact.positive:
                self._leave(fact.name, args)
            elif args[0] != ANY:
                self._put(fact.name, args)

    def _key(self, words: str) -> str:
        if words == ANY:
            return ANY
        key = self._same(words)
        self._words[key] = words
        return key

    def _empty_hand(self, empty: bool) -> None:
        self._plain["hand_empty",] = empty
        if empty:
            self._places = {thing: place for thing, place in self._places.items() if place[0] != "holding"}

    def _put(self, name: str, args: tuple[str, ...]) -> None:
        for key in [key for key in self._plain if key[0] in _PLACES and key[1] == args[0]]:
            del self._plain[key]
        if name == "holding":
            self._empty_hand(True)
            self._plain["hand_empty",] = False
        self._places[args[0]] = (name, args[1] if len(args) > 1 else "")

    def _leave(self, name: str, args: tuple[str, ...]) -> None:
        for thing, place in list(self._places.items()):
            if place[0] == name and args[0] in (ANY, thing) and args[1:] in ((), (ANY,), (place[1],)):
                del self._places[thing]
                if name == "holding":
                    self._plain["hand_empty",] = True
        if ANY not in args:
            self._plain[name, *args] = False
