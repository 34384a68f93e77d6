"""Squeeze-and-excitation (Hu, Shen & Sun 2018, section 3).

B batch, C channels, S squeezed channels, X x Y positions.
"""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def hardsigmoid(x: Tensor) -> Tensor:
    """relu6(x + 3) / 6 (Howard et al. 2019, section 5.2)."""
    return F.relu6(x + 3) / 6


GATES: Mapping[str, tuple[type[nn.Module], Callable[[Tensor], Tensor]]] = {
    "sigmoid": (nn.SiLU, torch.sigmoid),
    "hardsigmoid": (nn.ReLU, hardsigmoid),
}
"""The usual activation within, and what makes factors of it: EfficientNet's, and MobileNetV3's."""

ACTIVATIONS: Mapping[str, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU}
"""The activations within that a network may name."""


class SqueezeExcitation(nn.Module):
    """x times gate(fc2(activation(fc1(mean of x over all positions)))), channel by channel."""

    archscope_component = "squeeze_excite"

    def __init__(
        self, channels: int, squeezed: int, *, gate: str, activation: str | None = None
    ) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        usual, self.gate = GATES[gate]
        self.activation = ACTIVATIONS[activation]() if activation else usual()

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, C, X, Y)."""
        mean = self.avgpool(x)  # (B, C, 1, 1)
        factors = self.gate(self.fc2(self.activation(self.fc1(mean))))  # (B, C, 1, 1)
        return x * factors
