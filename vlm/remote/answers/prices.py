"""What an answer cost: tokens as the server counts them, at prices that the settings name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...questions import Answer
from ..settings import RemoteSettings


def billed(
    answers: Sequence[Answer], read: object, written: object, settings: RemoteSettings, images: int = 0
) -> list[Answer]:
    """Return the answers of one request, each with its share of the tokens and of the cost.

    Args:
        answers: All answers of the request; the shares add up to what it took.
        read: Tokens read, as the server says; anything but a whole number counts as none.
        written: The same for tokens written.
        settings: Prices.
        images: Pictures that were made.
    """
    into, out = _count(read), _count(written)
    cost = (into * settings.usd_per_million_in + out * settings.usd_per_million_out) / 1e6
    cost += images * settings.usd_per_image
    share, rest = divmod(into + out, max(1, len(answers)))
    return [
        replace(answer, tokens=share + (number < rest), cost=cost / len(answers))
        for number, answer in enumerate(answers)
    ]


def _count(raw: object) -> int:
    return raw if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw < 10**9 else 0
