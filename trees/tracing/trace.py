"""The trace of a run: one MCAP file, written while the run goes on, readable up to its last chunk whatever happens."""

from __future__ import annotations

import base64
import json
import math
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from mcap.writer import MCAP0_MAGIC

from ...behaviors.blackboard import Cell
from ...robots.contract import CameraFrame, RobotState
from ...vlm.keeping_pictures import jpeg, png
from ...vlm.privacy import Frames
from ...vlm.questions import digest_of
from ...vlm.tickets import BrokerEvent
from ..builder import BuiltTree
from .amount import Amount
from .asked import event_data
from .changes import Change
from .channels import nanos, stamp
from .form import posture_form, texts_of
from .recording import Recording, TraceError, read_trace
from .ring import Ring
from .showing import Beside, Showing, remember
from .summary import summary
from .trace_file import TraceFile
from .tree_message import tree_message

__all__ = ["Recording", "TraceError", "TraceWriter", "read_trace"]

FLUSH_EVERY = 0.5
"""Longest wall time that a message waits for the disk, [s]."""
GATHER = 0.05
"""How long the writing thread lets messages gather, wall time, [s]: it is not woken for each one."""
MOST_WAITING = 5000
"""Most messages that wait to be written; a run on a stepped clock is faster than JSON and lets the writer catch up."""
MOST_PICTURES = 32
"""Most pictures among them."""
PATIENCE = 2.0
"""Longest wall time that a tick waits for room, [s]; after it the trace ends early and the run goes on."""
REMEMBERED = 4096
"""How many frame ids and pictures are remembered, to write each once."""
_PAUSE = 0.0005
_TIE = 1e-9
_JSON = json.JSONEncoder(default=summary, separators=(",", ":"))

_V = TypeVar("_V")
_Message = Mapping[str, object] | bytes | Callable[[], Mapping[str, object] | bytes | None]
"""Data or their JSON, or a function that gives either, or None for nothing to write."""
Heard = Callable[[str, int, bytes], None]
"""Hears a message as it is written: topic, run clock [ns], JSON."""
Broke = Callable[[str], None]
"""Hears once, in a sentence, why nothing more is written."""


