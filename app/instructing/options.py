"""How the suite of instructions is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from ..models.oracle import SEEING

Words = Literal["both", "training", "apart"]
WORDS: tuple[Words, ...] = ("both", "training", "apart")
SUITE = "instructions"
"""What ``knothole eval`` calls the suite."""
TREE = "clean_up"


@dataclass(frozen=True)
class SuiteOptions:
    """How the instructions of the suite are carried out.

    Attributes:
        vlm: Backend that plans, and sees unless ``see`` says otherwise; empty takes the configured one.
        see: ``oracle`` to let the truth of the simulator answer what is to be seen and where; empty for ``vlm``.
        tree: Tree with an input ``instruction``.
        inputs: Further inputs of it, as text.
        disturb: How many things happen by themselves in each run.
        words: Whose wordings: those of the training for even seeds and held apart from it for odd ones, or one alone.
        max_time: Time limit of each run on its clock, [s].
        robot: Simulated robot.
    """

    vlm: str = ""
    see: str = ""
    tree: str = TREE
    inputs: Mapping[str, str] = field(default_factory=dict)
    disturb: int = 0
    words: Words = "both"
    max_time: float | None = 600.0
    robot: str = "panda"

    @property
    def backends(self) -> str:
        """The chain of backends that runs ask."""
        return f"oracle:{SEEING},{self.vlm}" if self.see and self.vlm != "oracle" else self.vlm

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return asdict(self)
