"""The model to train: Hugging Face's Qwen3-VL modules under a fast forward pass for batches of equal square images."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.vision_utils import get_vision_interpolation_indices_and_weights, get_vision_position_ids

from . import tokenizer as tk
from .config import ModelShape
from .labels import COLOR_CLASSES, ORACLE_WIDTH, SHAPE_CLASSES, TOKEN_FIELDS
from .tokenizer import Codec

PREFIX = 4  # tokens before the image: <|im_start|> user \n <|vision_start|>
SINK = PREFIX - 1  # where a mention of something absent looks: <|vision_start|>
MENTION_LAYERS, ANSWER_LAYERS, READ_LAYER, CHANGE_LAYER = (1, 2), (2, 3), 2, 1
MENTION_HEAD, ANSWER_HEAD = 0, 1


def model_config(shape: ModelShape, vocab: int) -> Any:
    """Return the Qwen3-VL configuration of these sizes."""
    head = shape.width // shape.heads
    rows = head * 10 // 64
    rope = {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "mrope_section": [head // 2 - 2 * rows, rows, rows],
        "mrope_interleaved": True,
    }
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": vocab,
            "hidden_size": shape.width,
            "intermediate_size": shape.mlp,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.heads,
            "head_dim": head,
            "max_position_embeddings": 4096,
            "rope_parameters": rope,
            "tie_word_embeddings": True,
            "pad_token_id": tk.PAD,
            "eos_token_id": tk.END,
            "bos_token_id": None,
        },
        vision_config={
            "depth": shape.vision_depth,
            "hidden_size": shape.vision_width,
            "intermediate_size": shape.vision_mlp,
            "num_heads": shape.vision_heads,
            "patch_size": shape.patch,
            "spatial_merge_size": shape.merge,
            "temporal_patch_size": 2,
            "out_hidden_size": shape.width,
            "num_position_embeddings": shape.grid**2,
            "deepstack_visual_indexes": [1, shape.vision_depth - 2],
        },
        image_token_id=tk.IMAGE,
        video_token_id=tk.VIDEO,
        vision_start_token_id=tk.VISION_START,
        vision_end_token_id=tk.VISION_END,
        tie_word_embeddings=True,
    )
    config.vision_config.rope_parameters = {"rope_type": "axial", "rope_theta": 100.0}
    return config


def fresh_model(config: Any, codec: Codec, seed: int) -> Any:
    """Return an untrained model with the initial values the recipe needs.

    Numbers start on a smooth curve, so that neighbors are alike; blocks start as the identity (their last matrices are
    zero), and so do the shortcuts from the image encoder into the language model.
    """
    torch.manual_seed(seed)
    hf = Qwen3VLForConditionalGeneration(config)
    text = hf.model.language_model
    width = config.text_config.hidden_size
    with torch.no_grad():
        table = text.embed_tokens.weight
        x = torch.arange(1000)[:, None] / 1000
        freq = torch.exp(torch.linspace(math.log(0.5), math.log(30.0), width // 2))
        wave = torch.cat([torch.cos(2 * math.pi * x * freq), torch.sin(2 * math.pi * x * freq)], 1)
        table[torch.from_numpy(codec.numbers)] = wave * 0.02 * 2**0.5
        table.mul_(0.5 / 0.02)
        text.norm.weight.fill_(0.05)
        for layer in text.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        for merger in hf.model.visual.deepstack_merger_list:
            merger.linear_fc2.weight.zero_()
            merger.linear_fc2.bias.zero_()
    return hf


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def _rms(norm: Any, x: Tensor) -> Tensor:
    y: Tensor = F.rms_norm(x.float(), x.shape[-1:], norm.weight, norm.variance_epsilon)
    return y


class Trainee(nn.Module):
    """A model under training, with heads that exist only while training.

    Attributes:
        hf: The Qwen3-VL model itself.
        cells_head: Shape and color of every 4x4-pixel cell, from the image encoder's last states.
        token_head: What the object under each image token is, from the tokens handed to the language model.
        mention_head: Box and presence of the object a word mentions, from the language model's middle state.
        change_head: Whether something came to, and something left, the place of a token of the last of two images, from
            the language model's early state.
        oracle: Turns ground-truth features into image tokens.
        attend: How attention is computed: (q, k, v, mask) to (B, H, N, D).
    """

    def __init__(self, hf: Any, shape: ModelShape) -> None:
        super().__init__()
        self.hf, self.shape = hf, shape
        self.attend: Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor] = F.scaled_dot_product_attention
        visual = hf.model.visual
        grid = torch.tensor([[1, shape.grid, shape.grid]])
        index, weight = get_vision_interpolation_indices_and_weights(
            grid,
            num_grid_per_side=visual.num_grid_per_side,
            mode=visual.interpolation_mode,
            align_corners=visual.interpolation_align_corners,
            spatial_merge_size=shape.merge,
            kwargs={},
        )
        cos, sin = visual.rotary_pos_emb(torch.zeros(1), get_vision_position_ids(grid, shape.merge, kwargs={}))
        for name, value in (("index", index), ("weight", weight[:, :, None]), ("cosines", cos), ("sines", sin)):
            self.register_buffer(name, value, persistent=False)
        cells = (shape.patch // 4) ** 2
        self.cells_head = nn.Linear(shape.vision_width, cells * (SHAPE_CLASSES + COLOR_CLASSES))
        self.token_head = nn.Linear(shape.width, sum(TOKEN_FIELDS.values()))
        self.mention_head = nn.Linear(shape.width, 5)
        self.oracle = nn.Linear(ORACLE_WIDTH, shape.width)
        self.change_head = nn.Linear(shape.width, 2)

    index: Tensor
    weight: Tensor
    cosines: Tensor
    sines: Tensor

    def patches(self, images: Tensor) -> Tensor:
        """Cut images (B, S, S, 3), values 0..255, into normalised patches (B, N, 3*p*p), in the processor's order."""
        s = self.shape
        x = images.permute(0, 3, 1, 2).float().div(127.5).sub(1)
        x = x.view(-1, 3, s.side, s.merge, s.patch, s.side, s.merge, s.patch).permute(0, 2, 5, 3, 6, 1, 4, 7)
        return x.reshape(-1, s.grid**2, 3 * s.patch**2)

    def see(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Encode patches (B, N, 3*p*p).

        Returns:
            Last states (B, N, W), image tokens (B, T, W'), and the two shortcuts into the language model (B, T, W').
        """
        visual, b = self.hf.model.visual, patches.shape[0]
        embed = visual.patch_embed.proj
        x = F.linear(patches, embed.weight.sum(2).flatten(1), embed.bias)
        x = x + (visual.pos_embed(self.index) * self.weight).sum(1)
        cos, sin = (t[None, :, None, :] for t in (self.cosines, self.sines))
        n, shortcuts = x.shape[1], []
        for i, block in enumerate(visual.blocks):
            attention = block.attn
            q, k, v = attention.qkv(block.norm1(x)).view(b, n, 3, attention.num_heads, -1).unbind(2)
            q, k = _rotate(q, cos, sin), _rotate(k, cos, sin)
            o = self.attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), None)
            x = x + attention.proj(o.transpose(1, 2).reshape(b, n, -1))
            x = x + block.mlp(block.norm2(x))
            if i in visual.deepstack_visual_indexes:
                merger = visual.deepstack_merger_list[list(visual.deepstack_visual_indexes).index(i)]
                shortcuts.append(merger(x.reshape(b * n, -1)).view(b, self.shape.tokens, -1))
        tokens = visual.merger(x.reshape(b * n, -1)).view(b, self.shape.tokens, -1)
        return x, tokens, shortcuts[0], shortcuts[1]

    def dream(self, features: Tensor) -> Tensor:
        """Turn ground-truth features (B, T, ORACLE_WIDTH) into image tokens (B, T, W')."""
        tokens: Tensor = self.oracle(features)
        return 0.5 * tokens

    def read(
        self, ids: Tensor, position: Tensor, mask: Tensor, tokens: Tensor, first: Tensor, second: Tensor
    ) -> tuple[Tensor, ...]:
        """Run the language model over packed sequences.

        Args:
            ids: Token ids (B, L); the image tokens stand at ``PREFIX`` in every row, those of a further image two
                tokens (end of one, start of the next) after the last one's.
            position: Positions (3, B, L).
            mask: Who may look at whom, (B, 1, L, L), bool.
            tokens: Image tokens (B, T, W), of one image or of several in a row.
            first: Shortcut added after layer 0, (B, T, W).
            second: Shortcut added after layer 1, (B, T, W).

        Returns:
            Final states (B, L, W), middle states (B, L, W), early states of the last of several images (B, T, W; no
            token of a single one), then queries (B, L, D) and keys of sink and images (B, 1+T, D) of the mention head
            in each of ``MENTION_LAYERS`` and the answer head in each of ``ANSWER_LAYERS``, and queries and keys
            (B, L, D) of the last head of layer 0.
        """
        text, spans = self.hf.model.language_model, self._spans(tokens)
        x = _filled(text.embed_tokens(ids), spans, tokens)
        cos, sin = (t[:, :, None] for t in text.rotary_emb(x, position))
        b, length, _ = x.shape
        middle, early, looks = x, x[:, :0], []
        previous: tuple[Tensor, ...] = ()
        head = spans[-1].stop + 1
        for i, layer in enumerate(text.layers):
            a = layer.self_attn
            h = _rms(layer.input_layernorm, x)
            q = _rotate(_rms(a.q_norm, a.q_proj(h).view(b, length, -1, a.head_dim)), cos, sin).transpose(1, 2)
            k = _rotate(_rms(a.k_norm, a.k_proj(h).view(b, length, -1, a.head_dim)), cos, sin).transpose(1, 2)
            v = a.v_proj(h).view(b, length, -1, a.head_dim).transpose(1, 2)
            if i == 0:
                previous = (q[:, -1], k[:, -1])
            if i in MENTION_LAYERS:
                looks.append((i, 0, q[:, MENTION_HEAD], _seen(k[:, MENTION_HEAD], spans)))
            if i in ANSWER_LAYERS:
                looks.append((i, 1, q[:, ANSWER_HEAD], _seen(k[:, ANSWER_HEAD], spans)))
            # The image sees only itself: two calls do two thirds of the work of one.
            o = torch.cat(
                [
                    self.attend(q[:, :, :head], k[:, :, :head], v[:, :, :head], mask[:, :, :head, :head]),
                    self.attend(q[:, :, head:], k, v, mask[:, :, head:]),
                ],
                2,
            )
            x = x + a.o_proj(o.transpose(1, 2).reshape(b, length, -1))
            h = _rms(layer.post_attention_layernorm, x)
            x = x + layer.mlp.down_proj(F.silu(layer.mlp.gate_proj(h)) * layer.mlp.up_proj(h))
            if i < 2:
                shortcut = first if i == 0 else second
                x = _filled(x, spans, torch.cat([x[:, span] for span in spans], 1) + shortcut)
            if i == READ_LAYER:
                middle = x
            if i == CHANGE_LAYER and len(spans) > 1:
                early = x[:, spans[-1]]
        flat = [t for _, _, q, k in sorted(looks, key=lambda look: (look[1], look[0])) for t in (q, k)]
        return (_rms(text.norm, x), middle, early, *flat, *previous)

    def _spans(self, tokens: Tensor) -> list[slice]:
        """Return where in a sequence each image stands whose tokens (B, T, W) are in a row."""
        one = self.shape.tokens
        starts = [PREFIX + n * (one + 2) for n in range(tokens.shape[1] // one)]
        return [slice(start, start + one) for start in starts]

    def words(self, states: Tensor) -> Tensor:
        """Return the logits (N, vocabulary) of final states (N, W)."""
        logits: Tensor = states @ self.hf.model.language_model.embed_tokens.weight.T
        return logits


def _filled(x: Tensor, spans: list[slice], tokens: Tensor) -> Tensor:
    """Return states (B, L, W) with image tokens (B, T, W) at their places."""
    parts, done = [], 0
    for n, span in enumerate(spans):
        size = span.stop - span.start
        parts += [x[:, done : span.start], tokens[:, n * size : (n + 1) * size]]
        done = span.stop
    return torch.cat([*parts, x[:, done:]], 1)


def _seen(keys: Tensor, spans: list[slice]) -> Tensor:
    """Return the keys of sink and images, (B, 1+T, D), of those of a head, (B, L, D)."""
    first = keys[:, SINK : spans[0].stop]
    return first if len(spans) == 1 else torch.cat([first, *(keys[:, span] for span in spans[1:])], 1)


def whiten_patches(model: Trainee, images: Tensor) -> None:
    """Start the patch embedding from the principal components of ``images`` (B, S, S, 3)."""
    x = model.patches(images).flatten(0, 1)
    mean = x.mean(0)
    value, vector = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    value, vector = value.flip(0), vector.flip(1)
    k = min(model.shape.vision_width, vector.shape[1])
    weight = (vector[:, :k] / (value[:k] + 0.5 * value[60]).sqrt()).T * 0.5
    embed = model.hf.model.visual.patch_embed.proj
    with torch.no_grad():
        embed.weight[:k].copy_((weight.view(k, 3, 1, model.shape.patch, -1) / 2).expand_as(embed.weight[:k]))
        embed.bias[:k].copy_(-weight @ mean)
