"""Attention within chunks: of neighbours in the text, or of tokens that a hash puts side by side.

Kitaev et al. 2020, Reformer, sections 2 and 3, in the form that trax and transformers gave it. B
batch, S positions, D width of the model, H heads, d width of a head, C positions in a chunk, n
chunks, h hashes, R directions of a hash, L = h S positions in sorted order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod

import torch
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.theory import mixing_counts
from archscope.theory.counts import ClosedForm

_SEED = 0
_ITSELF = -1e5
"""Score of a query with its own key: not hidden, for the first token meets no other."""


class LocalAttention(nn.Module):
    """Causal attention to the chunk of a token and the chunk before it."""

    archscope_component = "attention"

    def __init__(self, d_model: int, heads: int, head_dim: int, *, chunk: int) -> None:
        super().__init__()
        inner = heads * head_dim
        linear = partial(nn.Linear, d_model, inner, bias=False)
        self.heads = heads
        self.q, self.k, self.v = linear(), linear(), linear()
        self.chunks = Chunks(chunk)
        self.proj = nn.Linear(inner, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        q, k, v = (split_heads(layer(x), self.heads) for layer in (self.q, self.k, self.v))
        place = torch.arange(x.shape[1], device=x.device)[None, None]  # (1, 1, S)
        out, _ = self.chunks(q, k * q.shape[-1] ** -0.5, v, place)  # (B, H, S, d)
        joined: Tensor = self.proj(join_heads(out))  # (B, S, D)
        return joined


class HashedAttention(nn.Module):
    """Causal attention to tokens whose queries point the same way; keys are queries of length 1.

    Tokens are sorted by bucket, and attend in sorted order to their chunk and the one before. What
    a token reads never comes from a later one; but which earlier ones it meets depends on all.
    """

    archscope_component = "attention"

    def __init__(
        self,
        d_model: int,
        heads: int,
        head_dim: int,
        *,
        chunk: int,
        buckets: Sequence[int],
        hashes: int,
    ) -> None:
        super().__init__()
        inner = heads * head_dim
        self.heads = heads
        self.qk = nn.Linear(d_model, inner, bias=False)
        self.v = nn.Linear(d_model, inner, bias=False)
        self.hashing = Hashing(buckets, hashes)
        self.chunks = Chunks(chunk, shared=True, weighed=hashes > 1)
        self.proj = nn.Linear(inner, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        qk, v = (split_heads(layer(x), self.heads) for layer in (self.qk, self.v))
        out = self._attend(qk, v)  # (B, H, S, d)
        joined: Tensor = self.proj(join_heads(out))  # (B, S, D)
        return joined

    def _attend(self, qk: Tensor, v: Tensor) -> Tensor:
        length = qk.shape[2]
        if length <= self.chunks.size:  # one chunk holds all: nothing to sort
            place = torch.arange(length, device=qk.device)[None, None]  # (1, 1, S)
            whole: Tensor = self.chunks(qk, _unit(qk), v, place)[0]  # (B, H, S, d)
            return whole
        place = _order(self.hashing(qk))  # (B, H, h, S), what stands in each place when sorted
        back = _order(place)  # (B, H, h, S), and the other way round
        q, v = (_rows(x[:, :, None], place).flatten(2, 3) for x in (qk, v))  # 2 x (B, H, L, d)
        out, weight = self.chunks(q, _unit(q), v, place.flatten(2))
        hashes = back.shape[2:]
        out = _rows(out.unflatten(2, hashes), back)  # (B, H, h, S, d)
        if weight is None:
            return out.squeeze(2)  # (B, H, S, d)
        weight = _rows(weight.unflatten(2, hashes), back)  # (B, H, h, S, 1)
        return (out * weight.softmax(2)).sum(2)  # (B, H, S, d)


class Hashing(nn.Module):
    """The bucket of each vector: which of R random directions or their opposites it is nearest to.

    Directions are drawn anew in each pass, here from a fixed seed. Several factors make buckets of
    buckets, with fewer directions (Kitaev et al. 2020, section 2, angular LSH).
    """

    def __init__(self, factors: Sequence[int], hashes: int) -> None:
        super().__init__()
        self.factors = tuple(factors)
        self.hashes = hashes

    def forward(self, vectors: Tensor) -> Tensor:
        """Take (B, H, S, d), return (B, H, h, S)."""
        _, heads, _, width = vectors.shape
        halves = [factor // 2 for factor in self.factors]
        shape = (heads, self.hashes, width, sum(halves))
        random = torch.Generator("cpu").manual_seed(_SEED)
        directions = torch.randn(shape, generator=random, device="cpu").to(vectors)  # (H, h, d, R)
        turned = vectors[:, :, None] @ directions  # (B, H, h, S, R)
        number, *more = (
            torch.cat((part, -part), -1).topk(1)[1].squeeze(-1) for part in turned.split(halves, -1)
        )  # each (B, H, h, S), below its factor
        for place, nearest in enumerate(more, start=1):
            number = number + prod(self.factors[:place]) * nearest
        return number

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Each vector meets each direction."""
        batch, heads, length, width = inputs[0]
        return mixing_counts.hashing(
            batch=batch,
            heads=heads,
            hashes=self.hashes,
            length=length,
            width=width,
            directions=sum(self.factors) // 2,
        )


