"""ViTDet (Li et al. 2022), and the encoder of SAM (Kirillov et al. 2023), which is like it.

B batch, I channels of the image, Y and X patches along its sides, D width of the model, H heads,
d width of a head, W positions along a side of what attends, M windows, C channels of the neck.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.channels_first_norm import ChannelsFirstNorm
from archscope.blocks.components import Shape, part
from archscope.blocks.feedforward import FeedForward
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.blocks.norm_place import PreNormBlock
from archscope.blocks.plan import Numbered
from archscope.blocks.relative_positions import BiasedDotProduct
from archscope.blocks.residual import convolution
from archscope.blocks.stack import stack
from archscope.families.vitdet.spec import WINDOW, VitDetSpec
from archscope.theory import mixing_counts
from archscope.theory.counts import ClosedForm

EPSILON = 1e-6
"""Of all norms (the authors' code)."""


class AxialBias(nn.Module):
    """Scores of a query with the offset to a key, along each axis (Li et al. 2022, MViTv2, eq. 4).

    Unlike a learnt number for each offset they depend on the query.
    """

    archscope_component = "rel_pos_or_attn_bias"

    def __init__(self, side: int, width: int) -> None:
        super().__init__()
        self.side = side
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, width))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, width))

    def forward(self, q: Tensor) -> Tensor:
        """Take queries (B, H, W W, d), return (B, H, W W, W W)."""
        q = q.unflatten(2, (self.side, self.side))  # (B, H, W, W, d)
        rows = torch.einsum("bhyxd,ykd->bhyxk", q, self._offsets(self.rel_pos_h))
        columns = torch.einsum("bhyxd,xkd->bhyxk", q, self._offsets(self.rel_pos_w))
        both = rows[..., :, None] + columns[..., None, :]  # (B, H, W, W, W, W)
        return both.flatten(4).flatten(2, 3)

    def _offsets(self, table: Tensor) -> Tensor:
        place = torch.arange(self.side, device=table.device)  # (W,)
        return F.embedding(place[:, None] - place + self.side - 1, table)  # (W, W, d)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Two tables of 2 W - 1 offsets; each query meets W of them along each axis."""
        batch, heads, queries, width = inputs[0]
        return mixing_counts.axial_bias(
            batch=batch, heads=heads, queries=queries, side=self.side, width=width
        )


