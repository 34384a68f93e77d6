"""The layers of an outline for real, made of torch's own, so that the network itself can be run.

B batch, one channel, X one to three spatial dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.errors import UsageError
from archscope.subject import Inputs
from archscope.theory.gridding import name_of
from archscope.theory.layers import Layer
from archscope.theory.outline import Outline
from archscope.theory.window import window

CHANNELS = 1
OUTPUTS_BESIDE = 8
"""Outputs beside the one whose window fits into the input, where that has no size of its own."""
CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
MEANS = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
MAXIMA = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
RESIZED = {1: "linear", 2: "bilinear", 3: "trilinear"}

Around = tuple[int, ...]
"""What is added around an input, as `F.pad` takes it; empty: nothing."""


class Padding(nn.Module):
    """Adds zeros before and after its input as torch's own layers cannot."""

    around: Around

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, 1, X)."""
        made: Tensor = super().forward(F.pad(x, self.around))
        return made


PADDED: dict[type[nn.Module], type[nn.Module]] = {
    base: type(f"Padded{base.__name__}", (Padding, base), {})
    for kinds in (CONVOLUTIONS, MEANS, MAXIMA)
    for base in kinds.values()
}
"""Each of torch's layers with a padding of any kind."""


class Layers(nn.Module):
    """The layers of an outline under their names; parallel branches are added up."""

    def __init__(self, outline: Outline) -> None:
        super().__init__()
        stacks = [branch.stack for branch in outline.branches] or [outline.layers]
        self.paths = [[_made(layer, outline.axes) for layer in stack] for stack in stacks]
        for stack, path in zip(stacks, self.paths, strict=True):
            for number, layer in enumerate(path):
                self._register(name_of(stack, number), layer)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, 1, X); branches are cut to the shortest."""
        found = [reduce(lambda y, layer: layer(y), path, x) for path in self.paths]
        sizes = [min(each) for each in zip(*(y.shape[2:] for y in found), strict=True)]
        crop: tuple[Any, ...] = (..., *(slice(0, size) for size in sizes))
        return reduce(torch.add, (y[crop] for y in found))

    def _register(self, name: str, layer: nn.Module) -> None:
        """Give a layer its dotted name; where one has it already, the layer keeps none."""
        *above, own = name.split(".")
        holder: nn.Module = self
        for part in above:
            if part not in holder._modules:
                holder.add_module(part, nn.Module())
            holder = holder.get_submodule(part)
        free = own not in holder._modules and own and not hasattr(holder, own)
        holder.add_module(own if free else f"{own} {len(holder._modules) + 1}", layer)


def build(outline: Outline) -> nn.Module:
    """Return the layers of an outline as a network; raises `UsageError` where torch has no such."""
    return Layers(outline)


def example_inputs(outline: Outline) -> Inputs:
    """Return an input of the outline's size, else with room for one window and some outputs."""
    size = outline.input_size or _roomy(outline)
    return Inputs(args=(torch.zeros((1, CHANNELS, *(size,) * outline.axes)),))


def _roomy(outline: Outline) -> int:
    seen = [window(branch.stack) for branch in outline.branches] or [window(outline.layers)]
    apart = max(abs(one.start or 0) for one in seen)
    step = max(max(one.jump, one.jump * one.period) for one in seen)
    return max(one.size for one in seen) + int(OUTPUTS_BESIDE * step) + apart % 2 + 1


def _made(layer: Layer, axes: int) -> nn.Module:
    match layer.kind:
        case "conv":
            own, around = _padding(layer, axes, layer.span)
            many = (CHANNELS, CHANNELS, layer.kernel, layer.stride, own, layer.dilation)
            return _padded(CONVOLUTIONS[axes], around)(*many, bias=False)
        case "pool":
            own, around = _padding(layer, axes, layer.kernel // 2)
            if layer.dilation == 1:
                few = (layer.kernel, layer.stride, own, layer.ceil_mode)
                return _padded(MEANS[axes], around)(*few)
            most = (layer.kernel, layer.stride, own, layer.dilation)
            return _padded(MAXIMA[axes], around)(*most, ceil_mode=layer.ceil_mode)
        case "transposed":
            return _transposed(layer, axes)
        case "nearest":
            return nn.Upsample(scale_factor=float(layer.stride), mode="nearest")
        case "linear":
            return nn.Upsample(scale_factor=float(layer.stride), mode=RESIZED[axes])


def _padded(kind: type[nn.Module], around: Around) -> Callable[..., nn.Module]:
    """Return what makes a layer that adds so much around its input."""

    def make(*args: Any, **kwargs: Any) -> nn.Module:
        layer = PADDED[kind](*args, **kwargs)
        layer.around = around  # type: ignore[assignment]
        return layer

    return make if around else kind


def _padding(layer: Layer, axes: int, most: int) -> tuple[int, Around]:
    """Return the padding that torch's own layer adds, and what has to be added before it."""
    before, after = layer.padding
    if before == after <= most:
        return before, ()
    if layer.ceil_mode:
        raise UsageError(
            f"{layer.name or layer.kind}: torch pads with ceil_mode alike on all sides"
        )
    return 0, (before, after) * axes


def _transposed(layer: Layer, axes: int) -> nn.Module:
    before, after = layer.padding
    if not 0 <= before - after < max(layer.stride, layer.dilation):
        raise UsageError(f"{layer.name or layer.kind}: torch cuts no such padding off the output")
    return TRANSPOSED[axes](
        CHANNELS,
        CHANNELS,
        layer.kernel,
        stride=layer.stride,
        padding=before,
        output_padding=before - after,
        bias=False,
        dilation=layer.dilation,
    )
