"""Dilated residual networks (Yu, Koltun & Funkhouser 2017), named as in the authors' code.

B batch, I channels in, O channels of the last level, C classes, H x W positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.plan import Step, lists
from archscope.blocks.residual import convolution, residual_block
from archscope.blocks.stack import sequence
from archscope.families.drn.spec import DrnSpec, Part


class NormedConvolution(nn.Module):
    """relu(bn(conv(x)))."""

    def __init__(self, plan: Step) -> None:
        super().__init__()
        self.conv = convolution(
            plan.in_channels, plan.out_channels, 3, stride=plan.stride, dilation=plan.dilation
        )
        self.bn = nn.BatchNorm2d(plan.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        return F.relu(self.bn(self.conv(x)))


class Drn(nn.Module):
    """A convolution of 7x7, levels of blocks, the mean over all positions, one linear layer."""

    def __init__(self, spec: DrnSpec, parts: Sequence[Part]) -> None:
        super().__init__()
        is_resnet = spec.arch == "a"
        channels, stride = parts[0].in_channels, 2 if is_resnet else 1
        self.conv1 = convolution(spec.in_channels, channels, 7, stride=stride)
        self.bn1 = nn.BatchNorm2d(channels)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1) if is_resnet else None
        levels = lists(parts)
        for path, level in levels.items():
            self.add_module(path, sequence(level, _build))
        self.levels = tuple(levels)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = part("head", nn.Linear(parts[-1].out_channels, spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = F.relu(self.bn1(self.conv1(x)))  # (B, 16, H, W), of arch a (B, 64, H/2, W/2)
        x = x if self.maxpool is None else self.maxpool(x)
        for level in self.levels:
            x = self.get_submodule(level)(x)
        # x is (B, O, H/8, W/8)
        scores: Tensor = self.fc(self.avgpool(x).flatten(1))  # (B, C)
        return scores


def _build(plan: Part) -> nn.Module:
    return NormedConvolution(plan) if isinstance(plan, Step) else residual_block(plan)
