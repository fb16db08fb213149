"""The leaf that compares what the robot sees now with another picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from py_trees.common import Status

from ...robots.contract import CameraFrame
from ...vlm.questions import Answer, Frame, Question
from ..means.deciding import DECIDING_PORTS, Ruling
from ..means.picture import Picture, PictureError, as_picture, read_picture, taken
from ..means.recent import Recent
from ..means.several import Several
from ..means.yes_no import YES_NO_PORTS, YesNo
from ..node import NodeFault, Wiring, behavior
from ..ports import Port

START, LAST = "start", "last"
"""Pictures of its own that the leaf can compare with: its first one of the run, the one it asked about before."""
_AGO: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+) ?(ms|s|min)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0}
_KEPT: Final = 6
"""Pictures that are kept of the time up to now."""


@behavior("compare")
class Compare(YesNo):
    """Decide a yes/no question about two pictures: another one, and after it what the robot sees now.

    Verdict, thresholds and freshness are those of ``see``. A model that looks at one picture only gives no usable
    answer, so the leaf is unsure.

    Ports:
        question (in, text, main, default "Has anything moved?"): The question; the first picture is the other one.
        to (in, any, default start): What to compare with: an entry with a picture, from ``photo`` or ``imagine``; the
            path of a picture file, beside the tree or where the run was started; ``start``, the first picture that this
            leaf took in the run; ``last``, the picture that it asked about before; or how long ago, such as ``5s``: the
            leaf then keeps pictures that far back while it is ticked, and asks once it has one of that time.
        *YES_NO_PORTS
        *DECIDING_PORTS

    Status:
        RUNNING: No picture of that time or no answer yet; unsure with anything but ``failure``.
        SUCCESS: The expected answer holds.
        FAILURE: It does not, or unsure with ``failure``.

    Halt:
        Drops the question on its way; nothing moves.
    """

    ports = (
        Port("question", "text", "a yes/no question about both pictures", default="Has anything moved?", main=True),
        Port("to", "any", "a picture, its file, start, last, or how long ago", default=START, takes=("image", "text")),
        *YES_NO_PORTS,
        *DECIDING_PORTS,
    )

    @classmethod
    def mistake_in_plan(cls, args: Mapping[str, object]) -> str:
        """Say what is wrong with the arguments of a planned step; a model names no files."""
        to = str(args.get("to", START)).strip()
        ago = _AGO.fullmatch(to)
        if to not in (START, LAST) and (ago is None or float(ago[1]) <= 0):
            return (
                f"argument 'to' of compare must be {START}, {LAST}, or how long ago, such as 5s: a plan reads no files"
            )
        return super().mistake_in_plan(args)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.watching = Several(self, self._before)
        self._first: Picture | None = None
        self._last: Picture | None = None
        self._file: tuple[str, Picture] | None = None
        self._ring: Recent | None = None
        self._lively = False

    def step(self) -> Status:
        """Compare, and turn a picture that is none into a fault of the tree."""
        ring = self._present()
        if ring is not None and ring.due(self.context.now):
            ring.add(self.context.look(str(self.get("camera"))))
        try:
            status = super().step()
        except PictureError as error:
            raise NodeFault(f"{self.path}: port 'to': {error}") from error
        if ring is not None and self.watching.answer is None and not self.watching.waiting:
            return self.running(f"keeping pictures: {ring.covered:.1f} of {ring.span:g} s")
        return status

    def question(self) -> Question:
        """Return the question."""
        return Question("yes_no", str(self.get("question")))

    def terms(self) -> object:
        """Return what is compared with."""
        to = self.get("to")
        return to if isinstance(to, str) else as_picture(to).id

    def rule(self, answer: Answer) -> Ruling:
        """Judge the answer; the picture that it is about is the last one from now on."""
        assert self.watching.frame is not None
        self._last = taken(self.watching.frame)
        return super().rule(answer)

    def again(self) -> bool:
        """Tell whether a picture without news can change the verdict: where the other one moves on, it can."""
        ring = self._present()
        return self.get("to") == LAST or (ring is not None and (self._lively or ring.lively))

    def ready(self) -> bool:
        """Tell whether the picture to compare with is there."""
        ring = self._present()
        return ring is None or ring.full

    def _present(self) -> Recent | None:
        """Return the pictures up to now, where one of a time ago is wanted."""
        to = self.get("to")
        match = _AGO.fullmatch(to.strip()) if isinstance(to, str) else None
        if match is None:
            self._ring = None
            return None
        span = float(match[1]) * _SECONDS[match[2]]
        if self._ring is None or self._ring.span != span:
            if span <= 0:
                raise NodeFault(f"{self.path}: port 'to': {to!r} is no time ago\n  fix:  write one above 0, such as 5s")
            self._ring = Recent(span, _KEPT)
        return self._ring

    def _before(self, frame: CameraFrame) -> list[Frame]:
        """Return the picture to compare with."""
        now = taken(frame)
        self._first = self._first or now
        return [self._other(now).frame]

    def _other(self, now: Picture) -> Picture:
        to = self.get("to")
        if to == START:
            return self._first or now
        if to == LAST:
            return self._last or now
        if self._ring is not None:
            self._lively = self._ring.lively
            return taken(self._ring.frames[0])
        if not isinstance(to, str):
            return as_picture(to)
        if self._file is None or self._file[0] != to:
            self._file = (to, read_picture(self, to))
        return self._file[1]