class TraceWriter:
    """Write a trace. A thread of its own turns messages into JSON and pictures into JPEG, off the tick.

    Args:
        path: File to write, ``….mcap``; its folder is made. A trace that is there is replaced, another file never.
        frames: What is done with pictures: ``keep`` writes them, ``blur`` blurs them beyond recognition, ``drop``
            writes only their hashes.
        amount: How much is kept.

    Attributes:
        problem: Why writing stopped (disk full), empty if it did not. A run goes on without its trace.
        waits: Whether a tick waits for the disk when too much is to be written. A loop on a real clock sets it False:
            then pictures are left out, and a disk that stands still ends the trace.
        left_out: Number of pictures that were left out.
        joint_names: Names of the joints, in order; where it is empty they are numbered.

    Raises:
        TraceError: The path is no place for a trace, or the file cannot be written.
    """

    def __init__(self, path: str | Path, frames: Frames = "keep", amount: Amount | None = None) -> None:
        self.path, self.frames = Path(path), frames
        self.amount = amount or Amount()
        self.problem = ""
        try:
            _check_path(self.path)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = TraceFile(self.path)
        except OSError as error:
            raise _refusal(self.path, error.strerror or str(error), "name a file that can be written") from error
        self._ring = Ring(self.path, self.amount) if self.amount.seconds or self.amount.size else None
        self._frames: dict[str, None] = {}
        self._pixels: dict[str, str] = {}
        self._hashes: dict[str, str] = {}
        self._showing = Showing()
        self._besides: list[Beside] = []
        self._taken: dict[str, float] = {}
        self._pictures_put = self._pictures_done = 0
        self.waits, self.left_out = True, 0
        self.joint_names: Sequence[str] = ()
        self._joints: list[float] = []
        self._joints_at = -math.inf
        self._listeners: tuple[tuple[Heard, Broke], ...] = ()
        self._queue: queue.SimpleQueue[tuple[str, int, _Message] | None] = queue.SimpleQueue()
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._work, name="trace", daemon=True)
        self._thread.start()
        self._closed = False

    @property
    def waiting(self) -> int:
        """Number of messages that are not being written yet."""
        return self._queue.qsize()

    def listen(self, heard: Heard, broke: Broke = lambda text: None) -> Callable[[], None]:
        """Let somebody hear each message from now on, in the order of the file, right after it was written.

        Args:
            heard: Called on the writing thread with topic, run clock [ns] and JSON. It should return at once: the file
                waits for it. One that raises hears nothing more, and the trace says so.
            broke: Called with ``problem`` when that is set, on any thread.

        Returns:
            Call it to hear nothing more.
        """
        self._listeners = (*self._listeners, (heard, broke))
        return lambda: self._forget(heard)

    def _forget(self, heard: Heard) -> None:
        self._listeners = tuple(each for each in self._listeners if each[0] is not heard)

    def put(self, topic: str, now: float, message: _Message) -> None:
        """Queue a message; a function is called on the writing thread and may return None for nothing to write.

        Args:
            topic: Channel, such as ``/log``.
            now: Run clock, [s].
            message: JSON-able data that nobody changes afterwards, or a function that returns it.
        """
        if self._queue.qsize() >= MOST_WAITING:
            self._make_room(lambda: self.waiting < MOST_WAITING)
        if not self._closed and not self.problem:
            self._queue.put((topic, nanos(now), message))

    def _make_room(self, there_is: Callable[[], bool]) -> None:
        """Let the writing thread catch up; a writer that is stuck costs the run its trace, not its time."""
        self._hurry.set()
        until = time.monotonic() + (PATIENCE if self.waits else 0.0)
        while not there_is() and not self.problem:
            if time.monotonic() > until:
                self._break_off(f"the disk is too slow, {self.waiting} messages wait")
            time.sleep(_PAUSE if self.waits else 0.0)

    def tree(self, now: float, tree: BuiltTree) -> None:
        """Write the tree: its texts and its nodes."""
        present = replace(tree)  # written later, when the tree may have been changed
        self.put("/tree", now, lambda: tree_message(present))

    def changes(self, now: float, tick: int, changes: Iterable[Change]) -> None:
        """Write the status changes of a tick."""
        found = [(change.node, change.status, change.reason) for change in changes]
        if found:
            self.put(
                "/status",
                now,
                lambda: {"tick": tick, "changes": [{"node": n, "status": s, "reason": r} for n, s, r in found]},
            )

    def write(self, now: float, tick: int, cell: Cell, value: object) -> None:
        """Write a blackboard write; ``value`` is the summary of what was written."""
        message = {"tick": tick, "name": cell.name, "value": value, "writer": cell.writer, "version": cell.version}
        self.put("/blackboard", now, lambda: self._written(now, message))

    def _written(self, now: float, message: Mapping[str, object]) -> Mapping[str, object]:
        self._besides += self._showing.entry(now, str(message["name"]), message["value"])
        return message

    def broker(self, tick: int, event: BrokerEvent) -> None:
        """Write a question or an answer."""
        topic = {"answered": "/answers", "cancelled": "/cancelled"}.get(event.what, "/questions")
        self.put(topic, event.now, lambda: self._asked(tick, event))

    def _asked(self, tick: int, event: BrokerEvent) -> Mapping[str, object]:
        self._besides += self._showing.answer(event)
        return {"tick": tick, **event_data(event, self._hash(event), self.frames)}

    def _hash(self, event: BrokerEvent) -> str:
        """Return the hash of the picture that a question or an answer is about."""
        name = event.ticket.frame_id
        if name not in self._hashes and event.frame is not None:
            _remember(self._hashes, name, event.frame.digest())
        return self._hashes.get(name, "")

    def frame(self, now: float, frame: CameraFrame) -> None:
        """Write a picture, each frame id once; equal pixels are written once and referred to afterwards."""
        if frame.id not in self._frames:
            _remember(self._frames, frame.id, None)
            kept = self._is_due(now, frame.camera)
            if self._pictures_put - self._pictures_done >= MOST_PICTURES:
                if not self.waits:
                    self._leave_out(now)
                    return
                self._make_room(lambda: self._pictures_put - self._pictures_done < MOST_PICTURES)
            self._pictures_put += 1
            copy = replace(frame, rgb=frame.rgb.copy(), depth=None)
            self.put("/frames", now, lambda: self._picture(now, copy, kept))

    def _is_due(self, now: float, camera: str) -> bool:
        """Tell whether a picture of a camera may be kept now, with regard to the rate."""
        most = self.amount.pictures_hz
        if most is not None and now - self._taken.get(camera, -math.inf) < 1.0 / most - _TIE:
            return False
        self._taken[camera] = now
        return True

    def _leave_out(self, now: float) -> None:
        if not self.left_out:
            self.log(now, "the disk is too slow: pictures are left out of the trace", 3)
        self.left_out += 1

    def joints(self, now: float, tick: int, ask: Callable[[], RobotState]) -> None:
        """Write proprioception if it changed, and where base and tool stand; the robot is asked if it is time."""
        most = self.amount.joints_hz
        if most is not None and now - self._joints_at < 1.0 / most - _TIE:
            return
        state = ask()
        pose = state.world_from_tcp
        q, dq = (np.asarray(each, dtype=float).tolist() for each in (state.q, state.dq))
        numbers = _rounded((*q, state.gripper_width, *pose.xyz, *pose.quat_xyzw))
        if numbers != self._joints:
            self._joints, self._joints_at = numbers, now
            self.put("/joints", now, lambda: self._posture(now, tick, numbers, dq, state))

    def _posture(self, now: float, tick: int, numbers: list[float], dq: list[float], state: RobotState) -> bytes:
        n, at = len(dq), stamp(now)
        names = self.joint_names if len(self.joint_names) == n else [f"joint{i + 1}" for i in range(n)]
        texts = texts_of([*numbers, *_rounded(dq)])
        q, width, tcp, speeds = texts[:n], texts[n], texts[n + 1 : n + 8], texts[n + 8 :]
        self._besides += self._showing.posture(now, numbers[n + 1 :], tcp, state)
        each = (text for pair in zip(q, speeds, strict=True) for text in pair)
        return posture_form(tuple(names)).filled(tick, *q, width, *tcp, at["sec"], at["nsec"], *each, width)

    def log(self, now: float, text: str, level: int = 2, name: str = "knothole") -> None:
        """Write a log line; level 2 is info, 3 warning, 4 error, as in Foxglove."""
        self.put(
            "/log",
            now,
            {"timestamp": stamp(now), "level": level, "message": text, "name": name, "file": "", "line": 0},
        )

    def close(self) -> None:
        """Write what is queued, finish the file and close it. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._hurry.set()
        self._thread.join()

    def _work(self) -> None:
        since, waiting = 0.0, False
        while True:
            try:
                if self._queue.empty():
                    item = self._queue.get(timeout=FLUSH_EVERY if waiting else None)
                    self._hurry.wait(GATHER)
                    self._hurry.clear()
                else:
                    item = self._queue.get()
            except queue.Empty:
                item = ("", 0, {})
            if item is None:
                break
            if self._guarded(self._add, *item) and not waiting:
                since, waiting = time.monotonic(), True
            if waiting and time.monotonic() - since >= FLUSH_EVERY:
                self._guarded(self._flush)
                waiting = False
        self._guarded(self._finish)
        self._file.close()

    def _guarded(self, act: Callable[..., bool], *args: Any) -> bool:
        """Do something with the file unless that failed before."""
        if self.problem:
            return False
        try:
            return act(*args)
        except OSError as error:
            self._break_off(error.strerror or str(error))
        except Exception as error:
            self._break_off(f"{type(error).__name__}: {error}")
        return False

    def _break_off(self, why: str) -> None:
        """Write nothing more, and tell those who listen, once."""
        if self.problem:
            return
        self.problem = f"the trace {self.path} ends early: {why}"
        for _, broke in self._listeners:
            with suppress(Exception):  # it is said in any case, by the run
                broke(self.problem)

    def _add(self, topic: str, time_ns: int, message: _Message) -> bool:
        if not topic:
            return False
        data = message() if callable(message) else message
        if data is None:
            return False
        text = data if isinstance(data, bytes) else _JSON.encode(data).encode()
        self._file.add(topic, time_ns, text)
        for heard, _ in self._listeners:
            self._tell(heard, topic, time_ns, text)
        besides, self._besides = self._besides, []
        for each in besides:
            self._add(*each)
        if self._ring is not None:
            self._turn(self._ring, time_ns)
        return True

    def _turn(self, ring: Ring, time_ns: int) -> None:
        """Give up what is older than what is to be kept, where enough of it is there."""
        if ring.is_due(time_ns, self._file):
            self._file, pictures = ring.turn(self._file)
            self._pixels = {key: name for key, name in self._pixels.items() if name in pictures}

    def _tell(self, heard: Heard, topic: str, time_ns: int, text: bytes) -> None:
        try:
            heard(topic, time_ns, text)
        except Exception as error:
            self._forget(heard)
            said = f"a listener of the trace raised and hears nothing more: {type(error).__name__}: {error}"
            self.log(time_ns * 1e-9, said, 4)

    def _flush(self) -> bool:
        self._file.flush()
        return True

    def _finish(self) -> bool:
        if self._ring is not None:
            self._file = self._ring.last(self._file)
        self._file.finish()
        return True

    def _picture(self, now: float, frame: CameraFrame, kept: bool) -> bytes | None:
        self._pictures_done += 1
        rgb, name, time = frame.rgb, frame.id, nanos(now)
        key = digest_of(rgb).hexdigest()
        _remember(self._hashes, name, key)
        first = self._pixels.get(key)
        self._showing.picture(time, frame, first)
        if first is not None:
            self._add("/frames_again", time, {"frame_id": name, "same_as": first})
            return None
        if self.frames == "drop" or not kept:
            if self.frames == "drop":
                _remember(self._pixels, key, name)
            self._add("/frames_dropped", time, {"frame_id": name, "hash": key})
            return None
        _remember(self._pixels, key, name)
        for each in self._showing.camera(time, frame):
            self._add(*each)
        form = self.amount.pictures
        data = base64.b64encode((png if form == "png" else jpeg)(rgb, self.frames))
        begin = _JSON.encode({"timestamp": stamp(now), "frame_id": name}).removesuffix("}")
        end = _JSON.encode({"format": form, "hash": key, "camera": frame.camera}).removeprefix("{")
        return b'%s,"data":"%s",%s' % (begin.encode(), data, end.encode())  # data need no search for what to escape


def _remember(known: dict[str, _V], key: str, value: _V) -> None:
    remember(known, key, value, REMEMBERED)


def _rounded(numbers: Iterable[float]) -> list[float]:
    """Round to 0.01 mm and 0.00001 rad, and make -0.0 a 0.0."""
    return [round(float(number), 5) + 0.0 for number in numbers]


def _check_path(path: Path) -> None:
    """Make sure that a trace at ``path`` replaces nothing but a trace."""
    if path.is_dir():
        raise _refusal(path, "it is a directory", "name a file in it that ends in .mcap")
    if path.suffix != ".mcap":
        raise _refusal(path, "its name does not end in .mcap", f"write {path.with_suffix('.mcap')}")
    if not path.exists():
        return
    if not path.is_file():
        raise _refusal(path, "it is no ordinary file", "name a file that can be written")
    with path.open("rb") as file:
        begin = file.read(len(MCAP0_MAGIC))
    if begin not in (b"", MCAP0_MAGIC):
        raise _refusal(path, "a file that is no trace is there already", "name another file, or move that one")


def _refusal(path: Path, why: str, fix: str) -> TraceError:
    return TraceError(f"cannot write the trace {path}: {why}\n  fix:  {fix}")
