"""Run a model whose weights are on the meta device: nothing is computed, yet what depends on values can be checked."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

_ATEN = torch.ops.aten
_TAKES_INDICES = (_ATEN.embedding.default, _ATEN.index.Tensor, _ATEN.index_put.default, _ATEN.index_put_.default)
_TAKES_INDICES += (_ATEN.masked_scatter.default,)


class ShapesOnly(TorchDispatchMode):
    """Let real numbers have shapes only, and whole numbers and truth values their values as well.

    The meta device keeps no values, so code that counts tokens, looks at a grid or picks by a mask fails on it. Inside
    this mode such tensors stay on the CPU when they are sent to the meta device; what has no values stays there.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        with self:
            parts = func.decompose(*args, **kwargs)
        if parts is not NotImplemented:
            return parts
        if any(_shape_only(leaf) for leaf in tree_leaves((args, kwargs))):
            if func is _ATEN._to_copy.default:
                kwargs["device"] = torch.device("meta")
            elif func not in _TAKES_INDICES:
                args, kwargs = tree_map(_forget, (args, kwargs))
            return func(*args, **kwargs)
        to_meta = kwargs.get("device") is not None and torch.device(kwargs["device"]).type == "meta"
        made = func(*args, **(kwargs | {"device": torch.device("cpu")} if to_meta else kwargs))
        return _forget(made) if to_meta and made.is_floating_point() else made


def _shape_only(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_meta


def _forget(value: Any) -> Any:
    with_values = isinstance(value, torch.Tensor) and not value.is_meta
    return torch.empty_like(value, device="meta") if with_values else value
