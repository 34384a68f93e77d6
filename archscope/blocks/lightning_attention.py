"""Lightning attention: linear attention that forgets at a pace of each head's own.

Qin et al. 2024, Lightning Attention-2, equations 3 to 9, and MiniMax 2025, MiniMax-01, section 2.2.
B batch, S positions, D width of the model, H heads, d width of a head, C positions in a chunk, n
chunks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.blocks.state_space_dual import by_chunks
from archscope.theory import mixing_counts
from archscope.theory.counts import ClosedForm


class LightningAttention(nn.Module):
    """Queries, keys and values through silu, their product head by head, normed and gated."""

    archscope_component = "attention"

    def __init__(self, width: int, heads: int, head_dim: int, *, bias: bool = False) -> None:
        super().__init__()
        inner = heads * head_dim
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * inner, bias=bias)
        self.product = FadingProduct()
        self.norm = nn.RMSNorm(inner)
        self.gate = nn.Linear(width, inner, bias=bias)
        self.proj = nn.Linear(inner, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        parts = F.silu(self.qkv(x)).chunk(3, -1)  # 3 x (B, S, H d)
        q, k, v = (split_heads(part, self.heads) for part in parts)  # 3 x (B, H, S, d)
        out = self.norm(join_heads(self.product(q, k, v)))  # (B, S, H d)
        joined: Tensor = self.proj(self.gate(x).sigmoid() * out)  # (B, S, D)
        return joined


class FadingProduct(nn.Module):
    """M_t = a M_(t-1) + k_t' v_t; o_t = q_t M_t, with a of each head, whose state it is.

    Within a chunk positions meet each other; what a chunk leaves behind is a matrix of each head.
    """

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Take and return (B, H, S, d)."""
        heads, length = q.shape[1:3]
        chunk = mixing_counts.lightning_chunk(length)
        q, k, v = (
            F.pad(x, (0, 0, 0, -length % chunk)).unflatten(2, (-1, chunk)).transpose(1, 2)
            for x in (q, k, v)
        )  # 3 x (B, n, H, C, d)
        pace = torch.arange(1, heads + 1, device=q.device, dtype=q.dtype)
        fading = -(2 ** (-8 * pace / heads))[:, None].expand(q.shape[:-1])  # (B, n, H, C)
        out = by_chunks(fading, v, k, q)  # (B, n, H, C, d)
        return out.transpose(1, 2).flatten(2, 3)[:, :, :length]

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Positions of a chunk meet each other; states are made, and read."""
        batch, heads, length, width = inputs[0]
        return mixing_counts.lightning_attention(
            batch=batch, heads=heads, length=length, width=width
        )
