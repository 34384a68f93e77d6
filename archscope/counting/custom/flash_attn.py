"""FlashAttention 2 (Dao 2023, https://arxiv.org/abs/2307.08691), of the package flash-attn."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from archscope.counting.custom import FormulaSet

FORMULAS = FormulaSet()


@FORMULAS.of("flash_attn::_flash_attn_forward")
def attention(q: Tensor, k: Tensor, v: Tensor, *_: Any, **__: Any) -> int:
    """softmax(q k') v with q (B, L, H, d), k (B, S, *, d), v (B, S, *, e): B*H*L*S*(d + e).

    Every query meets every key: neither a causal mask nor a window saves anything here.
    """
    return q[..., 0].numel() * k.shape[1] * (q.shape[-1] + v.shape[-1])
