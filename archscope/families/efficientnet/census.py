"""The layers of an EfficientNet in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.block_counts import inverted_residual
from archscope.blocks.map_counts import classifier, images, normed
from archscope.families.efficientnet.spec import EfficientNetSpec, blocks, last_channels
from archscope.theory.census import Census, Counted


def census(spec: EfficientNetSpec) -> Census:
    """Return what is counted of the stem, the blocks and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: EfficientNetSpec) -> Iterator[Counted]:
    parts = tuple(blocks(spec))
    x = yield from normed(images(spec), parts[0].in_channels, 3, stride=2)
    for block in parts:
        x = yield from inverted_residual(x, block)
    x = yield from normed(x, last_channels(spec), 1)
    yield classifier(x, spec.classes)
