"""The frames of the protocol: six bytes before each request, twenty-two before each reply, little-endian."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

VERSION: Final = 2
PORT: Final = 1667
"""Port for requests unless told otherwise; news comes from the next one."""
SILENCE: Final = 5.0
"""Longest time without a request before hooks are disabled, [s]."""
_HEADER: Final = struct.Struct("<BBI")
_ERROR: Final = b"error"


class Request(NamedTuple):
    """A request.

    Attributes:
        type: One letter.
        number: What the client calls it; the reply bears it too.
        rest: The frames behind the header.
    """

    type: str
    number: int
    rest: tuple[bytes, ...]


class RequestError(Exception):
    """A request that gets an error as its reply; the message is that of the reply."""


def read_request(frames: list[bytes]) -> Request:
    """Return what a client sent.

    Raises:
        RequestError: It is no request.
    """
    if not frames or len(frames[0]) != _HEADER.size:
        raise RequestError("wrong request header")
    _, kind, number = _HEADER.unpack(frames[0])
    return Request(chr(kind), number, tuple(frames[1:]))


def header(kind: str, number: int, tree_id: bytes = b"") -> bytes:
    """Return the first frame: of a request or of news without ``tree_id``, of a reply with its 16 bytes."""
    return _HEADER.pack(VERSION, ord(kind), number) + tree_id


def error_reply(text: str) -> list[bytes]:
    """Return the frames of an error."""
    return [_ERROR, text.encode("utf-8", "replace")]
