"""CLIP (Radford et al. 2021, sections 2.3 and 2.4), named as in the authors' code.

B images and as many texts, X their height and width, N patches, D width of an encoder, S tokens,
E features in which both are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.attention import Attention, ScaledDotProduct
from archscope.blocks.components import Shape, part
from archscope.blocks.feedforward import FeedForward
from archscope.blocks.norm_place import PreNormBlock
from archscope.blocks.plan import Numbered, lists
from archscope.blocks.stack import sequence
from archscope.families.clip.spec import IMAGES, TEXTS, ClipSpec
from archscope.theory.counts import ClosedForm

TEMPERATURE = 0.07
"""By which similarities are divided at first (section 2.5)."""


class Clip(nn.Module):
    """Takes images (B, 3, X, X) and texts (B, S); returns how like each is to each, (B, B)."""

    def __init__(self, spec: ClipSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        stacks, width = lists(plan), spec.text_d_model
        self.visual = ImageEncoder(spec, stacks[IMAGES])
        self.token_embedding = nn.Embedding(spec.vocab_size, width)
        self.positional_embedding = nn.Embedding(spec.max_positions, width)
        self.transformer = Transformer(
            stacks[TEXTS], width, spec.text_heads, spec.text_d_ff, spec.activation, causal=True
        )
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = part("head", nn.Linear(width, spec.projection_dim, bias=False))
        self.logit_scale = nn.Parameter(torch.tensor(log(1 / TEMPERATURE)))

    def forward(self, images: Tensor, texts: Tensor) -> Tensor:
        """Take (B, 3, X, X) and (B, S), return (B, B): images by texts."""
        image = F.normalize(self.visual(images), dim=-1)  # (B, E)
        text = F.normalize(self.encode_text(texts), dim=-1)  # (B, E)
        return self.logit_scale.exp() * image @ text.t()  # (B, B)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Each image meets each text; what scales them is one number."""
        width = self.text_projection.out_features
        return ClosedForm(params="1", macs="B*B*e", symbols={"B": output[0], "e": width})

    def encode_text(self, texts: Tensor) -> Tensor:
        """Take (B, S), return (B, E), read where the highest token stands, which ends a text."""
        places = torch.arange(texts.shape[1], device=texts.device)  # (S,)
        x = self.token_embedding(texts) + self.positional_embedding(places)  # (B, S, D)
        x = self.ln_final(self.transformer(x))  # (B, S, D)
        end = texts.argmax(dim=-1)[:, None, None].expand(-1, 1, x.shape[-1])  # (B, 1, D)
        out: Tensor = self.text_projection(x.gather(1, end)[:, 0])  # (B, E)
        return out


class ImageEncoder(nn.Module):
    """A Vision Transformer with a norm before its first block, read from the class token."""

    def __init__(self, spec: ClipSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        size, width = spec.patch_size, spec.d_model
        self.conv1 = part("embeddings", nn.Conv2d(3, width, size, stride=size, bias=False))
        self.class_embedding = nn.Embedding(1, width)
        self.positional_embedding = nn.Embedding(1 + spec.patches, width)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer(
            plan, width, spec.heads, spec.d_ff, spec.activation, causal=False
        )
        self.ln_post = nn.LayerNorm(width)
        self.proj = part("head", nn.Linear(width, spec.projection_dim, bias=False))

    def forward(self, images: Tensor) -> Tensor:
        """Take (B, 3, X, X), return (B, E)."""
        patches = self.conv1(images).flatten(2).transpose(1, 2)  # (B, N, D)
        first = self.class_embedding(torch.arange(1, device=images.device))  # (1, D)
        x = torch.cat((first.expand(len(patches), -1, -1), patches), dim=1)  # (B, 1 + N, D)
        x = x + self.positional_embedding(torch.arange(x.shape[1], device=images.device))
        x = self.transformer(self.ln_pre(x))  # (B, 1 + N, D)
        out: Tensor = self.proj(self.ln_post(x[:, 0]))  # (B, E)
        return out


class Transformer(nn.Module):
    """Blocks with norms before their parts."""

    def __init__(
        self,
        plan: Sequence[Numbered],
        width: int,
        heads: int,
        d_ff: int | None,
        activation: str,
        *,
        causal: bool,
    ) -> None:
        super().__init__()

        def block(_: Numbered) -> PreNormBlock:
            attention = Attention(width, heads, ScaledDotProduct(causal=causal))
            hidden = d_ff or 4 * width
            feed_forward = FeedForward(width, hidden, activation=activation)
            return PreNormBlock(partial(nn.LayerNorm, width), attention, feed_forward)

        self.resblocks = sequence(plan, block)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        out: Tensor = self.resblocks(x)  # (B, S, D)
        return out
