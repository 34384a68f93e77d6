"""The layers of a SqueezeNet in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks.map_counts import convolved, images, pooled
from archscope.families.squeezenet.spec import STEMS, SqueezeNetSpec, places
from archscope.theory.census import Census, Counted


def census(spec: SqueezeNetSpec) -> Census:
    """Return what is counted of the fire modules and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: SqueezeNetSpec) -> Iterator[Counted]:
    x, (kernel, _) = images(spec), STEMS[spec.version]
    for place in places(spec):
        match place.kind:
            case "convolution":
                x = yield from convolved(
                    x, place.out_channels, kernel, stride=2, padding=0, bias=True
                )
            case "pool":
                x = pooled(x, 3, stride=2, ceil=True)
            case "fire":
                narrow = yield from convolved(x, place.squeezed, 1, bias=True)
                yield from convolved(narrow, place.pointwise, 1, bias=True)
                yield from convolved(narrow, place.wide, 3, bias=True)
                x = replace(x, channels=place.out_channels)
    yield from convolved(x, spec.classes, 1, bias=True)
