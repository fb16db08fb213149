"""Temperatures that make a model's probabilities honest, kept beside its weights and bound to exactly that model."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .._base import parse_json
from .contract import BackendError
from .language.reading import parse
from .questions import KINDS, Question

FILE = "calibration.json"
FEWEST = 120
"""Cases that a topic needs for a temperature of its own, a tenth of them with another truth than the rest."""
FEWEST_OF_KIND = 30
"""Cases that a kind needs: one wrong answer among a handful would have the temperature at an end of its range."""
_SPREAD = 0.5
"""Standard deviation of the logarithm of a temperature below 1, before anything was measured."""
_FIX = "delete it, or fit it anew with `knothole vlm eval --calibrate`"


@dataclass(frozen=True)
class Calibration:
    """Temperatures for kinds of questions, and what they were fitted on.

    Attributes:
        model: Name and version of the model, as in its answers.
        prompt_version: Version of the prompts.
        image_size: Smallest and largest area the image is resized to, [px].
        temperature: Question kind, such as ``yes_no``, or ``topic``, such as ``yes_no/left`` → temperature > 0. A topic
            without one has that of its kind, and a kind without one has 1.
    """

    model: str
    prompt_version: str
    image_size: tuple[int, int]
    temperature: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, name: str = FILE) -> Calibration | None:
        """Read ``calibration.json``, or a file of another name, of a folder; None when there is none.

        Raises:
            BackendError: The file is no calibration.
        """
        path = folder / name
        if not path.is_file():
            return None
        try:
            raw = parse_json(path.read_text(encoding="utf-8"))
            low, high = raw["image_size"]
            temperature = {str(key): float(t) for key, t in raw["temperature"].items()}
            if not all(key.partition("/")[0] in KINDS and math.isfinite(t) and t > 0 for key, t in temperature.items()):
                raise ValueError(f"temperature is {temperature}")
            return cls(str(raw["model"]), str(raw["prompt_version"]), (int(low), int(high)), temperature)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackendError(f"{path} is no calibration: {type(error).__name__}: {error}\n  fix:  {_FIX}") from error

    def write(self, folder: Path, name: str = FILE) -> Path:
        """Write ``calibration.json``, or a file of another name, beside the weights and return its path."""
        path = folder / name
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
                    f"  fix:  {_FIX}; it is {FILE} beside the weights"
                )

    def apply(self, question: Question, chances: Mapping[str, float]) -> dict[str, float]:
        """Return probabilities at the question's temperature; their sum, and so the mass on neither, is kept."""
        shared = self.temperature.get(question.kind, 1.0)
        return at_temperature(chances, self.temperature.get(topic(question), shared))


Case = tuple[Question, Mapping[str, float], str]
"""A question, the probabilities that were said of its allowed answers, and the true one."""


def topic(question: Question) -> str:
    """Return what a question is about, such as ``yes_no/left``; its kind alone where its words are not understood."""
    meaning = parse(question.text)
    return question.kind if meaning is None else f"{question.kind}/{meaning.predicate}"


def fit(cases: Iterable[Case]) -> dict[str, float]:
    """Return a temperature for each kind among the cases, and for each topic that has enough of them.

    Raises:
        BackendError: There are no cases, or too few of a kind.
    """
    groups: dict[str, list[Case]] = {}
    for one in cases:
        for key in {one[0].kind, topic(one[0])}:
            groups.setdefault(key, []).append(one)
    few = [
        f"{len(groups[key])} to {key}" for key in sorted(groups) if "/" not in key and len(groups[key]) < FEWEST_OF_KIND
    ]
    if few or not groups:
        raise BackendError(
            f"temperatures cannot be fitted to so few answers: {', '.join(few) or 'none'}\n"
            f"  why:  each kind of question needs {FEWEST_OF_KIND}\n  fix:  show more pictures, as in --count 100"
        )
    found = {}
    for key, members in sorted(groups.items()):
        most = Counter(truth for _, _, truth in members).most_common(1)[0][1]
        if "/" not in key or (len(members) >= FEWEST and most <= 0.9 * len(members)):
            found[key] = round(fit_temperature((chances, truth) for _, chances, truth in members), 4)
    return found


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
    """Return the temperature in 0.1..10 that is likeliest by what was true; one far below 1 is unlikely beforehand.

    Answers that are all right would have it go to 0, and the first wrong one would be as good as certain.

    Args:
        cases: Probabilities of the allowed answers, and the true answer.
    """
    known = [(chances, truth) for chances, truth in cases if sum(chances.values()) > 0]

    def loss(log_t: float) -> float:
        t = math.exp(log_t)
        shares = ((at_temperature(c, t).get(truth, 0.0), sum(c.values())) for c, truth in known)
        return (min(log_t, 0.0) / _SPREAD) ** 2 / 2 - sum(math.log(max(p / total, 1e-12)) for p, total in shares)

    if not known:
        return 1.0
    low, high = math.log(0.1), math.log(10.0)
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    for _ in range(40):  # the loss is convex in 1 / T, so it has one minimum in log T
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, b) if loss(a) <= loss(b) else (a, high)
    return math.exp((low + high) / 2.0)
