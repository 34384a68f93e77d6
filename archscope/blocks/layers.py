"""The layers of an outline for real, made of torch's own, so that the network itself can be run.

B batch, one channel, X one to three spatial dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.errors import UsageError
from archscope.subject import Inputs
from archscope.theory.combs import jump
from archscope.theory.gridding import name_of
from archscope.theory.layers import Layer, Stack, lost
from archscope.theory.outline import Outline
from archscope.theory.product import each
from archscope.theory.window import window

CHANNELS = 1
OUTPUTS_BESIDE = 8
"""Outputs beside the one whose window fits into the input, where that has no size of its own."""
Kinds = dict[int, Any]
"""torch's class for each number of axes."""
CONVOLUTIONS: Kinds = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: Kinds = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
MEANS: Kinds = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
MAXIMA: Kinds = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
RESIZED = {1: "linear", 2: "bilinear", 3: "trilinear"}

Axes = tuple[Layer, ...]
"""One layer along each axis."""
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
        self.around = {last: first for first, last in outline.skips}
        self.paths = [[_made(layer) for layer in zip(*path, strict=True)] for path in outline.paths]
        for path, made in zip(outline.paths, self.paths, strict=True):
            for number, layer in enumerate(made):
                self._register(name_of(path[0], number), layer)
        self.shortcuts = {
            first: _shortcut([stack[first : last + 1] for stack in outline.path])
            for first, last in outline.skips
        }
        for first, layer in self.shortcuts.items():
            self._register(f"shortcut{first + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, 1, X); branches are cut to the shortest."""
        found = [self._along(path, x) for path in self.paths]
        sizes = [min(each) for each in zip(*(y.shape[2:] for y in found), strict=True)]
        crop: tuple[Any, ...] = (..., *(slice(0, size) for size in sizes))
        return reduce(torch.add, (y[crop] for y in found))

    def _along(self, path: list[nn.Module], x: Tensor) -> Tensor:
        """Take (B, 1, X) through one path, with what goes around its blocks added."""
        kept: dict[int, Tensor] = {}
        for number, layer in enumerate(path):
            if number in self.shortcuts:
                kept[number] = self.shortcuts[number](x)
            x = layer(x)
            if number in self.around:
                x = x + kept.pop(self.around[number])
        return x

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
    sizes = outline.sizes or tuple(map(_roomy, zip(*outline.paths, strict=True)))
    return Inputs(args=(torch.zeros((1, CHANNELS, *sizes)),))


def _roomy(stacks: Sequence[Stack]) -> int:
    """Return positions along an axis for one window and some outputs."""
    seen = each(window, stacks)
    apart = max(abs(one.start or 0) for one in seen)
    step = max(max(one.jump, one.jump * one.period) for one in seen)
    return max(one.size for one in seen) + int(OUTPUTS_BESIDE * step) + apart % 2 + 1


def _made(layer: Axes) -> nn.Module:
    kernel, stride = tuple(one.kernel for one in layer), tuple(one.stride for one in layer)
    dilation, axes = tuple(one.dilation for one in layer), len(layer)
    match layer[0].kind:
        case "conv":
            own, around = _padding(layer, [one.span for one in layer])
            many = (CHANNELS, CHANNELS, kernel, stride, own, dilation)
            return _padded(CONVOLUTIONS[axes], around)(*many, bias=False)
        case "pool":
            own, around = _padding(layer, [one.kernel // 2 for one in layer])
            if set(dilation) == {1}:
                few = (kernel, stride, own, layer[0].ceil_mode)
                return _padded(MEANS[axes], around)(*few)
            most = (kernel, stride, own, dilation)
            return _padded(MAXIMA[axes], around)(*most, ceil_mode=layer[0].ceil_mode)
        case "transposed":
            return _transposed(layer)
        case "nearest":
            return nn.Upsample(scale_factor=tuple(map(float, stride)), mode="nearest")
        case "linear":
            return nn.Upsample(scale_factor=tuple(map(float, stride)), mode=RESIZED[axes])


def _shortcut(block: Sequence[Stack]) -> nn.Module:
    """Return the path around a block: the identity, or a kernel of 1 with the block's stride.

    Its input is cut to what the block leaves.
    """
    stride = tuple(jump(stack) for stack in block)
    cuts = [(lost(stack) // 2, lost(stack) - lost(stack) // 2) for stack in block]
    if set(stride) == {1} and not any(map(any, cuts)):
        return nn.Identity()
    around = tuple(-side for pair in reversed(cuts) for side in pair)
    kind = _padded(CONVOLUTIONS[len(block)], around if any(around) else ())
    return kind(CHANNELS, CHANNELS, 1, stride, bias=False)


def _padded(kind: type[nn.Module], around: Around) -> Callable[..., nn.Module]:
    """Return what makes a layer that adds so much around its input."""

    def make(*args: Any, **kwargs: Any) -> nn.Module:
        layer = PADDED[kind](*args, **kwargs)
        layer.around = around  # type: ignore[assignment]
        return layer

    return make if around else kind


def _padding(layer: Axes, most: Sequence[int]) -> tuple[tuple[int, ...], Around]:
    """Return the padding that torch's own layer adds, and what has to be added before it."""
    pairs = [one.padding for one in layer]
    if all(before == after <= limit for (before, after), limit in zip(pairs, most, strict=True)):
        return tuple(before for before, _ in pairs), ()
    if layer[0].ceil_mode:
        raise UsageError(
            f"{layer[0].name or layer[0].kind}: with ceil_mode torch pads all sides equally"
        )
    around = tuple(side for pair in reversed(pairs) for side in pair)  # the last axis comes first
    return (0,) * len(layer), around


def _transposed(layer: Axes) -> nn.Module:
    cuts = [one.padding[0] - one.padding[1] for one in layer]
    if not all(
        0 <= cut < max(one.stride, one.dilation) for cut, one in zip(cuts, layer, strict=True)
    ):
        raise UsageError(
            f"{layer[0].name or layer[0].kind}: torch cannot crop the output by such a padding"
        )
    made: nn.Module = TRANSPOSED[len(layer)](
        CHANNELS,
        CHANNELS,
        tuple(one.kernel for one in layer),
        stride=tuple(one.stride for one in layer),
        padding=tuple(one.padding[0] for one in layer),
        output_padding=tuple(cuts),
        bias=False,
        dilation=tuple(one.dilation for one in layer),
    )
    return made
