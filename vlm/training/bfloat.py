"""Matrix products in bfloat16, for processors that multiply such numbers several times faster than fp32.

On a processor with AVX-512 BF16 this halves the time of a step. The weights, their gradients and the residual stream
stay fp32.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

_NEVER = -1e9


def helps(device: torch.device) -> bool:
    """Tell whether bfloat16 is worth it on a device: a CPU with instructions for it."""
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())


def products(active: bool) -> AbstractContextManager[Any]:
    """Within it, matrix products are taken in bfloat16."""
    return torch.autocast("cpu", dtype=torch.bfloat16) if active else nullcontext()


class _Attention(torch.autograd.Function):
    """Softmax attention that keeps its probabilities: faster than the fused one for short sequences."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        scale = q.shape[-1] ** -0.5
        qb, kb, vb = (q * scale).bfloat16(), k.bfloat16(), v.bfloat16()
        score = qb @ kb.mT
        p = torch._softmax(score if bias is None else score + bias, -1, False)
        ctx.save_for_backward(qb, kb, vb, p)
        ctx.kind, ctx.scale = q.dtype, scale
        return (p @ vb).to(q.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q, k, v, p = ctx.saved_tensors
        g = grads[0].bfloat16()
        d = torch._softmax_backward_data(g @ v.mT, p, -1, torch.bfloat16)
        kind = ctx.kind
        return (d @ k).to(kind) * ctx.scale, (d.mT @ q).to(kind), (p.mT @ g).to(kind), None


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax attention in bfloat16.

    Args:
        q: Queries (B, H, N, D).
        k: Keys (B, H, M, D).
        v: Values (B, H, M, D).
        mask: Which keys a query may see, (B, 1, N, M), bool; None for all.

    Returns:
        (B, H, N, D), of the type of ``q``.
    """
    bias = None if mask is None else torch.zeros(mask.shape, dtype=torch.bfloat16).masked_fill(~mask, _NEVER)
    return _Attention.apply(q, k, v, bias)  # type: ignore[no-any-return,no-untyped-call]
