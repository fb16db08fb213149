"""Settings of one training stage, read from a small YAML file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from ..._base import KnotholeError

Stage = Literal["oracle", "vision", "joint"]
CONFIGS = Path(__file__).parent / "configs"
_AT_LEAST_ONE = frozenset({"batch", "questions", "length", "exchange_steps", "eval_images", "evals", "threads"})


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

    image_size: int = 192
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

    def misfit(self) -> str:
        """Return which of the sizes does not fit the others and what would, else nothing."""
        token = self.patch * self.merge
        rules = (
            (self.patch >= 8 and self.patch % 4 == 0, f"patch is {self.patch}", "a multiple of 4 from 8 on"),
            (
                self.image_size % token == 0,
                f"image_size is {self.image_size}, but tokens are {token} px wide",
                f"a multiple of {token}",
            ),
            (self.vision_depth not in (1, 3), f"vision_depth is {self.vision_depth}", "2, or a number from 4 on"),
            (
                self.vision_width % (4 * self.vision_heads) == 0,
                f"vision_width is {self.vision_width}, but vision_heads is {self.vision_heads}",
                f"a vision_width that is a multiple of {4 * self.vision_heads}",
            ),
            (self.layers >= 4, f"layers is {self.layers}", "a number from 4 on"),
            (self.heads >= 2, f"heads is {self.heads}", "a number from 2 on"),
            (
                self.width % (2 * self.heads) == 0,
                f"width is {self.width}, but heads is {self.heads}",
                f"a width that is a multiple of {2 * self.heads}",
            ),
        )
        return next((f"{what}\n  fix:  give {wanted}" for fits, what, wanted in rules if not fits), "")

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
        start: Checkpoints (raw ``.pt`` or exported folders, or ``embedded`` for the weights of the package) loaded in
            order, later ones over earlier ones; parts whose shape differs or that are absent keep their initial values.
        cpu_seconds: Length of the stage in CPU time of the process, [s].
        batch, questions, length: Images per step (fewer where there are no more), questions asked per image at most,
            tokens per packed sequence.
        pairs: Share of steps about pairs of images, with questions that compare them, where the data have pairs; the
            ``vision`` stage asks nothing and has none.
        wall_seconds: Limit in wall time; 0 for none, [s].
        lr: Peak learning rate of the Muon group; the others use half of it.
        warm, decay: Shares of the stage spent raising and lowering the learning rate.
        aux_weight, distill_weight: Weights of the auxiliary and the distillation loss.
        aux_warm: Steps during which fresh auxiliary heads train without moving the body.
        image_size: Side of the input image when a checkpoint folder is to see at another size than it did, [px]; what
            it learned about places is interpolated. 0 keeps its own.
        eval_images: Held-out frames per evaluation; ``evals`` evaluations are spread over the stage.
        save_every_s: Wall time between raw checkpoints, [s].
        peers: Files of sibling runs, ``OUT/NAME.share``; every ``exchange_steps`` steps the weights of all are
            averaged, so that several processes train one model.
        bf16: Multiply matrices in bfloat16 on processors with instructions for it.
        compile: Compile the model with torch.compile (about a minute at the start).
        threads: Threads of torch.
        device: Where the model computes: ``cpu``, or ``cuda``.
        loaders: Processes that prepare batches beside it; 0 prepares them in between, in one order for one seed.
        seed: Seed of the run.
        model: Sizes of the model; ignored when a checkpoint folder brings its own.
    """

    stage: Stage = "joint"
    name: str = "joint"
    start: tuple[str, ...] = ()
    cpu_seconds: float = 600.0
    wall_seconds: float = 0.0
    batch: int = 4
    questions: int = 19
    length: int = 544
    pairs: float = 0.2
    lr: float = 2e-3
    warm: float = 0.03
    decay: float = 0.35
    aux_weight: float = 0.5
    distill_weight: float = 0.0
    aux_warm: int = 0
    image_size: int = 0
    eval_images: int = 96
    evals: int = 6
    save_every_s: float = 180.0
    peers: tuple[str, ...] = ()
    exchange_steps: int = 40
    bf16: bool = True
    compile: bool = True
    threads: int = 1
    device: str = "cpu"
    loaders: int = 0
    seed: int = 0
    model: ModelShape = field(default_factory=ModelShape)

    @property
    def compares(self) -> bool:
        """Whether any step is about pairs of images."""
        return self.pairs > 0 and self.stage != "vision"

    @property
    def pairs_at_once(self) -> int:
        """Pairs in a step: as many images as in any other step."""
        return max(1, self.batch // 2)

    @classmethod
    def load(cls, source: str | Path | TrainConfig) -> TrainConfig:
        """Read a configuration: a file, the name of a shipped one (``joint``), or a ready object.

        Raises:
            TrainingError: The file is missing or no YAML, a setting is unknown or its value does not fit.
        """
        if isinstance(source, TrainConfig):
            return source
        try:
            path = Path(cls.place(source))
            if not path.is_file():
                shipped = sorted(p.stem for p in CONFIGS.glob("*.yaml"))
                raise TrainingError(
                    f"no training configuration '{source}'\n  fix:  give a file, or one of: {', '.join(shipped)}"
                )
            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise TrainingError(f"{path}: cannot be read: {error.strerror}\n  fix:  give a readable file") from error
        except RecursionError as error:
            raise TrainingError(f"{path}: nested too deeply\n  fix:  write `setting: value` lines") from error
        except (yaml.YAMLError, ValueError) as error:
            problem = " ".join(str(error).split())
            raise TrainingError(f"{path}: not valid YAML: {problem}\n  fix:  correct the file") from error
        return cls.from_dict({} if raw is None else raw, str(path))

    @staticmethod
    def place(source: str | Path | TrainConfig) -> str:
        """Return the name of the file that ``load`` reads, for messages."""
        if isinstance(source, TrainConfig):
            return "configuration"
        shipped = {path.stem: str(path) for path in CONFIGS.glob("*.yaml")}
        return str(source) if Path(source).exists() else shipped.get(str(source), str(source))

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], place: str = "configuration") -> TrainConfig:
        """Build from plain values; ``place`` names their source in errors.

        Raises:
            TrainingError: A setting is unknown or its value does not fit.
        """
        raw = _mapping(raw, place)
        shape = _mapping(raw.pop("model", None) or {}, f"{place}: model")
        for given, known, where in (
            (raw, {f.name for f in fields(cls)}, "setting"),
            (shape, {f.name for f in fields(ModelShape)}, "model setting"),
        ):
            unknown = sorted(set(map(str, given)) - known)
            if unknown:
                raise TrainingError(
                    f"{place}: unknown {where} '{unknown[0]}'\n  fix:  settings are {', '.join(sorted(known))}"
                )
        for key in {"start", "peers"} & set(raw):
            raw[key] = tuple(raw[key] or ()) if raw[key] is None or isinstance(raw[key], list | tuple) else raw[key]
        for given, defaults in ((raw, cls()), (shape, ModelShape())):
            for key, value in given.items():
                wanted = _misfit(key, value, getattr(defaults, key), isinstance(defaults, ModelShape))
                if wanted:
                    raise TrainingError(
                        f"{place}: {key} is {value!r}\n  fix:  write {wanted}, such as {getattr(defaults, key)!r}"
                    )
        config = cls(**raw, model=ModelShape(**shape))
        if wrong := config.model.misfit():
            raise TrainingError(f"{place}: model: {wrong}")
        return config


