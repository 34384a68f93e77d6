"""EfficientNet (Tan & Le 2019) and EfficientNetV2 (Tan & Le 2021), named as in torchvision.

B batch, I channels in, O channels of the last convolution, C classes, H x W positions.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.inverted_residual import ConvNormActivation, InvertedResidual
from archscope.blocks.inverted_residual_plan import Block
from archscope.blocks.plan import lists
from archscope.blocks.stack import sequence
from archscope.families.efficientnet.spec import EfficientNetSpec, last_channels

DROPOUT = 0.2


class EfficientNet(nn.Module):
    """A stem, stages of inverted residuals, a pointwise convolution and a linear layer."""

    def __init__(self, spec: EfficientNetSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        first, before = blocks[0].in_channels, blocks[-1].out_channels
        last = last_channels(spec)
        self.features = nn.Sequential(
            ConvNormActivation(spec.in_channels, first, 3, stride=2, activation="silu")
        )
        for stage in lists(blocks).values():
            self.features.append(sequence(stage, InvertedResidual))
        self.features.append(ConvNormActivation(before, last, 1, activation="silu"))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        linear = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(last, spec.classes))
        self.classifier = part("head", linear)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = self.features(x)  # (B, O, H/32, W/32)
        scores: Tensor = self.classifier(self.avgpool(x).flatten(1))  # (B, C)
        return scores
