"""From the frames of a request to those of its reply. No sockets here, and no request is too wrong for a reply."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from ..._base import import_needed
from ...trees.builder import BuiltTree
from ...trees.tracing.changes import Change
from .blackboards import Blackboards
from .hooking import Hooking
from .protocol import RequestError, error_reply, header, read_request
from .recorder import Recorder
from .shown import GrootError, ShownTree, show
from .statuses import Statuses
from .tree_xml import write_tree

FEATURE: Final = "the Groot2 protocol"
"""What needs the extra ``groot``."""


@dataclass(frozen=True)
class News:
    """What the thread that ticks hands over.

    Attributes:
        changes: Status changes, in order.
        written: Full name of each entry that was written → value.
        time: Wall time since the epoch, [µs].
        tree: The tree, when it was changed.
        ended: True when the root is not RUNNING any more.
        stands: Index of the node at which the tick stands still; None for news at its end.
    """

    changes: tuple[Change, ...] = ()
    written: Mapping[str, object] = field(default_factory=dict)
    time: int = 0
    tree: BuiltTree | None = None
    ended: bool = False
    stands: int | None = None


class Answerer:
    """Answers the requests of one run, on one thread.

    Args:
        tree: The tree.
        hooking: What requests about hooks are for.
        now: Wall time since the epoch, [µs].

    Raises:
        GrootError: The tree is too large for the protocol.
        MissingExtraError: MessagePack is not installed.
    """

    def __init__(self, tree: BuiltTree, hooking: Hooking, now: Callable[[], int]) -> None:
        self._pack: Any = cast(Any, import_needed("msgpack", FEATURE, "groot")).packb
        self._hooking, self._now = hooking, now
        self._recorder = Recorder()
        self._follow(replace(tree))
        self._blackboards = Blackboards(self._shown.scopes)
        self._replies: dict[str, Callable[[tuple[bytes, ...]], list[bytes]]] = {
            "T": lambda rest: [self._xml],
            "S": lambda rest: [self._statuses.packed()],
            "B": self._entries,
            "I": lambda rest: hooking.insert(_second(rest), self._shown),
            "R": lambda rest: hooking.remove(_second(rest), self._shown),
            "U": lambda rest: hooking.unlock(_second(rest), self._shown),
            "D": lambda rest: hooking.dump(self._shown),
            "A": lambda rest: hooking.clear(),
            "X": lambda rest: hooking.disable(),
            "r": self._record,
            "t": lambda rest: [self._recorder.fetch()],
        }

    def _follow(self, tree: BuiltTree) -> None:
        self._gone = ""
        self._id = uuid.uuid4().bytes
        self._shown = show(tree)
        self._xml = write_tree(self._shown)
        self._statuses = Statuses(self._shown)

    def take(self, news: News) -> None:
        """Take what happened in a tick."""
        self._blackboards.take(news.written)
        if news.tree is not None:
            try:
                self._follow(news.tree)
            except GrootError as error:
                self._gone = str(error)
            self._blackboards.scopes = self._shown.scopes
        if self._gone:
            return
        if news.stands is not None:
            self._statuses.stand(news.stands, news.changes)
        else:
            found = self._statuses.take(news.changes, news.ended, self._recorder.on)
            self._recorder.note(found, news.time)

    @property
    def shown(self) -> ShownTree:
        """What a monitor sees of the tree."""
        return self._shown

    def answer(self, frames: list[bytes]) -> list[bytes]:
        """Return the frames of the reply to any frames."""
        try:
            request = read_request(frames)
            if self._gone:
                raise RequestError(self._gone)
            reply = self._replies.get(request.type)
            if reply is None:
                raise RequestError("Request not recognized")
            return [header(request.type, request.number, self._id), *reply(request.rest)]
        except RequestError as error:
            return error_reply(str(error))
        except Exception as error:  # whatever a client sends, and whatever is on the blackboard, the next is answered
            return error_reply(f"{type(error).__name__}: {error}")

    def _entries(self, rest: tuple[bytes, ...]) -> list[bytes]:
        names = _second(rest).decode("utf-8", "replace")
        return [self._pack(self._blackboards.asked(names), unicode_errors="replace")]

    def _record(self, rest: tuple[bytes, ...]) -> list[bytes]:
        what = _second(rest)
        if what == b"start":
            return [str(self._recorder.start(self._now())).encode()]
        if what == b"stop":
            self._recorder.stop()
        return []


def _second(rest: tuple[bytes, ...]) -> bytes:
    if len(rest) != 1:
        raise RequestError("must be 2 parts message")
    return rest[0]
