"""Untrained checkpoints of each Qwen-VL family, small enough to be made in a test: real classes, real files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"]
SPECIAL += ["<|image_pad|>", "<|video_pad|>"]
BOX_TOKENS = ["<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>"]
TEMPLATE = (
    "{% for m in messages %}{% if loop.first and m.role != 'system' %}<|im_start|>system\nYou are a helpful assistant."
    "<|im_end|>\n{% endif %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for c in m.content %}{% if c.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in c %}{{ c.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")


def make(family: str, folder: Path, seed: int = 0) -> Path:
    """Write an untrained checkpoint of a family, with weights large enough that every input tells."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    words = ["Yes No yes no YES NO A B C D red blue green, is the cube on a table? 0 1 2 3 4 5 6 7 8 9"] * 9
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        words,
        trainers.BpeTrainer(
            vocab_size=400, min_frequency=2, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
        ),
    )
    raw.add_tokens([AddedToken(t, normalized=False, special=True) for t in BOX_TOKENS])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        additional_special_tokens=SPECIAL[1:2] + SPECIAL[3:],
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    model = _model(family, (len(tokenizer) + 15) // 16 * 16, {t: raw.token_to_id(t) for t in SPECIAL})
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1:
                weight.normal_(0.0, 0.6 if "embed_tokens" in name else 1.4 / weight.shape[-1] ** 0.5)
    model.generation_config.eos_token_id = [raw.token_to_id("<|im_end|>"), raw.token_to_id("<|endoftext|>")]
    model.generation_config.pad_token_id = raw.token_to_id("<|endoftext|>")
    model.save_pretrained(folder)
    patch = 16 if family == "qwen3_vl" else 14
    settings = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2VLProcessor",
        "patch_size": patch,
        "merge_size": 2,
        "temporal_patch_size": 2,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "size": {"shortest_edge": (2 * patch) ** 2, "longest_edge": (6 * patch) ** 2},
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def _model(family: str, vocabulary: int, ids: dict[str, int]) -> torch.nn.Module:
    tokens = {
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
    }
    text = {
        "vocab_size": vocabulary,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 4096,
        "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0},
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
        "tie_word_embeddings": True,
    }
    if family == "qwen2_vl":
        vision = {"depth": 2, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2, "patch_size": 14}
        return Qwen2VLForConditionalGeneration(Qwen2VLConfig(text_config=text, vision_config=vision, **tokens))
    if family == "qwen2_5_vl":
        vision = {"depth": 3, "hidden_size": 32, "out_hidden_size": 64, "num_heads": 2, "intermediate_size": 64}
        vision |= {"patch_size": 14, "window_size": 56, "fullatt_block_indexes": [2]}
        return Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision, **tokens))
    vision = {"depth": 3, "hidden_size": 32, "out_hidden_size": 64, "num_heads": 2, "intermediate_size": 64}
    vision |= {"patch_size": 16, "num_position_embeddings": 36, "deepstack_visual_indexes": [0, 1]}
    return Qwen3VLForConditionalGeneration(Qwen3VLConfig(text_config=text, vision_config=vision, **tokens))


