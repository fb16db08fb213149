"""The leaf that tells how far the robot has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from py_trees.common import Status

from ..means.progress import NOTE, doings_of, progress
from ..node import Leaf, NodeFault, behavior
from ..ports import Port


@behavior("report")
class Report(Leaf):
    """Say what was done so far, in words made from what the motion leaves of the run did; no model is asked.

    For friendlier words hand ``text`` to ``chat``.

    Ports:
        of (in, any, default none): How many things there are to put away, or the list of them.
        doing (in, text, default none): What is done now, such as ``"looking for the red can"``.
        aloud (in, bool, default true): Say it, as ``say`` does.
        text (out, text): The words.

    Status:
        SUCCESS: At once.

    Halt:
        Nothing to halt.
    """

    ports = (
        Port("of", "any", "how many things there are, or the list of them", default=None, takes=("int", "list")),
        Port("doing", "text", "what is done now", default=""),
        Port("aloud", "bool", "say it", default=True),
        Port("text", "text", "the words", direction="out", default=None),
    )

    def step(self) -> Status:
        """Put it into words."""
        doings = doings_of(cast("list[dict[str, object]]", self.context.notes.get(NOTE, [])))
        text = progress(doings, self._total(), str(self.get("doing") or ""))
        self.put("text", text)
        if self.get("aloud"):
            self.context.say(text)
            self.context.emit("say", {"path": self.path, "text": text})
        return self.succeed(text)

    def _total(self) -> int | None:
        of = self.get("of")
        if of is None:
            return None
        if isinstance(of, Sequence) and not isinstance(of, str):
            return len(of)
        if isinstance(of, int) and not isinstance(of, bool) and of >= 0:
            return of
        raise NodeFault(f"{self.path}: of is {of!r}\n  fix:  give a number of things, or the list of them")
