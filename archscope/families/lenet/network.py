"""LeNet and its like (LeCun et al. 1998, section II), named as in PyTorch's examples.

B batch, I channels in, O channels of the last convolution, C classes, H x W positions, P those of
the last map.
"""

from __future__ import annotations

from itertools import cycle, pairwise

from torch import nn

from archscope.blocks.components import part
from archscope.families.lenet.spec import LeNetSpec, positions

POOLS = {"avg": nn.AvgPool2d, "max": nn.MaxPool2d}
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


class LeNet(nn.Sequential):
    """Convolutions with pools, then linear layers: (B, I, H, W) to (B, C)."""

    def __init__(self, spec: LeNetSpec) -> None:
        super().__init__()
        self._convolutions(spec)
        self.flatten = nn.Flatten()  # (B, O * P * P)
        self._linear(spec)

    def _convolutions(self, spec: LeNetSpec) -> None:
        shapes = pairwise((spec.in_channels, *spec.channels))
        rows = zip(shapes, cycle(spec.kernels), cycle(spec.pools), strict=False)
        for number, ((inputs, outputs), kernel, pooled) in enumerate(rows, start=1):
            conv = nn.Conv2d(inputs, outputs, kernel, padding=spec.padding)
            self.add_module(f"conv{number}", conv)
            self.add_module(f"act{number}", ACTIVATIONS[spec.activation]())
            if pooled > 1:
                self.add_module(f"pool{number}", POOLS[spec.pool](pooled))

    def _linear(self, spec: LeNetSpec) -> None:
        flat = spec.channels[-1] * positions(spec) ** 2
        shapes = list(pairwise((flat, *spec.hidden, spec.classes)))
        for number, (inputs, outputs) in enumerate(shapes, start=1):
            self.add_module(f"fc{number}", part("head", nn.Linear(inputs, outputs)))
            if number < len(shapes):
                self.add_module(f"fc_act{number}", ACTIVATIONS[spec.activation]())
