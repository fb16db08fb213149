"""The log file of BehaviorTree.CPP, ``.btlog``: the tree as XML and each change of a status.

The form is that of its ``FileLogger2``: the mark, a version byte, the XML with its length, the time of the begin, and
records of nine bytes. All numbers are little-endian.

Source: BehaviorTree.CPP 4, ``loggers/bt_file_logger_v2.cpp``; the comment in its header leaves the first 19 bytes out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from ..._base import KnotholeError

MAGIC: Final = b"BTCPP4-FileLogger2"
VERSION: Final = 1
STATUSES: Final = ("INVALID", "RUNNING", "SUCCESS", "FAILURE", "SKIPPED")
"""Names of the statuses by their number in the file; ``INVALID`` is called IDLE there."""
_RECORD: Final = 9
_MOST_TIME: Final = (1 << 48) - 1
_MOST_NODES: Final = (1 << 16) - 1


class BtLogError(KnotholeError):
    """A log of BehaviorTree.CPP cannot be written or read."""


class Transition(NamedTuple):
    """One change: when, [us] since the log began; the node's ``_uid`` in the XML; what it became."""

    time_us: int
    uid: int
    status: str


@dataclass(frozen=True)
class BtLog:
    """What a log holds.

    Attributes:
        xml: The tree, each node with an attribute ``_uid``.
        began_us: When it began, [us] of any clock.
        transitions: The changes, in order.
        complete: False when the file ends within a record.
    """

    xml: str
    began_us: int
    transitions: tuple[Transition, ...]
    complete: bool = True


def write_btlog(file: BinaryIO, xml: str, began_us: int, transitions: Iterable[Transition]) -> None:
    """Write a log.

    Raises:
        BtLogError: A number does not fit the format: it has room for 65535 nodes.
    """
    text = xml.encode()
    file.write(MAGIC + struct.pack("<Bi", VERSION, len(text)) + text + struct.pack("<q", began_us))
    for time_us, uid, status in transitions:
        if not 0 < uid <= _MOST_NODES or not 0 <= time_us <= _MOST_TIME:
            raise BtLogError(f"node {uid} at {time_us} us does not fit a .btlog\n  why:  it numbers up to 65535 nodes")
        file.write(time_us.to_bytes(6, "little") + struct.pack("<HB", uid, STATUSES.index(status)))


def read_btlog(path: Path) -> BtLog:
    """Read a log, as far as it goes.

    Raises:
        BtLogError: There is no such file, or it is no such log.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BtLogError(f"cannot read {path}: {error.strerror}") from error
    head = len(MAGIC) + 5
    if not data.startswith(MAGIC) or len(data) < head:
        raise BtLogError(f"{path} is no log of BehaviorTree.CPP 4\n  fix:  name a .btlog that its FileLogger2 wrote")
    version, length = struct.unpack_from("<Bi", data, len(MAGIC))
    if version != VERSION:
        raise BtLogError(f"{path} is a log of version {version}, known is {VERSION}")
    body = head + length + 8
    if length < 0 or len(data) < body:
        raise BtLogError(f"{path} ends before its tree does")
    (began,) = struct.unpack_from("<q", data, head + length)
    whole = len(data) - (len(data) - body) % _RECORD
    found = []
    for at in range(body, whole, _RECORD):
        uid, status = struct.unpack_from("<HB", data, at + 6)
        if status >= len(STATUSES):
            raise BtLogError(f"{path} has the status {status} at byte {at}, known are 0 to {len(STATUSES) - 1}")
        found.append(Transition(int.from_bytes(data[at : at + 6], "little"), uid, STATUSES[status]))
    return BtLog(data[head : head + length].decode(), began, tuple(found), whole == len(data))
