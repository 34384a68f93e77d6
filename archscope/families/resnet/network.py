"""Residual networks for images (He et al. 2016), named as in torchvision.

B batch, I channels in, O channels of the last stage, C classes, H x W positions, s output stride.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.plan import lists
from archscope.blocks.residual import convolution, residual_block
from archscope.blocks.residual_plan import Block
from archscope.blocks.stack import sequence
from archscope.families.resnet.spec import ResNetSpec


class ResNetBody(nn.Module):
    """The convolutions: a stem of 7x7 and a pool, both of stride 2, and four stages of blocks."""

    def __init__(self, spec: ResNetSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.conv1 = convolution(spec.in_channels, spec.stem_channels, 7, stride=2)
        self.bn1 = nn.BatchNorm2d(spec.stem_channels)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stage_channels: dict[str, int] = {}
        for path, inside in lists(blocks).items():
            stage = path.rpartition(".")[2]
            self.add_module(stage, sequence(inside, residual_block))
            self.stage_channels[stage] = inside[-1].out_channels

    def stages(self, x: Tensor) -> list[Tensor]:
        """Return the output of each stage."""
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))  # (B, 64, H/4, W/4)
        found: list[Tensor] = []
        for stage in self.stage_channels:
            x = self.get_submodule(stage)(x)
            found.append(x)
        return found


class ResNet(ResNetBody):
    """The convolutions, the mean over all positions, and one linear layer."""

    def __init__(self, spec: ResNetSpec, blocks: Sequence[Block]) -> None:
        super().__init__(spec, blocks)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = part("head", nn.Linear(blocks[-1].out_channels, spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        features = self.stages(x)[-1]  # (B, O, H/s, W/s)
        scores: Tensor = self.fc(self.avgpool(features).flatten(1))  # (B, C)
        return scores
