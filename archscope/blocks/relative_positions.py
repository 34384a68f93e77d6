"""Relative positions: what depends on how far a key is from a query, and where it is placed.

B batch, H heads, S queries, T keys, P distances, K buckets, D width, d width of a head.
"""

from collections.abc import Sequence
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.attention import closed_form_of_product
from archscope.blocks.components import Shape
from archscope.theory import counts
from archscope.theory.counts import ClosedForm


def place(x: Tensor, keys: int) -> Tensor:
    """Move what belongs to distances to the keys that are so far from each query.

    Take (..., S, P), whose column m belongs to keys that are m - (S - 1) after the query; return
    (..., S, T). A key whose distance has no column gets what stands elsewhere, for a mask to hide.
    With one column more, each row of the flattened matrix begins one place further to the left of
    the row before (Dai et al. 2019, appendix B).
    """
    *outer, queries, distances = x.shape
    x = F.pad(x, (1, 0)).reshape(*outer, distances + 1, queries)  # (..., P + 1, S)
    return x[..., 1:, :].reshape(*outer, queries, distances)[..., :keys]  # (..., S, T)


class RelativeBias(nn.Module):
    """A bias for each head that depends on how far the key is from the query (Raffel et al. 2020).

    Short distances have a bucket each, longer ones share buckets that grow exponentially up to
    `max_distance`, all beyond share the last. To both sides, each side has half of the buckets.
    A causal bias is minus infinity for keys that come after the query, so that it masks them too.
    """

    archscope_component = "rel_pos_or_attn_bias"

    def __init__(self, buckets: int, heads: int, *, max_distance: int, causal: bool) -> None:
        super().__init__()
        self.buckets = buckets
        self.max_distance = max_distance
        self.causal = causal
        self.weight = nn.Parameter(torch.zeros(buckets, heads))

    def forward(self, x: Tensor) -> Tensor:
        """Take a sequence (B, S, D) that attends to itself, return (H, S, S); P = 2 S - 1."""
        length = x.shape[1]
        distance = torch.arange(1 - length, length, device=x.device)  # (P,), key - query
        bias = F.embedding(self._bucket(distance), self.weight)  # (P, H)
        if self.causal:
            bias = bias.masked_fill((distance > 0)[:, None], -torch.inf)
        every = bias.t()[:, None].expand(-1, length, -1)  # (H, S, P)
        return place(every, length)  # (H, S, S)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """A table that is looked up."""
        return counts.embedding(words=self.buckets, width=self.weight.shape[1])

    def _bucket(self, distance: Tensor) -> Tensor:
        """Return the bucket of each distance (P,)."""
        buckets = self.buckets if self.causal else self.buckets // 2
        later = torch.zeros_like(distance) if self.causal else (distance > 0) * buckets  # (P,)
        apart = -distance.clamp(max=0) if self.causal else distance.abs()  # (P,)
        exact = buckets // 2
        growth = (buckets - exact) / log(self.max_distance / exact)
        shared = exact + (apart.clamp(min=exact) / exact).log() * growth  # (P,)
        return later + torch.where(apart < exact, apart, shared.long().clamp(max=buckets - 1))


class BiasedDotProduct(nn.Module):
    """softmax(scale q k + bias) v; without a scale it is 1 / sqrt(d)."""

    def __init__(self, *, scale: float | None = None) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
        """Take (B, H, S, d), twice (B, H, T, d) and (B or 1, H, S, T); return (B, H, S, d)."""
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=self.scale)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Every query meets every key, a masked one too."""
        return closed_form_of_product(inputs, keys=inputs[1][2])
