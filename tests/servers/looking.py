"""What a well-behaved model behind a test server sees and says: it looks for the red square."""

from __future__ import annotations

import base64
import io
import json
import math

import numpy as np
from PIL import Image

YES = 0.8
NO = 0.15
PLAN = [{"skill": "pick", "args": {"object": "red cube"}}]
_PLAIN = str.maketrans("-_", "+/")
WORDS = "A red square on a gray table."


def pixels(base64_text: str) -> np.ndarray:
    """The picture that came, shape (H, W, 3); both alphabets of base64 are in use."""
    with Image.open(io.BytesIO(base64.b64decode(base64_text.translate(_PLAIN), validate=True))) as picture:
        return np.asarray(picture.convert("RGB"))


def square(rgb: np.ndarray) -> tuple[float, float, float, float] | None:
    """The red square in it, relative to the image; None where there is none."""
    red = (rgb[..., 0] > 150) & (rgb[..., 1] < 90) & (rgb[..., 2] < 90)
    if not red.any():
        return None
    rows, columns = np.nonzero(red.any(axis=1))[0], np.nonzero(red.any(axis=0))[0]
    height, width = red.shape
    return columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height


def chances(kind: str, choices: list[str], seen: bool) -> dict[str, float]:
    """Probabilities of the allowed answers, from whether a square is seen."""
    if kind == "yes_no":
        return {"yes": YES, "no": NO} if seen else {"yes": NO, "no": YES}
    first = 0.7 if seen else 0.2
    rest = (0.9 - first) / max(1, len(choices) - 1)
    return {choice: first if number == 0 else rest for number, choice in enumerate(choices)}


def boxes(form: str, box: tuple[float, float, float, float] | None, size: tuple[int, int]) -> str:
    """The square as a model of some convention writes it; ``size`` is width and height of the picture."""
    if box is None:
        return "[]"
    if form == "gemini":
        return json.dumps([{"box_2d": [round(box[i] * 1000) for i in (1, 0, 3, 2)], "label": "red square"}])
    scale = {"pixels": size, "relative": (1, 1)}.get(form, (1000, 1000))
    values = [value * scale[i % 2] for i, value in enumerate(box)]
    values = [round(value, 4) if form == "relative" else round(value) for value in values]
    return json.dumps([{"bbox_2d": values, "label": "red square"}])


def tokens(shares: dict[str, float]) -> list[tuple[str, float]]:
    """Next tokens and their log-probabilities, likeliest first, each answer in two spellings, one other word."""
    found = []
    for word, p in shares.items():
        found += [(word, math.log(p * 0.75)), (f" {word}", math.log(p * 0.25))]
    found.append(("The", math.log(0.03)))
    return sorted(found, key=lambda pair: -pair[1])


def png(rgb: np.ndarray) -> str:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()
