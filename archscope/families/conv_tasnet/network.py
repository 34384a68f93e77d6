"""Conv-TasNet (Luo & Mesgarani 2019, section II), named as in torchaudio.

B batch, T samples, N filters, F frames, C channels between blocks, H channels within, S sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.blocks.stack import stack
from archscope.families.conv_tasnet.spec import Block, ConvTasNetSpec
from archscope.theory import counts
from archscope.theory.counts import ClosedForm

EPSILON = 1e-8


class ConvTasNet(nn.Module):
    """Takes a mixture (B, 1, T); returns its sources (B, S, T)."""

    def __init__(self, spec: ConvTasNetSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.sources, self.spare = spec.sources, spec.spare
        window, stride = spec.filter_length, spec.stride
        self.encoder = nn.Conv1d(1, spec.filters, window, stride, stride, bias=False)
        self.mask_generator = MaskGenerator(spec, blocks)
        self.decoder = nn.ConvTranspose1d(spec.filters, 1, window, stride, stride, bias=False)

    def forward(self, mixture: Tensor) -> Tensor:
        """Take (B, 1, T), return (B, S, T)."""
        frames = self.encoder(F.pad(mixture, (0, self.spare)))  # (B, N, F)
        masked = self.mask_generator(frames) * frames[:, None]  # (B, S, N, F)
        sounds: Tensor = self.decoder(masked.flatten(0, 1))  # (B S, 1, T + spare)
        sounds = sounds.view(-1, self.sources, sounds.shape[-1])  # (B, S, T + spare)
        return sounds[..., : mixture.shape[-1]]


class MaskGenerator(nn.Module):
    """Blocks whose skips are added up, and a mask for each source and filter."""

    def __init__(self, spec: ConvTasNetSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.sources = spec.sources
        self.input_norm = _norm(spec, spec.filters)
        self.input_conv = nn.Conv1d(spec.filters, spec.bottleneck_channels, 1)
        self.conv_layers = stack(blocks, partial(ConvBlock, spec))
        self.output_prelu = nn.PReLU()
        self.output_conv = nn.Conv1d(spec.bottleneck_channels, spec.filters * spec.sources, 1)
        self.mask_activate = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}[spec.mask]()

    def forward(self, frames: Tensor) -> Tensor:
        """Take (B, N, F), return (B, S, N, F)."""
        x = self.input_conv(self.input_norm(frames))  # (B, C, F)
        skips = None
        for block in self.conv_layers:
            x, skips = block(x, skips)  # 2 x (B, C, F)
        masks = self.mask_activate(self.output_conv(self.output_prelu(skips)))  # (B, S N, F)
        out: Tensor = masks.unflatten(1, (self.sources, -1))  # (B, S, N, F)
        return out


class ConvBlock(nn.Module):
    """Pointwise, depthwise and dilated, then two pointwise: to the next block and to the skips.

    The skips of all blocks are added up on the way, so that a block can stand for others.
    """

    def __init__(self, spec: ConvTasNetSpec, block: Block) -> None:
        super().__init__()
        through, within = spec.bottleneck_channels, spec.hidden_channels
        reach = (spec.kernel_size - 1) * block.dilation
        past = reach if spec.causal else reach // 2
        self.pads = (past, reach - past)
        self.conv1 = nn.Conv1d(through, within, 1)
        self.prelu1 = nn.PReLU()
        self.norm1 = _norm(spec, within)
        self.depthwise = nn.Conv1d(
            within, within, spec.kernel_size, dilation=block.dilation, groups=within
        )
        self.prelu2 = nn.PReLU()
        self.norm2 = _norm(spec, within)
        self.res_out = nn.Conv1d(within, through, 1) if block.residual else None
        self.skip_out = nn.Conv1d(within, through, 1)

    def forward(self, x: Tensor, skips: Tensor | None) -> tuple[Tensor, Tensor]:
        """Take (B, C, F) and the skips before it (B, C, F), return both."""
        y = self.norm1(self.prelu1(self.conv1(x)))  # (B, H, F)
        y = self.norm2(self.prelu2(self.depthwise(F.pad(y, self.pads))))  # (B, H, F)
        skip: Tensor = self.skip_out(y)  # (B, C, F)
        x = x if self.res_out is None else x + self.res_out(y)
        return x, skip if skips is None else skips + skip


class CumulativeLayerNorm(nn.Module):
    """Mean and variance over all channels of all frames so far (equations 10 to 12)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, channels, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, C, F)."""
        _, channels, frames = x.shape
        count = torch.arange(1, frames + 1, device=x.device) * channels  # (F,)
        mean = x.sum(1, keepdim=True).cumsum(-1) / count  # (B, 1, F)
        square = x.pow(2).sum(1, keepdim=True).cumsum(-1) / count  # (B, 1, F)
        scale = (square - mean.pow(2) + EPSILON).rsqrt()  # (B, 1, F)
        return (x - mean) * scale * self.weight + self.bias

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """A scale and a shift for each channel."""
        return counts.normalisation(width=self.weight.numel(), weight=True, bias=True)


def _norm(spec: ConvTasNetSpec, channels: int) -> nn.Module:
    if spec.norm == "global":
        return nn.GroupNorm(1, channels, eps=EPSILON)
    return nn.BatchNorm1d(channels) if spec.norm == "batchnorm" else CumulativeLayerNorm(channels)
