"""The layers of a VGG in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counts import linear
from archscope.blocks.map_counts import convolved, images, norm, pooled
from archscope.families.vgg.spec import POOLED, VggSpec, places
from archscope.theory.census import Census, Counted


def census(spec: VggSpec) -> Census:
    """Return what is counted of the convolutions and the linear layers."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: VggSpec) -> Iterator[Counted]:
    x = images(spec)
    for place in places(spec):
        match place.kind:
            case "convolution":
                x = yield from convolved(x, place.out_channels, 3, bias=True)
            case "norm":
                yield norm(x)
            case "pool":
                x = pooled(x, 2, stride=2)
    batch = spec.batch_size
    yield linear(batch, x.channels * POOLED**2, spec.d_ff, bias=True)
    yield linear(batch, spec.d_ff, spec.d_ff, bias=True)
    yield linear(batch, spec.d_ff, spec.classes, bias=True)
