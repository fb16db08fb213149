"""What a human calls out to the robot, asked or not: stop, and go on. It is kept for the guards of the run."""

from __future__ import annotations

from collections.abc import Sequence

from ..stop_sign import means_go_on, means_stop
from .understanding import understand


class Calls:
    """Tells calls from answers, and keeps them until somebody asks for them.

    ``stop`` is a call but where an option means the same. ``go on`` is one but where it is an option; where a question
    has none, and this human said no stop before, it is an answer as well.

    >>> calls = Calls()
    >>> calls.take("stop", ["the bus stop", "the station"]), calls.take("stop", ["go on", "stop"])
    (True, False)
    >>> calls.take("stop", []), calls.take("go on", []), calls.take("go on", []), calls.take("tea", [])
    (True, True, False, False)
    >>> calls.overheard(), calls.overheard()
    (['stop', 'stop', 'go on', 'go on'], [])
    """

    def __init__(self) -> None:
        self._words: list[str] = []
        self._stopped = False

    @property
    def waiting(self) -> bool:
        """True while there are some that nobody asked for."""
        return bool(self._words)

    def take(self, words: str, options: Sequence[str] | None = None) -> bool:
        """Keep words that are a call; return whether they are no answer.

        Args:
            words: What was said.
            options: Those of the question that it would answer, empty for free text; None where nothing was asked.
        """
        stop = means_stop(words)
        if not stop and not means_go_on(words):
            return False
        meant = understand(words, options) if options else None
        if meant is not None and (means_stop(meant) if stop else True):
            return False
        self._words.append(words.strip())
        before, self._stopped = self._stopped, stop
        return stop or before or options is None or bool(options)

    def overheard(self) -> list[str]:
        """Return them, each once."""
        words, self._words = self._words, []
        return words