class Attention(nn.Module):
    """Attention within windows, which are padded at the end of the map, or over the whole map."""

    archscope_component = "attention"

    def __init__(self, spec: VitDetSpec, *, side: int, windows: bool) -> None:
        super().__init__()
        self.heads, self.side, self.windows = spec.heads, side, windows
        self.qkv = nn.Linear(spec.d_model, 3 * spec.d_model)
        self.bias = AxialBias(side, spec.d_model // spec.heads) if spec.relative else None
        self.sdpa = BiasedDotProduct()
        self.proj = nn.Linear(spec.d_model, spec.d_model)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, Y, X, D)."""
        height, width = x.shape[1:3]
        if not self.windows:
            return self._attend(x.flatten(1, 2)).view(x.shape)
        x = F.pad(x, (0, 0, 0, -width % self.side, 0, -height % self.side))
        inner = (-1, self.side)
        tiles = x.unflatten(2, inner).unflatten(1, inner).transpose(2, 3)  # (B, ., ., W, W, D)
        y = self._attend(tiles.flatten(3, 4).flatten(0, 2))  # (B M, W W, D)
        rows = y.view(tiles.shape).transpose(2, 3)
        return rows.reshape(x.shape)[:, :height, :width]

    def _attend(self, x: Tensor) -> Tensor:
        """Take and return (B M, W W, D)."""
        q, k, v = (split_heads(one, self.heads) for one in self.qkv(x).chunk(3, -1))
        bias = None if self.bias is None else self.bias(q)  # (B M, H, W W, W W)
        out: Tensor = self.proj(join_heads(self.sdpa(q, k, v, bias)))
        return out


class Vit(nn.Module):
    """The Transformer, whose positions are a map from the first block to the last."""

    def __init__(self, spec: VitDetSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        size, width = spec.patch_size, spec.d_model
        norm = partial(nn.LayerNorm, width, eps=EPSILON)
        self.places, self.reads_class_token = spec.places, spec.reads_class_token
        self.patch_emb = part("embeddings", nn.Conv2d(spec.in_channels, width, size, stride=size))
        positions = spec.places**2 + spec.reads_class_token
        self.pos_emb = part("embeddings", nn.Embedding(positions, width))

        def block(plan: Numbered) -> PreNormBlock:
            windows = plan.kind == WINDOW
            side = spec.window if windows else spec.side
            attention = Attention(spec, side=side, windows=windows)
            hidden = spec.ff_ratio * width
            return PreNormBlock(norm, attention, FeedForward(width, hidden, activation="gelu"))

        self.blocks = stack(plan, block)

    def forward(self, image: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, D, Y, X)."""
        x: Tensor = self.patch_emb(image).permute(0, 2, 3, 1)  # (B, Y, X, D)
        x = x + self._positions(x)
        for block in self.blocks:
            x = block(x)  # (B, Y, X, D)
        return x.permute(0, 3, 1, 2)

    def _positions(self, x: Tensor) -> Tensor:
        """Return (1, Y, X, D), resized where others were learnt than there are."""
        first = int(self.reads_class_token)
        numbers = torch.arange(first, first + self.places**2, device=x.device)
        table: Tensor = self.pos_emb(numbers).unflatten(0, (self.places, self.places))[None]
        if table.shape[1:3] == x.shape[1:3]:
            return table
        resized = F.interpolate(
            table.permute(0, 3, 1, 2), size=x.shape[1:3], mode="bicubic", align_corners=False
        )
        return resized.permute(0, 2, 3, 1)


class VitDet(nn.Module):
    """The Transformer, and maps of several sizes from its last one alone (figure 1 right)."""

    def __init__(self, spec: VitDetSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        self.net = Vit(spec, plan)
        width = spec.d_model
        if spec.neck == "single":
            self.necks = ["neck"]
            self.neck = part("pyramid", _fused(width, spec.channels))
            return
        doubled = partial(nn.ConvTranspose2d, kernel_size=2, stride=2)
        finest = (
            doubled(width, width // 2),
            ChannelsFirstNorm(width // 2, eps=EPSILON),
            nn.GELU(),
            doubled(width // 2, width // 4),
        )
        before: dict[str, tuple[Sequence[nn.Module], int]] = {
            "simfp_2": (finest, width // 4),
            "simfp_3": ((doubled(width, width // 2),), width // 2),
            "simfp_4": ((), width),
            "simfp_5": ((nn.MaxPool2d(2, stride=2),), width),
        }
        self.necks = list(before)
        for name, (layers, channels) in before.items():
            made = nn.Sequential(*layers, *_fused(channels, spec.channels))
            self.add_module(name, part("pyramid", made))
        self.p6 = nn.MaxPool2d(1, stride=2)

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        """Take (B, I, H, W), return maps (B, C, 4 Y, 4 X) to (B, C, Y/4, X/4), or one of Y, X."""
        x = self.net(image)  # (B, D, Y, X)
        maps = [self.get_submodule(name)(x) for name in self.necks]
        return maps[0] if len(maps) == 1 else [*maps, self.p6(maps[-1])]


def _fused(inputs: int, channels: int) -> nn.Sequential:
    """Return a pointwise convolution and one of 3x3, with a norm after each."""
    return nn.Sequential(
        convolution(inputs, channels, 1),
        ChannelsFirstNorm(channels, eps=EPSILON),
        convolution(channels, channels, 3),
        ChannelsFirstNorm(channels, eps=EPSILON),
    )
