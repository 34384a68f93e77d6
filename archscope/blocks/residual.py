"""Residual blocks of 2-D networks (He et al. 2016), with the variants of their relatives.

B batch, I channels in, W channels within, O channels out, X x Y positions, x x y after the stride.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.residual_plan import Block


class BasicBlock(nn.Module):
    """relu(bn2(conv2(relu(bn1(conv1(x))))) + x), He et al. 2016, figure 5 left."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        (first, second), (stride, _) = block.dilations, block.strides
        self.residual = block.residual
        self.conv1 = convolution(block.in_channels, block.width, 3, stride=stride, dilation=first)
        self.bn1 = nn.BatchNorm2d(block.width)
        self.conv2 = convolution(block.width, block.out_channels, 3, dilation=second)
        self.bn2 = nn.BatchNorm2d(block.out_channels)
        self.downsample = _shortcut(block)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        y = F.relu(self.bn1(self.conv1(x)))  # (B, W, x, y)
        y = self.bn2(self.conv2(y))  # (B, O, x, y)
        if self.residual:
            y = y + (x if self.downsample is None else self.downsample(x))
        return F.relu(y)


class Bottleneck(nn.Module):
    """relu(bn3(conv3(relu(bn2(conv2(relu(bn1(conv1(x)))))))) + x), He et al. 2016, figure 5 right.

    With groups in conv2 it is ResNeXt's (Xie et al. 2017, figure 3c).
    """

    def __init__(self, block: Block) -> None:
        super().__init__()
        first, second = block.strides
        width, groups, (_, dilation) = block.width, block.groups, block.dilations
        self.conv1 = convolution(block.in_channels, width, 1, stride=first)
        self.bn1 = nn.BatchNorm2d(width)
        conv2 = convolution(width, width, 3, stride=second, dilation=dilation, groups=groups)
        self.conv2 = part("conv_grouped", conv2) if groups > 1 else conv2
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = convolution(width, block.out_channels, 1)
        self.bn3 = nn.BatchNorm2d(block.out_channels)
        self.downsample = _shortcut(block)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        y = F.relu(self.bn1(self.conv1(x)))  # (B, W, X, Y)
        y = F.relu(self.bn2(self.conv2(y)))  # (B, W, x, y)
        y = self.bn3(self.conv3(y))  # (B, O, x, y)
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def residual_block(block: Block) -> nn.Module:
    """Build a block of either kind."""
    return {"basic": BasicBlock, "bottleneck": Bottleneck}[block.kind](block)


def convolution(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Conv2d:
    """Return a convolution without bias that keeps the size but for its stride."""
    padding = (kernel - 1) // 2 * dilation
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups=groups, bias=False)


def projection(inputs: int, outputs: int, *, stride: int) -> nn.Sequential:
    """Return a pointwise convolution and its norm, for a path around others."""
    return nn.Sequential(convolution(inputs, outputs, 1, stride=stride), nn.BatchNorm2d(outputs))


def _shortcut(block: Block) -> nn.Module | None:
    if block.repeatable:
        return None
    return projection(block.in_channels, block.out_channels, stride=block.stride)
