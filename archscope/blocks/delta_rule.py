"""Gated delta nets: linear attention that erases what a key held before it writes there.

Yang et al. 2024, Gated Delta Networks, equations 8 to 12; in chunks as in Yang et al. 2024,
Parallelizing Linear Transformers with the Delta Rule over Sequence Length, section 3. B batch, S
positions, D width of the model, H value heads, K key heads, d width of a key, e of a value, C
positions in a chunk, n chunks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.theory import mixing_counts
from archscope.theory.counts import ClosedForm

_LEAST = 1e-6
"""Added to the sum of squares that a key and a query are divided by the root of."""


class GatedDeltaNet(nn.Module):
    """A short convolution, the gated delta rule, and a gated norm, between projections.

    The keys' heads may be fewer than the values'; each serves as many in a row.
    """

    archscope_component = "attention"

    def __init__(
        self,
        width: int,
        *,
        heads: int,
        key_heads: int,
        key_dim: int,
        value_dim: int,
        taps: int = 4,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.heads, self.key_heads = heads, key_heads
        self.past = taps - 1
        self.mixed = (key_heads * key_dim, key_heads * key_dim, heads * value_dim)
        self.parts = (sum(self.mixed), heads * value_dim)
        channels = sum(self.mixed)
        self.qkvz = nn.Linear(width, sum(self.parts), bias=bias)
        self.ba = nn.Linear(width, 2 * heads, bias=bias)
        self.conv = nn.Conv1d(channels, channels, taps, groups=channels, bias=bias)
        self.rule = GatedDeltaRule(heads)
        self.norm = nn.RMSNorm(value_dim)
        self.proj = nn.Linear(heads * value_dim, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        mixed, gate = self.qkvz(x).split(self.parts, -1)
        mixed = F.pad(mixed.transpose(1, 2), (self.past, 0))  # (B, 2 K d + H e, S + past)
        mixed = F.silu(self.conv(mixed)).transpose(1, 2)
        q, k, v = mixed.split(self.mixed, -1)
        strength, fading = self.ba(x).transpose(1, 2).chunk(2, 1)  # 2 x (B, H, S)
        q, k = (_unit(split_heads(part, self.key_heads)) for part in (q, k))  # 2 x (B, K, S, d)
        out = self.rule(q, k, split_heads(v, self.heads), strength, fading)  # (B, H, S, e)
        out = self.norm(out) * F.silu(split_heads(gate, self.heads))  # (B, H, S, e)
        joined: Tensor = self.proj(join_heads(out))  # (B, S, D)
        return joined


class GatedDeltaRule(nn.Module):
    """M_t = a_t M_(t-1) (1 - b_t k_t k_t') + b_t v_t k_t'; o_t = M_t q_t / sqrt(d), of each head.

    Within a chunk of up to 64 positions all is a product of matrices, one of which is inverted by
    halves; from chunk to chunk M is handed on, the only loop. Its work is that of `forward`, later
    positions masked but multiplied; the states before the first and after the last chunk are made
    of nothing and read by nobody, and cost nothing.
    """

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.A_log = nn.Parameter(torch.empty(heads))
        nn.init.uniform_(self.A_log, 1, 16)
        with torch.no_grad():
            self.A_log.log_()
        self.dt_bias = nn.Parameter(torch.ones(heads))

    def forward(self, q: Tensor, k: Tensor, v: Tensor, strength: Tensor, fading: Tensor) -> Tensor:
        """Take twice (B, K, S, d), (B, H, S, e) and twice (B, H, S); return (B, H, S, e)."""
        length, heads = v.shape[2], v.shape[1]
        q, k = (_for_each(x, heads) for x in (q * q.shape[-1] ** -0.5, k))  # 2 x (B, H, S, d)
        kept = F.softplus(fading + self.dt_bias[:, None]) * -self.A_log.exp()[:, None]
        chunk = mixing_counts.delta_chunk(length)
        q, k, v, write, kept = (
            F.pad(x, (0, 0, 0, -length % chunk)).unflatten(2, (-1, chunk))
            for x in (q, k, v, strength.sigmoid()[..., None], kept[..., None])
        )  # 2 x (B, H, n, C, d), (B, H, n, C, e), 2 x (B, H, n, C, 1)
        out = _by_chunks(q, k, v, write, kept.squeeze(-1).cumsum(-1))  # (B, H, n, C, e)
        return out.flatten(2, 3)[:, :, :length]

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Positions of a chunk meet each other, and the state that the chunk before has left."""
        (batch, heads, length, value), key = inputs[2], inputs[0][-1]
        return mixing_counts.gated_delta(
            batch=batch, heads=heads, length=length, key_width=key, value_width=value
        )


def _by_chunks(q: Tensor, k: Tensor, v: Tensor, write: Tensor, so_far: Tensor) -> Tensor:
    """Take 2 x (B, H, n, C, d), (B, H, n, C, e), (B, H, n, C, 1) and (B, H, n, C); return
    (B, H, n, C, e).

    `so_far` are logarithms of what is kept of a state since its chunk began.
    """
    fades = _fades(so_far)  # (B, H, n, C, C)
    earlier = (k * write) @ k.transpose(-1, -2) * fades  # (B, H, n, C, C)
    inverse = _lower(_inverse(_lower(earlier, -1)))  # (B, H, n, C, C)
    new = inverse @ (v * write)  # (B, H, n, C, e), what is written where there was no state
    scores = q @ k.transpose(-1, -2) * fades  # (B, H, n, C, C)
    count = q.shape[2]
    if count == 1:
        return scores @ new
    since = so_far.exp()[..., None]  # (B, H, n, C, 1)
    erased = inverse[:, :, 1:] @ (k * write * since)[:, :, 1:]  # (B, H, n - 1, C, d)
    until = (so_far[..., -1:] - so_far).exp()[..., None]  # (B, H, n, C, 1), kept to its end
    written = new[:, :, 0]  # (B, H, C, e)
    state: Tensor | None = None  # (B, H, d, e)
    answers = [scores[:, :, 0] @ written]  # n x (B, H, C, e)
    for place in range(1, count):
        left = (k * until)[:, :, place - 1].transpose(-1, -2) @ written  # (B, H, d, e)
        state = left if state is None else left + state * since[:, :, place - 1, -1:]
        written = new[:, :, place] - erased[:, :, place - 1] @ state  # (B, H, C, e)
        read = (q * since)[:, :, place] @ state  # (B, H, C, e)
        answers.append(read + scores[:, :, place] @ written)
    return torch.stack(answers, 2)


def _fades(so_far: Tensor) -> Tensor:
    """Return what is kept at position i of what was written at j of (..., C): (..., C, C)."""
    length = so_far.shape[-1]
    later = torch.ones(length, length, dtype=torch.bool, device=so_far.device).triu(1)
    between = so_far[..., :, None] - so_far[..., None, :]  # (..., C, C)
    return between.masked_fill(later, -torch.inf).exp()


def _inverse(below: Tensor) -> Tensor:
    """Return (1 + L)^-1 of (..., C, C) strictly lower L, by halves, where C is a power of two.

    It is (A, 0; -D L' A, D) with A and D the inverses of its quarters: C (C^2 - 1) / 3 products.
    """
    size = below.shape[-1]
    if size == 1:
        return torch.ones_like(below)
    half = size // 2
    quarters = torch.stack((below[..., :half, :half], below[..., half:, half:]))
    first, last = map(_lower, _inverse(quarters).unbind())  # 2 x (..., C / 2, C / 2)
    across = last @ below[..., half:, :half] @ first
    top = torch.cat((first, torch.zeros_like(first)), -1)  # (..., C / 2, C)
    return torch.cat((top, torch.cat((-across, last), -1)), -2)


def _lower(x: Tensor, diagonal: int = 0) -> Tensor:
    """Return (..., C, C) with zeros above a diagonal: what says that nothing later is seen."""
    above = torch.ones(x.shape[-2:], dtype=torch.bool, device=x.device).triu(diagonal + 1)
    return x.masked_fill(above, 0)


def _for_each(x: Tensor, heads: int) -> Tensor:
    """Return (B, K, S, d) as (B, H, S, d): each key head serves as many value heads in a row."""
    batch, groups, *rest = x.shape
    return x[:, :, None].expand(batch, groups, heads // groups, *rest).flatten(1, 2)


def _unit(x: Tensor) -> Tensor:
    return x * (x.square().sum(-1, keepdim=True) + _LEAST).rsqrt()
