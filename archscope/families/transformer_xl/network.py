"""Transformer-XL: a decoder that remembers what its blocks read before (Dai et al. 2019).

B batch, L blocks, S positions of a segment, M remembered ones before it, T = M + S keys and
distances, D width of the model, H heads, d width of a head, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from archscope.blocks.adaptive import AdaptiveEmbedding, AdaptiveHead
from archscope.blocks.feedforward import FeedForward
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.blocks.norm_place import PostNormBlock
from archscope.blocks.plan import Numbered, number_of
from archscope.blocks.relative_attention import RelativeDotProduct, sinusoids_of
from archscope.blocks.stack import stack
from archscope.families.transformer_xl.spec import TransformerXlSpec


class TransformerXl(nn.Module):
    """Takes features (B, S, D), or tokens (B, S) where it scores, and a memory (L, B, M, D).

    Returns features (B, S, D), or logarithms of probabilities (B, S, V); and beside them what each
    block read, L of (B, S, D): the last M of all that was read are the next segment's memory.
    """

    def __init__(self, spec: TransformerXlSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        self.runs_tables = spec.scores
        norm = partial(nn.LayerNorm, spec.d_model)
        self.tok_emb = AdaptiveEmbedding(spec.cluster_sizes, spec.d_model, spec.div_val)

        def block(block: Numbered) -> PostNormBlock:
            mlp = FeedForward(spec.d_model, spec.d_ff, activation="relu")
            return PostNormBlock(norm, XlAttention(spec, int(number_of(block))), mlp)

        self.blocks = stack(plan, block)
        self.head = AdaptiveHead(self.tok_emb, spec.d_model)

    def forward(
        self, segment: Tensor, memory: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Take (B, S, D) or (B, S), and (L, B, M, D)."""
        x = self.tok_emb(segment) if self.runs_tables else segment  # (B, S, D)
        queries = x.shape[1]
        keys = queries + (0 if memory is None else memory.shape[2])
        distance = torch.arange(keys - 1, -1, -1, device=x.device)  # (T,), key before query
        places = sinusoids_of(distance, x)  # (T, D)
        later = torch.arange(keys, device=x.device) - (keys - queries)  # (T,)
        hidden = later > torch.arange(queries, device=x.device)[:, None]  # (S, T)
        read = []
        for block in self.blocks:
            read.append(x)
            x = block(x, memory, places, hidden)  # (B, S, D)
        return self.head(x) if self.runs_tables else x, tuple(read)


class XlAttention(nn.Module):
    """Relative attention of a segment to itself and to the memory before it (equation 5).

    As in the authors' code, queries are projected for the memory too, and then dropped.
    """

    archscope_component = "attention"

    def __init__(self, spec: TransformerXlSpec, number: int) -> None:
        """Build the attention of the block of a number, which is its place in the memory."""
        super().__init__()
        self.number = number
        self.heads = spec.heads
        inner = spec.heads * spec.head_width
        self.qkv = nn.Linear(spec.d_model, 3 * inner, bias=False)
        self.r = nn.Linear(spec.d_model, inner, bias=False)
        self.product = RelativeDotProduct(spec.heads, spec.head_width)
        self.proj = nn.Linear(inner, spec.d_model, bias=False)

    def forward(self, x: Tensor, memory: Tensor | None, places: Tensor, hidden: Tensor) -> Tensor:
        """Take (B, S, D), (L, B, M, D), the distances (T, D) and (S, T); return (B, S, D)."""
        everything = x if memory is None else torch.cat((memory[self.number], x), 1)  # (B, T, D)
        q, k, v = (
            split_heads(part, self.heads) for part in self.qkv(everything).chunk(3, -1)
        )  # 3 x (B, H, T, d)
        q = q[:, :, -x.shape[1] :]  # (B, H, S, d)
        r = split_heads(self.r(places), self.heads)  # (H, T, d)
        out = self.product(q, k, v, r, hidden)  # (B, H, S, d)
        joined: Tensor = self.proj(join_heads(out))  # (B, S, D)
        return joined
