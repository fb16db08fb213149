"""Frames in memory that two processes share, without a name in the file system.

The memory is an unnamed file whose descriptor the worker inherits: it vanishes with the last process that holds it,
even when both are killed, so nothing is ever left behind.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from dataclasses import dataclass, replace

import numpy as np

from .questions import Frame

_ALIGN = 4096


@dataclass(frozen=True)
class FrameRef:
    """Where a frame and its earlier pictures lie in the shared memory: plain data that goes over the pipe."""

    id: str
    stamp: float
    slot: int
    offset: int
    shape: tuple[int, ...]
    earlier: tuple[FrameRef, ...] = ()


@dataclass
class _Slot:
    offset: int
    size: int
    busy: bool = False


def _unnamed_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("knothole-frames")
    with tempfile.TemporaryFile(prefix="knothole-frames-") as file:
        return os.dup(file.fileno())


class FrameRing:
    """The writer's side: a few slots that are filled and freed in turn.

    Args:
        slots: Most frames that may be on their way at a time.
    """

    def __init__(self, slots: int = 8) -> None:
        self.fd = _unnamed_file()
        self._most = slots
        self._slots: list[_Slot] = []
        self._memory: mmap.mmap | None = None

    @property
    def full(self) -> bool:
        """True while no further frame can be put."""
        return sum(slot.busy for slot in self._slots) >= self._most

    def put(self, frame: Frame) -> FrameRef:
        """Copy a frame into a free slot, its earlier pictures behind it.

        Raises:
            BufferError: The ring is full.
        """
        if self.full:
            raise BufferError("every slot of the frame ring is in use")
        shown = (frame, *frame.earlier)
        index = self._free_slot(sum(one.rgb.nbytes for one in shown))
        slot = self._slots[index]
        assert self._memory is not None
        refs, at = [], slot.offset
        for one in shown:
            self._memory[at : at + one.rgb.nbytes] = one.rgb.tobytes()
            refs.append(FrameRef(one.id, one.stamp, index, at, one.rgb.shape))
            at += one.rgb.nbytes
        slot.busy = True
        return replace(refs[0], earlier=tuple(refs[1:]))

    def free(self, ref: FrameRef) -> None:
        """Give the slot of a frame back."""
        self._slots[ref.slot].busy = False

    def close(self) -> None:
        """Release memory and descriptor. Idempotent."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def _free_slot(self, size: int) -> int:
        for index, slot in enumerate(self._slots):
            if not slot.busy and slot.size >= size:
                return index
        end = self._slots[-1].offset + self._slots[-1].size if self._slots else 0
        room = max(_ALIGN, -(-size // _ALIGN) * _ALIGN)
        os.ftruncate(self.fd, end + room)
        if self._memory is not None:
            self._memory.close()
        self._memory = mmap.mmap(self.fd, end + room)
        self._slots.append(_Slot(end, room))
        return len(self._slots) - 1


class FrameReader:
    """The reader's side, in the worker."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._memory: mmap.mmap | None = None

    def get(self, ref: FrameRef) -> Frame:
        """Return a copy of a frame and of its earlier pictures."""
        earlier = tuple(self.get(one) for one in ref.earlier)
        size = int(np.prod(ref.shape))
        if self._memory is None or len(self._memory) < ref.offset + size:
            self._memory = mmap.mmap(self._fd, os.fstat(self._fd).st_size, access=mmap.ACCESS_READ)
        pixels = np.frombuffer(self._memory[ref.offset : ref.offset + size], np.uint8).reshape(ref.shape)
        return Frame(ref.id, ref.stamp, pixels, earlier)
