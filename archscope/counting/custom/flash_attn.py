"""FlashAttention (Dao 2023, https://arxiv.org/abs/2307.08691), of flash-attn and of xFormers.

Every query meets every key of its sequence: neither a causal mask nor a window saves anything here.
"""

from __future__ import annotations

from math import prod
from typing import Any

from torch import Tensor

from archscope.counting.custom import FormulaSet

FORMULAS = FormulaSet()


@FORMULAS.of("flash_attn::_flash_attn_forward")
def attention(q: Tensor, k: Tensor, v: Tensor, *_: Any, **__: Any) -> int:
    """softmax(q k') v with q (B, L, H, d), k (B, S, *, d), v (B, S, *, e): B*H*L*S*(d + e)."""
    return prod(q.shape[:-1]) * k.shape[1] * (q.shape[-1] + v.shape[-1])


@FORMULAS.of("flash_attn::_flash_attn_varlen_forward", "xformers_flash::flash_fwd")
def of_sequences(
    q: Tensor, k: Tensor, v: Tensor, starts_q: Any, starts_k: Any, *_: Any, **__: Any
) -> int:
    """The same of sequences laid end to end, q (sum of L, H, d), each beginning at its start."""
    if starts_q is None:
        return attention(q, k, v)
    if starts_q.is_meta or starts_k.is_meta:
        raise ValueError("where the sequences begin is unknown without data")
    pairs = int((starts_q.diff().long() * starts_k.diff().long()).sum())
    return q.shape[-2] * pairs * (q.shape[-1] + v.shape[-1])
