"""Linear attention: scores are products of positive features, so that keys are summed up once.

Katharopoulos et al. 2020, Transformers are RNNs, equations 4 to 9. B batch, S queries, T keys, H
query heads, K key and value heads, G = H / K query heads per key head, d width of a head, e of its
values, C positions in a chunk, n chunks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.theory import mixing_counts
from archscope.theory.counts import ClosedForm

_LEAST = 1e-6
"""Added to the sum that a query's answer is divided by, which may be zero (as the authors do)."""


class LinearDotProduct(nn.Module):
    """f(q) (f(k)' v) / f(q) f(k)' with f = elu + 1, over all keys or over those not later.

    It stands in the place of a softmax's product and costs O(S d^2): all keys meet their values
    once, in a (d, e) matrix that every query reads. Where only the past is seen, a query reads that
    matrix as it was before the query's own chunk, and meets the keys of its chunk one by one: C = d
    of them, so that the matrices take no more room than the values.
    """

    def __init__(self, *, causal: bool) -> None:
        super().__init__()
        self.causal = causal

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Take (B, H, S, d), (B, K, T, d) and (B, K, T, e), where causal T = S; return
        (B, H, S, e)."""
        q = F.elu(q).unflatten(1, (k.shape[1], -1)) + 1  # (B, K, G, S, d)
        k, v = F.elu(k[:, :, None]) + 1, v[:, :, None]  # (B, K, 1, T, d), (B, K, 1, T, e)
        answer = _over_the_past(q, k, v) if self.causal else _over_all(q, k, v)
        return answer.flatten(1, 2)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Keys meet values, queries the matrices and sums; where causal, a chunk's keys too."""
        (batch, heads, queries, width), (_, groups, keys, _) = inputs[:2]
        return mixing_counts.linear_attention(
            batch=batch,
            heads=heads,
            groups=groups,
            queries=queries,
            keys=keys,
            key_width=width,
            value_width=inputs[2][3],
            causal=self.causal,
        )


def _over_all(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Take (B, K, G, S, d), (B, K, 1, T, d) and (B, K, 1, T, e); return (B, K, G, S, e)."""
    met = q @ (k.transpose(-1, -2) @ v)  # (B, K, G, S, e)
    total = q @ k.sum(-2)[..., None]  # (B, K, G, S, 1)
    return met / (total + _LEAST)


def _over_the_past(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same of as many keys as queries, of which each query sees its own and those before."""
    length = q.shape[-2]
    chunk = _chunk(q.shape[-1], length)
    q, k, v = (
        F.pad(x, (0, 0, 0, -length % chunk)).unflatten(-2, (-1, chunk)) for x in (q, k, v)
    )  # (B, K, G, n, C, d), (B, K, 1, n, C, d), (B, K, 1, n, C, e)
    later = torch.ones(chunk, chunk, dtype=torch.bool, device=q.device).triu(1)
    scores = (q @ k.transpose(-1, -2)).masked_fill(later, 0)  # (B, K, G, n, C, C)
    met = scores @ v + q @ _before(k.transpose(-1, -2) @ v)  # (B, K, G, n, C, e)
    total = scores.sum(-1, keepdim=True) + q @ _before(k.sum(-2)[..., None])  # (B, K, G, n, C, 1)
    return (met / (total + _LEAST)).flatten(-3, -2)[..., :length, :]


def _chunk(width: int, length: int) -> int:
    return min(width, length)


def _before(x: Tensor) -> Tensor:
    """Return for each chunk of (B, K, 1, n, d, e) the sum over those before it."""
    so_far = x.cumsum(3)
    return torch.cat((torch.zeros_like(x[:, :, :, :1]), so_far[:, :, :, :-1]), 3)
