"""Vision Transformer: an image as a sequence of patches (Dosovitskiy et al. 2021, equation 1 to 4).

B batch, I channels of the image, X its height and width, N patches, D width of the model,
C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from archscope.blocks.attention import Attention, ScaledDotProduct
from archscope.blocks.components import part
from archscope.blocks.feedforward import FeedForward
from archscope.blocks.norm_place import PreNormBlock
from archscope.blocks.plan import Numbered
from archscope.blocks.stack import stack
from archscope.families.vit.spec import VitSpec


class Vit(nn.Module):
    """Takes an image (B, I, X, X); returns scores (B, C), read from the class token."""

    def __init__(self, spec: VitSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        size, width = spec.patch_size, spec.d_model
        norm = partial(nn.LayerNorm, width)
        self.patch_emb = part("embeddings", nn.Conv2d(spec.in_channels, width, size, stride=size))
        self.class_token = part("embeddings", nn.Embedding(1, width))
        self.pos_emb = part("embeddings", nn.Embedding(1 + spec.patches, width))

        def block(_: Numbered) -> PreNormBlock:
            attention = Attention(width, spec.heads, ScaledDotProduct(causal=False))
            return PreNormBlock(norm, attention, FeedForward(width, spec.d_ff, activation="gelu"))

        self.blocks = stack(plan, block)
        self.ln_f = norm()
        self.head = part("head", nn.Linear(width, spec.classes))

    def forward(self, image: Tensor) -> Tensor:
        """Take (B, I, X, X), return (B, C)."""
        patches = self.patch_emb(image).flatten(2).transpose(1, 2)  # (B, N, D)
        first = self.class_token(torch.arange(1, device=image.device))  # (1, D)
        x = torch.cat((first.expand(len(patches), -1, -1), patches), dim=1)  # (B, 1 + N, D)
        x = x + self.pos_emb(torch.arange(x.shape[1], device=image.device))  # (B, 1 + N, D)
        for block in self.blocks:
            x = block(x)  # (B, 1 + N, D)
        scores: Tensor = self.head(self.ln_f(x)[:, 0])  # (B, C)
        return scores
