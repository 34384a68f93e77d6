"""Attention to the past within chunks of a sequence, which never meet.

B batch, H query heads, K key and value heads, S positions, d width of a head, C positions in a
chunk, n chunks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.theory import mixing_counts
from archscope.theory.counts import ClosedForm


class ChunkDotProduct(nn.Module):
    """softmax(q k / sqrt(d)) v over the positions of a query's chunk that are not later than it.

    The last chunk is filled up behind the sequence, where nobody looks. A sequence that is no
    longer than a chunk is attended to in full.
    """

    def __init__(self, *, chunk: int, grouped: bool = False) -> None:
        super().__init__()
        self.chunk = chunk
        self.grouped = grouped

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Take (B, H, S, d) and twice (B, K, S, d); return (B, H, S, d)."""
        batch, length = q.shape[0], q.shape[2]
        if length <= self.chunk:
            return self._attended(q, k, v)
        q, k, v = map(self._cut, (q, k, v))  # (B n, H, C, d), 2 x (B n, K, C, d)
        out: Tensor = self._attended(q, k, v).unflatten(0, (batch, -1))  # (B, n, H, C, d)
        return out.transpose(1, 2).flatten(2, 3)[:, :, :length]

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Every query meets the keys of its chunk, later ones too."""
        batch, heads, length, width = inputs[0]
        queries, keys = mixing_counts.in_chunks(length, self.chunk)
        return mixing_counts.attention(
            batch=batch,
            heads=heads,
            queries=queries,
            keys=keys,
            key_width=width,
            value_width=inputs[2][-1],
        )

    def _attended(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.grouped)

    def _cut(self, x: Tensor) -> Tensor:
        x = F.pad(x, (0, 0, 0, -x.shape[2] % self.chunk))  # (B, H, n C, d)
        chunks: Tensor = x.unflatten(2, (-1, self.chunk))  # (B, H, n, C, d)
        return chunks.transpose(1, 2).flatten(0, 1)
