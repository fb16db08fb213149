"""The stop of a human: typed, clicked or spoken; put here by whoever hears it, looked at by the guards of the run."""

from __future__ import annotations

import re
from typing import Final

STOP: Final = ("stop", "halt", "freeze", "emergency stop", "stop now", "stop it", "stop the robot", "stop moving")
"""What means stop when it is said alone, or several times."""
GO_ON: Final = ("go on", "go ahead", "continue", "resume", "carry on")
"""What lets a stopped robot go on when it is said alone."""
_STOPS: Final = frozenset(STOP)
_FIRST: Final = frozenset(("stop", "halt", "freeze"))
_POLITE: Final = re.compile(r"\b(please|now|robot|hey|ok|okay)\b")


def means_stop(words: str) -> bool:
    """Tell whether somebody who says this wants the robot to stop.

    It errs towards stopping: whatever begins with such a word counts.

    >>> means_stop("Stop!"), means_stop("robot, stop please"), means_stop("put the cup beside the bus stop")
    (True, True, False)
    """
    said = _plain(words)
    return said in _STOPS or said.partition(" ")[0] in _FIRST


def means_go_on(words: str) -> bool:
    """Tell whether somebody who says this lets the robot go on.

    >>> means_go_on("OK, go on."), means_go_on("go on the table")
    (True, False)
    """
    return _plain(words) in GO_ON


def _plain(words: str) -> str:
    lower = re.sub(r"[^\w\s]", " ", words.casefold())
    return " ".join(_POLITE.sub(" ", lower).split())


class StopSign:
    """Up from the moment a human says stop until a human lets the robot go on. May be set from any thread.

    It moves nothing by itself: a guard with ``clear_of: [stop_word]`` looks at it in every tick.

    Attributes:
        said: What was said, and where; empty while the sign is down.
        watched: Tick in which a guard last looked at it.
    """

    def __init__(self) -> None:
        self.said = ""
        self.watched = -2

    def hear(self, words: str, where: str = "") -> bool:
        """Take in what a human said; return whether it meant stop or go on.

        Args:
            words: What was said, as text.
            where: How it came, such as ``terminal``; for the reason of the pause.
        """
        if means_stop(words):
            self.put_up(words.strip(), where)
        elif means_go_on(words):
            self.take_down()
        else:
            return False
        return True

    def put_up(self, words: str = "stop", where: str = "") -> None:
        """Stop, whatever the words are: for a button."""
        self.said = f"{words!r}{f' ({where})' if where else ''}"

    def take_down(self) -> None:
        """Let the robot go on. Idempotent."""
        self.said = ""
