"""Multi-head latent attention: keys and values from one small vector per token.

DeepSeek-AI 2024, DeepSeek-V2, section 2.1. B batch, S positions, D width of the model, H heads,
n features of a head without a position, r with a rotated one, v of a value, c ranks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from archscope.blocks.attention import ScaledDotProduct
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.blocks.positions import rotate


class LatentAttention(nn.Module):
    """Causal attention whose keys and values are projected up from a latent vector of rank c.

    Positions enter through r further features: of each head's query, and of a key that all heads
    share (equations 14 to 19). Queries may come from a latent vector of their own.
    """

    archscope_component = "attention"

    def __init__(
        self,
        d_model: int,
        heads: int,
        *,
        q_rank: int | None,
        kv_rank: int,
        nope_dim: int,
        rope_dim: int,
        value_dim: int,
    ) -> None:
        """Build it for heads of so many features without a position, with one, and of a value."""
        super().__init__()
        self.heads = heads
        self.key_parts = (kv_rank, rope_dim)
        self.head_parts = (nope_dim, rope_dim)
        self.up_parts = (nope_dim, value_dim)
        self.q_down = nn.Linear(d_model, q_rank, bias=False) if q_rank else None
        self.q_norm = nn.RMSNorm(q_rank) if q_rank else None
        self.q = nn.Linear(q_rank or d_model, heads * (nope_dim + rope_dim), bias=False)
        self.kv_down = nn.Linear(d_model, kv_rank + rope_dim, bias=False)
        self.kv_norm = nn.RMSNorm(kv_rank)
        self.kv = nn.Linear(kv_rank, heads * (nope_dim + value_dim), bias=False)
        self.sdpa = ScaledDotProduct(causal=True)
        self.proj = nn.Linear(heads * value_dim, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        latent, shared = self.kv_down(x).split(self.key_parts, -1)  # (B, S, c), (B, S, r)
        key, value = self._split(self.kv(self.kv_norm(latent.contiguous())), self.up_parts)
        placed = rotate(shared[:, None])  # (B, 1, S, r)
        k = torch.cat((key, placed.expand(-1, self.heads, -1, -1)), -1)  # (B, H, S, n + r)
        query, turned = self._split(self.q(self._compressed(x)), self.head_parts)
        q = torch.cat((query, rotate(turned)), -1)  # (B, H, S, n + r)
        out = self.sdpa(q, k, value)  # (B, H, S, v)
        joined: Tensor = self.proj(join_heads(out))  # (B, S, D)
        return joined

    def _compressed(self, x: Tensor) -> Tensor:
        """Return the queries' latent vector (B, S, c), or x where they have none."""
        if self.q_down is None or self.q_norm is None:
            return x
        latent: Tensor = self.q_norm(self.q_down(x))
        return latent

    def _split(self, x: Tensor, parts: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return (B, S, H (a + b)) as (B, H, S, a) and (B, H, S, b)."""
        first, second = split_heads(x, self.heads).split(parts, -1)
        return first, second
