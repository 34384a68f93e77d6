"""XLNet: an encoder with the relative attention of Transformer-XL (Yang et al. 2019).

B batch, S positions, P = 2 S distances, D width of the model, H heads, d width of a head. The
second stream, which predicts tokens in a random order, is for pre-training alone: it shares all
weights but the vector that it starts from.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.feedforward import FeedForward
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.blocks.norm_place import PostNormBlock
from archscope.blocks.plan import Numbered
from archscope.blocks.relative_attention import RelativeDotProduct, sinusoids_of
from archscope.blocks.stack import stack
from archscope.families.xlnet.spec import XlnetSpec


class Xlnet(nn.Module):
    """Takes tokens (B, S) and the segment of each (B, S); returns features (B, S, D)."""

    def __init__(self, spec: XlnetSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        norm = partial(nn.LayerNorm, spec.d_model)
        self.tok_emb = part("embeddings", nn.Embedding(spec.vocab_size, spec.d_model))
        self.mask_emb = part("embeddings", nn.Embedding(1, spec.d_model))  # of the second stream

        def block(_: Numbered) -> PostNormBlock:
            mlp = FeedForward(spec.d_model, spec.d_ff, activation="gelu")
            return PostNormBlock(norm, XlnetAttention(spec), mlp)

        self.blocks = stack(plan, block)

    def forward(self, tokens: Tensor, segment: Tensor | None = None) -> Tensor:
        """Take (B, S) and (B, S), return (B, S, D)."""
        x = self.tok_emb(tokens)  # (B, S, D)
        length = x.shape[1]
        # How far the key is before the query. No key is S before, but the authors' code begins so.
        distance = torch.arange(length, -length, -1, device=x.device)  # (P,)
        places = sinusoids_of(distance, x)  # (P, D)
        apart = None
        if segment is not None:
            apart = (segment[:, :, None] != segment[:, None])[:, None]  # (B, 1, S, S)
        for block in self.blocks:
            x = block(x, places, apart)  # (B, S, D)
        features: Tensor = x
        return features


class XlnetAttention(nn.Module):
    """Projections without biases of tokens and distances, around the relative product."""

    archscope_component = "attention"

    def __init__(self, spec: XlnetSpec) -> None:
        super().__init__()
        linear = partial(nn.Linear, spec.d_model, spec.d_model, bias=False)
        self.heads = spec.heads
        self.q, self.k, self.v, self.r = linear(), linear(), linear(), linear()
        self.product = RelativeDotProduct(spec.heads, spec.d_model // spec.heads, segments=True)
        self.proj = linear()

    def forward(self, x: Tensor, places: Tensor, apart: Tensor | None) -> Tensor:
        """Take (B, S, D), the distances (P, D) and (B, 1, S, S); return (B, S, D)."""
        q, k, v = (
            split_heads(layer(x), self.heads) for layer in (self.q, self.k, self.v)
        )  # (B, H, S, d)
        r = split_heads(self.r(places), self.heads)  # (H, P, d)
        out = self.product(q, k, v, r, None, apart)  # (B, H, S, d)
        joined: Tensor = self.proj(join_heads(out))  # (B, S, D)
        return joined
