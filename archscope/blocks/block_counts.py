"""Blocks that several families share in closed form, from their plans. No torch.

Each is what the module of the same plan builds: see `residual`, `inverted_residual`, `separable`
and `squeeze_excitation`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from archscope.blocks import inverted_residual_plan, residual_plan
from archscope.blocks.map_counts import Maps, Walk, convolved, norm, normed
from archscope.theory.census import Counted, repeated


def residual(x: Maps, block: residual_plan.Block) -> Walk:
    """Yield a residual block of either kind, its projection last."""
    y, width, strides = x, block.width, block.strides
    if block.kind == "basic":
        first, second = block.dilations
        y = yield from normed(y, width, 3, stride=strides[0], dilation=first)
        y = yield from normed(y, block.out_channels, 3, dilation=second)
    else:
        _, dilation = block.dilations
        y = yield from normed(y, width, 1, stride=strides[0])
        y = yield from normed(
            y, width, 3, stride=strides[1], dilation=dilation, groups=block.groups
        )
        y = yield from normed(y, block.out_channels, 1)
    if not block.repeatable:  # it is there even where nothing goes around
        around = normed(x, block.out_channels, 1, stride=block.stride)
        yield from repeated(around, times=int(block.residual), copies=1)
    return y


def inverted_residual(x: Maps, block: inverted_residual_plan.Block) -> Walk:
    """Yield an inverted residual block, fused or not."""
    y, within, strides = x, block.expanded, {"stride": block.stride, "dilation": block.dilation}
    if block.fused:
        made = within if block.projects else block.out_channels
        y = yield from normed(y, made, block.kernel, **strides)
    else:
        if block.expands:
            y = yield from normed(y, within, 1)
        y = yield from normed(y, within, block.kernel, groups=within, **strides)
    if block.squeezed:
        yield from squeeze_excitation(y, block.squeezed)
    if block.projects:
        y = yield from normed(y, block.out_channels, 1)
    return y


def squeeze_excitation(x: Maps, squeezed: int) -> Iterator[Counted]:
    """Yield both pointwise convolutions on the mean of a map."""
    mean = replace(x, sizes=(1,) * len(x.sizes))
    narrow = yield from convolved(mean, squeezed, 1, bias=True)
    yield from convolved(narrow, x.channels, 1, bias=True)


def separable(
    x: Maps,
    channels: int,
    *,
    stride: int = 1,
    dilation: int = 1,
    between: Literal["nothing", "norm"],
) -> Walk:
    """Yield a depthwise-separable convolution of 3x3."""
    groups = x.channels
    x = yield from convolved(x, groups, 3, stride=stride, dilation=dilation, groups=groups)
    if between == "norm":
        yield norm(x)
    x = yield from normed(x, channels, 1)
    return x
