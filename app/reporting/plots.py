"""Plots as inline SVG: they take their colors from the page and need no script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

_SIDE: Final = 260
_LEFT: Final = 44
_BOTTOM: Final = 34
_BARS: Final = 24


def reliability_plot(points: Sequence[tuple[float, float, int]]) -> str:
    """Return the share that was right over the probability that was said; on the diagonal a model is honest.

    Args:
        points: Mean probability, share that was right, and number of answers of each bin.
    """
    most = max((n for _, _, n in points), default=1)
    marks = [
        f'<circle cx="{_x(p):.1f}" cy="{_y(right):.1f}" r="{3 + 7 * math.sqrt(n / most):.1f}" class="dot">'
        f"<title>said {p:.2f}, right {right:.2f}, {n} answers</title></circle>"
        for p, right, n in points
    ]
    line = " ".join(f"{_x(p):.1f},{_y(right):.1f}" for p, right, _ in points)
    diagonal = f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" class="faint"/>'
    path = f'<polyline points="{line}" class="line"/>'
    ticks = [(value, f"{value:g}") for value in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return _frame("".join([diagonal, path, *marks]), "probability said", "share right", ticks, ticks)


def latency_plot(values: Sequence[float]) -> str:
    """Return how many answers took how long, on a logarithmic axis.

    Args:
        values: Wall times, [s]; those of 0 are counted at the left edge.
    """
    low, high = _decades(values)
    counts = [0] * _BARS
    for value in values:
        place = (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
        counts[min(_BARS - 1, int(place * _BARS))] += 1
    most = max(counts, default=1) or 1
    bars = [
        f'<rect x="{_x(i / _BARS):.1f}" y="{_y(n / most):.1f}" width="{_SIDE / _BARS - 1:.1f}" '
        f'height="{_y(0) - _y(n / most):.1f}" class="bar"><title>{n} answers</title></rect>'
        for i, n in enumerate(counts)
        if n
    ]
    decades = round(math.log10(high / low))
    along = [(i / decades, _time(low * 10**i)) for i in range(decades + 1)]
    return _frame("".join(bars), "latency", "answers", along, [(0.0, "0"), (1.0, str(most))])


def answers_bar(said: Mapping[str, int]) -> str:
    """Return a bar with the shares of the answers to one question, the commonest first and unsure last."""
    total = sum(said.values())
    if not total:
        return ""
    parts, at = [], 0.0
    order = sorted(said.items(), key=lambda item: (item[0] == "unsure", -item[1], item[0]))
    for number, (word, count) in enumerate(order):
        width = 160 * count / total
        name = "unsure" if word == "unsure" else f"part{number % 4}"
        parts.append(
            f'<rect x="{at:.1f}" y="0" width="{width:.1f}" height="12" class="{name}">'
            f"<title>{escape(word)}: {count} of {total}</title></rect>"
        )
        at += width
    return f'<svg width="160" height="12" viewBox="0 0 160 12" role="img">{"".join(parts)}</svg>'


def _decades(values: Sequence[float]) -> tuple[float, float]:
    positive = [value for value in values if value > 0 and math.isfinite(value)] or [0.001]
    low = 10.0 ** math.floor(math.log10(min(positive)))
    high = 10.0 ** math.ceil(math.log10(max(positive)) + 1e-9)
    return low, high if high > low else low * 10.0


def _time(value: float) -> str:
    return f"{value:g} s" if value >= 1 else f"{value * 1000:g} ms"


def _x(share: float) -> float:
    return _LEFT + share * _SIDE


def _y(share: float) -> float:
    return 10 + (1 - share) * _SIDE


def _frame(
    inside: str, below: str, beside: str, along: Sequence[tuple[float, str]], up: Sequence[tuple[float, str]]
) -> str:
    width, height = _LEFT + _SIDE + 20, 10 + _SIDE + _BOTTOM + 12
    out = [f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" class="plot">']
    out.append(f'<rect x="{_LEFT}" y="10" width="{_SIDE}" height="{_SIDE}" class="area"/>')
    for share, text in along:
        out.append(f'<text x="{_x(share):.1f}" y="{_y(0) + 16:.1f}" class="tick middle">{escape(text)}</text>')
    for share, text in up:
        out.append(f'<text x="{_LEFT - 6}" y="{_y(share) + 4:.1f}" class="tick end">{escape(text)}</text>')
    out.append(f'<text x="{_x(0.5):.1f}" y="{_y(0) + 34:.1f}" class="axis middle">{escape(below)}</text>')
    out.append(f'<text x="12" y="{_y(0.5):.1f}" class="axis middle" transform="rotate(-90 12 {_y(0.5):.1f})">')
    out.append(f"{escape(beside)}</text>{inside}</svg>")
    return "".join(out)
