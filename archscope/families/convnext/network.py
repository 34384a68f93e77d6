"""ConvNeXt (Liu et al. 2022) and ConvNeXt V2 (Woo et al. 2023), numbered as in torchvision.

B batch, I channels in, D channels of a stage, C classes, H x W and X x Y positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.channels_first_norm import ChannelsFirstNorm
from archscope.blocks.components import Shape, part
from archscope.blocks.plan import Step, lists
from archscope.blocks.stack import sequence
from archscope.families.convnext.spec import EXPANSION, KERNEL, STEM, ConvNextSpec
from archscope.theory.counts import ClosedForm, normalisation

SCALE = 1e-6
EPSILON = 1e-6


class LayerScale(nn.Module):
    """x times one learnt factor per channel, in the end of a block (Touvron et al. 2021)."""

    archscope_component = "layer_scale"

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), SCALE))

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, X, Y, D)."""
        return x * self.gamma

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """A factor for each channel."""
        return normalisation(width=self.gamma.numel(), weight=True, bias=False)


class GlobalResponseNorm(nn.Module):
    """gamma (x * n) + beta + x, n each channel's norm over their mean (Woo et al. 2023, eq. 3)."""

    archscope_component = "norms"

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, X, Y, D)."""
        norm = x.pow(2).sum((1, 2), keepdim=True).pow(0.5)  # (B, 1, 1, D)
        response = norm / (norm.mean((-1,), keepdim=True) + EPSILON)  # (B, 1, 1, D)
        return self.gamma * (x * response) + self.beta + x

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """A scale and a shift for each channel."""
        return normalisation(width=self.gamma.numel(), weight=True, bias=True)


class ConvNextBlock(nn.Module):
    """x + scale(pointwise2(gelu(pointwise1(norm(depthwise(x)))))), Liu et al. 2022, figure 4.

    V2 has no scale, but a response normalisation after the activation.
    """

    def __init__(self, block: Step, *, is_v1: bool) -> None:
        super().__init__()
        width, wide = block.in_channels, EXPANSION * block.in_channels
        self.depthwise = nn.Conv2d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.pointwise1 = part("ffn_pointwise_linear", nn.Linear(width, wide))
        self.response_norm = None if is_v1 else GlobalResponseNorm(wide)
        self.pointwise2 = part("ffn_pointwise_linear", nn.Linear(wide, width))
        self.scale = LayerScale(width) if is_v1 else None

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, D, X, Y)."""
        y = self.depthwise(x).permute(0, 2, 3, 1).contiguous()  # (B, X, Y, D)
        y = F.gelu(self.pointwise1(self.norm(y)))  # (B, X, Y, 4D)
        y = y if self.response_norm is None else self.response_norm(y)
        y = self.pointwise2(y)  # (B, X, Y, D)
        y = y if self.scale is None else self.scale(y)
        out: Tensor = x + y.permute(0, 3, 1, 2)
        return out


class ConvNext(nn.Module):
    """A stem of 4x4, four stages with a halving before each but the first, and a linear layer."""

    def __init__(self, spec: ConvNextSpec, blocks: Sequence[Step]) -> None:
        super().__init__()
        first, last = spec.channels[0], spec.channels[-1]
        stem = nn.Conv2d(spec.in_channels, first, STEM, stride=STEM)
        self.features = nn.Sequential(nn.Sequential(stem, ChannelsFirstNorm(first, eps=EPSILON)))
        build, before = partial(ConvNextBlock, is_v1=spec.version == "v1"), 0
        for stage in lists(blocks).values():
            channels = stage[0].in_channels
            if before:
                halve = nn.Conv2d(before, channels, 2, stride=2)
                self.features.append(nn.Sequential(ChannelsFirstNorm(before, eps=EPSILON), halve))
            self.features.append(sequence(stage, build))
            before = channels
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.norm = nn.LayerNorm(last, eps=EPSILON)
        self.fc = part("head", nn.Linear(last, spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = self.features(x)  # (B, D, H/32, W/32)
        scores: Tensor = self.fc(self.norm(self.avgpool(x).flatten(1)))  # (B, C)
        return scores
