"""Settings of one training stage, read from a small YAML file."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import yaml

from ..._base import KnotholeError

Stage = Literal["oracle", "vision", "joint"]
CONFIGS = Path(__file__).parent / "configs"


class TrainingError(KnotholeError):
    """A training configuration or data set cannot be used."""


@dataclass(frozen=True)
class ModelShape:
    """Sizes of the model.

    Attributes:
        image_size: Side of the square input image, [px].
        patch, merge: Patch side [px] and how many patches a token joins along each axis.
        vision_depth, vision_width, vision_heads, vision_mlp: The image encoder.
        layers, width, heads, mlp: The language model.
    """

    image_size: int = 160
    patch: int = 8
    merge: int = 2
    vision_depth: int = 5
    vision_width: int = 128
    vision_heads: int = 4
    vision_mlp: int = 384
    layers: int = 4
    width: int = 128
    heads: int = 4
    mlp: int = 384

    @property
    def grid(self) -> int:
        """Patches along one side of the image."""
        return self.image_size // self.patch

    @property
    def side(self) -> int:
        """Tokens of the language model along one side of the image."""
        return self.grid // self.merge

    @property
    def tokens(self) -> int:
        """Tokens of the language model per image."""
        return self.side**2


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one stage.

    Attributes:
        stage: ``oracle`` trains the language half on ground-truth image tokens, ``vision`` the image half with
            auxiliary heads, ``joint`` both from pixels.
        name: Names the files of the run.
        start: Checkpoints (raw ``.pt`` or exported folders) loaded in order, later ones over earlier ones; parts whose
            shape differs or that are absent keep their initial values.
        cpu_seconds: Length of the stage in CPU time of the process, [s].
        batch, questions, length: Images per step, questions asked per image at most, tokens per packed sequence.
        wall_seconds: Limit in wall time; 0 for none, [s].
        lr: Peak learning rate of the Muon group; the others use half of it.
        warm, decay: Shares of the stage spent raising and lowering the learning rate.
        aux_weight, distill_weight: Weights of the auxiliary and the distillation loss.
        aux_warm: Steps during which fresh auxiliary heads train without moving the body.
        eval_images: Held-out frames per evaluation; ``evals`` evaluations are spread over the stage.
        save_every_s: Wall time between raw checkpoints, [s].
        peers: Files of sibling runs, ``OUT/NAME.share``; every ``exchange_steps`` steps the weights of all are
            averaged, so that several processes train one model.
        compile: Compile the language model with torch.compile (about half a minute at the start).
        threads: Threads of torch.
        seed: Seed of the run.
        model: Sizes of the model; ignored when a checkpoint folder brings its own.
    """

    stage: Stage = "joint"
    name: str = "joint"
    start: tuple[str, ...] = ()
    cpu_seconds: float = 600.0
    wall_seconds: float = 0.0
    batch: int = 4
    questions: int = 18
    length: int = 400
    lr: float = 2e-3
    warm: float = 0.03
    decay: float = 0.35
    aux_weight: float = 0.5
    distill_weight: float = 0.0
    aux_warm: int = 0
    eval_images: int = 96
    evals: int = 6
    save_every_s: float = 180.0
    peers: tuple[str, ...] = ()
    exchange_steps: int = 40
    compile: bool = True
    threads: int = 1
    seed: int = 0
    model: ModelShape = field(default_factory=ModelShape)

    @classmethod
    def load(cls, source: str | Path | TrainConfig) -> TrainConfig:
        """Read a configuration: a file, the name of a shipped one (``joint``), or a ready object.

        Raises:
            TrainingError: The file is missing or names an unknown setting.
        """
        if isinstance(source, TrainConfig):
            return source
        path = Path(source)
        if not path.exists() and (CONFIGS / f"{source}.yaml").exists():
            path = CONFIGS / f"{source}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(p.stem for p in CONFIGS.glob("*.yaml")))
            raise TrainingError(f"no training configuration '{source}'\n  fix:  give a file, or one of: {known}")
        return cls.from_dict(yaml.safe_load(path.read_text(encoding="utf-8")) or {}, str(path))

    @classmethod
    def from_dict(cls, raw: dict[str, Any], place: str = "configuration") -> TrainConfig:
        """Build from plain values; ``place`` names their source in errors."""
        raw = dict(raw)
        shape = raw.pop("model", None) or {}
        for given, known, where in (
            (raw, {f.name for f in fields(cls)}, "setting"),
            (shape, {f.name for f in fields(ModelShape)}, "model setting"),
        ):
            unknown = sorted(set(given) - known)
            if unknown:
                raise TrainingError(f"{place}: unknown {where} '{unknown[0]}'; known: {', '.join(sorted(known))}")
        raw |= {key: tuple(raw.get(key) or ()) for key in ("start", "peers")}
        return cls(**raw, model=ModelShape(**shape))
