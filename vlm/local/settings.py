"""Settings of the backend ``transformers``, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar, get_args

from ..._base import MissingExtraError
from ..contract import BackendError
from ..grounding_format import Coordinates
from ..qwen_settings import QwenSettings


@dataclass(frozen=True)
class LocalSettings(QwenSettings):
    """How a checkpoint is loaded and asked; beside what ``QwenSettings`` has:

    Attributes:
        capabilities: File that ``knothole vlm probe`` wrote; empty for none.
        choices: ``letters`` or ``words``; ``auto`` takes what the family understands.
        coordinates: Form of the boxes; ``auto`` takes the measured one, else the family's.
        quantize: ``4bit`` or ``8bit`` weights, on a CUDA GPU only.
        share: Read the image once for all questions where that gives the same (``auto``), or never.
    """

    words: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "choices": ("auto", "letters", "words"),
        "coordinates": ("auto", *get_args(Coordinates)),
        "quantize": ("no", "4bit", "8bit"),
        "share": ("auto", "never"),
    }
    lacks: ClassVar[frozenset[str]] = frozenset({"beams"})

    choices: str = "auto"
    coordinates: str = "auto"
    capabilities: str = ""
    quantize: str = "no"
    share: str = "auto"

    def check_quantize(self) -> None:
        """Tell early what is in the way of quantised weights.

        Raises:
            BackendError: They are wanted on a CPU.
            MissingExtraError: The package for them is not installed.
        """
        if self.quantize == "no":
            return
        if self.device == "cpu":
            raise BackendError(
                f"quantize: {self.quantize} works on a CUDA GPU only, and device is cpu\n"
                "  fix:  leave one of the two settings out"
            )
        for package in ("bitsandbytes", "accelerate"):
            if find_spec(package) is None:
                raise MissingExtraError(f"quantize: {self.quantize}", package, "quantize")