OTHER_FAMILIES = ("smolvlm", "florence2", "paligemma", "llava")
_OTHER_SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<image>"]
_SMOL_SPECIAL = ["<fake_token_around_image>", "<global-img>", "<|im_start|>", "<end_of_utterance>"]
SMOL_TEMPLATE = (
    "<|im_start|>{% for m in messages %}{{ m.role | capitalize }}:{% for c in m.content %}{% if c.type == 'image' %}"
    "<image>{% else %} {{ c.text }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
_MOLMO_SPECIAL = ["<im_start>", "<im_end>", "<im_patch>", "<im_col>", "<low_res_im_start>", "<frame_start>"]
_MOLMO_SPECIAL += ["<frame_end>", "<|image|>", "<|video|>", "<|im_start|>", "<|im_end|>"]
MOLMO_TEMPLATE = (
    "{% for m in messages %}{% for c in m.content %}{% if c.type == 'image' %}<|image|>{% endif %}{% endfor %}"
    "<|im_start|>{{ m.role }}\n{% for c in m.content %}{% if c.type == 'text' %}{{ c.text }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_TEXT = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 4096,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_SIGHT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "patch_size": 14,
    "image_size": 56,
}


def make_other(family: str, folder: Path, seed: int = 0) -> Path:
    """Write an untrained checkpoint of one of ``OTHER_FAMILIES``, or of ``molmo2``, by the classes of transformers."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _other_tokenizer(family)
    size = (len(tokenizer) + 15) // 16 * 16
    makers = {"smolvlm": _smolvlm, "florence2": _florence2, "paligemma": _paligemma, "llava": _llava, "molmo2": _molmo2}
    model, processor = makers[family](tokenizer, size)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1:
                weight.normal_(0.0, 0.6 if "embed" in name or "shared" in name else 1.4 / weight[0].numel() ** 0.5)
    model.save_pretrained(folder)
    for part in processor if isinstance(processor, tuple) else (processor,):
        part.save_pretrained(folder)
    return folder


def _other_tokenizer(family: str) -> PreTrainedTokenizerFast:
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    words = ["Yes No yes no YES NO A B C D red blue green, is the cube on a table? answer en detect caption"] * 9
    special = _OTHER_SPECIAL + {"smolvlm": _SMOL_SPECIAL, "molmo2": _MOLMO_SPECIAL}.get(family, [])
    if family == "florence2":
        special += [f"<loc_{i}>" for i in range(1000)]
    if family == "paligemma":
        special += [f"<loc{i:04}>" for i in range(1024)] + [f"<seg{i:03}>" for i in range(128)]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        words,
        trainers.BpeTrainer(
            vocab_size=330 + len(special),
            min_frequency=2,
            special_tokens=special,
            initial_alphabet=alphabet,
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens={"image_token": "<|image|>" if family == "molmo2" else "<image>"},
    )


def _smolvlm(tokenizer: PreTrainedTokenizerFast, size: int) -> tuple[Any, Any]:
    from transformers import Idefics3Processor, SmolVLMConfig, SmolVLMForConditionalGeneration
    from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

    config = SmolVLMConfig(
        text_config={"model_type": "llama", "vocab_size": size, **_TEXT},
        vision_config=_SIGHT,
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
    )
    images = SmolVLMImageProcessorPil(
        size={"longest_edge": 112}, max_image_size={"longest_edge": 56}, do_image_splitting=True
    )
    processor = Idefics3Processor(images, tokenizer, image_seq_len=4, chat_template=SMOL_TEMPLATE)
    model = SmolVLMForConditionalGeneration(config)
    model.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids("<end_of_utterance>")
    return model, processor


def _paligemma(tokenizer: PreTrainedTokenizerFast, size: int) -> tuple[Any, Any]:
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration, PaliGemmaProcessor
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    config = PaliGemmaConfig(
        text_config={"model_type": "gemma", "vocab_size": size, **_TEXT},
        vision_config={"model_type": "siglip_vision_model", **_SIGHT, "projection_dim": 64},
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        projection_dim=64,
        hidden_size=64,
    )
    images = SiglipImageProcessorPil(size={"height": 56, "width": 56})
    images.image_seq_length = 16
    return PaliGemmaForConditionalGeneration(config), PaliGemmaProcessor(images, tokenizer)


def _llava(tokenizer: PreTrainedTokenizerFast, size: int) -> tuple[Any, Any]:
    from transformers import LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    config = LlavaConfig(
        text_config={"model_type": "llama", "vocab_size": size, **_TEXT},
        vision_config={"model_type": "clip_vision_model", **_SIGHT, "projection_dim": 64},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy="default",
        vision_feature_layer=-2,
    )
    images = CLIPImageProcessorPil(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56})
    processor = LlavaProcessor(
        images, tokenizer, patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1
    )
    return LlavaForConditionalGeneration(config), processor


def _florence2(tokenizer: PreTrainedTokenizerFast, size: int) -> tuple[Any, Any]:
    from transformers import Florence2Config, Florence2ForConditionalGeneration, Florence2Processor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    text = {
        "model_type": "bart",
        "vocab_size": size,
        "d_model": 64,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 96,
        "decoder_ffn_dim": 96,
        "max_position_embeddings": 1024,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "decoder_start_token_id": 2,
        "forced_bos_token_id": 1,
        "dropout": 0.0,
    }
    vision = {
        "depths": (1, 1),
        "patch_size": (7, 3),
        "patch_stride": (4, 2),
        "patch_padding": (3, 1),
        "patch_prenorm": (False, True),
        "embed_dim": (16, 32),
        "num_heads": (2, 4),
        "num_groups": (2, 4),
        "window_size": 4,
        "projection_dim": 64,
        "drop_path_rate": 0.0,
    }
    image = tokenizer.convert_tokens_to_ids("<image>")
    config = Florence2Config(text_config=text, vision_config=vision, image_token_id=image)
    images = CLIPImageProcessorPil(
        size={"height": 64, "width": 64}, do_center_crop=False, crop_size={"height": 64, "width": 64}
    )
    images.image_seq_length = 65
    return Florence2ForConditionalGeneration(config), Florence2Processor(images, tokenizer)


def _molmo2(tokenizer: PreTrainedTokenizerFast, size: int) -> tuple[Any, Any]:
    from transformers import Molmo2Config, Molmo2ForConditionalGeneration
    from transformers.models.molmo2.image_processing_molmo2 import Molmo2ImageProcessor

    token = tokenizer.convert_tokens_to_ids
    names = {
        "image_start_token_id": "<im_start>",
        "image_end_token_id": "<im_end>",
        "image_patch_id": "<im_patch>",
        "low_res_image_start_token_id": "<low_res_im_start>",
        "frame_start_token_id": "<frame_start>",
        "frame_end_token_id": "<frame_end>",
    }
    own = {"hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16}
    config = Molmo2Config(
        text_config={**_TEXT, "vocab_size": size, "additional_vocab_size": 16},
        vision_config={
            **own,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "image_size": [56, 56],
            "patch_size": 14,
        },
        adapter_config={**own, "intermediate_size": 64, "text_hidden_size": 64, "vision_feature_layer": [1, 0]},
        **{name: token(word) for name, word in names.items()},
    )
    images = Molmo2ImageProcessor(
        size={"height": 56, "width": 56}, patch_size=14, pooling_size=[2, 2], max_crops=2, overlap_margins=[0, 0]
    )
    tokenizer.chat_template = MOLMO_TEMPLATE
    model = Molmo2ForConditionalGeneration(config)
    model.generation_config.eos_token_id = token("<|im_end|>")
    return model, (images, tokenizer)  # its processor cannot be made without one for videos, which needs torchvision
