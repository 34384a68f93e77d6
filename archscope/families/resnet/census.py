"""The layers of a ResNet in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.block_counts import residual
from archscope.blocks.map_counts import Maps, Walk, classifier, images, normed, pooled
from archscope.families.resnet.spec import ResNetSpec, blocks
from archscope.theory.census import Census, Counted


def census(spec: ResNetSpec) -> Census:
    """Return what is counted of the stem, the blocks and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: ResNetSpec) -> Iterator[Counted]:
    x = yield from stem(images(spec), spec.stem_channels)
    for block in blocks(spec):
        x = yield from residual(x, block)
    yield classifier(x, spec.classes)


def stem(x: Maps, channels: int) -> Walk:
    """Yield the convolution of 7x7, behind which a pool stands."""
    x = yield from normed(x, channels, 7, stride=2)
    return pooled(x, 3, stride=2, padding=1)
