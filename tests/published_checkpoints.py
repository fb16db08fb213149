"""Checkpoints as they lie on the hub: configuration, weights in shards, and the files of tokenizer and processor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file

from knothole.tests.tiny_checkpoints import SPECIAL, TEMPLATE

CLASSES = {
    "qwen2_vl": "Qwen2VLForConditionalGeneration",
    "qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration",
    "qwen3_vl": "Qwen3VLForConditionalGeneration",
}
PROCESSORS = {"qwen2_vl": "Qwen2VLProcessor", "qwen2_5_vl": "Qwen2_5_VLProcessor", "qwen3_vl": "Qwen3VLProcessor"}
TOKEN_IDS = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
SIZES = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
SIZES += ("num_key_value_heads", "max_position_embeddings", "rms_norm_eps", "bos_token_id", "eos_token_id")


def hub_config(
    family: str,
    text: Mapping[str, object],
    vision: Mapping[str, object],
    tokens: Mapping[str, int],
    *,
    sections: list[int],
    theta: float,
    tied: bool,
) -> dict[str, object]:
    """Return ``config.json``: that of Qwen2 and Qwen2.5 is flat and says ``mrope``, that of Qwen3 has two parts."""
    config = {"architectures": [CLASSES[family]], "model_type": family, "tie_word_embeddings": tied, **tokens}
    text = {**text, "hidden_act": "silu", "rope_theta": theta}
    if family == "qwen3_vl":
        rope = {"mrope_interleaved": True, "mrope_section": sections, "rope_type": "default"}
        text |= {"dtype": "bfloat16", "model_type": "qwen3_vl_text", "rope_scaling": rope, "tie_word_embeddings": tied}
        return config | {"text_config": text, "vision_config": {**vision, "model_type": "qwen3_vl"}}
    sliding = {"use_sliding_window": False, "sliding_window": 32768, "max_window_layers": 28}
    rope = {"type": "mrope", "mrope_section": sections}
    vision = {**vision, "in_chans": 3, "spatial_patch_size": 14}
    return config | text | sliding | {"torch_dtype": "bfloat16", "rope_scaling": rope, "vision_config": vision}


def publish(family: str, source: Path, folder: Path) -> Path:
    """Write a tiny checkpoint as the hub has the large ones: bf16 in two shards with an index.

    Args:
        family: One of ``tiny_checkpoints.FAMILIES``.
        source: What ``tiny_checkpoints.make`` wrote.
        folder: Where to; made anew.
    """
    folder.mkdir(parents=True)
    _config(family, json.loads((source / "config.json").read_text()), folder)
    _weights(source, folder)
    _tokenizer(family, source, folder)
    generation = json.loads((source / "generation_config.json").read_text())
    kept = {name: generation[name] for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    _write(folder / "generation_config.json", kept | {"do_sample": True, "temperature": 0.7, "top_k": 20, "top_p": 0.8})
    patch = 16 if family == "qwen3_vl" else 14
    images: dict[str, object] = {"patch_size": patch, "temporal_patch_size": 2, "merge_size": 2}
    images |= {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "processor_class": PROCESSORS[family]}
    least, most = (2 * patch) ** 2, (6 * patch) ** 2
    if family == "qwen3_vl":
        images["size"] = {"longest_edge": most, "shortest_edge": least}
        _write(folder / "video_preprocessor_config.json", images | {"video_processor_type": "Qwen3VLVideoProcessor"})
        images["image_processor_type"] = "Qwen2VLImageProcessorFast"
    else:
        images |= {"min_pixels": least, "max_pixels": most, "image_processor_type": "Qwen2VLImageProcessor"}
    _write(folder / "preprocessor_config.json", images)
    return folder


def _config(family: str, made: dict[str, dict[str, object]], folder: Path) -> None:
    text, vision = made["text_config"], made["vision_config"]
    rope = text["rope_parameters"]
    assert isinstance(rope, dict)
    names = (*SIZES, "head_dim") if family == "qwen3_vl" else SIZES
    config = hub_config(
        family,
        {name: text[name] for name in names},
        {name: value for name, value in vision.items() if name not in ("model_type", "rope_parameters", "dtype")},
        {name: made[name] for name in TOKEN_IDS},  # type: ignore[misc]
        sections=rope["mrope_section"],
        theta=rope["rope_theta"],
        tied=bool(made["tie_word_embeddings"]),
    )
    _write(folder / "config.json", config)


def _weights(source: Path, folder: Path) -> None:
    weights = {name: weight.bfloat16() for name, weight in load_file(source / "model.safetensors").items()}
    names = sorted(weights)
    places = {}
    for number, part in enumerate((names[: len(names) // 2], names[len(names) // 2 :]), 1):
        file = f"model-{number:05}-of-00002.safetensors"
        save_file({name: weights[name] for name in part}, folder / file, {"format": "pt"})
        places |= dict.fromkeys(part, file)
    size = sum(weight.numel() * 2 for weight in weights.values())
    _write(folder / "model.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": places})


def _tokenizer(family: str, source: Path, folder: Path) -> None:
    raw = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    _write(folder / "tokenizer.json", raw)
    _write(folder / "vocab.json", raw["model"]["vocab"])
    merges = [" ".join(pair) for pair in raw["model"]["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    settings = {
        "tokenizer_class": "Qwen2Tokenizer",
        "add_prefix_space": False,
        "added_tokens_decoder": {str(token.pop("id")): token for token in raw["added_tokens"]},
        "additional_special_tokens": SPECIAL[1:],
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 131072,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "unk_token": None,
    }
    if family != "qwen3_vl":
        settings["chat_template"] = TEMPLATE
    _write(folder / "tokenizer_config.json", settings)
    _write(folder / "chat_template.json", {"chat_template": TEMPLATE})


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