class Chunks(nn.Module):
    """Each chunk of queries meets the keys of its own chunk and of the one before.

    The first chunk meets the last, of which the mask leaves what is not later. With `shared`
    queries and keys a query sees its own key only if there is no other. `weighed` results tell how
    much they saw, so that several can be put together.
    """

    def __init__(self, size: int, *, shared: bool = False, weighed: bool = False) -> None:
        super().__init__()
        self.size = size
        self.shared = shared
        self.weighed = weighed

    def forward(
        self, q: Tensor, k: Tensor, v: Tensor, place: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Take three of (B, H, L, d) and where each stands in the text (B or 1, H or 1, L).

        Return (B, H, L, d) and, where asked for, the logarithm of each one's sum (B, H, L, 1).
        """
        chunks = (-1, min(self.size, q.shape[2]))
        q, k, v, place = (x.unflatten(2, chunks) for x in (q, k, v, place))  # (B, H, n, C, d)
        k, v, theirs = (_with_before(x) for x in (k, v, place))  # (B, H, n, 2 C, d)
        scores = q @ k.transpose(-1, -2)  # (B, H, n, C, 2 C)
        mine, theirs = place[..., None], theirs[..., None, :]
        if self.shared:
            scores = scores.masked_fill(theirs >= mine, _ITSELF)
        scores = scores.masked_fill(theirs > mine, -torch.inf)
        out = scores.softmax(-1) @ v  # (B, H, n, C, d)
        weight = scores.logsumexp(-1, keepdim=True).flatten(2, 3) if self.weighed else None
        return out.flatten(2, 3), weight

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Each query meets the keys of two chunks, or of the only one, masked or not."""
        batch, heads, length, width = inputs[0]
        return mixing_counts.chunks(
            batch=batch, heads=heads, length=length, size=self.size, width=width
        )


def _unit(x: Tensor) -> Tensor:
    """Return vectors of length 1."""
    return x * (x.square().sum(-1, keepdim=True) + 1e-6).rsqrt()


def _order(x: Tensor) -> Tensor:
    """Return where the numbers of (B, H, h, S) stand, from the smallest to the largest."""
    return x.sort(dim=-1, stable=True).indices


def _rows(x: Tensor, index: Tensor) -> Tensor:
    """Return the rows (B, H, h, S, d) of x (B, H, h or 1, S, d) at an index (B, H, h, S)."""
    shape = (*index.shape, x.shape[-1])
    return x.expand(shape).gather(3, index[..., None].expand(shape))


def _with_before(x: Tensor) -> Tensor:
    """Return each chunk (B, H, n, C, ...) behind the one before it (B, H, n, 2 C, ...)."""
    if x.shape[2] == 1:
        return x
    before = torch.cat((x[:, :, -1:], x[:, :, :-1]), 2)
    return torch.cat((before, x), 3)
