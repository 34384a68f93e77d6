"""The layers of a ShuffleNet in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks.map_counts import Maps, Walk, classifier, images, normed, pooled
from archscope.blocks.plan import Step
from archscope.families.shufflenet.spec import ShuffleNetSpec, blocks
from archscope.theory.census import Census, Counted


def census(spec: ShuffleNetSpec) -> Census:
    """Return what is counted of the stem, the units and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: ShuffleNetSpec) -> Iterator[Counted]:
    x = yield from normed(images(spec), spec.stem_channels, 3, stride=2)
    x = pooled(x, 3, stride=2, padding=1)
    for block in blocks(spec):
        x = yield from _unit(x, block)
    x = yield from normed(x, spec.last_channels, 1)
    yield classifier(x, spec.classes)


def _unit(x: Maps, block: Step) -> Walk:
    half, stride = block.out_channels // 2, block.stride
    if block.kind == "split":
        x = replace(x, channels=half)
    else:
        beside = yield from normed(x, x.channels, 3, stride=stride, groups=x.channels)
        yield from normed(beside, half, 1)
    x = yield from normed(x, half, 1)
    x = yield from normed(x, half, 3, stride=stride, groups=half)
    x = yield from normed(x, half, 1)
    return replace(x, channels=block.out_channels)
