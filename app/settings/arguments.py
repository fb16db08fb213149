"""Read the values of command line arguments; a wrong one says what to write."""

from __future__ import annotations

import argparse
import re

from ...trees.tracing.moment import Moment

SLOWEST, FASTEST = 0.1, 240.0
"""Bounds of the tick rate, [Hz]."""
REHEARSALS = ("auto", "never", "symbolic", "kinematic", "physics")
"""How plans can be tried: ``MODES`` of ``behaviors.rehearsing``, for those who must not load it."""


def seed(text: str) -> int:
    """Read the seed of a scene to run a tree in."""
    if not re.fullmatch(r"\d{1,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no seed, write a whole number from 0 to 99999")
    return int(text)


def setting(text: str) -> tuple[str, str]:
    """Read ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise argparse.ArgumentTypeError(f"{text!r} is no setting, write NAME=VALUE")
    return name, value


def seconds(text: str) -> float:
    """Read a time as seconds; a bare number is seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)(ms|s|min)?", text)
    if not match or float(match[1]) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, write seconds, or a number with ms, s or min")
    return float(match[1]) * {"ms": 0.001, "s": 1.0, "min": 60.0, None: 1.0}[match[2]]


def limit(text: str) -> float:
    """Read a time limit, where 0 means none."""
    return 0.0 if re.fullmatch(r"0+(\.0*)?(ms|s|min)?", text) else seconds(text)


def rate(text: str) -> float:
    """Read a tick rate, [Hz]."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not SLOWEST <= value <= FASTEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no tick rate, write a number from {SLOWEST:g} to {FASTEST:g} [Hz]"
        )
    return value


def count(text: str) -> int:
    """Read how many, at least one."""
    if not re.fullmatch(r"\d{1,6}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no count, write a whole number from 1 to 999999")
    return int(text)


def share(text: str) -> float:
    """Read a share of a whole."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share, write a number from 0 to 1")
    return value


def port(text: str) -> int:
    """Read a port, 0 for any free one."""
    if not re.fullmatch(r"\d{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, write a whole number from 0 to 65535")
    return int(text)


def moment(text: str) -> Moment:
    """Read a moment of a run: a tick, ``340`` or ``@340``, or a time with its unit."""
    tick = re.fullmatch(r"@?(\d{1,9})", text)
    if tick:
        return Moment(tick=int(tick[1]))
    time = re.fullmatch(r"@?(\d+(?:\.\d+)?|\.\d+)(ms|s|min)", text)
    if not time:
        raise argparse.ArgumentTypeError(f"{text!r} is no moment, write a tick such as 340, or a time such as 12.4s")
    return Moment(time=float(time[1]) * {"ms": 0.001, "s": 1.0, "min": 60.0}[time[2]])
