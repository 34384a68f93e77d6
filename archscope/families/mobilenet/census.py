"""The layers of a MobileNet in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from archscope.blocks.block_counts import inverted_residual
from archscope.blocks.counts import linear
from archscope.blocks.inverted_residual_plan import Block
from archscope.blocks.map_counts import Maps, Walk, images, normed
from archscope.families.mobilenet.spec import (
    MobileNetSpec,
    Part,
    blocks,
    hidden_width,
    last_channels,
)
from archscope.theory.census import Census, Counted


def census(spec: MobileNetSpec) -> Census:
    """Return what is counted of the convolutions and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: MobileNetSpec) -> Iterator[Counted]:
    parts = tuple(blocks(spec))
    x = yield from normed(images(spec), parts[0].in_channels, 3, stride=2)
    x = yield from walked(x, parts)
    if spec.version != "v1":
        x = yield from normed(x, last_channels(spec), 1)
    hidden = hidden_width(spec)
    widths = [x.channels, *([hidden] if hidden else []), spec.classes]
    for inputs, outputs in pairwise(widths):
        yield linear(spec.batch_size, inputs, outputs, bias=True)


def walked(x: Maps, parts: Iterable[Part]) -> Walk:
    """Yield the blocks of any version."""
    for part in parts:
        if isinstance(part, Block):
            x = yield from inverted_residual(x, part)
        else:
            x = yield from normed(x, x.channels, 3, stride=part.stride, groups=x.channels)
            x = yield from normed(x, part.out_channels, 1)
    return x
