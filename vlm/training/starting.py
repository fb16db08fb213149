"""What a training begins from: checkpoints, and what of them fits the model."""

from __future__ import annotations

import math
from pathlib import Path

import torch.nn.functional as F  # noqa: N812
from tokenizers import Tokenizer
from torch import Tensor

from ..embedded import weights
from .config import ModelShape, TrainConfig, TrainingError
from .export import read_tokenizer, read_weights
from .model import Trainee
from .tokenizer import Codec, spelled

EMBEDDED = "embedded"
"""Stands in ``start`` for the weights of the package, as it does for the backend that has them."""
_FOLDER = ("config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json")
_FIX = f"fix:  give a raw .pt file of training, an exported folder, or {EMBEDDED} for the weights of the package"


def checkpoints(config: TrainConfig, place: str = "configuration") -> tuple[str, ...]:
    """Return where the checkpoints are that a stage starts from.

    Args:
        config: Settings of the stage.
        place: Where they were read, for messages.

    Raises:
        TrainingError: One of them is not there, or is a folder without a model.
    """
    return tuple(_found(source, place) for source in config.start)


def _found(source: str, place: str) -> str:
    path = weights() if source == EMBEDDED else Path(source)
    lacks = next((name for name in _FOLDER if not (path / name).is_file()), "")
    if path.is_file() or (path.is_dir() and not lacks):
        return str(path)
    if source == EMBEDDED:
        raise TrainingError(
            f"{place}: start: the weights of the package are not there: {path}\n"
            "  why:  this copy of knothole came without them\n"
            "  fix:  install a released package, or start from another checkpoint"
        )
    if path.is_dir():
        raise TrainingError(f"{place}: start: '{source}' is a folder without a {lacks}\n  {_FIX}")
    where = "" if path.is_absolute() else f"\n  why:  it is looked for in the working folder, {Path.cwd()}"
    raise TrainingError(f"{place}: start: there is no checkpoint '{source}'{where}\n  {_FIX}")


def take(model: Trainee, source: str, shape: ModelShape, codec: Codec) -> tuple[set[str], str]:
    """Copy what fits from a checkpoint into a model; return the names that were set, and a line that tells how many.

    Raises:
        TrainingError: It is no checkpoint, or nothing of it fits.
    """
    state = read_weights(source)
    if Path(source).is_dir():
        state = translate(state, read_tokenizer(source), codec)
    state = resized(state, shape)
    taken = set(load(model, state))
    used = len(taken & set(state))
    if not used:
        raise TrainingError(
            f"none of the {len(state)} tensors of {source} fits the model\n"
            f"  why:  {_unlike(model, state)}\n"
            "  fix:  give the sizes of that checkpoint in `model`, or start from another one"
        )
    rest = "" if used == len(state) else f"; of the others {_unlike(model, state)}"
    return taken, f"start: used {used} of {len(state)} tensors of {source}{rest}"


def _unlike(model: Trainee, state: dict[str, Tensor]) -> str:
    """Tell of one tensor that does not fit why it does not."""
    own = model.state_dict()
    for name, value in state.items():
        if name in own and own[name].shape != value.shape:
            return f"{name} is of {_sizes(value)}, but of {_sizes(own[name])} in this model"
    return f"{next((name for name in state if name not in own), 'each')} has no place in this model"


def _sizes(value: Tensor) -> str:
    return " x ".join(map(str, value.shape)) or "one number"


_TIED = ("hf.lm_head.weight", "hf.model.language_model.embed_tokens.weight")


def load(model: Trainee, state: dict[str, Tensor]) -> list[str]:
    """Copy what fits from ``state`` into a model; return the names that were set."""
    own = model.state_dict()
    fitting = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    model.load_state_dict(fitting, strict=False)
    return [*fitting, *(_TIED if {*_TIED} & set(fitting) else ())]


_PLACES = "hf.model.visual.pos_embed.weight"


def resized(state: dict[str, Tensor], shape: ModelShape) -> dict[str, Tensor]:
    """Spread what a checkpoint learned about the places of an image over one of another size."""
    table = state.get(_PLACES)
    if table is None or len(table) == shape.grid**2:
        return state
    side = math.isqrt(len(table))
    grid = table.T.reshape(1, -1, side, side)
    spread = F.interpolate(grid, (shape.grid, shape.grid), mode="bilinear", align_corners=True)
    return {**state, _PLACES: spread.flatten(2)[0].T.contiguous()}


def translate(state: dict[str, Tensor], old: Tokenizer, codec: Codec) -> dict[str, Tensor]:
    """Give the words of a checkpoint to today's tokenizer: a token it lacks starts as the mean of its pieces."""
    if old.to_str() == codec.tokenizer.to_str():
        return state
    rows = spelled(codec.tokenizer, old)
    state = dict(state)
    for name in {*_TIED} & set(state):
        table = state[name]
        grown = table.new_zeros(codec.vocab, table.shape[1])
        for index, pieces in enumerate(rows):
            if pieces:
                grown[index] = table[pieces].mean(0)
        state[name] = grown
    return state
