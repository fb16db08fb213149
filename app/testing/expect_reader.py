"""Read the ``expect`` of a case: every word in it is checked against the tree before anything is ticked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ...behaviors.ports import Port
from ...trees.language.constants import kind_of
from ...trees.language.interpolation import whole_entry
from ...trees.mocking.forms import Forms, entries
from ...trees.mocking.sites import Selector, Site
from ...trees.reading.document import Item, Pairs, Scalar
from ...trees.spec import Literal
from .expectations import Expected, Picked

ENDS: Final = ("success", "failure", "running", "skipped", "fault")
LASTS: Final = ("success", "failure", "running", "skipped", "halted", "never")
NOWS: Final = ("success", "failure", "running", "skipped", "idle")
KEYS: Final = ("status", "ticks", "within", "order", "never", "nodes", "at", "blackboard", "reason", "said")
_MANY: Final = ("pattern", "type", "name")
"""Selectors that may pick several nodes, all of which are meant."""


class ExpectReader:
    """Reads expectations about one tree.

    Args:
        forms: The file.
        all_sites: The nodes of the tree.
    """

    def __init__(self, forms: Forms, all_sites: Sequence[Site]) -> None:
        self.forms, self.sites = forms, all_sites
        self._readers: Mapping[str, Callable[[Item], object]] = {
            "status": lambda item: forms.word(item, ENDS, "'status'"),
            "ticks": self._ticks,
            "within": lambda item: forms.number(item, "'within'", "duration", low=0.0),
            "order": lambda item: self._list(item, "'order'"),
            "never": lambda item: self._list(item, "'never'"),
            "nodes": self._nodes,
            "at": self._at,
            "reason": lambda item: forms.text(item, "'reason'"),
            "said": lambda item: tuple(forms.texts(item, "'said'")),
        }

    def read(self, item: Item) -> tuple[Expected, ...]:
        """Return what a mapping of expectations says; one word is the status."""
        if isinstance(item, Scalar):
            status = self.forms.word(item, ENDS, "'expect'")
            return (Expected("status", item, self.forms.source, status),) if status else ()
        pairs = self.forms.pairs(item, "'expect'", "write {status: success}", KEYS)
        found: list[Expected] = []
        if pairs is not None and not pairs.pairs:
            self.forms.report(pairs, "K243", "'expect' says nothing", fix="write {status: success}")
        for key, value in entries(pairs):
            if key.text == "blackboard":
                found.append(self._blackboard(value))
            elif key.text in self._readers:
                read = self._readers[key.text](value)
                if read is not None:
                    found.append(Expected(key.text, value, self.forms.source, read))
        return tuple(found)

    def _ticks(self, item: Item) -> tuple[int | None, int | None] | None:
        if isinstance(item, Pairs):
            pairs = self.forms.pairs(item, "'ticks'", "", ("min", "max"))
            bounds = {key.text: self._count(value, f"'{key.text}'") for key, value in entries(pairs)}
            return bounds.get("min"), bounds.get("max")
        count = self._count(item, "'ticks'")
        return None if count is None else (count, count)

    def _count(self, item: Item, label: str) -> int | None:
        found = self.forms.number(item, label, "int", low=0)
        return None if found is None else int(found)

    def _pick(self, item: Item, one: bool) -> Picked | None:
        """Return the nodes that a text picks; with ``one``, one word must pick exactly one."""
        if not isinstance(item, Scalar):
            self.forms.report(item, "K232", f"a node is named by a text, not {kind_of(item)}", fix="write its path")
            return None
        selector = Selector(item.text)
        found = selector.among(self.sites)
        if not found:
            self.forms.report(
                item,
                "K244",
                f"{item.text!r} is no node of this tree",
                guess=selector.near(self.sites),
                fix="write a type, a name, a path, or a path with * and **",
            )
            return None
        if one and len(found) > 1 and selector.kind not in _MANY:
            self.forms.report(
                item,
                "K245",
                f"{len(found)} nodes are called {item.text!r}",
                guess=tuple(site.path for site in found[:3]),
                fix=f"give the path of one, or write type:{item.text} for all",
            )
            return None
        return Picked(item, tuple(site.path for site in found))

    def _list(self, item: Item, label: str) -> tuple[Picked, ...]:
        found = [self._pick(each, False) for each in self.forms.items(item, label, "write [NODE, NODE]")]
        return tuple(each for each in found if each is not None)

    def _nodes(self, item: Item) -> tuple[tuple[Picked, Item, str, str], ...]:
        rows = []
        for key, value in entries(self.forms.pairs(item, "'nodes'", "write {NODE: success}")):
            picked = self._pick(key, True)
            status: str | None
            reason: str | None = ""
            if isinstance(value, Pairs):
                pairs = self.forms.pairs(value, "a node", "", ("status", "reason"))
                said = {name.text: each for name, each in entries(pairs)}
                reason = self.forms.text(said["reason"], "'reason'") if "reason" in said else ""
                status = self.forms.word(said["status"], LASTS, "'status'") if "status" in said else "failure"
            else:
                status = self.forms.word(value, LASTS, "the status of a node")
            if picked is not None and status is not None and reason is not None:
                rows.append((picked, value, status, reason))
        return tuple(rows)

    def _at(self, item: Item) -> tuple[tuple[int, Picked, Item, str], ...]:
        rows = []
        for key, value in entries(self.forms.pairs(item, "'at'", "write {TICK: {NODE: running}}")):
            tick = self._count(key, "a tick")
            nodes = self.forms.pairs(value, f"tick {key.text}", "write {NODE: running}")
            for name, status in entries(nodes):
                picked, word = self._pick(name, True), self.forms.word(status, NOWS, "the status of a node")
                if picked is not None and word is not None and tick is not None:
                    rows.append((tick, picked, status, word))
        return tuple(rows)

    def _blackboard(self, item: Item) -> Expected:
        """Return constants by entry, or a list of expressions."""
        if not isinstance(item, Pairs):
            lines = self.forms.items(item, "'blackboard'", 'write {NAME: VALUE} or ["$count == 3"]')
            computed = [(each, self.forms.values.expression(each, "'blackboard'")) for each in lines]
            holds = tuple((at, e.expression) for at, e in computed if e is not None)
            return Expected("holds", item, self.forms.source, holds)
        rows: list[tuple[Scalar, Item, object]] = []
        for key, value in item:
            if not key.text.isidentifier() and whole_entry(key.text) is None:
                fix = "write its name; to compare a part of it write a list of expressions"
                self.forms.report(key, "K232", f"{key.text!r} is no blackboard entry", fix=fix)
                continue
            wanted = self._constant(value)
            if wanted is not None:
                rows.append((key, value, wanted.value))
        return Expected("entries", item, self.forms.source, tuple(rows))

    def _constant(self, item: Item) -> Literal | None:
        return self.forms.values.constant(item, Port("value", "any", ""), "'blackboard'")


def limit_of(expected: Sequence[Expected]) -> int | None:
    """Return after how many ticks a case that wants RUNNING is stopped, None for any other."""
    by_key = {each.key: each.value for each in expected}
    ticks = by_key.get("ticks")
    if by_key.get("status") != "running" or not isinstance(ticks, tuple):
        return None
    high = ticks[1]
    return high if isinstance(high, int) else None
