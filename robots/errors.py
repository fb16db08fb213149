"""Faults of robots and of motion that a caller can handle."""

from __future__ import annotations

from .._base import KnotholeError


class RobotError(KnotholeError):
    """The driver or the hardware is at fault (lost connection, refused command)."""


class UnreachableError(KnotholeError):
    """No joint configuration within limits reaches a pose, or no collision-free path leads there."""
