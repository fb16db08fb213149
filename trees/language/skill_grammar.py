"""Skills in files: the header key ``skill`` of a tree, and the ports that name skills, facts and alarms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..._base import KnotholeError, near_misses
from ...behaviors.means.alarms import AlarmError, alarms_of
from ...behaviors.means.effects import ANY, Fact, FactError, parse_fact
from ...behaviors.means.skills import fillable, skill
from ...behaviors.node import NODES
from ...behaviors.planning.never import NeverError, read_never
from ..problems import Problem
from ..reading.document import Item, Items, Pairs, Scalar, Source
from ..spec import InputSpec, SkillSpec, TreeSpec
from .constants import kind_of

if TYPE_CHECKING:
    from .grammar import Resolver

_KEYS: Final = ("about", "needs", "effects")


class SkillReader:
    """Reads the header key ``skill`` of one tree.

    Args:
        source: The file.
        problems: Collects mistakes.
    """

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        self.source, self.problems = source, problems

    def read(self, item: Item, inputs: tuple[InputSpec, ...]) -> SkillSpec | None:
        """Return what the tree is as a skill; None when that cannot be read."""
        if isinstance(item, Scalar) and item.is_null:
            item = Pairs((), item.line, item.column)
        if not isinstance(item, Pairs):
            self._report(
                item, f"key 'skill' takes a mapping, not {kind_of(item)}", fix="write `skill: {}`, or needs and effects"
            )
            return None
        for key, _ in item:
            if key.text not in _KEYS:
                guess = near_misses(key.text, _KEYS)
                fix = f"it has the keys {', '.join(_KEYS)}"
                self._report(key, f"unknown key {key.text!r} of 'skill'", code="K103", guess=guess, fix=fix)
        for each in inputs:
            if each.default is None and not fillable(each.port):
                self._report(
                    item,
                    f"a plan cannot give the input {each.name!r}, which takes {each.type}",
                    why="a plan is JSON: words, numbers and points",
                    fix="give the input a default, or a type such as text",
                )
        about = item.get("about")
        if about is not None and not isinstance(about, Scalar):
            self._report(about, f"'about' of 'skill' takes text, not {kind_of(about)}", fix="write one sentence")
        told = about.text if isinstance(about, Scalar) else ""
        return SkillSpec(told, self._facts(item, "needs", inputs), self._facts(item, "effects", inputs))

    def _facts(self, item: Pairs, key: str, inputs: tuple[InputSpec, ...]) -> tuple[Fact, ...]:
        value = item.get(key)
        if value is None or (isinstance(value, Scalar) and value.is_null):
            return ()
        if not isinstance(value, Items):
            self._report(value, f"{key!r} of 'skill' takes a list of facts", fix='write ["inside(object, into)"]')
            return ()
        found = []
        for each in value.items:
            if not isinstance(each, Scalar):
                self._report(each, f"a fact of {key!r} is text, not {kind_of(each)}", fix="write it in quotes")
                continue
            try:
                fact = parse_fact(each.text)
            except FactError as error:
                message, guess, fix = _parts(error)
                self._report(each, message, guess=guess, fix=fix)
                continue
            self._named(each, fact, inputs)
            found.append(fact)
        return tuple(found)

    def _named(self, item: Scalar, fact: Fact, inputs: tuple[InputSpec, ...]) -> None:
        names = [each.name for each in inputs]
        for arg in fact.args:
            if arg != ANY and arg not in names:
                self._report(
                    item,
                    f"the fact is about {arg!r}, which is no input of this tree",
                    guess=near_misses(arg, names),
                    fix=f"name one of {', '.join(names)}" if names else "declare it under `inputs:`",
                )

    def _report(
        self, item: Item, message: str, *, code: str = "K150", why: str = "", guess: tuple[str, ...] = (), fix: str
    ) -> None:
        self.problems.append(self.source.problem(item, code, message, why=why, guess=guess, fix=fix))


class SkillNames:
    """Checks the elements of ports that list skills, what may never happen, facts and alarms.

    Args:
        source: The file.
        problems: Collects mistakes.
        resolve: Finds trees.
    """

    def __init__(self, source: Source, problems: list[Problem], resolve: Resolver) -> None:
        self.source, self.problems, self.resolve = source, problems, resolve

    def check(self, item: Item, lists: str, skills: Item | None = None) -> None:
        """Check the elements of a list that are written out.

        Args:
            item: What stands at the port.
            lists: As ``Port.lists``.
            skills: For ``never``, the skills that the node has beside it.
        """
        if not isinstance(item, Items):
            if lists == "alarms" and isinstance(item, Scalar) and "$" not in item.text and not item.is_null:
                self._reads(item, lambda: alarms_of(item.text))
            return
        if lists == "alarms" and not item.items:
            self._reads(item, lambda: alarms_of([]))
        named = [each.text for each in skills.items if isinstance(each, Scalar)] if isinstance(skills, Items) else []
        for each in item.items:
            if isinstance(each, Scalar) and "$" not in each.text:
                self._element(each, lists, named)

    def _element(self, item: Scalar, lists: str, skills: list[str]) -> None:
        if lists == "skills":
            self._skill(item)
        elif lists == "never":
            self._reads(item, lambda: read_never([item.text], skills))
        elif lists == "facts":
            self._reads(item, lambda: parse_fact(item.text))
        else:
            self._reads(item, lambda: alarms_of([item.text]))

    def _skill(self, item: Scalar) -> None:
        name = item.text
        if name in NODES:
            if skill(name) is None:
                why = "a plan uses leaves whose ports take words, numbers and points, and trees with `skill:`"
                self._report(item, f"{name!r} is no skill", why=why, fix="name a leaf such as pick, or such a tree")
            return
        tree: TreeSpec | None = self.resolve(self.source, item, True)
        if tree is None:
            leaves = [each for each in NODES if "." not in each and skill(each) is not None]
            guess = near_misses(name, leaves)
            if not guess:
                self.resolve(self.source, item)  # which says what is wrong with it
                return
            fix = "correct the name, or list the skills with `knothole nodes --skills`"
            self._report(item, f"unknown skill {name!r}", why="nothing has this name", guess=guess, fix=fix)
        elif tree.skill is None:
            why = "its header does not say what it needs and brings about"
            fix = "write `skill: {needs: […], effects: […]}` in its header"
            self._report(item, f"the tree {name!r} is no skill", why=why, fix=fix)

    def _reads(self, item: Item, read: Callable[[], object]) -> None:
        """Report what is wrong with a text that cannot be read."""
        try:
            read()
        except (NeverError, FactError, AlarmError) as error:
            message, guess, fix = _parts(error)
            self._report(item, message, guess=guess, fix=fix)

    def _report(self, item: Item, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str) -> None:
        self.problems.append(self.source.problem(item, "K151", message, why=why, guess=guess, fix=fix))


def _parts(error: KnotholeError) -> tuple[str, tuple[str, ...], str]:
    """Return the message of an error, what was meant, and how to mend it."""
    message, _, fix = str(error).partition("\n  fix:  ")
    return message.partition("\n")[0], tuple(message.split("did you mean:  ")[1:]), fix
