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
        self.conv1 = conv3x3(block.in_channels, block.width, stride=stride, dilation=first)
        self.bn1 = nn.BatchNorm2d(block.width)
        self.conv2 = conv3x3(block.width, block.out_channels, dilation=second)
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
        self.conv1 = conv1x1(block.in_channels, block.width, stride=first)
        self.bn1 = nn.BatchNorm2d(block.width)
        self.conv2 = conv3x3(
            block.width,
            block.width,
            stride=second,
            dilation=block.dilations[1],
            groups=block.groups,
        )
        self.bn2 = nn.BatchNorm2d(block.width)
        self.conv3 = conv1x1(block.width, block.out_channels)
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


def conv1x1(inputs: int, outputs: int, *, stride: int = 1) -> nn.Conv2d:
    """Return a pointwise convolution without bias."""
    return nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)


def conv3x3(
    inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Conv2d:
    """Return a convolution of 3x3 without bias that keeps the size but for its stride."""
    conv = nn.Conv2d(
        inputs,
        outputs,
        3,
        stride=stride,
        padding=dilation,
        dilation=dilation,
        groups=groups,
        bias=False,
    )
    return part("conv_grouped", conv) if groups > 1 else conv


def _shortcut(block: Block) -> nn.Module | None:
    if not block.projects:
        return None
    return nn.Sequential(
        conv1x1(block.in_channels, block.out_channels, stride=block.stride),
        nn.BatchNorm2d(block.out_channels),
    )
