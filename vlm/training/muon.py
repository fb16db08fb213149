"""The optimisers: Muon for the matrices inside the blocks, AdamW for everything else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

_ADAM_WORDS = ("embed", "_head", "oracle", "patch_embed", "merger", "lm_head")


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised; in fp32, with matrices of equal shape done together.

    Source: Keller Jordan et al., *Muon: an optimizer for hidden layers* (2024); coefficients of its quintic
    Newton-Schulz iteration.
    """

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.02) -> None:
        super().__init__(list(params), {"lr": lr})
        self.momentum, self.decay = momentum, decay

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update all parameters that have a gradient."""
        groups: dict[tuple[int, ...], list[tuple[nn.Parameter, Tensor]]] = {}
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(p.grad, 1 - self.momentum)
                groups.setdefault(tuple(p.shape), []).append((p, p.grad.lerp(state["momentum"], self.momentum)))
        lr = self.param_groups[0]["lr"]
        for shape, members in groups.items():
            update = orthogonal(torch.stack([g for _, g in members]))
            for (p, _), u in zip(members, update, strict=True):
                p.mul_(1 - lr * self.decay).add_(u, alpha=-lr * 0.2 * max(shape) ** 0.5)


def orthogonal(matrices: Tensor, steps: int = 4) -> Tensor:
    """Push the singular values of matrices (K, N, M) towards one by Newton-Schulz iteration."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.square().sum((1, 2), keepdim=True).sqrt() + 1e-7)
    for _ in range(steps):
        square = x @ x.mT
        x = 3.4445 * x + (-4.775 * square + 2.0315 * (square @ square)) @ x
    return x.mT if tall else x


def build_optimizers(model: nn.Module, lr: float, embed_gain: float = 3.0) -> list[torch.optim.Optimizer]:
    """Return the optimisers of all trainable parameters.

    Args:
        model: The model.
        lr: Rate of the Muon group; AdamW groups use half, the word embedding ``embed_gain`` times that.
        embed_gain: See ``lr``.
    """
    hidden, words, gains, rest = [], [], [], []
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        if "embed_tokens" in name:
            words.append(p)
        elif "q_norm" in name or "k_norm" in name:
            gains.append(p)
        elif p.ndim == 2 and not any(word in name for word in _ADAM_WORDS):
            hidden.append(p)
        else:
            rest.append(p)
    groups: list[dict[str, Any]] = [
        {"params": rest, "lr": lr / 2},
        {"params": gains, "lr": lr / 2, "weight_decay": 0.0},
        {"params": words, "lr": lr / 2 * embed_gain},
    ]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW([g for g in groups if g["params"]], lr=lr / 2, betas=(0.9, 0.98), weight_decay=0.02)
    ]
    if hidden:
        optimizers.append(Muon(hidden, lr))
    return optimizers
