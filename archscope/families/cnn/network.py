"""Stacks of convolutions of any `CnnSpec`.

B batch, I channels in, O channels out, C classes, X one to three spatial dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.stack import stack
from archscope.families.cnn.spec import CnnSpec, Layer

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": F.relu,
    "gelu": F.gelu,
    "silu": F.silu,
}


class Cnn(nn.Module):
    """Convolution blocks one after the other, and a classifier where there is one.

    Takes (B, I, X), returns (B, O, X) or (B, C).
    """

    def __init__(self, spec: CnnSpec, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.causal = spec.causal
        self.blocks = stack(layers, partial(ConvolutionBlock, spec))
        self.classifier = None
        if spec.head == "classifier":
            channels = layers[-1].out_channels
            self.classifier = part("head", nn.Linear(channels, spec.classes, bias=spec.bias))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X), return (B, O, X) or (B, C)."""
        for block in self.blocks:
            x = block(x)  # (B, O, X)
        if self.classifier is None:
            return x
        pooled = x[..., -1] if self.causal else x.flatten(2).mean(-1)  # (B, O)
        scores: Tensor = self.classifier(pooled)  # (B, C)
        return scores


class ConvolutionBlock(nn.Module):
    """activation(norm(convolution(x)) + x); the norm and the sum where the spec asks for them.

    A depthwise-separable convolution is two, each with its norm and activation (Howard et al.
    2017, figure 3). The sum goes through a convolution of kernel size 1 where shapes differ.
    """

    def __init__(self, spec: CnnSpec, layer: Layer) -> None:
        super().__init__()
        channels = (layer.in_channels, layer.out_channels)
        one = partial(CONVOLUTIONS[spec.spatial_dims], *channels, 1, bias=spec.bias)
        self.activation = ACTIVATIONS[spec.activation]
        self.pads = _pads_outside(spec, layer)
        self.separable = spec.conv == "depthwise-separable"
        if self.separable:
            self.depthwise = _convolution(spec, layer, layer.in_channels, layer.in_channels)
            self.depthwise_norm = _norm(spec, layer.in_channels)
            self.pointwise = one()
        else:
            self.conv = _convolution(spec, layer, layer.out_channels, layer.groups)
        self.norm = _norm(spec, layer.out_channels)
        self.residual = spec.residual
        fits = channels[0] == channels[1] and layer.stride == 1
        self.shortcut = one(stride=layer.stride) if spec.residual and not fits else None

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X), return (B, O, X)."""
        y = F.pad(x, self.pads) if self.pads else x  # (B, I, X + pads)
        if self.separable:
            y = self.depthwise(y)  # (B, I, X)
            y = y if self.depthwise_norm is None else self.depthwise_norm(y)
            y = self.pointwise(self.activation(y))  # (B, O, X)
        else:
            y = self.conv(y)  # (B, O, X)
        y = y if self.norm is None else self.norm(y)
        if self.residual:
            y = y + (x if self.shortcut is None else self.shortcut(x))
        return self.activation(y)


def _convolution(spec: CnnSpec, layer: Layer, out_channels: int, groups: int) -> nn.Module:
    inside = not _pads_outside(spec, layer)
    return CONVOLUTIONS[spec.spatial_dims](
        layer.in_channels,
        out_channels,
        layer.kernel_size,
        stride=layer.stride,
        padding=layer.pad_before if inside else 0,
        dilation=layer.dilation,
        groups=groups,
        bias=spec.bias,
    )


def _pads_outside(spec: CnnSpec, layer: Layer) -> tuple[int, ...]:
    """Return pads for `F.pad`, or none where the convolution can pad by itself, without a copy."""
    if layer.pad_before == layer.pad_after:
        return ()
    return (layer.pad_before, layer.pad_after) * spec.spatial_dims


def _norm(spec: CnnSpec, channels: int) -> nn.Module | None:
    return NORMS[spec.spatial_dims](channels) if spec.norm == "batchnorm" else None
