"""ShuffleNet V2 (Ma et al. 2018), named as in torchvision.

B batch, I channels in, O channels out, C classes, H x W and X x Y positions, x x y after the
stride, s output stride.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.inverted_residual import ConvNormActivation
from archscope.blocks.plan import Step, lists
from archscope.blocks.stack import sequence
from archscope.families.shufflenet.spec import ShuffleNetSpec


class Unit(nn.Module):
    """shuffle(branch1(a) beside branch2(b)), Ma et al. 2018, figure 3 c and d.

    a and b are halves of the channels and branch1 the identity; of a block that strides both
    branches read all channels.
    """

    def __init__(self, block: Step) -> None:
        super().__init__()
        stride, half = block.stride, block.out_channels // 2
        self.splits = block.kind == "split"
        self.branch1 = nn.Sequential()
        if not self.splits:
            self.branch1.extend([*_depthwise(block.in_channels, stride)])
            self.branch1.extend([*_pointwise(block.in_channels, half)])
        inputs = half if self.splits else block.in_channels
        layers = *_pointwise(inputs, half), *_depthwise(half, stride), *_pointwise(half, half)
        self.branch2 = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        first, second = x.chunk(2, 1) if self.splits else (x, x)
        return shuffled(torch.cat([self.branch1(first), self.branch2(second)], 1))


class ShuffleNet(nn.Module):
    """A stem and a pool of stride 2, stages of units, a pointwise convolution, a linear layer."""

    def __init__(self, spec: ShuffleNetSpec, blocks: Sequence[Step]) -> None:
        super().__init__()
        stem, last = spec.stem_channels, spec.last_channels
        self.conv1 = ConvNormActivation(spec.in_channels, stem, 3, stride=2, activation="relu")
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages = [*lists(blocks)]
        for path, inside in lists(blocks).items():
            self.add_module(path, sequence(inside, Unit))
        self.conv5 = ConvNormActivation(blocks[-1].out_channels, last, 1, activation="relu")
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = part("head", nn.Linear(last, spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = self.maxpool(self.conv1(x))  # (B, 24, H/4, W/4)
        for stage in self.stages:
            x = self.get_submodule(stage)(x)
        x = self.conv5(x)  # (B, 1024, H/s, W/s)
        scores: Tensor = self.fc(self.avgpool(x).flatten(1))  # (B, C)
        return scores


def shuffled(x: Tensor) -> Tensor:
    """Put the channels of both halves in turns: (B, O, x, y) as it comes."""
    halves: Tensor = x.unflatten(1, (2, -1))  # (B, 2, O/2, x, y)
    out: Tensor = halves.transpose(1, 2).flatten(1, 2)
    return out


def _pointwise(inputs: int, outputs: int) -> nn.Sequential:
    return ConvNormActivation(inputs, outputs, 1, activation="relu")


def _depthwise(channels: int, stride: int) -> nn.Sequential:
    return ConvNormActivation(
        channels, channels, 3, stride=stride, groups=channels, activation=None
    )
