"""Who answers the questions of a run, as ``--human`` says it."""

from __future__ import annotations

from pathlib import Path

from ..behaviors.human import Human
from .human import human_at
from .inbox import Inbox
from .scripted_human import human_of
from .terminal import Watcher


def human_from(spec: str | None, watcher: Watcher) -> Human | None:
    """Return the human of a run.

    Args:
        spec: ``file:PATH`` for lines of a file, ``none`` for nobody, any other path for a script; None for whoever
            sits at the terminal.
        watcher: Shows what happens.

    Raises:
        KnotholeError: The file cannot be read.
    """
    if spec is None:
        return human_at(watcher)
    if spec == "none":
        return None
    if spec.startswith("file:"):
        inbox = Inbox(Path(spec.removeprefix("file:")))
        watcher.tell(f"questions go to {inbox.outbox}, answers are read from {inbox.inbox}")
        return inbox
    return human_of(Path(spec))
