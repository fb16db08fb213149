"""Questions and answers as plain JSON data: what traces and cassettes keep of them, and how answers come back.

A question is kept with a key, so that a recorded answer is found again however the words around it are stored. Of sound
only a hash is kept. Pictures and masks in answers are PNG; one that is too large is left out, and named.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .keeping_pictures import blurred
from .privacy import Frames
from .questions import KINDS, Answer, Question, Region

PICTURE_BYTES: Final = 256 * 1024
"""Largest PNG of an answer that is kept, [bytes]."""
_KEY: Final = 16


class RecordedError(ValueError):
    """Data is no recorded answer or question; the text says what is wrong with it."""


def question_data(question: Question) -> dict[str, Any]:
    """Return a question as JSON-able data, all fields; sound as its hash."""
    return {
        "kind": question.kind,
        "text": question.text,
        "choices": list(question.choices),
        "all": question.all,
        "schema": question.schema,
        "context": question.context,
        "history": [list(turn) for turn in question.history],
        "refused": list(question.refused),
        "audio": hashlib.sha256(question.audio).hexdigest() if question.audio else "",
    }


def question_key(data: Mapping[str, Any]) -> str:
    """Return the key of a question from its data; fields left out count as empty.

    >>> question_key({"kind": "chat", "text": "Hi"}) == question_key(question_data(Question("chat", "Hi")))
    True
    """
    kept = {name: data[name] for name in question_data(Question("chat", "")) if data.get(name)}
    text = json.dumps(kept, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY]


def compact(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return data without its empty fields.

    >>> compact({"kind": "yes_no", "choices": [], "neither": 0.0, "supported": True})
    {'kind': 'yes_no'}
    """
    return {
        name: value
        for name, value in data.items()
        if (value is False if name == "supported" else value or (name == "data" and value is not None))
    }


def answer_data(answer: Answer, frames: Frames = "keep") -> dict[str, Any]:
    """Return an answer as JSON-able data, all fields but the frame it is about.

    Args:
        answer: The answer.
        frames: What is done with its picture, which may show what the camera saw.
    """
    left_out: list[str] = []
    image = answer.image
    if image is not None and frames != "keep":
        image = blurred(image) if frames == "blur" else None
        left_out += ["image"] if frames == "drop" else []
    return {
        "kind": answer.kind,
        "probabilities": dict(answer.probabilities),
        "neither": answer.neither,
        "regions": [_region_data(region, left_out) for region in answer.regions],
        "text": answer.text,
        "data": answer.data,
        "image": _png(image, "image", left_out),
        "left_out": left_out,
        "problem": answer.problem,
        "supported": answer.supported,
        "model": answer.model,
        "latency": answer.latency,
        "tokens": answer.tokens,
        "cost": answer.cost,
    }


def answer_of(data: Mapping[str, Any]) -> Answer:
    """Return the answer that ``answer_data`` made data of; fields left out have their defaults.

    An answer whose picture was not kept comes back with a ``problem``.

    Raises:
        RecordedError: It is no such data.
    """
    if data.get("kind") not in KINDS:
        raise RecordedError(f"its kind is {data.get('kind')!r}, must be one of {', '.join(KINDS)}")
    chances = data.get("probabilities") or {}
    if not isinstance(chances, Mapping):
        raise RecordedError(f"its probabilities are {chances!r}, must be a mapping")
    problem = _text(data, "problem")
    if "image" in _list(data, "left_out") and not problem:
        problem = "the picture of this answer was not recorded: it was too large, or pictures were to be dropped"
    return Answer(
        data["kind"],
        probabilities={str(name): _number(p, f"the probability of {name!r}", 1.0) for name, p in chances.items()},
        neither=_number(data.get("neither", 0.0), "its mass on neither", 1.0),
        regions=tuple(_region(each) for each in _list(data, "regions")),
        text=_text(data, "text"),
        data=data.get("data"),
        image=_pixels(data.get("image")),
        model=_text(data, "model"),
        latency=_number(data.get("latency", 0.0), "its latency"),
        tokens=int(_number(data.get("tokens", 0), "its number of tokens")),
        cost=_number(data.get("cost", 0.0), "its cost"),
        problem=problem,
        supported=data.get("supported", True) is not False,
    )


def _region_data(region: Region, left_out: list[str]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "box_xyxy": list(region.box_xyxy),
        "label": region.label,
        "confidence": region.confidence,
    }
    if region.point_uv is not None:
        data["point_uv"] = list(region.point_uv)
    if region.mask is not None:
        mask = _png(region.mask.astype(np.uint8) * np.uint8(255), "mask", left_out)
        data |= {"mask": mask} if mask else {}
    return data


def _region(data: object) -> Region:
    if not isinstance(data, Mapping):
        raise RecordedError(f"a region is {data!r}, must be a mapping")
    box = data.get("box_xyxy")
    point = data.get("point_uv")
    if not isinstance(box, list) or len(box) != 4:
        raise RecordedError(f"a region has the box {box!r}, must be four numbers")
    if point is not None and (not isinstance(point, list) or len(point) != 2):
        raise RecordedError(f"a region has the point {point!r}, must be two numbers")
    x1, y1, x2, y2 = (_number(v, "a side of a box", 1.0) for v in box)
    mask = _pixels(data.get("mask"))
    return Region(
        (x1, y1, x2, y2),
        _text(data, "label"),
        _number(data.get("confidence", 1.0), "a confidence", 1.0),
        None if point is None else (_number(point[0], "a point", 1.0), _number(point[1], "a point", 1.0)),
        None if mask is None else np.asarray(mask[..., 0] > 127),
    )


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name) or ""
    if not isinstance(value, str):
        raise RecordedError(f"its {name} is {value!r}, must be text")
    return value


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    value = data.get(name) or []
    if not isinstance(value, list):
        raise RecordedError(f"its {name} is {value!r}, must be a list")
    return value


def duration(value: object, what: str) -> float:
    """Return a time, [s].

    Raises:
        RecordedError: It is none.
    """
    return _number(value, what)


def _number(value: object, what: str, most: float = sys.float_info.max) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most + 1e-6:
        raise RecordedError(f"{what} is {value!r}, must be a number >= 0" + (f" and <= {most:g}" if most < 2 else ""))
    return float(value)


def _png(pixels: NDArray[np.uint8] | None, name: str, left_out: list[str]) -> str:
    if pixels is None:
        return ""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    if buffer.tell() > PICTURE_BYTES:
        left_out.append(name)
        return ""
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _pixels(text: object) -> NDArray[np.uint8] | None:
    if not text:
        return None
    try:
        with Image.open(io.BytesIO(base64.b64decode(str(text), validate=True))) as picture:
            return np.asarray(picture.convert("RGB"), np.uint8)
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise RecordedError(f"its picture cannot be read: {error}") from error
