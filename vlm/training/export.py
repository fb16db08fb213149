"""Write a model as a standard Hugging Face folder, and read one back."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast, Qwen3VLConfig, Qwen3VLForConditionalGeneration

from ..._base import headline
from ..learned import Knowledge
from . import tokenizer as tk
from .config import ModelShape, TrainingError
from .model import fresh_model, model_config
from .tokenizer import Codec, build_tokenizer


def export(
    hf: Any,
    tokenizer: Tokenizer,
    shape: ModelShape,
    folder: str | Path,
    card: str = "",
    learned: Knowledge | None = None,
) -> Path:
    """Write weights (bf16), configuration, tokenizer and image processor settings; each file is replaced at once.

    Args:
        hf: The Qwen3-VL model.
        tokenizer: Its tokenizer.
        shape: Its sizes; fixes the image size of the processor.
        folder: Where to; made when absent. Other files in it are kept.
        card: Text of the model card, ``README.md``; none is written when empty.
        learned: What it may be asked, ``learned.json``; none is written without it.

    Returns:
        The folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        hf.generation_config.eos_token_id = [tk.END, tk.PAD]
        hf.generation_config.pad_token_id = tk.PAD
        copy = Qwen3VLForConditionalGeneration(hf.config)
        copy.load_state_dict(hf.state_dict())
        copy.generation_config = hf.generation_config
        copy.to(torch.bfloat16).save_pretrained(made)
        wrapped = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer,
            pad_token="<|endoftext|>",
            eos_token="<|im_end|>",
            additional_special_tokens=[t for t in tk.SPECIAL if t not in ("<|endoftext|>", "<|im_end|>")],
        )
        wrapped.chat_template = tk.CHAT_TEMPLATE
        wrapped.save_pretrained(made)
        settings = json.dumps(image_settings(shape), indent=2) + "\n"
        (Path(made) / "preprocessor_config.json").write_text(settings, encoding="utf-8")
        if card:
            (Path(made) / "README.md").write_text(card, encoding="utf-8")
        if learned is not None:
            learned.write(Path(made))
        for path in sorted(Path(made).iterdir()):
            target = folder / path.name
            waiting = folder / f".{path.name}.new"
            shutil.copyfile(path, waiting)
            os.replace(waiting, target)
    return folder


def image_settings(shape: ModelShape) -> dict[str, Any]:
    """Return the settings of the image processor: one fixed square size, values -1..1."""
    area = shape.image_size**2
    return {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen3VLProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "rescale_factor": 1 / 255,
        "resample": 3,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "patch_size": shape.patch,
        "temporal_patch_size": 2,
        "merge_size": shape.merge,
        "size": {"shortest_edge": area, "longest_edge": area},
        "min_pixels": area,
        "max_pixels": area,
    }


def random_checkpoint(folder: str | Path, seed: int = 0, shape: ModelShape | None = None) -> Path:
    """Write an untrained checkpoint of exactly the form of a trained one, within a few seconds; for tests.

    Args:
        folder: Where to.
        seed: Seed of the weights.
        shape: Sizes; those of the shipped model by default.
    """
    shape = shape or ModelShape()
    tokenizer = build_tokenizer()
    codec = Codec(tokenizer)
    return export(fresh_model(model_config(shape, codec.vocab), codec, seed), tokenizer, shape, folder)


def read_shape(folder: str | Path) -> ModelShape:
    """Read the sizes of an exported model."""
    config = Qwen3VLConfig.from_pretrained(str(folder))
    text, vision = config.text_config, config.vision_config
    settings = json.loads((Path(folder) / "preprocessor_config.json").read_text(encoding="utf-8"))
    return ModelShape(
        image_size=round(settings["size"]["shortest_edge"] ** 0.5),
        patch=vision.patch_size,
        merge=vision.spatial_merge_size,
        vision_depth=vision.depth,
        vision_width=vision.hidden_size,
        vision_heads=vision.num_heads,
        vision_mlp=vision.intermediate_size,
        layers=text.num_hidden_layers,
        width=text.hidden_size,
        heads=text.num_attention_heads,
        mlp=text.intermediate_size,
    )


def read_weights(source: str | Path) -> dict[str, torch.Tensor]:
    """Read the weights of a checkpoint: a raw ``.pt`` of training, or an exported folder.

    Returns:
        Tensors in fp32, named as in training (``hf.`` before the names of an exported model).

    Raises:
        TrainingError: There is no such checkpoint, or it cannot be read.
    """
    path = Path(source)
    try:
        if path.is_dir() and (path / "model.safetensors").is_file():
            return {"hf." + k: v.float() for k, v in load_file(path / "model.safetensors").items()}
        if path.is_file():
            state = torch.load(path, map_location="cpu", weights_only=True)
            if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
                raise ValueError("it holds something else than tensors by name")
            return state
    except Exception as error:  # what is no checkpoint may break its readers anywhere
        raise TrainingError(
            f"'{source}' is no checkpoint: {type(error).__name__}: {headline(error)}\n"
            "  fix:  give a raw .pt file or an exported folder"
        ) from error
    raise TrainingError(f"no checkpoint at '{source}': give a raw .pt file or an exported folder")


def read_tokenizer(folder: str | Path) -> Tokenizer:
    """Read the tokenizer of an exported folder."""
    return Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