def _mapping(raw: object, place: str) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise TrainingError(
            f"{place}: holds no settings but a {type(raw).__name__}\n  fix:  write `setting: value` lines"
        )
    return dict(raw)


def _misfit(key: str, value: object, default: object, is_shape: bool) -> str:
    """Return what a setting takes if the value is not it, else nothing."""
    if key == "stage":
        return "" if value in get_args(Stage) else f"one of {', '.join(get_args(Stage))}"
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(default, str):
        return "" if isinstance(value, str) and value and "/" not in value else "a name"
    if isinstance(default, tuple):
        fits = isinstance(value, tuple) and all(isinstance(each, str) for each in value)
        return "" if fits else "a list of paths"
    least = 1 if is_shape or key in _AT_LEAST_ONE else 0
    if isinstance(default, int):
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= least
        return "" if fits else f"a whole number from {least} on"
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1.0
    ranges = {
        "pairs": (0 <= number < 1, "a share from 0 to below 1"),
        "warm": (0 <= number <= 1, "a share from 0 to 1"),
        "decay": (0 < number <= 1, "a share above 0, up to 1"),
        "cpu_seconds": (0 < number < math.inf, "a number above 0, without an exponent"),
    }
    fits, wanted = ranges.get(key, (0 <= number < math.inf, "a number from 0 on, without an exponent"))
    return "" if fits else wanted
