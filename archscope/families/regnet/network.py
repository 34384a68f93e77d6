"""RegNet (Radosavovic et al. 2020), named as in torchvision, but blocks by their number.

B batch, I channels in, O channels out, C classes, H x W and X x Y positions, x x y after the
stride, s output stride.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.inverted_residual import ConvNormActivation
from archscope.blocks.plan import lists
from archscope.blocks.residual import projection
from archscope.blocks.squeeze_excitation import SqueezeExcitation
from archscope.blocks.stack import sequence
from archscope.families.regnet.spec import STEM, Block, RegNetSpec


class BottleneckBlock(nn.Module):
    """relu(c(excite(b(a(x)))) + x), all of one width (paper, figure 4)."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        before, width, stride = block.in_channels, block.out_channels, block.stride
        self.proj = None if block.repeatable else projection(before, width, stride=stride)
        self.f = nn.Sequential()
        self.f.add_module("a", ConvNormActivation(before, width, 1, activation="relu"))
        grouped = ConvNormActivation(
            width, width, 3, stride=stride, groups=block.groups, activation="relu"
        )
        self.f.add_module("b", part("conv_grouped", grouped) if block.groups > 1 else grouped)
        if block.squeezed:
            squeeze = SqueezeExcitation(width, block.squeezed, gate="sigmoid", activation="relu")
            self.f.add_module("se", squeeze)
        self.f.add_module("c", ConvNormActivation(width, width, 1, activation=None))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        y = self.f(x)  # (B, O, x, y)
        return F.relu(y + (x if self.proj is None else self.proj(x)))


class RegNet(nn.Module):
    """A stem of stride 2, stages of blocks, the mean over all positions and a linear layer."""

    def __init__(self, spec: RegNetSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.stem = ConvNormActivation(spec.in_channels, STEM, 3, stride=2, activation="relu")
        self.trunk_output = nn.Sequential()
        for path, inside in lists(blocks).items():
            self.trunk_output.add_module(path.rpartition(".")[2], sequence(inside, BottleneckBlock))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = part("head", nn.Linear(blocks[-1].out_channels, spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = self.trunk_output(self.stem(x))  # (B, O, H/s, W/s)
        scores: Tensor = self.fc(self.avgpool(x).flatten(1))  # (B, C)
        return scores
