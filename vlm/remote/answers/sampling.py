"""Typed answers of servers that tell no probabilities: a few written answers, counted."""

from __future__ import annotations

from collections.abc import Callable

from ...questions import Answer, Question
from ..failures import Failure
from ..settings import RemoteSettings
from .prices import billed
from .typed import decided, from_samples

Send = Callable[[int], tuple[list[str], tuple[object, object]]]
"""Ask for some answers at once; returns their texts, and the tokens read and written."""


class Sampler:
    """Gather samples; a server that gives one at a time is asked for one at a time from then on.

    Args:
        settings: How many samples, and prices.
        most: Most answers that one request may ask for.
    """

    def __init__(self, settings: RemoteSettings, most: int) -> None:
        self._settings, self._most = settings, most
        self._one_by_one = False

    def ask(self, question: Question, send: Send) -> list[Answer]:
        """Return the answer that the samples make; its text says what they were.

        Raises:
            Failure: The server gave none.
        """
        wanted, found = self._settings.samples, list[str]()
        read = written = 0
        while len(found) < wanted:
            left = 1 if self._one_by_one else min(self._most, wanted - len(found))
            try:
                got, (into, out) = send(left)
            except Failure as failure:
                if failure.refused and left > 1:
                    self._one_by_one = True
                    continue
                raise
            self._one_by_one = self._one_by_one or len(got) < left
            found += got[:left]
            read += into if isinstance(into, int) else 0
            written += out if isinstance(out, int) else 0
        chances, summary = from_samples(question, found)
        return billed([decided(question, chances, text=summary)], read, written, self._settings)
