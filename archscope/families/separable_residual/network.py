"""Xception (Chollet 2017, figure 5).

B batch, I channels in, O channels out, C classes, X x Y positions, x x y after the stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.plan import lists
from archscope.blocks.residual import convolution, projection
from archscope.blocks.stack import sequence
from archscope.families.separable_residual.spec import Block, XceptionSpec

FIRST = 32
"""Channels of the first convolution (figure 5)."""
FLOWS = ("entry", "middle", "exit")
EXIT = (1536, 2048)
"""Channels of the separable convolutions after the last block."""


class SeparableConvolution(nn.Module):
    """bn(pointwise(depthwise(x))): nothing stands between the two (section 4.7)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = convolution(inputs, inputs, 3, groups=inputs)
        self.pointwise = convolution(inputs, outputs, 1)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, X, Y)."""
        out: Tensor = self.bn(self.pointwise(self.depthwise(x)))
        return out


class XceptionBlock(nn.Module):
    """pool(conv2(relu(conv1(relu(x))))) + skip(x)."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.starts_with_relu = block.starts_with_relu
        self.convolutions = len(block.channels) - 1
        for number, channels in enumerate(pairwise(block.channels), start=1):
            self.add_module(f"conv{number}", SeparableConvolution(*channels))
        self.pool = nn.MaxPool2d(3, stride=2, padding=1) if block.stride > 1 else None
        self.skip = None
        if block.stride > 1 or block.in_channels != block.out_channels:
            self.skip = projection(block.in_channels, block.out_channels, stride=block.stride)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        y = x
        for number in range(1, self.convolutions + 1):
            y = F.relu(y) if number > 1 or self.starts_with_relu else y
            y = self.get_submodule(f"conv{number}")(y)  # (B, O, X, Y)
        y = y if self.pool is None else self.pool(y)  # (B, O, x, y)
        return y + (x if self.skip is None else self.skip(x))


class Xception(nn.Module):
    """The entry, middle and exit flow, the mean over all positions, and one linear layer."""

    def __init__(self, spec: XceptionSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        second = blocks[0].in_channels
        self.conv1 = nn.Conv2d(spec.in_channels, FIRST, 3, stride=2, bias=False)
        self.bn1 = nn.BatchNorm2d(FIRST)
        self.conv2 = nn.Conv2d(FIRST, second, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(second)
        flows = lists(blocks)
        for flow in FLOWS:
            self.add_module(flow, sequence(flows.get(flow, ()), XceptionBlock))
        self.conv3 = SeparableConvolution(blocks[-1].out_channels, EXIT[0])
        self.conv4 = SeparableConvolution(*EXIT)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = part("head", nn.Linear(EXIT[1], spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = F.relu(self.bn1(self.conv1(x)))  # (B, 32, H/2, W/2)
        x = F.relu(self.bn2(self.conv2(x)))  # (B, 64, H/2, W/2)
        for flow in FLOWS:
            x = self.get_submodule(flow)(x)  # (B, 1024, H/32, W/32) in the end
        x = F.relu(self.conv4(F.relu(self.conv3(x))))  # (B, 2048, H/32, W/32)
        scores: Tensor = self.fc(self.avgpool(x).flatten(1))  # (B, C)
        return scores
