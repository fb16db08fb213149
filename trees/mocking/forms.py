"""Reading small YAML forms: mappings with known keys, words from a list, lists; every mistake is kept, none raised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..._base import near_misses
from ...behaviors.ports import Port, PortType
from ..language.constants import kind_of
from ..language.port_values import ValueReader
from ..problems import Problem
from ..reading.document import Documents, Item, Items, Pairs, Scalar, Source

_HEADERS: Final = ("knothole", "knothole_invariants", "knothole_mocks", "knothole_test")


class Forms:
    """Reads the forms of one file.

    Args:
        source: The file.
        problems: Collects mistakes.
    """

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        self.source, self.problems = source, problems
        self.values = ValueReader(source, problems)

    def report(
        self, at: Item, code: str, message: str, *, why: str = "", guess: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        """Keep a mistake."""
        self.problems.append(self.source.problem(at, code, message, why=why, guess=guess, fix=fix))

    def pairs(self, item: Item, label: str, fix: str, known: Sequence[str] = ()) -> Pairs | None:
        """Return a mapping; with ``known``, any other key in it is reported."""
        if not isinstance(item, Pairs):
            self.report(item, "K232", f"{label} takes a mapping, not {kind_of(item)}", fix=fix)
            return None
        for key, _ in item if known else ():
            if key.text not in known:
                self.report(
                    key,
                    "K231",
                    f"{label} has no key {key.text!r}",
                    guess=near_misses(key.text, known),
                    fix=f"its keys are {', '.join(known)}",
                )
        return item

    def items(self, item: Item, label: str, fix: str) -> tuple[Item, ...]:
        """Return the elements of a list; one scalar is a list of one."""
        if isinstance(item, Items):
            return item.items
        if isinstance(item, Scalar) and not item.is_null:
            return (item,)
        self.report(item, "K232", f"{label} takes a list, not {kind_of(item)}", fix=fix)
        return ()

    def word(self, item: Item, choices: Sequence[str], label: str) -> str | None:
        """Return one of some words."""
        if isinstance(item, Scalar) and item.text in choices:
            return item.text
        text = item.text if isinstance(item, Scalar) else ""
        self.report(
            item,
            "K233",
            f"{label} takes {' or '.join(choices)}, not {kind_of(item)}",
            guess=near_misses(text.lower(), choices),
            fix=f"write one of {', '.join(choices)}",
        )
        return None

    def words(self, item: Item, choices: Sequence[str], label: str) -> tuple[str, ...]:
        """Return a list of such words."""
        found = (self.word(each, choices, label) for each in self.items(item, label, f"write [{', '.join(choices)}]"))
        return tuple(each for each in found if each is not None)

    def texts(self, item: Item, label: str) -> list[Scalar]:
        """Return a list of texts, with their places; an empty list is one."""
        found: list[Scalar] = []
        for each in self.items(item, label, "write a list of texts"):
            if isinstance(each, Scalar):
                found.append(each)
            else:
                self.report(each, "K232", f"{label} takes texts, not {kind_of(each)}", fix="write the text in quotes")
        return found

    def number(
        self, item: Item, label: str, type: PortType = "number", low: float | None = None, high: float | None = None
    ) -> float | None:
        """Return a number, or a quantity of the type."""
        found = self.values.constant(item, Port("value", type, "", minimum=low, maximum=high), label)
        return float(found.value) if found is not None and isinstance(found.value, int | float) else None

    def text(self, item: Item, label: str) -> str | None:
        """Return a text."""
        return self.values.text(item, label)

    def flag(self, item: Item, label: str) -> bool:
        """Return true or false."""
        found = self.values.constant(item, Port("value", "bool", ""), label)
        return found is not None and found.value is True


def single_document(documents: Documents, problems: list[Problem], what: str) -> Pairs | None:
    """Return the mapping that a file of one document is."""
    problems.extend(documents.problems)
    for root in documents.roots[1:]:
        problems.append(
            documents.source.problem(root, "K232", f"a second document in {what}", fix="put it into a file of its own")
        )
    root = documents.roots[0]
    if isinstance(root, Pairs):
        return root
    problems.append(
        documents.source.problem(root, "K232", f"{what} is a mapping, not {kind_of(root)}", fix="begin with its header")
    )
    return None


def check_header(forms: Forms, root: Pairs, key: str, what: str) -> bool:
    """Report a header such as ``knothole_mocks: 1`` that is missing or not version 1; False for a file of another kind.

    What begins with another header of ours is not read on: each of its keys would be a mistake.
    """
    value = root.get(key)
    if value is None:
        forms.report(root, "K230", f"{what} begins with `{key}: 1`", fix=f"write `{key}: 1` above")
        return not any(name.text in _HEADERS for name, _ in root)
    if not isinstance(value, Scalar) or value.text != "1":
        forms.report(value, "K230", f"there is no version {kind_of(value)} of {what}", fix=f"write `{key}: 1`")
    return True


def entries(pairs: Pairs | None) -> Iterator[tuple[Scalar, Item]]:
    """Yield keys and values of a mapping that may not be there."""
    yield from pairs or ()
