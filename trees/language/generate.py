"""Load-time generation: constants, ``for`` and ``if`` are written out before nodes are read.

``$(name)`` is a constant or a loop variable, ``$(name.field[0])`` a part of one. Everything that comes of a template
keeps the place of the template, so that a mistake is shown where the author can mend it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..._base import KnotholeError, near_misses
from ..formulas.expressions import Expression
from ..formulas.operators import ExpressionError, truth
from ..formulas.references import Accessor, Entry, follow
from ..reading.document import Documents, Item, Items, Pairs, Scalar
from .constants import constant_value, kind_of, text_of
from .substitution import Known, Substitution

_NEEDED = re.compile(
    r"""\$\(|^[ \t]*(?:- +)*["']?(?:for|if|constants)["']?[ \t]*:|[{,][ \t]*(?:for|if)[ \t]*:""", re.MULTILINE
)
_WORDS = re.compile(r"""(?:for|if)["']?[ \t]*:""")
"""What ``_NEEDED`` wants of loops and choices, searched for in a tenth of the time."""
_RANGE = re.compile(r"\s*(-?[0-9]{1,7})\s*\.\.\s*(-?[0-9]{1,7})\s*\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_FOR: Final = ("item", "in", "do")
_IF: Final = ("is", "then", "else")


def expand(documents: Documents) -> Documents:
    """Return documents in which constants, loops and choices are written out; the same ones where there are none.

    Raises:
        TreeError: They are too large when written out.
    """
    text = documents.source.text
    if not ("$(" in text or "constants" in text or _WORDS.search(text)) or not _NEEDED.search(text):
        return documents
    problems = list(documents.problems)
    generator = _Generator(documents.source, problems)
    roots = tuple(generator.document(root) for root in documents.roots)
    return Documents(documents.source, roots, problems, documents.comments)


class _Generator(Substitution):
    def document(self, root: Item) -> Item:
        """Write out one document; its constants are its own."""
        if not isinstance(root, Pairs):
            return root
        self.used = set()
        before = len(self.problems)
        known = self.constants(root)
        pairs = tuple((key, value if key.text == "constants" else self.one(value, known)) for key, value in root.pairs)
        for name in known if len(self.problems) == before else ():
            if name not in self.used:
                declared = root.get("constants")
                at = next((k for k, _ in declared if k.text == name), root) if isinstance(declared, Pairs) else root
                self.warn(
                    at,
                    "K145",
                    f"the constant {name!r} is never used",
                    fix=f"delete it, or write $({name}) where it is meant",
                )
        if all(new is old for (_, new), (_, old) in zip(pairs, root.pairs, strict=True)):
            return root
        return Pairs(pairs, root.line, root.column, root.flow, root.width)

    def constants(self, root: Pairs) -> dict[str, Item]:
        """Read the header key ``constants``; each may be made of those before it."""
        declared = root.get("constants")
        if declared is None or (isinstance(declared, Scalar) and declared.is_null):
            return {}
        if not isinstance(declared, Pairs):
            self.report(
                declared,
                "K142",
                f"key 'constants' takes a mapping, not {kind_of(declared)}",
                fix="write `NAME: VALUE` for each constant",
            )
            return {}
        known: dict[str, Item] = {}
        for key, value in declared:
            if _NAME.match(key.text):
                known[key.text] = self.one(value, known)
            else:
                self.report(key, "K142", f"{key.text!r} is no name for a constant", fix="use letters, digits and _")
        return known

    def one(self, item: Item, known: Known) -> Item:
        """Write out an item that stands for one value."""
        if isinstance(item, Scalar):
            return self.scalar(item, known) if "$(" in item.text else item
        if isinstance(item, Items):
            return self.list(item, known)
        choice = _alone(item, "if")
        if choice is not None:
            return self.single(item, choice, known)
        loop = _alone(item, "for")
        if loop is not None and loop.get("do") is not None:
            self.report(
                item.pairs[0][0],
                "K143",
                "'for' gives several nodes, here one is wanted",
                fix="put it into the list of a composite, such as `sequence:`",
            )
            return _unmade(item)
        pairs = tuple((self.key(key, known), self.one(value, known)) for key, value in item.pairs)
        if all(new[0] is old[0] and new[1] is old[1] for new, old in zip(pairs, item.pairs, strict=True)):
            return item
        self.count(item, 1)
        self.no_key_twice(pairs)
        return Pairs(pairs, item.line, item.column, item.flow, item.width)

    def list(self, item: Items, known: Known) -> Item:
        """Write out a list: loops and choices in it become as many elements as they give."""
        found: list[Item] = []
        for each in item.items:
            found.extend(self.elements(each, known))
        if len(found) == len(item.items) and all(a is b for a, b in zip(found, item.items, strict=True)):
            return item
        self.count(item, 1)
        return Items(tuple(found), item.line, item.column, item.flow, item.width)

    def elements(self, item: Item, known: Known) -> Iterator[Item]:
        """Write out an element of a list of nodes, or each of several."""
        if isinstance(item, Pairs) and item.pairs:
            loop = _alone(item, "for")
            if loop is not None:
                yield from self.loop(item, loop, known)
                return
            choice = _alone(item, "if")
            if choice is not None:
                chosen = self.choice(item, choice, known)
                yield from (_unmade(item),) if chosen is None else self.nodes(chosen, known)
                return
        yield self.one(item, known)

    def nodes(self, item: Item, known: Known) -> Iterator[Item]:
        """Yield the nodes of ``do``, ``then`` or ``else``: those of a list, or the one that stands there."""
        if isinstance(item, Items):
            for each in item.items:
                yield from self.elements(each, known)
        elif not (isinstance(item, Scalar) and item.is_null):
            yield self.one(item, known)

    def loop(self, item: Pairs, loop: Pairs, known: Known) -> Iterator[Item]:
        """Yield the nodes of a ``for``, once for each element."""
        if not self.shape(item, loop, "for", _FOR, _FOR, "K143"):
            yield _unmade(item)
            return
        name, body = loop.get("item"), loop.get("do")
        before = len(self.problems)
        values = self.one(loop.get("in") or loop, known)
        assert body is not None
        if len(self.problems) > before:
            yield _unmade(item)
            return
        if not isinstance(name, Scalar) or not _NAME.match(name.text):
            fix = "write a word, such as `item: side`, and $(side) below"
            self.report(name or item, "K143", "'item' of a 'for' names what changes from round to round", fix=fix)
            yield _unmade(item)
            return
        rounds = self.rounds(values)
        if rounds is None:
            yield _unmade(item)
            return
        for value in rounds:
            self.count(item, 1)
            yield from self.nodes(body, {**known, name.text: value})

    def rounds(self, values: Item) -> Iterator[Item] | None:
        """Return the elements of a list, or the numbers of ``1..4``; None after reporting what is neither."""
        if isinstance(values, Items):
            return iter(values.items)
        found = _RANGE.match(values.text) if isinstance(values, Scalar) else None
        if found is None:
            self.report(
                values,
                "K143",
                f"'in' of a 'for' takes a list or a range, not {kind_of(values)}",
                fix="write [a, b], 1..4, or $(NAME) with a constant that is a list",
            )
            return None
        assert isinstance(values, Scalar)
        first, last = int(found[1]), int(found[2])
        numbers = range(first, last + 1) if first <= last else range(first, last - 1, -1)
        return (values._replace(text=str(number), style="plain") for number in numbers)

    def single(self, item: Pairs, choice: Pairs, known: Known) -> Item:
        """Return the one node that an ``if`` gives where one node is wanted."""
        chosen = self.choice(item, choice, known)
        if chosen is None:
            return _unmade(item)
        nodes = list(self.nodes(chosen, known))
        if len(nodes) == 1:
            return nodes[0]
        self.report(
            item.pairs[0][0],
            "K144",
            f"this 'if' gives {'several nodes' if nodes else 'no node'}, here one is wanted",
            why="" if nodes else "of 'then' and 'else' the one that counts is missing or empty",
            fix="put them into one `sequence:`" if nodes else "give it `then:` and `else:` with one node each",
        )
        return _unmade(item)

    def choice(self, item: Pairs, choice: Pairs, known: Known) -> Item | None:
        """Return what an ``if`` chooses, an empty list for nothing; None after reporting why it cannot choose."""
        if not self.shape(item, choice, "if", _IF, _IF[:2], "K144"):
            return None
        condition = choice.get("is")
        assert condition is not None
        if not isinstance(condition, Scalar):
            fix = "quote it if it begins with a bracket or brace"
            self.report(condition, "K144", f"'is' takes an expression, not {kind_of(condition)}", fix=fix)
            return None
        holds = self.condition(condition, known)
        return None if holds is None else choice.get("then" if holds else "else") or Items((), item.line, item.column)

    def condition(self, item: Scalar, known: Known) -> bool | None:
        """Compute the condition of an ``if`` from constants and loop variables; None after reporting why it cannot."""
        written = self.scalar(item, known) if "$(" in item.text else item
        if not isinstance(written, Scalar):
            fix = f"compare a part of it, such as $({item.text[2:-1]}[0])"
            self.report(item, "K144", f"'is' takes an expression, not {kind_of(written)}", fix=fix)
            return None

        def value(entry: Entry) -> object:
            return self.value(entry.name, entry.accessors, known)

        try:
            expression = Expression(text_of(written))
            for entry in expression.references:
                if entry.name not in known:
                    self.unknown(item, entry.name, known, f"${entry.name}", entry.column - 1)
                    return None
            return truth(expression.evaluate(value))
        except ExpressionError as error:
            fix = error.fix or "correct the expression, such as `$side == 'left'`"
            self.inside(item, error.column - 1, 1, "K119", f"'is' of an 'if': {error}", guess=error.guess, fix=fix)
        except KnotholeError as error:
            self.report(item, "K144", f"'is' of an 'if': {error}", fix="correct the field or index")
        return None

    def value(self, name: str, accessors: tuple[Accessor, ...], known: Known) -> object:
        """Return the plain value of a constant, for a condition."""
        self.used.add(name)
        return follow(constant_value(known[name], "any"), accessors)

    def shape(
        self, item: Pairs, inner: Pairs, key: str, allowed: tuple[str, ...], needed: tuple[str, ...], code: str
    ) -> bool:
        """Tell whether a ``for`` or ``if`` has its keys and stands alone; report it under ``code``."""
        before = len(self.problems)
        for other, _ in item.pairs[1:]:
            fix = "put it beside the nodes that it is meant for"
            self.report(other, code, f"{other.text!r} stands beside a {key!r}, which is no node", fix=fix)
        for name, _ in inner:
            if name.text not in allowed:
                guess, fix = near_misses(name.text, allowed), f"it has the keys {', '.join(allowed)}"
                self.report(name, code, f"unknown key {name.text!r} of {key!r}", guess=guess, fix=fix)
        missing = [name for name in needed if inner.get(name) is None]
        if missing and len(self.problems) == before:
            example = "{item: NAME, in: LIST, do: [NODES]}" if key == "for" else "{is: EXPRESSION, then: [NODES]}"
            self.report(item.pairs[0][0], code, f"this {key!r} has no {missing[0]!r}", fix=f"write `{key}: {example}`")
        return len(self.problems) == before


def _alone(item: Pairs, key: str) -> Pairs | None:
    """Return the value of a mapping that begins with ``for`` or ``if``, None for any other mapping."""
    if not item.pairs or item.pairs[0][0].text != key or not isinstance(item.pairs[0][1], Pairs):
        return None
    return item.pairs[0][1]


def _unmade(item: Pairs) -> Scalar:
    """Return what the grammar passes over in silence, for nodes that could not be made."""
    return Scalar("*", "plain", item.line, item.column, item.line, item.column + 1)
