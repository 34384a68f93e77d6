"""DenseNet (Huang et al. 2017), named as in torchvision.

B batch, I channels in, K growth rate, O channels out, C classes, H x W and X x Y positions, s
output stride.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.residual import convolution
from archscope.families.densenet.spec import DenseNetSpec, widths


class DenseLayer(nn.Sequential):
    """Norm, activation and convolution: of 1x1 to a few times K channels, then of 3x3 to K."""

    def __init__(self, channels: int, spec: DenseNetSpec) -> None:
        super().__init__()
        growth, within = spec.growth_rate, spec.bottleneck * spec.growth_rate
        pairs = [(channels, within, 1), (within, growth, 3)] if within else [(channels, growth, 3)]
        for number, (inputs, outputs, kernel) in enumerate(pairs, start=1):
            self.add_module(f"norm{number}", nn.BatchNorm2d(inputs))
            self.add_module(f"relu{number}", nn.ReLU())
            self.add_module(f"conv{number}", convolution(inputs, outputs, kernel))


class DenseBlock(nn.Module):
    """Layers that each read the block's input and the outputs of all layers before it."""

    def __init__(self, channels: int, layers: int, spec: DenseNetSpec) -> None:
        super().__init__()
        for number in range(layers):
            layer = DenseLayer(channels + number * spec.growth_rate, spec)
            self.add_module(f"denselayer{number + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, I + layers * K, X, Y)."""
        found = [x]
        for layer in self.children():
            found.append(layer(torch.cat(found, 1)))  # (B, K, X, Y)
        return torch.cat(found, 1)


class Transition(nn.Sequential):
    """Norm, activation, a convolution of 1x1 to fewer channels, and a mean of 2x2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.relu = nn.ReLU()
        self.conv = convolution(inputs, outputs, 1)
        self.pool = nn.AvgPool2d(2)


class DenseNet(nn.Module):
    """A stem, dense blocks with a transition after each but the last, and a linear layer."""

    def __init__(self, spec: DenseNetSpec) -> None:
        super().__init__()
        self.features = _stem(spec)
        rows = list(zip(spec.blocks, widths(spec), strict=True))
        for number, (layers, (channels, after, kept)) in enumerate(rows, start=1):
            self.features.add_module(f"denseblock{number}", DenseBlock(channels, layers, spec))
            if number < len(rows):
                self.features.add_module(f"transition{number}", Transition(after, kept))
        outputs = rows[-1][1][1]
        self.features.add_module(f"norm{len(rows) + 1}", nn.BatchNorm2d(outputs))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = part("head", nn.Linear(outputs, spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = F.relu(self.features(x))  # (B, O, H/s, W/s)
        scores: Tensor = self.classifier(self.avgpool(x).flatten(1))  # (B, C)
        return scores


def _stem(spec: DenseNetSpec) -> nn.Sequential:
    found = nn.Sequential()
    inputs, outputs = spec.in_channels, spec.stem_channels
    if spec.stem == "3x3":
        found.add_module("conv0", convolution(inputs, outputs, 3))
        return found
    found.add_module("conv0", convolution(inputs, outputs, 7, stride=2))
    found.add_module("norm0", nn.BatchNorm2d(outputs))
    found.add_module("relu0", nn.ReLU())
    found.add_module("pool0", nn.MaxPool2d(3, stride=2, padding=1))
    return found
