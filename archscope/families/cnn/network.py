"""Stacks of convolutions of a plan: that of a `CnnSpec`'s fields, or of a sentence's words.

B batch, I channels in, O channels out, C classes, X one to three spatial dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.channels_first_norm import ChannelsFirstNorm
from archscope.blocks.components import Shape, part
from archscope.blocks.stack import stack
from archscope.families.cnn.plan import Headed, Layer, Step
from archscope.theory.counts import ClosedForm, convolution, positions_of
from archscope.theory.layers import Layer as Axis

Kinds = Mapping[int, Callable[..., nn.Module]]
"""torch's class for each number of axes."""
CONVOLUTIONS: Kinds = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: Kinds = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
MAXIMA: Kinds = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
MEANS: Kinds = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
BATCH_NORMS: Kinds = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
INSTANCE_NORMS: Kinds = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": F.relu,
    "gelu": F.gelu,
    "silu": F.silu,
    "elu": F.elu,
    "leaky-relu": F.leaky_relu,
    "tanh": F.tanh,
    "sigmoid": F.sigmoid,
    "hardswish": F.hardswish,
}
Pads = tuple[int, ...]
"""What is added around a map, as `F.pad` takes it; negative: cut off; empty: nothing."""


class Cnn(nn.Module):
    """Blocks one after the other, and a classifier where there is one.

    Takes (B, I, X), returns (B, O, X) or (B, C).
    """

    def __init__(self, spec: Headed, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.blocks = stack(layers, built)
        self.head = spec.classifier
        self.classifier = None
        if self.head is not None:
            linear = nn.Linear(layers[-1].out_channels, self.head.classes, bias=self.head.bias)
            self.classifier = part("head", linear)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X), return (B, O, X) or (B, C)."""
        for block in self.blocks:
            x = block(x)  # (B, O, X)
        if self.head is None or self.classifier is None:
            return x
        pooled = x[..., -1] if self.head.reads_last else x.flatten(2).mean(-1)  # (B, O)
        scores: Tensor = self.classifier(pooled)  # (B, C)
        return scores


def built(layer: Layer) -> nn.Module:
    """Return the module of a layer: one of torch's own, a convolution block, or a residual one."""
    step, axes = layer.step, len(layer.in_sizes)
    match step.kind:
        case "conv" | "transposed":
            return ConvolutionBlock(layer)
        case "residual":
            return ResidualBlock(layer)
        case "max-pool":
            windows = (step.kernel, step.stride, step.padding, step.dilation)
            return MAXIMA[axes](*windows, ceil_mode=step.ceil)
        case "avg-pool":
            return MEANS[axes](step.kernel, step.stride, step.padding, step.ceil)
        case "nearest" | "linear":
            mode = LINEAR[axes] if step.kind == "linear" else "nearest"
            return nn.Upsample(scale_factor=tuple(map(float, step.stride)), mode=mode)
        case "norm":
            return norm_of(step, layer.in_channels, axes) or nn.Identity()
        case "activation":
            return Activation(step.activation)


class Activation(nn.Module):
    """One of the activations by itself."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.function = ACTIVATIONS[name]

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, I, X)."""
        return self.function(x)


class ConvolutionBlock(nn.Module):
    """activation(norm(convolution(x)) + x); the norm and the sum where the step asks for them.

    A depthwise-separable convolution is two, each with its norm and activation (Howard et al.
    2017, figure 3). What goes around goes through a convolution of kernel size 1 where shapes
    differ.
    """

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        step, axes, channels = layer.step, len(layer.in_sizes), layer.in_channels
        self.activation = ACTIVATIONS[step.activation]
        self.mode = "constant" if step.mode == "zeros" else step.mode
        self.pads = _pads(layer)
        self.separable = step.separable
        if self.separable:
            self.depthwise = _convolution(layer, channels, channels)
            self.depthwise_norm = norm_of(step, channels, axes)
            one = {"groups": layer.groups, "bias": step.bias}
            self.pointwise = CONVOLUTIONS[axes](channels, layer.out_channels, 1, **one)
        else:
            self.conv = _convolution(layer, layer.out_channels, layer.groups)
        self.norm = norm_of(step, layer.out_channels, axes)
        self.residual = step.residual
        self.shortcut, self.around = _shortcut(layer) if step.residual else (None, ())

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X), return (B, O, X)."""
        y = F.pad(x, self.pads, mode=self.mode) if self.pads else x  # (B, I, X + pads)
        y = self.depthwise(y) if self.separable else self.conv(y)  # (B, I, X) or (B, O, X)
        if self.separable:
            y = y if self.depthwise_norm is None else self.depthwise_norm(y)
            y = self.pointwise(self.activation(y))  # (B, O, X)
        y = y if self.norm is None else self.norm(y)
        if self.residual:
            y = y + _around(x, self.around, self.shortcut)
        return self.activation(y)


class ResidualBlock(nn.Module):
    """activation(layers(x) + x)."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layers = nn.ModuleList(map(built, layer.inner))
        self.activation = ACTIVATIONS[layer.step.activation]
        self.shortcut, self.around = _shortcut(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X), return (B, O, X)."""
        y = x
        for layer in self.layers:
            y = layer(y)
        return self.activation(y + _around(x, self.around, self.shortcut))


class Cropping(nn.Module):
    """Cuts off more of a transposed convolution's output than torch's own does."""

    crops: Pads
    weight: Tensor
    bias: Tensor | None
    groups: int

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X), return (B, O, X)."""
        made: Tensor = F.pad(super().forward(x), self.crops)
        return made

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """As of the whole convolution: what is cut off has been computed."""
        channels, outputs, *kernel = self.weight.shape
        return convolution(
            positions=positions_of(inputs[0]),
            inputs=channels,
            outputs=outputs * self.groups,
            kernel=tuple(kernel),
            groups=self.groups,
            bias=self.bias is not None,
        )


