"""Put one question to a backend about a picture file, or about two of one camera."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..._base import KnotholeError
from ...vlm.broker import chain_of
from ...vlm.questions import Answer, Frame, Kind, Question
from ..authoring.inspect import project
from ..running.stage import open_runner

PATIENCE = 600.0
"""Longest wait for an answer, loading the model included, [s]."""


class PictureError(KnotholeError):
    """A picture file cannot be read."""


class EmptyQuestionError(KnotholeError):
    """There is nothing in a question to ask about."""


@dataclass(frozen=True)
class Said:
    """A question and its answer, for people and for programs."""

    question: Question
    answer: Answer

    def to_json(self) -> dict[str, object]:
        """Return plain data; fields that the kind of question does not have are left out."""
        a = self.answer
        row: dict[str, object] = {
            "kind": a.kind,
            "question": self.question.text,
            "model": a.model,
            "latency_s": a.latency,
        }
        if a.problem:
            row["problem"] = a.problem
        elif a.probabilities:
            row |= {"probabilities": dict(a.probabilities), "neither": a.neither}
        elif a.kind == "ground":
            row["regions"] = [
                {"label": r.label, "box_xyxy": list(r.box_xyxy), "confidence": r.confidence} for r in a.regions
            ]
        else:
            row["text"] = a.text
        return row

    def __str__(self) -> str:
        a = self.answer
        tail = f"  ({a.model}, {a.latency:.2f} s)"
        if a.problem:
            return f"no usable answer: {a.problem}{tail}"
        if a.probabilities:
            best = max(a.probabilities, key=lambda key: a.probabilities[key])
            parts = [f"{key} {p:.3f}" for key, p in a.probabilities.items()] + [f"neither {a.neither:.3f}"]
            return f"{best}  [{', '.join(parts)}]{tail}"
        if a.kind == "ground":
            rows = [f"{r.label}: box_xyxy {' '.join(f'{v:.3f}' for v in r.box_xyxy)}" for r in a.regions]
            return "\n".join(rows or ["nothing found"]) + tail
        return a.text + tail


def kind_of(text: str) -> Kind:
    """Guess the form of answer that a question wants.

    >>> kind_of("Is there a red cube?"), kind_of("every loose object"), kind_of("Describe the image.")
    ('yes_no', 'ground', 'describe')
    """
    words = text.lower().strip()
    if re.match(r"(is|are|was|were|has|have|does|do|did|can|could|will|would)\b", words):
        return "yes_no"
    if re.match(r"(describe|what|which|how|who|why|count)\b", words):
        return "describe"
    return "ground"


def query_of(text: str) -> str:
    """Reduce a request to locate something to the words for that thing.

    >>> query_of("Where is the red cube?")
    'the red cube'
    """
    words = re.sub(r"^(where (is|are)|locate|find|point (to|at))\s+", "", text.strip(), flags=re.IGNORECASE)
    return words.rstrip(" ?.!")


def ask_image(image: Path, text: str, vlm: str = "", kind: str = "", before: Path | None = None) -> Said:
    """Ask about a picture file and wait for the answer.

    Args:
        image: Picture in any format that Pillow reads.
        text: The question.
        vlm: Backend; empty takes the configured one.
        kind: Form of the answer; empty guesses it from the question.
        before: Picture that the same camera took earlier, to compare with.

    Raises:
        KnotholeError: The picture cannot be read, or the backend cannot be opened or gives no answer.
    """
    config = project()
    form: Kind = kind or kind_of(text)  # type: ignore[assignment]
    words = query_of(text) if form == "ground" else text.strip()
    if not words:
        raise EmptyQuestionError(f'the question {text!r} asks nothing\n  fix:  write one, such as "Is there a cube?"')
    question = Question(form, words, all=True)
    frame = Frame(image.name, 0.0, read_picture(image))
    if before is not None:
        earlier = Frame(f"{before.name}, before", 0.0, read_picture(before))
        frame = Frame(f"{image.name} after {before.name}", 1.0, frame.rgb, (earlier,))
    spec = chain_of(vlm or config.vlm)[0]
    runner = open_runner(spec, config, None)
    try:
        number = runner.submit(frame, [question])
        for reply in runner.poll(PATIENCE):
            if reply.request == number:
                return Said(question, reply.answers[0])
    finally:
        runner.close()
    raise KnotholeError(f"backend {spec!r} gave no answer within {PATIENCE:g} s")


def read_picture(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the pixels of a picture file, shape (H, W, 3).

    Raises:
        PictureError: There is no such file, or it is no picture.
    """
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"), np.uint8)
    except FileNotFoundError:
        raise PictureError(f"there is no file {path}\n  fix:  correct the path") from None
    except IsADirectoryError:
        raise PictureError(f"{path} is a directory\n  fix:  name a picture in it") from None
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise PictureError(f"{path} is no picture: {error}\n  fix:  give a PNG or JPEG file") from error
