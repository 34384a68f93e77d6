"""Inverted residual blocks (Sandler et al. 2018), with squeeze-and-excitation or without.

B batch, I channels in, E expanded channels, O channels out, X x Y positions, x x y after the
stride.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from archscope.blocks.inverted_residual_plan import Block
from archscope.blocks.residual import convolution
from archscope.blocks.squeeze_excitation import SqueezeExcitation

ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
}


class ConvNormActivation(nn.Sequential):
    """A convolution without bias that keeps the size but for its stride, a norm, an activation."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        activation: str | None,
    ) -> None:
        conv = convolution(inputs, outputs, kernel, stride=stride, dilation=dilation, groups=groups)
        super().__init__(conv, nn.BatchNorm2d(outputs))
        if activation is not None:
            self.append(ACTIVATIONS[activation]())


class InvertedResidual(nn.Module):
    """project(excite(depthwise(expand(x)))) + x; the sum where both have one shape.

    The last convolution has no activation: the bottleneck is linear (Sandler et al. 2018,
    section 3.2). Fused, one full convolution expands (Tan & Le 2021, EfficientNetV2, figure 2).
    """

    def __init__(self, block: Block) -> None:
        super().__init__()
        within = block.expanded
        self.block = _fused(block) if block.fused else _depthwise(block)
        if block.squeezed:
            self.block.append(SqueezeExcitation(within, block.squeezed, gate=block.gate))
        if block.projects:
            self.block.append(ConvNormActivation(within, block.out_channels, 1, activation=None))
        self.residual = block.repeatable

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        y: Tensor = self.block(x)  # (B, O, x, y)
        return y + x if self.residual else y


def _depthwise(block: Block) -> nn.Sequential:
    """Build the pointwise convolution that expands, if any, and the depthwise one."""
    within, act, found = block.expanded, block.activation, nn.Sequential()
    if block.expands:
        found.append(ConvNormActivation(block.in_channels, within, 1, activation=act))
    found.append(
        ConvNormActivation(
            within,
            within,
            block.kernel,
            stride=block.stride,
            dilation=block.dilation,
            groups=within,
            activation=act,
        )
    )
    return found


def _fused(block: Block) -> nn.Sequential:
    """Build the full convolution that expands or, where nothing does, makes the output."""
    return nn.Sequential(
        ConvNormActivation(
            block.in_channels,
            block.expanded if block.projects else block.out_channels,
            block.kernel,
            stride=block.stride,
            dilation=block.dilation,
            activation=block.activation,
        )
    )
