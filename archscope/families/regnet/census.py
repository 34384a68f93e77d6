"""The layers of a RegNet in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.block_counts import squeeze_excitation
from archscope.blocks.map_counts import Maps, Walk, classifier, images, normed
from archscope.families.regnet.spec import STEM, Block, RegNetSpec, blocks
from archscope.theory.census import Census, Counted


def census(spec: RegNetSpec) -> Census:
    """Return what is counted of the stem, the blocks and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: RegNetSpec) -> Iterator[Counted]:
    x = yield from normed(images(spec), STEM, 3, stride=2)
    for block in blocks(spec):
        x = yield from _block(x, block)
    yield classifier(x, spec.classes)


def _block(x: Maps, block: Block) -> Walk:
    width, stride = block.out_channels, block.stride
    y = yield from normed(x, width, 1)
    y = yield from normed(y, width, 3, stride=stride, groups=block.groups)
    if block.squeezed:
        yield from squeeze_excitation(y, block.squeezed)
    y = yield from normed(y, width, 1)
    if not block.repeatable:
        yield from normed(x, width, 1, stride=stride)
    return y
