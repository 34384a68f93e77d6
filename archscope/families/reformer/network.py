"""Reformer: reversible blocks with local and hashed attention (Kitaev et al. 2020).

B batch, S positions, D width of the model, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.chunked_attention import HashedAttention, LocalAttention
from archscope.blocks.components import part
from archscope.blocks.feedforward import FeedForward
from archscope.blocks.plan import Numbered
from archscope.blocks.stack import stack
from archscope.families.reformer.spec import HASHED, ReformerSpec


class Reformer(nn.Module):
    """Takes tokens (B, S), returns scores (B, S, V).

    Tokens are padded at the end to whole chunks, where there is more than one.
    """

    def __init__(self, spec: ReformerSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        self.padded_length = spec.padded_length
        self.tok_emb = part("embeddings", nn.Embedding(spec.vocab_size, spec.d_model))
        self.pos_emb = AxialPositions(spec)
        self.blocks = stack(plan, lambda block: ReversibleBlock(spec, hashed=block.kind == HASHED))
        self.ln_f = nn.LayerNorm(2 * spec.d_model)
        self.head = part("head", nn.Linear(2 * spec.d_model, spec.vocab_size))

    def forward(self, tokens: Tensor) -> Tensor:
        """Take (B, S), return (B, S, V)."""
        length = tokens.shape[1]
        extra = self.padded_length - length
        tokens = F.pad(tokens, (0, extra)) if extra > 0 else tokens  # (B, S)
        x = self.tok_emb(tokens) + self.pos_emb(tokens)  # (B, S, D)
        first, second = x, x
        for block in self.blocks:
            first, second = block(first, second)  # 2 x (B, S, D)
        both = self.ln_f(torch.cat((first, second), -1))  # (B, S, 2 D)
        scores: Tensor = self.head(both)  # (B, S, V)
        return scores[:, :length]


class AxialPositions(nn.Module):
    """Two small tables for a long sequence laid out in rows and columns: D = a + b features.

    One is looked up by the row of a position, the other by its column.
    """

    archscope_component = "embeddings"

    def __init__(self, spec: ReformerSpec) -> None:
        super().__init__()
        self.columns = spec.axial_shape[1]
        self.row, self.column = map(nn.Embedding, spec.axial_shape, spec.axial_dims)

    def forward(self, tokens: Tensor) -> Tensor:
        """Take (B, S), return (S, D)."""
        place = torch.arange(tokens.shape[1], device=tokens.device)  # (S,)
        row, column = place // self.columns, place % self.columns
        return torch.cat((self.row(row), self.column(column)), -1)


class ReversibleBlock(nn.Module):
    """y1 = x1 + attention(x2), y2 = x2 + feed-forward(y1): x follows from y, so none is stored.

    The feed-forward takes `ff_chunk` tokens at a time, to have fewer hidden features at once.
    """

    def __init__(self, spec: ReformerSpec, *, hashed: bool) -> None:
        super().__init__()
        sizes = (spec.d_model, spec.heads, spec.head_dim)
        self.chunk = spec.ff_chunk or spec.padded_length
        self.ln_1 = nn.LayerNorm(spec.d_model)
        self.attn = (
            HashedAttention(*sizes, chunk=spec.lsh_chunk, buckets=spec.buckets, hashes=spec.hashes)
            if hashed
            else LocalAttention(*sizes, chunk=spec.local_chunk)
        )
        self.ln_2 = nn.LayerNorm(spec.d_model)
        self.mlp = FeedForward(spec.d_model, spec.d_ff, activation="relu")

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Take and return two of (B, S, D)."""
        first = first + self.attn(self.ln_1(second))  # (B, S, D)
        parts = [self.mlp(part) for part in self.ln_2(first).split(self.chunk, 1)]
        return first, second + (parts[0] if len(parts) == 1 else torch.cat(parts, 1))
