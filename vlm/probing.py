"""Find out what a backend can do by asking it: kinds, sizes and numbers of pictures, where its boxes lie, how fast."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, get_args

import numpy as np

from .capabilities import Capabilities, Plans
from .contract import Backend
from .grounding_format import Coordinates, UnreadableError, read_boxes
from .letterbox import Box
from .questions import Answer, Frame, Kind, Question
from .runner import answer_all

SIDES = (224, 448, 896, 1792, 3584)
"""Longest sides of the pictures that are tried, [px]."""
NUMBERS = (2, 4, 8)
"""Numbers of pictures in one question that are tried."""
TIMES = 20
SLOW = 20.0
"""An answer that takes longer ends a series of growing pictures, [s]."""
NEAR = 0.1
"""Farthest that a corner may be from the known place, relative to the longer side, for a form to count as found."""
_SCENES: tuple[tuple[int, int, tuple[int, int, int, int]], ...] = (
    (448, 448, (84, 196, 196, 308)),
    (672, 448, (420, 84, 560, 224)),
    (448, 672, (56, 392, 196, 532)),
)
"""Width, height, and the square on it: sizes that the grids of common models divide."""
_THINGS = ("the red square", "the red cube")
_YES_NO = ("Is there a red square?", "Is there a red cube?")
_SCHEMA = {
    "type": "object",
    "properties": {"skill": {"enum": ["home", "wave"]}},
    "required": ["skill"],
    "additionalProperties": False,
}
_OTHERS = (
    Question("choice", "What color is the square?", choices=("red", "green")),
    Question("choice", "What color is the cube: red or green?", choices=("red", "green")),
    Question("score", "How large is the square?", choices=("small", "medium", "large")),
    Question("score", "How many cubes are there?", choices=("0", "1", "2")),
    Question("describe", "Describe the image."),
    Question("chat", "Hello. What do you see?"),
)


@dataclass(frozen=True)
class Placed:
    """How far off boxes were on one scene, in one form.

    Attributes:
        scene: Width and height, [px].
        form: The form.
        error: Distance of the worst corner from its place, relative to the longer side; None where none was read.
    """

    scene: tuple[int, int]
    form: Coordinates
    error: float | None


@dataclass(frozen=True)
class Probe:
    """What was measured.

    Attributes:
        capabilities: What goes into the capability file.
        placed: Errors by scene of the form that fits best.
        own_error: Worst error of the regions as the backend itself gives them, relative to the longer side.
        notes: What could not be measured, and why.
    """

    capabilities: Capabilities
    placed: tuple[Placed, ...] = ()
    own_error: float | None = None
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        rows = [{"scene": list(one.scene), "form": one.form, "error": one.error} for one in self.placed]
        more = {"placed": rows, "own_error": self.own_error, "notes": list(self.notes)}
        return {**self.capabilities.to_json(), **more}

    def __str__(self) -> str:
        found = self.capabilities
        rows: list[tuple[str, object]] = [
            ("backend", f"{found.backend} ({found.model})"),
            ("endpoint", found.endpoint or "none, local"),
            ("kinds", ", ".join(found.kinds) or "none"),
            ("yes", " ".join(map(repr, found.yes))),
            ("no", " ".join(map(repr, found.no))),
            ("logprobs", found.logprobs),
            ("typed decisions", found.decisions),
            ("JSON", found.plans),
            ("pictures at a time", found.images),
            ("longest side", None if found.image_side is None else f"{found.image_side} px"),
            ("boxes", found.coordinates),
            ("box error", _percent(found.coordinates_error)),
            ("error of its regions", _percent(self.own_error)),
            ("latency, median", None if found.latency is None else f"{1000 * found.latency:.0f} ms"),
            ("latency, 95 %", None if found.latency_p95 is None else f"{1000 * found.latency_p95:.0f} ms"),
        ]
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:<{width}}  {'not measured' if value in (None, '') else value}" for name, value in rows]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def _percent(error: float | None) -> str | None:
    return None if error is None else f"{100 * error:.1f} % of the longer side"


def measure(backend: Backend, clock: Callable[[], float] = time.perf_counter) -> Probe:
    """Measure an opened backend.

    A backend that knows more of itself than can be asked, such as the tokens of yes and no, tells it by a method
    ``capability_facts() -> Mapping`` with fields of ``Capabilities``; it is called last.

    Args:
        backend: Anything that answers questions.
        clock: Tells the time, [s].
    """
    notes: list[str] = []
    base, *_ = _scenes()
    question = next((q for q in map(_yes_no, _YES_NO) if _usable(_one(backend, base[0], q))), None)
    kinds: set[Kind] = {q.kind for q in _OTHERS if q.kind in backend.kinds and _usable(_one(backend, base[0], q))}
    found = Capabilities(backend.name, backend.model)
    if question is not None:
        kinds.add("yes_no")
        took = sorted(_latencies(backend, question, clock))
        late = took[min(len(took) - 1, int(0.95 * len(took)))]
        found = replace(found, latency=statistics.median(took), latency_p95=late)
        found = replace(found, image_side=_image_side(backend, question, clock), images=_images(backend, question))
    else:
        notes.append("no yes/no question of the probe was answered: no latency, sizes and numbers of pictures")
    placed, own, pointed = _grounding(backend, notes)
    plans = _plans(backend)
    if pointed:
        kinds.add("ground")
    if plans is not None:
        kinds.add("plan")
    worst = max((one.error for one in placed if one.error is not None), default=None)
    found = replace(found, kinds=tuple(sorted(kinds)), plans=plans, measured=datetime.now(UTC).date().isoformat())
    if placed:
        found = replace(found, coordinates=placed[0].form, coordinates_error=worst)
    return Probe(_with_facts(backend, found), placed, own, tuple(notes))


def _yes_no(text: str) -> Question:
    return Question("yes_no", text)


def _one(backend: Backend, frame: Frame, question: Question) -> Answer:
    return answer_all(backend, frame, [question])[0]


def _usable(answer: Answer) -> bool:
    return not answer.problem


def _scenes() -> Iterator[tuple[Frame, Box]]:
    for width, height, (x1, y1, x2, y2) in _SCENES:
        rgb = np.full((height, width, 3), 235, np.uint8)
        rgb[y1:y2, x1:x2] = (205, 20, 20)
        box = (x1 / width, y1 / height, x2 / width, y2 / height)
        yield Frame(f"square {width}x{height}", 0.0, rgb), box


def _latencies(backend: Backend, question: Question, clock: Callable[[], float]) -> Iterator[float]:
    """Yield how long a question took, each time about another picture."""
    frame, _ = next(_scenes())
    for i in range(TIMES):
        rgb = frame.rgb.copy()
        rgb[0, i] = 0
        began = clock()
        _one(backend, Frame(f"latency {i}", 0.0, rgb), question)
        yield clock() - began


def _image_side(backend: Backend, question: Question, clock: Callable[[], float]) -> int | None:
    taken = None
    for side in SIDES:
        rgb = np.full((side * 3 // 4, side, 3), 200, np.uint8)
        began = clock()
        if not _usable(_one(backend, Frame(f"side {side}", 0.0, rgb), question)):
            break
        taken = side
        if clock() - began > SLOW:
            break
    return taken


def _images(backend: Backend, question: Question) -> int:
    frames = [
        Frame(f"picture {i}", float(i), np.full((224, 224, 3), 20 * i + 40, np.uint8)) for i in range(max(NUMBERS))
    ]
    taken = 1
    for number in NUMBERS:
        shown = Frame(f"of {number}", 9.0, frames[0].rgb, tuple(frames[1:number]))
        if not _usable(_one(backend, shown, question)):
            break
        taken = number
    return taken


def _grounding(backend: Backend, notes: list[str]) -> tuple[tuple[Placed, ...], float | None, bool]:
    """Return the errors of the form that fits best on every scene, the worst error of the backend's own regions, and
    whether it looked at all.
    """
    if "ground" not in backend.kinds:
        return (), None, False
    answers = [(frame, box, _found(backend, frame)) for frame, box in _scenes()]
    rows: dict[Coordinates, list[Placed]] = {
        form: [_placed(frame, box, answer, form) for frame, box, answer in answers] for form in get_args(Coordinates)
    }
    full = {form: some for form, some in rows.items() if all(one.error is not None for one in some)}
    best = min(
        full,
        key=lambda form: (max(one.error or 0.0 for one in full[form]), _generality(form, answers[0][2])),
        default=None,
    )
    errors = [_own(frame, box, answer) for frame, box, answer in answers]
    known = [error for error in errors if error is not None]
    own = max(known) if len(known) == len(errors) else None
    looked = any(_usable(answer) for _, _, answer in answers)
    if best is None or max(one.error or 0.0 for one in full[best]) > NEAR:
        notes.append("its boxes did not lie on the red square in any form: coordinates are not measured")
        return (), own, looked
    return tuple(full[best]), own, looked


def _generality(form: Coordinates, answer: Answer) -> int:
    """Order forms that read the same: what the model really writes, before what could be read so as well."""
    if form == "moondream" and "x_min" not in answer.text:
        return 2
    return {"any_json": 3, "relative": 1}.get(form, 0)


def _found(backend: Backend, frame: Frame) -> Answer:
    answers = [_one(backend, frame, Question("ground", thing)) for thing in _THINGS]
    return next((answer for answer in answers if answer.regions or (answer.text and answer.supported)), answers[0])


def _placed(frame: Frame, box: Box, answer: Answer, form: Coordinates) -> Placed:
    height, width = frame.rgb.shape[:2]
    try:
        boxes = read_boxes(answer.text, form, (width, height), exact=True)
    except UnreadableError:
        boxes = []
    errors = [_error(one.box_xyxy, one.point_uv, box, frame) for one in boxes]
    return Placed((width, height), form, min(errors, default=None))


def _own(frame: Frame, box: Box, answer: Answer) -> float | None:
    return min((_error(region.box_xyxy, region.point_uv, box, frame) for region in answer.regions), default=None)


def _error(found: Box, point: tuple[float, float] | None, box: Box, frame: Frame) -> float:
    """Return how far a corner is off at most, relative to the longer side; a point is compared with the middle."""
    height, width = frame.rgb.shape[:2]
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    given, wanted = (found, box) if point is None else ((*point, *point), (*middle, *middle))
    sizes = (width, height, width, height)
    return float(max(abs(a - b) * size for a, b, size in zip(given, wanted, sizes, strict=True)) / max(width, height))


def _plans(backend: Backend) -> Plans | None:
    if "plan" not in backend.kinds:
        return None
    question = Question("plan", 'Plan one step with the skill "home".', schema=json.dumps(_SCHEMA))
    return "text" if _usable(_one(backend, next(_scenes())[0], question)) else None


def _with_facts(backend: Backend, found: Capabilities) -> Capabilities:
    tell: Any = getattr(backend, "capability_facts", None)
    facts: Mapping[str, Any] = tell() if callable(tell) else {}
    return replace(found, **facts)
