"""The layers of `archscope.theory` for real, so that what theory says of them can be tried.

B batch, C channels, X one to three spatial dimensions, S positions of a sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from archscope.blocks.attention import ScaledDotProduct, WindowDotProduct
from archscope.theory.layers import Layer, Stack
from archscope.theory.outline import Outline

CHANNELS = 2
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
POOLS: dict[int, Callable[..., Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
RESIZED = {1: "linear", 2: "bilinear", 3: "trilinear"}

Network = Callable[[Tensor], Tensor]


def build(outline: Outline, *, axes: int, generator: torch.Generator) -> Network:
    """Return the layers of `outline` on so many axes as a linear function in float64.

    All weights are positive, so that nothing cancels: an output depends on an input exactly where a
    path leads there. Takes and returns (B, C, X); parallel branches are added up.
    """
    if outline.attention:
        return _attention(outline)
    if outline.windowed:
        return _chain([_window(layer) for layer in outline.layers])
    stacks = [branch.stack for branch in outline.branches] or [outline.layers]
    paths = [_path(stack, axes, generator) for stack in stacks]

    def run(x: Tensor) -> Tensor:
        found = [path(x) for path in paths]  # each (B, C, X)
        size = [min(sizes) for sizes in zip(*(y.shape[2:] for y in found), strict=True)]
        crop: tuple[Any, ...] = (..., *(slice(0, length) for length in size))
        return torch.stack([y[crop] for y in found]).sum(0)

    return run


def _chain(parts: Sequence[Network]) -> Network:
    def run(x: Tensor) -> Tensor:
        for part in parts:
            x = part(x)
        return x

    return run


def _path(stack: Stack, axes: int, generator: torch.Generator) -> Network:
    return _chain([_layer(layer, axes, generator) for layer in stack])


def _layer(layer: Layer, axes: int, generator: torch.Generator) -> Network:
    match layer.kind:
        case "conv":
            weight = _weight(layer, axes, generator)
            return lambda x: CONVOLUTIONS[axes](
                F.pad(x, layer.padding * axes), weight, stride=layer.stride, dilation=layer.dilation
            )
        case "transposed":
            weight = _weight(layer, axes, generator)
            return lambda x: TRANSPOSED[axes](
                x,
                weight,
                stride=layer.stride,
                padding=layer.padding[0],
                output_padding=layer.padding[0] - layer.padding[1],
                dilation=layer.dilation,
            )
        case "pool":
            return lambda x: POOLS[axes](
                x, layer.kernel, layer.stride, layer.padding[0], layer.ceil_mode
            )
        case "nearest":
            return lambda x: F.interpolate(x, scale_factor=float(layer.stride), mode="nearest")
        case "linear":
            return lambda x: F.interpolate(
                x, scale_factor=float(layer.stride), mode=RESIZED[axes], align_corners=False
            )


def _weight(layer: Layer, axes: int, generator: torch.Generator) -> Tensor:
    shape = (CHANNELS, CHANNELS, *(layer.kernel,) * axes)
    weight = torch.rand(shape, generator=generator, dtype=torch.float64, device="cpu") + 0.5
    return weight.div(CHANNELS * layer.kernel**axes)  # about 1 in sum, so that nothing overflows


def _attention(outline: Outline) -> Network:
    return _chain([_mixed(ScaledDotProduct(causal=block.causal)) for block in outline.attention])


def _window(layer: Layer) -> Network:
    causal = layer.padding[0] == layer.span
    return _mixed(WindowDotProduct(window=layer.kernel, dilation=layer.dilation, causal=causal))


def _mixed(product: torch.nn.Module) -> Network:
    """Return attention that weighs all keys which it sees alike: queries and keys are 0."""

    def run(x: Tensor) -> Tensor:
        values = x.transpose(1, 2)[:, None]  # (B, 1, S, C)
        zeros = torch.zeros_like(values)
        out: Tensor = product(zeros, zeros, values)  # (B, 1, S, C)
        return out[:, 0].transpose(1, 2)  # (B, C, S)

    return run
