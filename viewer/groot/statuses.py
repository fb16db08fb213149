"""The statuses of all nodes as the protocol has them, and the transitions between them in the order they have there."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from ...trees.tracing.changes import Change
from .shown import ShownTree

IDLE, RUNNING, SUCCESS, FAILURE = 0, 1, 2, 3
LEFT: Final = 10
"""What is added to the status that a node had before it became idle."""
CODES: Final = {"RUNNING": RUNNING, "SUCCESS": SUCCESS, "FAILURE": FAILURE}
"""Status of a change → its number; all others are idle."""
_RECORD: Final = struct.Struct("<HB")


class Transition(NamedTuple):
    """A node that took another status."""

    uid: int
    status: int


class Statuses:
    """The statuses of the nodes of one tree, followed tick by tick.

    Args:
        shown: The tree.
    """

    def __init__(self, shown: ShownTree) -> None:
        self._shown = shown
        self._now = bytearray(len(shown.nodes) + 1)
        self._parents = [0, *(node.parent for node in shown.nodes)]
        self._standing: bytearray | None = None

    def take(self, changes: Iterable[Change], ended: bool, recorded: bool = False) -> list[Transition]:
        """Take the changes of a tick; return them as transitions of the protocol where these are recorded.

        A change log notes the end of a node and, last, which were reset. BehaviorTree.CPP tells also that a node runs
        while it ticks its children, and resets these before it ends itself.

        Args:
            changes: What changed, in order.
            ended: True when the root is not RUNNING any more: then it is reset, as there.
            recorded: Whether anyone wants the transitions.
        """
        self._standing = None
        told = self._told(changes)
        if ended:
            told.append(Transition(1, IDLE))
        found = list(self._with_runs(self._resets_in_place(told))) if recorded else []
        _set(self._now, told)
        return found

    def stand(self, index: int, changes: Iterable[Change]) -> None:
        """Show a tick that stands still at a node, until the next ``take``: what is above that node runs.

        Args:
            index: Of the node, in ``BuiltTree.nodes``.
            changes: What changed so far; the next ``take`` gets it again.
        """
        self._standing = self._now[:]
        _set(self._standing, self._told(changes))
        uid = self._shown.uid_of(index)
        for above in self._above(uid) if uid else ():
            self._standing[above] = RUNNING

    def _told(self, changes: Iterable[Change]) -> list[Transition]:
        uids = self._shown.uids
        return [Transition(uids[each.node], CODES.get(each.status, IDLE)) for each in changes if uids[each.node]]

    def packed(self) -> bytes:
        """Return three bytes for each node: its uid and its status."""
        now = self._now if self._standing is None else self._standing
        return b"".join([_RECORD.pack(uid, now[uid]) for uid in self._shown.order])

    def _above(self, uid: int) -> list[int]:
        """Return the uids of all nodes above one, the root first."""
        found: list[int] = []
        while uid := self._parents[uid]:
            found.append(uid)
        return found[::-1]

    def _resets_in_place(self, told: list[Transition]) -> list[Transition]:
        """Put each reset, which the change log notes at the end of a tick, to where its parent was done in that tick.

        That is before the parent's own end, or behind the last that happened below a parent that goes on.
        """
        cut = len(told)
        while cut and told[cut - 1].status == IDLE:
            cut -= 1
        if cut == len(told):
            return told
        last: dict[int, int] = {}
        ends: dict[int, int] = {}
        for at, (uid, status) in enumerate(told[:cut]):
            last.update((above, at + 1) for above in (uid, *self._above(uid)))
            if status in (SUCCESS, FAILURE):
                ends[uid] = at
        places: dict[int, list[Transition]] = {}
        for reset in told[cut:]:
            parent = self._parents[reset.uid]
            at = ends.get(parent, -1)
            if at < ends.get(reset.uid, 0):
                at = last.get(parent, cut)
            places.setdefault(at, []).append(reset)
        ordered: list[Transition] = []
        for at in range(cut + 1):
            ordered += [*places.get(at, ()), *told[at : min(at + 1, cut)]]
        return ordered

    def _with_runs(self, told: Sequence[Transition]) -> Iterator[Transition]:
        """Yield the transitions, and before the first of a child that its parents run."""
        now: dict[int, int] = {}
        begun: dict[int, None] = {}
        for uid, status in told:
            before = now.get(uid, self._now[uid])
            if status != IDLE:
                for above in self._above(uid):
                    if not IDLE < now.get(above, self._now[above]) < LEFT:
                        now[above], begun[above] = RUNNING, None
                        yield Transition(above, RUNNING)
            begun.pop(uid, None)
            if status == before or (status == IDLE and not IDLE < before < LEFT):
                continue
            now[uid] = status if status != IDLE else LEFT + before
            yield Transition(uid, status)
        for uid in reversed(begun):  # it passed over all its children and is skipped itself
            yield Transition(uid, IDLE)


def _set(now: bytearray, told: Iterable[Transition]) -> None:
    for uid, status in told:
        if status != IDLE:
            now[uid] = status
        elif IDLE < now[uid] < LEFT:
            now[uid] += LEFT


def unpack(packed: bytes) -> list[tuple[int, int]]:
    """Return the uid and the status of each node; the inverse of ``Statuses.packed``.

    >>> unpack(b"\\x01\\x00\\x01\\x02\\x00\\x0c")
    [(1, 1), (2, 12)]
    """
    return list(_RECORD.iter_unpack(packed))
