"""SegFormer (Xie et al. 2021).

B batch, I channels of the image, D channels of a stage, Y and X positions of its map, N = Y X of
them, M keys, K classes, E channels of the decoder, H heads, d width of a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.attention import ScaledDotProduct
from archscope.blocks.components import part
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.blocks.norm_place import PreNormBlock
from archscope.blocks.plan import lists
from archscope.blocks.residual import convolution
from archscope.blocks.stack import stack
from archscope.families.segformer.spec import KERNELS, STRIDES, Block, SegformerSpec

EPSILON = 1e-6
"""Of the norms in the encoder (the authors' code)."""
DROPOUT = 0.1


class ReducedAttention(nn.Module):
    """Attention of each position to squares of positions that became one each (equation 2)."""

    archscope_component = "attention"

    def __init__(self, width: int, heads: int, *, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.sr = nn.Conv2d(width, width, reduction, stride=reduction) if reduction > 1 else None
        self.norm = nn.LayerNorm(width) if reduction > 1 else None
        self.kv = nn.Linear(width, 2 * width)
        self.sdpa = ScaledDotProduct(causal=False)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, Y, X, D)."""
        q = split_heads(self.q(x.flatten(1, 2)), self.heads)  # (B, H, N, d)
        k, v = (split_heads(one, self.heads) for one in self.kv(self._keys(x)).chunk(2, -1))
        out: Tensor = self.proj(join_heads(self.sdpa(q, k, v)))  # (B, N, D)
        return out.view(x.shape)

    def _keys(self, x: Tensor) -> Tensor:
        """Take (B, Y, X, D), return (B, M, D)."""
        if self.sr is None or self.norm is None:
            return x.flatten(1, 2)
        reduced: Tensor = self.norm(self.sr(x.permute(0, 3, 1, 2)).flatten(2).transpose(1, 2))
        return reduced


class MixFeedForward(nn.Module):
    """fc2(gelu(dwconv(fc1(x)))): the convolution tells places apart (equation 3)."""

    archscope_component = "ffn"

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.dwconv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, Y, X, D)."""
        hidden = self.fc1(x).permute(0, 3, 1, 2)  # (B, 4 D, Y, X)
        out: Tensor = self.fc2(F.gelu(self.dwconv(hidden)).permute(0, 2, 3, 1))
        return out


class Stage(nn.Module):
    """Patches that overlap, blocks, and a norm."""

    def __init__(self, patches: nn.Conv2d, blocks: Sequence[Block], ff_ratio: int) -> None:
        super().__init__()
        width = blocks[0].width
        norm = partial(nn.LayerNorm, width, eps=EPSILON)

        def build(block: Block) -> PreNormBlock:
            attention = ReducedAttention(width, block.heads, reduction=block.reduction)
            return PreNormBlock(norm, attention, MixFeedForward(width, ff_ratio * width))

        self.patch_emb = patches
        self.ln_emb = nn.LayerNorm(width)
        self.blocks = stack(blocks, build)
        self.ln_f = norm()

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, Y, X), return (B, D, Y/s, X/s)."""
        y: Tensor = self.ln_emb(self.patch_emb(x).permute(0, 2, 3, 1))  # (B, Y/s, X/s, D)
        for block in self.blocks:
            y = block(y)
        normed: Tensor = self.ln_f(y)
        return normed.permute(0, 3, 1, 2)


class Decoder(nn.Module):
    """A linear layer on each stage's map, all at the size of the first, fused (section 3.2)."""

    archscope_component = "head"

    def __init__(self, spec: SegformerSpec) -> None:
        super().__init__()
        width = spec.decoder_channels
        self.linear_c = nn.ModuleList(nn.Linear(channels, width) for channels in spec.channels)
        self.linear_fuse = convolution(len(spec.channels) * width, width, 1)
        self.bn = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(DROPOUT)
        self.classifier = nn.Conv2d(width, spec.classes, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Take maps (B, D, Y, X), the finest first; return (B, K, Y, X) of its size."""
        size = maps[0].shape[-2:]
        taken = []
        for layer, x in zip(self.linear_c, maps, strict=True):
            y = layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # (B, E, Y, X)
            taken.append(F.interpolate(y, size=size, mode="bilinear", align_corners=False))
        fused = F.relu(self.bn(self.linear_fuse(torch.cat(taken[::-1], 1))))
        scores: Tensor = self.classifier(self.dropout(fused))
        return scores


class Segformer(nn.Module):
    """Four stages, and the decoder on all of their maps."""

    def __init__(self, spec: SegformerSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        before = spec.in_channels
        for inside, kernel, stride in zip(lists(blocks).values(), KERNELS, STRIDES, strict=True):
            width = inside[0].width
            patches = nn.Conv2d(before, width, kernel, stride, kernel // 2)
            self.stages.append(Stage(part("embeddings", patches), inside, spec.ff_ratio))
            before = width
        self.decoder = Decoder(spec)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, K, H/4, W/4)."""
        maps = []
        for stage in self.stages:
            x = stage(x)  # (B, D, H/4, W/4) to (B, D, H/32, W/32)
            maps.append(x)
        scores: Tensor = self.decoder(maps)
        return scores
