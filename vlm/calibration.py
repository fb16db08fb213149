"""Temperatures that make a model's probabilities honest, kept beside its weights and bound to exactly that model."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .contract import BackendError
from .questions import KINDS

FILE = "calibration.json"


@dataclass(frozen=True)
class Calibration:
    """One temperature for each kind of question, and what they were fitted on.

    Attributes:
        model: Name and version of the model, as in its answers.
        prompt_version: Version of the prompts.
        image_size: Smallest and largest area the image is resized to, [px].
        temperature: Question kind → temperature > 0; 1 where a kind is absent.
    """

    model: str
    prompt_version: str
    image_size: tuple[int, int]
    temperature: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Calibration | None:
        """Read ``calibration.json`` of a folder; None when there is none.

        Raises:
            BackendError: The file is no calibration.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            low, high = raw["image_size"]
            temperature = {str(kind): float(t) for kind, t in raw["temperature"].items()}
            if not all(kind in KINDS and math.isfinite(t) and t > 0 for kind, t in temperature.items()):
                raise ValueError(f"temperature is {temperature}")
            return cls(str(raw["model"]), str(raw["prompt_version"]), (int(low), int(high)), temperature)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackendError(
                f"{path} is no calibration: {type(error).__name__}: {error}\n"
                "  fix:  delete it, or fit it anew with `knothole vlm eval`"
            ) from error

    def write(self, folder: Path) -> Path:
        """Write ``calibration.json`` beside the weights and return its path."""
        path = folder / FILE
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        return path

    def check(self, model: str, prompt_version: str, image_size: tuple[int, int]) -> None:
        """Refuse a calibration that was fitted on anything else.

        Raises:
            BackendError: Model, prompt version or image size differ; the message names both.
        """
        mine = (self.model, self.prompt_version, self.image_size)
        for what, fitted, used in zip(
            ("model", "prompt version", "image size"), mine, (model, prompt_version, image_size), strict=True
        ):
            if fitted != used:
                raise BackendError(
                    f"the calibration was fitted on another {what}\n  fitted on:  {fitted}\n  in use:     {used}\n"
                    f"  fix:  delete {FILE} beside the weights, or fit it anew with `knothole vlm eval`"
                )

    def apply(self, kind: str, chances: Mapping[str, float]) -> dict[str, float]:
        """Return probabilities at this kind's temperature; their sum, and so the mass on neither, is kept."""
        return at_temperature(chances, self.temperature.get(kind, 1.0))


def at_temperature(chances: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Sharpen (below 1) or soften (above 1) probabilities without changing their sum.

    Source: Guo et al., *On Calibration of Modern Neural Networks*, 2017, section 4.2.
    """
    total = sum(chances.values())
    if temperature == 1.0 or total <= 0.0:
        return dict(chances)
    logs = {key: math.log(max(p, 1e-300)) / temperature for key, p in chances.items()}
    top = max(logs.values())
    powers = {key: math.exp(value - top) for key, value in logs.items()}
    scale = total / sum(powers.values())
    return {key: power * scale for key, power in powers.items()}


def fit_temperature(cases: Iterable[tuple[Mapping[str, float], str]]) -> float:
    """Return the temperature in 0.1..10 with the least negative log-likelihood of what was true.

    Args:
        cases: Probabilities of the allowed answers, and the true answer.
    """
    known = [(chances, truth) for chances, truth in cases if sum(chances.values()) > 0]

    def loss(log_t: float) -> float:
        t = math.exp(log_t)
        shares = ((at_temperature(c, t).get(truth, 0.0), sum(c.values())) for c, truth in known)
        return -sum(math.log(max(p / total, 1e-12)) for p, total in shares)

    if not known:
        return 1.0
    low, high = math.log(0.1), math.log(10.0)
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    for _ in range(40):  # the loss is convex in 1 / T, so it has one minimum in log T
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, b) if loss(a) <= loss(b) else (a, high)
    return math.exp((low + high) / 2.0)
