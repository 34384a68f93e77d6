"""MobileBERT: an encoder whose blocks work in a narrow space (Sun et al. 2020, section 3).

B batch, S positions, D width between blocks, N width of a bottleneck, E width of the tokens' table,
H heads, d width of a head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.attention import ScaledDotProduct
from archscope.blocks.components import Shape, part
from archscope.blocks.feedforward import FeedForward
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.blocks.plan import Numbered
from archscope.blocks.stack import stack
from archscope.families.mobilebert.spec import MobileBertSpec
from archscope.theory import counts
from archscope.theory.counts import ClosedForm

Norm = Callable[[int], nn.Module]


class MobileBert(nn.Module):
    """Takes tokens and their types, both (B, S).

    Returns features (B, S, D), and with a pooler the first position (B, D) beside them.
    """

    def __init__(self, spec: MobileBertSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        width, narrow = spec.d_model, spec.embedding_dim
        norm: Norm = nn.LayerNorm if spec.layer_norm else ScaleAndShift
        self.tok_emb = part("embeddings", nn.Embedding(spec.vocab_size, narrow))
        self.proj_emb = part("embeddings", nn.Linear(3 * narrow, width))
        self.pos_emb = part("embeddings", nn.Embedding(spec.max_positions, width))
        self.type_emb = part("embeddings", nn.Embedding(spec.token_types, width))
        self.ln_emb = norm(width)
        self.blocks = stack(plan, lambda _: Bottleneck(spec, norm))
        self.pooler = part("pooler", nn.Linear(width, width)) if spec.pooler else None

    def forward(self, tokens: Tensor, token_types: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Take twice (B, S); return (B, S, D), and (B, D) where there is a pooler."""
        x = self.proj_emb(_with_neighbours(self.tok_emb(tokens)))  # (B, S, D)
        places = torch.arange(x.shape[1], device=x.device)  # (S,)
        x = self.ln_emb(x + self.pos_emb(places) + self.type_emb(token_types))  # (B, S, D)
        for block in self.blocks:
            x = block(x)  # (B, S, D)
        return x if self.pooler is None else (x, self.pooler(x[:, 0]).tanh())


def _with_neighbours(x: Tensor) -> Tensor:
    """Return (B, S, E) with the token after each and the one before, (B, S, 3 E)."""
    after, before = F.pad(x[:, 1:], (0, 0, 0, 1)), F.pad(x[:, :-1], (0, 0, 1, 0))
    return torch.cat((after, x, before), -1)


class ScaleAndShift(nn.Module):
    """x w + b, feature by feature, in a norm's place (Sun et al. 2020, section 3.2)."""

    archscope_component = "norms"
    archscope_layer = "norm"

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (..., D)."""
        return x * self.weight + self.bias

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Return what a norm has."""
        return counts.normalisation(width=output[-1], weight=True, bias=True)


class Bottleneck(nn.Module):
    """Attention and feed-forwards of N features, between projections from D and back to it.

    Queries and keys come from a narrow vector of their own, values from the wide one.
    """

    def __init__(self, spec: MobileBertSpec, norm: Norm) -> None:
        super().__init__()
        width, narrow = spec.d_model, spec.bottleneck
        self.down = part("bottleneck", nn.Linear(width, narrow))
        self.ln_down = norm(narrow)
        self.attn = BottleneckAttention(spec, norm)
        self.ln_1 = norm(narrow)
        mlp = partial(FeedForward, narrow, spec.d_ff, activation="relu")
        self.mlps = nn.ModuleList(mlp() for _ in range(spec.feed_forwards))
        self.norms = nn.ModuleList(norm(narrow) for _ in range(spec.feed_forwards))
        self.up = part("bottleneck", nn.Linear(narrow, width))
        self.ln_2 = norm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        y = self.ln_down(self.down(x))  # (B, S, N)
        y = self.ln_1(y + self.attn(x))  # (B, S, N)
        for mlp, norm in zip(self.mlps, self.norms, strict=True):
            y = norm(y + mlp(y))  # (B, S, N)
        out: Tensor = self.ln_2(x + self.up(y))  # (B, S, D)
        return out


class BottleneckAttention(nn.Module):
    """Attention: its queries and keys are made of one narrow vector, its values of the wide one."""

    archscope_component = "attention"

    def __init__(self, spec: MobileBertSpec, norm: Norm) -> None:
        super().__init__()
        width, narrow = spec.d_model, spec.bottleneck
        self.heads = spec.heads
        self.down = nn.Linear(width, narrow)
        self.ln_down = norm(narrow)
        self.q, self.k = nn.Linear(narrow, narrow), nn.Linear(narrow, narrow)
        self.v = nn.Linear(width, narrow)
        self.sdpa = ScaledDotProduct(causal=False)
        self.proj = nn.Linear(narrow, narrow)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, S, D), return (B, S, N)."""
        shared = self.ln_down(self.down(x))  # (B, S, N)
        q, k, v = (
            split_heads(part, self.heads) for part in (self.q(shared), self.k(shared), self.v(x))
        )  # 3 x (B, H, S, d)
        joined: Tensor = self.proj(join_heads(self.sdpa(q, k, v)))  # (B, S, N)
        return joined
