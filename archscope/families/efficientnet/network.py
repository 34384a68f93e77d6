"""EfficientNet (Tan & Le 2019), named as in torchvision.

B batch, I channels in, O channels of the last convolution, C classes, H x W positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.inverted_residual import ConvNormActivation, InvertedResidual
from archscope.blocks.numbered import numbered

if TYPE_CHECKING:
    from archscope.blocks.inverted_residual_spec import Block
    from archscope.families.efficientnet.spec import EfficientNetSpec

DROPOUT = 0.2


class EfficientNet(nn.Module):
    """A stem, seven stages of inverted residuals, a pointwise convolution and a linear layer."""

    def __init__(
        self, spec: EfficientNetSpec, stages: Sequence[Sequence[Block]], *, last: int
    ) -> None:
        """Build stages, and before the linear layer a convolution to `last` channels."""
        super().__init__()
        channels = stages[0][0].in_channels
        self.features = nn.Sequential(
            ConvNormActivation(spec.in_channels, channels, 3, stride=2, activation="silu")
        )
        for stage in stages:
            self.features.append(numbered(stage, InvertedResidual))
            channels = stage[-1].out_channels
        self.features.append(ConvNormActivation(channels, last, 1, activation="silu"))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        linear = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(last, spec.classes))
        self.classifier = part("head", linear)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = self.features(x)  # (B, O, H/32, W/32)
        scores: Tensor = self.classifier(self.avgpool(x).flatten(1))  # (B, C)
        return scores
