"""Whisper checkpoints without knowledge: each writes one token of a few again and again."""

from __future__ import annotations

import json
from pathlib import Path

END = "<|endoftext|>"
_TOKENS = ("a", "b", END, "<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|translate|>", "<|notimestamps|>")


def tiny_whisper(folder: Path, writes: str) -> Path:
    """Make a checkpoint that writes one token, whatever it hears."""
    import torch
    from transformers import (
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizer,
    )

    folder.mkdir(parents=True)
    vocabulary = {token: number for number, token in enumerate(_TOKENS)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    tokenizer = WhisperTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    tokenizer.add_tokens(list(_TOKENS[2:]), special_tokens=True)
    sizes = {f"{part}_{name}": n for part in ("encoder", "decoder") for name, n in (("layers", 1), ("ffn_dim", 16))}
    end = vocabulary[END]
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            **sizes,
            vocab_size=len(vocabulary),
            d_model=16,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            bos_token_id=end,
            eos_token_id=end,
            pad_token_id=vocabulary["b"],  # its row is nothing but zeros
            decoder_start_token_id=vocabulary["<|startoftranscript|>"],
            begin_suppress_tokens=None,
        )
    )
    with torch.no_grad():
        last, rows = model.model.decoder.layer_norm, model.model.decoder.embed_tokens.weight
        last.weight.zero_()
        last.bias.copy_(1000.0 * rows[vocabulary[writes]])
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)
    return folder
