"""VGG (Simonyan & Zisserman 2015, section 2.1), named as in torchvision.

B batch, I channels in, O channels of the last stage, F hidden features, C classes, H x W positions.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.plan import Step
from archscope.blocks.stack import sequence
from archscope.families.vgg.spec import POOLED, VggSpec

DROPOUT = 0.5


class Vgg(nn.Module):
    """Convolutions of 3x3 and pools, then three linear layers."""

    def __init__(self, spec: VggSpec, places: Sequence[Step]) -> None:
        super().__init__()
        self.features = sequence(places, _layer)
        self.avgpool = nn.AdaptiveAvgPool2d(POOLED)
        linear = nn.Sequential(
            nn.Linear(spec.channels[-1] * POOLED**2, spec.d_ff),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(spec.d_ff, spec.d_ff),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(spec.d_ff, spec.classes),
        )
        self.classifier = part("head", linear)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = self.features(x)  # (B, O, H/32, W/32)
        x = self.avgpool(x).flatten(1)  # (B, O * 7 * 7)
        scores: Tensor = self.classifier(x)  # (B, C)
        return scores


def _layer(place: Step) -> nn.Module:
    match place.kind:
        case "convolution":
            return nn.Conv2d(place.in_channels, place.out_channels, 3, padding=1)
        case "norm":
            return nn.BatchNorm2d(place.in_channels)
        case "activation":
            return nn.ReLU()
        case _:
            return nn.MaxPool2d(2)
