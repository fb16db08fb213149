"""Settings of the backends that run a Qwen-VL checkpoint, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self

from .._base import near_misses
from .contract import BackendError

_BROKER = ("latency", "threads")
_WORDS = {
    "dtype": ("auto", "float32", "bfloat16", "float16"),
    "device": ("auto", "cpu", "cuda"),
    "choices": ("letters", "words"),
    "plan_prompt": ("full", "short"),
}


@dataclass(frozen=True)
class QwenSettings:
    """How a checkpoint is loaded and asked.

    Attributes:
        words: Values that a setting of a subclass may have.
        lacks: Settings that a subclass does without.
        yes_no_suffix: Put behind a yes/no question.
        choices: How choice and score are asked: by ``letters`` (A, B, ...), or by the probability of the ``words``.
        plan_prompt: Whether the prompt of a plan has skills, schema and the mistakes of the last one: ``full``, or
            ``short`` for a model that was trained on them.
        square: Pad images to squares (for models trained on squares).
        min_pixels: Smallest area images are resized to, [px]; 0 keeps the checkpoint's own.
        max_pixels: Largest such area, [px]; 0 keeps the checkpoint's own. Lower is faster.
        max_tokens: Most tokens written for a description or a plan; boxes get ``box_tokens``.
        box_tokens: Most tokens written for boxes.
        beams: How many texts are followed in search of the likeliest description; 1 takes the likeliest token.
        batch: Most questions in one pass of the model.
        dtype: Type of the weights; ``auto`` is float32 on a CPU, bfloat16 elsewhere.
        device: ``auto`` takes a GPU where there is one.
        download: Allow fetching from the hub.
        calibrated: Apply ``calibration.json`` where it lies beside the weights.
        constrained: Have plans written by their schema and nothing else, and boxes in the form of the family where that
            is JSON; without it they are checked when they are there.
    """

    words: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    lacks: ClassVar[frozenset[str]] = frozenset()

    yes_no_suffix: str = "Answer yes or no."
    choices: str = "letters"
    plan_prompt: str = "full"
    square: bool = False
    min_pixels: int = 0
    max_pixels: int = 0
    max_tokens: int = 512
    box_tokens: int = 320
    beams: int = 1
    batch: int = 16
    dtype: str = "auto"
    device: str = "auto"
    download: bool = False
    calibrated: bool = True
    constrained: bool = True

    def updated(self, settings: Mapping[str, object], who: str) -> Self:
        """Return a copy with the given settings.

        Raises:
            BackendError: A setting is unknown or has a wrong value.
        """
        known = {field.name: field for field in fields(self) if field.name not in self.lacks}
        words = {**_WORDS, **self.words}
        given: dict[str, object] = {}
        for name, value in settings.items():
            if name in _BROKER:
                continue
            if name not in known:
                near = near_misses(name, known, 1)
                hint = f"\n  did you mean:  {near[0]}" if near else ""
                raise BackendError(f"the {who} backend has no setting {name!r}{hint}")
            wanted = type(getattr(self, name))
            low = 0 if name.endswith("pixels") else 1
            fits = type(value) is wanted and not (isinstance(value, int) and wanted is int and value < low)
            if not fits or (name in words and value not in words[name]):
                expected = " or ".join(words[name]) if name in words else f"of type {wanted.__name__}"
                expected += f", >= {low}" if wanted is int else ""
                raise BackendError(f"setting {name!r} of the {who} backend is {value!r}, must be {expected}")
            given[name] = value
        made = replace(self, **given)  # type: ignore[arg-type]
        if made.min_pixels and made.max_pixels and made.min_pixels > made.max_pixels:
            raise BackendError(f"min_pixels {made.min_pixels} is above max_pixels {made.max_pixels}")
        return made
