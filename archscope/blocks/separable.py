"""Depthwise-separable convolutions: one per channel, then a pointwise one.

B batch, I channels in, O channels out, X x Y positions, x x y after the stride.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.residual import convolution


class SeparableConvolution(nn.Module):
    """bn(pointwise(depthwise(x))): nothing between the two (Chollet 2017, section 4.7), or a norm.

    With activations, one follows each norm.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        between: Literal["nothing", "norm"],
        activates: bool = False,
    ) -> None:
        super().__init__()
        self.activates = activates
        self.depthwise = convolution(
            inputs, inputs, 3, stride=stride, dilation=dilation, groups=inputs
        )
        self.bn_depthwise = nn.BatchNorm2d(inputs) if between == "norm" else None
        self.pointwise = convolution(inputs, outputs, 1)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        x = self.depthwise(x)  # (B, I, x, y)
        if self.bn_depthwise is not None:
            x = self.bn_depthwise(x)
        x = F.relu(x) if self.activates else x
        out: Tensor = self.bn(self.pointwise(x))  # (B, O, x, y)
        return F.relu(out) if self.activates else out
