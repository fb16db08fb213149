"""``$(name)``: what stands for a constant or a loop variable when a file is read, and how much may come of it.

Everything that comes of a template keeps the place of the template, so that a mistake is shown where the author can
mend it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ..._base import near_misses
from ..problems import Problem, TreeError
from ..reading.document import Item, Items, Pairs, Scalar, Source, place_inside
from .constants import kind_of, text_of

MAX_ITEMS: Final = 500_000
"""Scalars, lists and mappings that generation may make of one file."""
MAX_TEXT: Final = 10_000_000
"""Characters that generation may make of one file."""
_DOLLAR = re.compile(r"\$\$|\$\(([^()]*)\)?")
_PATH = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z_][A-Za-z0-9_]*|\[-?[0-9]{1,6}\])*)\Z")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(-?[0-9]{1,6})\]")

Known = Mapping[str, Item]
"""Constant or loop variable → what it stands for."""


class Substitution:
    """Replaces ``$(…)`` in the documents of one file.

    Args:
        source: The file.
        problems: Collects mistakes.
    """

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        self.source, self.problems = source, problems
        self.made = 0
        self.written = 0
        self.used: set[str] = set()

    def key(self, key: Scalar, known: Known) -> Scalar:
        """Write out the key of a mapping."""
        if "$(" not in key.text:
            return key
        made = self.scalar(key, known)
        if isinstance(made, Scalar):
            return made
        self.report(key, "K140", f"{key.text} is {kind_of(made)}, a key must be a word", fix="use a part of it")
        return key

    def scalar(self, item: Scalar, known: Known) -> Item:
        """Write out a scalar; one that is only ``$(name)`` may become a list or mapping."""
        whole = _DOLLAR.match(item.text)
        if whole is not None and whole.end() == len(item.text) and whole[1] is not None:
            found = self.look_up(item, whole, known)
            return item if found is None else self.placed(found, item)
        failed = False

        def fill(match: re.Match[str]) -> str:
            nonlocal failed
            if match[1] is None:
                return match[0]
            found = self.look_up(item, match, known)
            if isinstance(found, Scalar):
                return text_of(found)
            if found is not None:
                message = f"{match[0]} is {kind_of(found)}, which is no text"
                fix = "use a part of it, or let it stand alone"
                self.inside(item, match.start(), len(match[0]), "K140", message, fix=fix)
            failed = True
            return match[0]

        text = _DOLLAR.sub(fill, item.text)
        self.written += len(text)
        self.count(item, 1)
        return item if failed or text == item.text else item._replace(text=text)

    def look_up(self, item: Scalar, match: re.Match[str], known: Known) -> Item | None:
        """Return what ``$(…)`` stands for, None after reporting that it stands for nothing."""
        inside = _PATH.match(match[1].strip())
        if not match[0].endswith(")") or inside is None:
            self.inside(
                item,
                match.start(),
                len(match[0]),
                "K140",
                f"{match[0]!r} holds no name" if match[0].endswith(")") else "'$(' without ')'",
                why="$(NAME) is replaced by a constant when the file is read",
                fix="write $(name), $(name.field) or $(name[0]); $$( is a dollar and a bracket",
            )
            return None
        found = known.get(inside[1])
        if found is None:
            self.unknown(item, inside[1], known, match[0], match.start())
            return None
        self.used.add(inside[1])
        for step in _STEP.finditer(inside[2]):
            part = self.part(found, step[1], step[2])
            if part is None:
                near = (
                    near_misses(step[1], [key.text for key, _ in found]) if step[1] and isinstance(found, Pairs) else ()
                )
                before, after = inside[1] + inside[2][: step.start()], inside[2][step.end() :]
                near = tuple(f"$({before}.{each}{after})" for each in near)
                where = f"field {step[1]!r}" if step[1] is not None else f"element [{step[2]}]"
                message = f"{match[0]}: there is no {where} in {kind_of(found)}"
                fix = "correct the field or index"
                self.inside(item, match.start(), len(match[0]), "K140", message, guess=near, fix=fix)
                return None
            found = part
        return found

    def part(self, item: Item, field: str | None, index: str | None) -> Item | None:
        """Return a field of a mapping or an element of a list."""
        if field is not None:
            return item.get(field) if isinstance(item, Pairs) else None
        if not isinstance(item, Items) or index is None or not -len(item.items) <= int(index) < len(item.items):
            return None
        return item.items[int(index)]

    def unknown(self, item: Scalar, name: str, known: Known, written: str, at: int) -> None:
        """Report a name that is no constant here; it stands at an index of the text."""
        if known:
            self.inside(
                item,
                at,
                len(written),
                "K140",
                f"there is no constant {name!r} here",
                guess=tuple(
                    f"$({each})" if written.startswith("$(") else f"${each}" for each in near_misses(name, known)
                ),
                fix="correct the name, or declare it under `constants:`",
            )
        else:
            self.inside(
                item,
                at,
                len(written),
                "K141",
                f"{written} is replaced when the file is read, and there are no constants here",
                guess=(f"${name}",) if item.text == written else (f"${{{name}}}",),
                fix=f"declare {name} under `constants:`; an entry is $NAME, in text ${{NAME}}; $$( is plain text",
            )

    def placed(self, item: Item, template: Scalar) -> Item:
        """Return a copy of an item with the place of a template."""
        self.count(template, 1)
        if isinstance(item, Scalar):
            self.written += len(item.text)
            style = item.style if template.style == "plain" else template.style
            return template._replace(text=text_of(item), style="quoted" if style == "block" else style)
        if isinstance(item, Items):
            items = tuple(self.placed(each, template) for each in item.items)
            return Items(items, template.line, template.column, True, template.width)
        pairs = tuple((template._replace(text=key.text), self.placed(value, template)) for key, value in item)
        return Pairs(pairs, template.line, template.column, True, template.width)

    def no_key_twice(self, pairs: tuple[tuple[Scalar, Item], ...]) -> None:
        """Report keys that became the same."""
        seen: set[str] = set()
        for key, _ in pairs:
            if key.text in seen:
                message = f"the key {key.text!r} stands twice in this mapping"
                self.report(key, "K017", message, fix="give one of them another name")
            seen.add(key.text)

    def count(self, at: Item, more: int) -> None:
        """Count what is made.

        Raises:
            TreeError: It is too much.
        """
        self.made += more
        if self.made > MAX_ITEMS or self.written > MAX_TEXT:
            what = f"{MAX_ITEMS} values" if self.made > MAX_ITEMS else f"{MAX_TEXT} characters"
            message = f"constants and loops make more than {what} of this file"
            raise TreeError([self.source.problem(at, "K007", message, fix="make shorter loops, or use subtrees")])

    def report(
        self, at: Item, code: str, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        """Note a mistake."""
        self.problems.append(self.source.problem(at, code, message, why=why, guess=guess, fix=fix))

    def inside(
        self,
        item: Scalar,
        at: int,
        width: int,
        code: str,
        message: str,
        *,
        why: str = "",
        guess: tuple[str, ...] = (),
        fix: str = "",
    ) -> None:
        """Note a mistake at an index of the text of a scalar."""
        line, column, width = place_inside(item, at, width, self.source)
        self.problems.append(
            self.source.problem((line, column), code, message, why=why, guess=guess, fix=fix, width=width)
        )

    def warn(self, at: Item, code: str, message: str, fix: str) -> None:
        """Note what is no mistake yet."""
        self.problems.append(self.source.problem(at, code, message, fix=fix, severity="warning"))
