"""Swin Transformer: attention within windows that shift from block to block (Liu et al. 2021).

B batch, Y and X height and width of a map, D its channels, W positions along a side of a window,
N = W * W positions in one, M windows in a map, H heads, d width of a head, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape, part
from archscope.blocks.feedforward import FeedForward
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.blocks.norm_place import PreNormBlock
from archscope.blocks.plan import lists
from archscope.blocks.relative_positions import BiasedDotProduct
from archscope.blocks.stack import stack
from archscope.families.swin.spec import Block, SwinSpec
from archscope.theory import counts
from archscope.theory.counts import ClosedForm


class Swin(nn.Module):
    """Takes an image (B, I, Y, X); returns scores (B, C)."""

    def __init__(self, spec: SwinSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        size, width = spec.patch_size, spec.d_model
        self.patch_emb = nn.Conv2d(spec.in_channels, width, size, stride=size)
        self.ln_emb = nn.LayerNorm(width)
        self.stages = nn.ModuleList(
            Stage(spec, stage, merges=number > 0)
            for number, stage in enumerate(lists(blocks).values())
        )
        self.ln_f = nn.LayerNorm(spec.width(-1))
        self.head = part("head", nn.Linear(spec.width(-1), spec.classes))

    def forward(self, image: Tensor) -> Tensor:
        """Take (B, I, Y, X), return (B, C)."""
        x = self.patch_emb(image).permute(0, 2, 3, 1).contiguous()  # (B, Y, X, D)
        x = self.ln_emb(x)  # (B, Y, X, D)
        for stage in self.stages:
            x = stage(x)  # (B, Y/2, X/2, 2 D)
        scores: Tensor = self.head(self.ln_f(x).mean((1, 2)))  # (B, C)
        return scores


class Stage(nn.Module):
    """Blocks on maps of one size; before them, in all stages but the first, a merging."""

    def __init__(self, spec: SwinSpec, blocks: Sequence[Block], *, merges: bool) -> None:
        super().__init__()
        self.merging = PatchMerging(blocks[0].width // 2) if merges else None
        self.blocks = stack(blocks, partial(_block, spec))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, Y, X, D); return (B, Y/2, X/2, 2 D), in the first stage (B, Y, X, D)."""
        x = x if self.merging is None else self.merging(x)
        for block in self.blocks:
            x = block(x)
        return x


def _block(spec: SwinSpec, block: Block) -> PreNormBlock:
    width = block.width
    return PreNormBlock(
        partial(nn.LayerNorm, width),
        WindowAttention(width, block.heads, window=spec.window, shift=block.shift),
        FeedForward(width, spec.ff_ratio * width, activation="gelu"),
    )


class PatchMerging(nn.Module):
    """Four neighbours side by side, normalised, and projected to twice the channels of one."""

    archscope_component = "patch_merging"

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, Y, X, D), return (B, Y/2, X/2, 2 D), odd sizes rounded up."""
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        corners = [x[:, y::2, z::2] for z in (0, 1) for y in (0, 1)]  # 4 x (B, Y/2, X/2, D)
        merged: Tensor = self.reduction(self.norm(torch.cat(corners, -1)))  # (B, Y/2, X/2, 2 D)
        return merged


class WindowAttention(nn.Module):
    """Attention within windows, after the map was rolled by `shift` positions along both axes.

    Rolling brings opposite borders together; what was not side by side before does not see each
    other (figure 4). A map that is one window is not rolled.
    """

    archscope_component = "attention"

    def __init__(self, width: int, heads: int, *, window: int, shift: int) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        self.shift = shift
        self.qkv = nn.Linear(width, 3 * width)
        self.bias = WindowBias(window, heads)
        self.sdpa = BiasedDotProduct()
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, Y, X, D)."""
        height, width = x.shape[1:3]
        x = F.pad(x, (0, 0, 0, -width % self.window, 0, -height % self.window))
        shifts = [self.shift if size > self.window else 0 for size in x.shape[1:3]]
        y = self._attend(_rolled(x, shifts), shifts)  # (B, Y, X, D)
        return _rolled(y, [-shift for shift in shifts])[:, :height, :width]

    def _attend(self, x: Tensor, shifts: Sequence[int]) -> Tensor:
        batch, height, width, _ = x.shape
        side = (-1, self.window)
        tiles = x.unflatten(2, side).unflatten(1, side).transpose(2, 3)  # (B, Y/W, X/W, W, W, D)
        windows = tiles.flatten(3, 4).flatten(0, 2)  # (B M, N, D)
        parts = self.qkv(windows).chunk(3, -1)  # 3 x (B M, N, D)
        q, k, v = (split_heads(part, self.heads) for part in parts)  # 3 x (B M, H, N, d)
        bias = self.bias(windows)[None]  # (1, H, N, N)
        if any(shifts):
            apart = self._apart((height, width), shifts, x.device)  # (M, N, N)
            bias = bias.masked_fill(apart[:, None], -torch.inf)  # (M, H, N, N)
            bias = bias.expand(batch, -1, -1, -1, -1).flatten(0, 1)  # (B M, H, N, N)
        out: Tensor = self.proj(join_heads(self.sdpa(q, k, v, bias)))  # (B M, N, D)
        rows = out.view(tiles.shape).transpose(2, 3)  # (B, Y/W, W, X/W, W, D)
        return rows.reshape(x.shape)  # (B, Y, X, D)

    def _apart(self, sizes: Sequence[int], shifts: Sequence[int], device: torch.device) -> Tensor:
        """Return which two positions of a window (M, N, N) were not side by side before."""
        sides = []
        for size, shift in zip(sizes, shifts, strict=True):
            place = torch.arange(size, device=device)  # (Y,)
            # What was rolled over the border lies behind the last `shift` positions.
            sides.append((place >= size - shift).unflatten(0, (-1, self.window)))  # (Y/W, W)
        rows, columns = sides
        label = rows[:, None, :, None] * 2 + columns[None, :, None, :]  # (Y/W, X/W, W, W)
        label = label.flatten(2).flatten(0, 1)  # (M, N)
        apart: Tensor = label[:, :, None] != label[:, None, :]  # (M, N, N)
        return apart


def _rolled(x: Tensor, shifts: Sequence[int]) -> Tensor:
    """Return (B, Y, X, D) with its first rows and columns, or of a negative shift last, moved."""
    for axis, shift in enumerate(shifts, start=1):
        if shift:
            first, rest = x.tensor_split((shift,), axis)
            x = torch.cat((rest, first), axis)
    return x


class WindowBias(nn.Module):
    """A learned number per head and offset within a window, (2 W - 1)^2 of them (equation 4)."""

    archscope_component = "rel_pos_or_attn_bias"

    def __init__(self, window: int, heads: int) -> None:
        super().__init__()
        self.window = window
        self.weight = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        place = torch.arange(window)  # (W,)
        apart = place[:, None] - place + window - 1  # (W, W)
        offsets = apart[:, None, :, None] * (2 * window - 1) + apart[None, :, None, :]
        self.register_buffer("index", offsets.flatten())  # (W, W, W, W), flat (N N,)
        self.index: Tensor

    def forward(self, windows: Tensor) -> Tensor:
        """Take windows (B M, N, D), return (H, N, N)."""
        size = windows.shape[1]
        bias = F.embedding(self.index, self.weight)  # (N N, H)
        return bias.t().contiguous().view(-1, size, size)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """A table that is looked up."""
        return counts.embedding(words=(2 * self.window - 1) ** 2, width=self.weight.shape[1])