CROPPED: Kinds = {
    axes: type(f"Cropped{kind.__name__}", (Cropping, kind), {})
    for axes, kind in ((1, nn.ConvTranspose1d), (2, nn.ConvTranspose2d), (3, nn.ConvTranspose3d))
}


def norm_of(step: Step, channels: int, axes: int) -> nn.Module | None:
    """Return the norm of a step; an instance norm has no weights, as torch's by default."""
    match step.norm:
        case "batch":
            return BATCH_NORMS[axes](channels)
        case "layer":
            return ChannelsFirstNorm(channels)
        case "group":
            return nn.GroupNorm(step.groups_of_norm(channels), channels)
        case "instance":
            return INSTANCE_NORMS[axes](channels)
    return None


def _convolution(layer: Layer, channels: int, groups: int) -> nn.Module:
    """Return the convolution of a layer with as much of its padding as torch's own can do."""
    step, axes = layer.step, len(layer.in_sizes)
    crops = _crops(layer)
    kinds = CROPPED if crops else TRANSPOSED if step.kind == "transposed" else CONVOLUTIONS
    if step.kind == "transposed":
        inside = tuple(axis.padding[0] if _is_torchs(axis) else 0 for axis in layer.along)
        more: dict[str, Any] = {"output_padding": tuple(map(_output_padding, layer.along))}
    else:
        inside = tuple(0 if _pads(layer) else axis.padding[0] for axis in layer.along)
        more = {"padding_mode": step.mode}
    made = kinds[axes](
        layer.in_channels,
        channels,
        step.kernel,
        stride=step.stride,
        padding=inside,
        dilation=step.dilation,
        groups=groups,
        bias=step.bias,
        **more,
    )
    if crops:
        made.crops = crops  # type: ignore[assignment]
    return made


def _pads(layer: Layer) -> Pads:
    """Return what is padded first; nothing where the convolution pads by itself, without a copy."""
    sides = [axis.padding for axis in layer.along]
    if layer.step.kind == "transposed" or all(before == after for before, after in sides):
        return ()
    return _flat(sides)


def _is_torchs(axis: Axis) -> bool:
    """Return whether torch's own transposed convolution leaves off so much along an axis."""
    before, after = axis.padding
    return 0 <= before - after < max(axis.stride, axis.dilation)


def _output_padding(axis: Axis) -> int:
    before, after = axis.padding
    return before - after if _is_torchs(axis) else max(-after, 0)


def _crops(layer: Layer) -> Pads:
    """Return what is cut off the output of a transposed convolution, as torch's own cannot."""
    if layer.step.kind != "transposed" or all(map(_is_torchs, layer.along)):
        return ()
    sides = [(0, 0) if _is_torchs(axis) else axis.padding for axis in layer.along]
    return _flat([(-before, -max(after, 0)) for before, after in sides])


def _shortcut(layer: Layer) -> tuple[nn.Module | None, Pads]:
    """Return the projection around a block, if it takes one, and what its input is cut by."""
    cuts = [(-before, -after) for before, after in layer.cuts]
    around = _flat(cuts) if any(map(any, cuts)) else ()
    if not layer.is_projected:
        return None, around
    strides, axes = layer.strides or 1, len(layer.in_sizes)
    channels = (layer.in_channels, layer.out_channels)
    one = CONVOLUTIONS[axes](*channels, 1, stride=strides, bias=layer.step.bias)
    return one, around


def _around(x: Tensor, pads: Pads, shortcut: nn.Module | None) -> Tensor:
    """Take (B, I, X), return (B, O, X) of what goes around a block."""
    x = F.pad(x, pads) if pads else x
    return x if shortcut is None else shortcut(x)


def _flat(sides: Sequence[tuple[int, int]]) -> Pads:
    return tuple(side for pair in reversed(sides) for side in pair)  # the last axis comes first
