"""SqueezeNet (Iandola et al. 2016), named as in torchvision.

B batch, I channels in, S squeezed channels, O channels out, C classes, H x W and X x Y positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.stack import sequence
from archscope.families.squeezenet.spec import STEMS, Place, SqueezeNetSpec

DROPOUT = 0.5


class Fire(nn.Module):
    """relu(expand1x1(s)) beside relu(expand3x3(s)), s = relu(squeeze(x)); paper, figure 1."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(place.in_channels, place.squeezed, 1)
        self.expand1x1 = nn.Conv2d(place.squeezed, place.pointwise, 1)
        self.expand3x3 = nn.Conv2d(place.squeezed, place.wide, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, X, Y)."""
        x = F.relu(self.squeeze(x))  # (B, S, X, Y)
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    """Fire modules and pools, then a pointwise convolution to the classes and the mean of all."""

    def __init__(self, spec: SqueezeNetSpec, places: Sequence[Place]) -> None:
        super().__init__()
        kernel, _ = STEMS[spec.version]
        self.features = sequence(places, lambda place: _made(place, kernel))
        convolution = nn.Conv2d(places[-1].out_channels, spec.classes, 1)
        layers = nn.Dropout(DROPOUT), convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        self.classifier = part("head", nn.Sequential(*layers))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        scores: Tensor = self.classifier(self.features(x))  # (B, C, 1, 1)
        return scores.flatten(1)


def _made(place: Place, kernel: int) -> nn.Module:
    match place.kind:
        case "convolution":
            return nn.Conv2d(place.in_channels, place.out_channels, kernel, stride=2)
        case "activation":
            return nn.ReLU()
        case "pool":
            return nn.MaxPool2d(3, stride=2, ceil_mode=True)
        case _:
            return Fire(place)
