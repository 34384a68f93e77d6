"""Maps that run through layers, each counted in closed form on its way. No torch.

A walk yields the layers that a map runs through and returns the map that comes out, so that a
network is read as it is written: `x = yield from normed(x, 64, 3, stride=2)`.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import lru_cache
from math import prod

import archscope.blocks.counts as counted
from archscope.blocks.examples import OfImages
from archscope.records import frozen
from archscope.theory.census import Counted
from archscope.theory.layers import Layer, output_size
from archscope.theory.layers import transposed as enlarged


@frozen
class Maps:
    """A batch of maps."""

    batch: int
    """Number of inputs."""
    channels: int
    """Channels of each."""
    sizes: tuple[int, ...]
    """Positions along each axis."""

    @property
    def positions(self) -> int:
        """Batch times space."""
        return self.batch * prod(self.sizes)


Walk = Generator[Counted, None, Maps]
"""Yields layers, returns the map that comes out of the last."""


def convolved(
    x: Maps,
    channels: int,
    kernel: int | tuple[int, ...],
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    bias: bool = False,
    padding: int | tuple[int, ...] | None = None,
) -> Walk:
    """Yield a convolution; unless told, its padding keeps the size but for the stride."""
    kernels = _each(kernel, x)
    made = after_convolution(x, channels, kernel, stride=stride, dilation=dilation, padding=padding)
    yield counted.convolution(
        made.positions, x.channels, channels, kernels, groups=groups, bias=bias
    )
    return made


@lru_cache(maxsize=4096)
def after_convolution(
    x: Maps,
    channels: int,
    kernel: int | tuple[int, ...],
    *,
    stride: int = 1,
    dilation: int = 1,
    padding: int | tuple[int, ...] | None = None,
) -> Maps:
    """Return what a convolution makes; unless told, its padding keeps the size but for the stride.

    >>> after_convolution(Maps(batch=1, channels=3, sizes=(224, 224)), 64, 7, stride=2)
    Maps(batch=1, channels=64, sizes=(112, 112))
    """
    kernels = _each(kernel, x)
    around = (
        _each(padding, x)
        if padding is not None
        else tuple((taps - 1) // 2 * dilation for taps in kernels)
    )
    sizes = tuple(
        _left(size, taps, stride=stride, dilation=dilation, padding=side)
        for size, taps, side in zip(x.sizes, kernels, around, strict=True)
    )
    return Maps(batch=x.batch, channels=channels, sizes=sizes)


def transposed(x: Maps, channels: int, kernel: int, *, stride: int, bias: bool = True) -> Walk:
    """Yield a transposed convolution without padding."""
    layer = enlarged(kernel, stride=stride)
    sizes = tuple(output_size(layer, size) for size in x.sizes)
    made = Maps(batch=x.batch, channels=channels, sizes=sizes)
    kernels = (kernel,) * len(x.sizes)
    yield counted.convolution(
        made.positions, x.channels, channels, kernels, bias=bias, read=x.positions
    )
    return made


def norm(x: Maps) -> Counted:
    """Return a norm with a scale and a shift for each channel."""
    return counted.norm(x.positions, x.channels)


def normed(
    x: Maps, channels: int, kernel: int, *, stride: int = 1, dilation: int = 1, groups: int = 1
) -> Walk:
    """Yield a convolution without bias and its norm."""
    x = yield from convolved(x, channels, kernel, stride=stride, dilation=dilation, groups=groups)
    yield norm(x)
    return x


def pooled(
    x: Maps,
    kernel: int | tuple[int, ...],
    *,
    stride: int,
    padding: int | tuple[int, ...] = 0,
    ceil: bool = False,
) -> Maps:
    """Return what a pool leaves; it has no parameters and multiplies nothing."""
    sizes = (
        _left(size, taps, stride=stride, padding=side, ceil=ceil)
        for size, taps, side in zip(x.sizes, _each(kernel, x), _each(padding, x), strict=True)
    )
    return Maps(batch=x.batch, channels=x.channels, sizes=tuple(sizes))


def classifier(x: Maps, classes: int, *, bias: bool = True) -> Counted:
    """Return a linear layer on the mean over all positions."""
    return counted.linear(x.batch, x.channels, classes, bias=bias)


def images(spec: OfImages) -> Maps:
    """Return the images that a network takes."""
    return Maps(
        batch=spec.batch_size, channels=spec.in_channels, sizes=(spec.input_size, spec.input_size)
    )


def _each(number: int | tuple[int, ...], x: Maps) -> tuple[int, ...]:
    return number if isinstance(number, tuple) else (number,) * len(x.sizes)


@lru_cache(maxsize=4096)
def _left(
    size: int, kernel: int, *, stride: int, dilation: int = 1, padding: int = 0, ceil: bool = False
) -> int:
    """Return the positions that a window leaves of so many, be it a convolution's or a pool's."""
    sides = (padding, padding)
    layer = Layer(kernel=kernel, stride=stride, dilation=dilation, padding=sides, ceil_mode=ceil)
    return output_size(layer, size)
