"""The layers of an Xception in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.block_counts import separable
from archscope.blocks.map_counts import (
    Maps,
    Walk,
    classifier,
    convolved,
    images,
    norm,
    normed,
    pooled,
)
from archscope.families.separable_residual.spec import (
    BEHIND,
    FIRST,
    STEM,
    Block,
    XceptionSpec,
    blocks,
)
from archscope.theory.census import Census, Counted


def census(spec: XceptionSpec) -> Census:
    """Return what is counted of the flows and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: XceptionSpec) -> Iterator[Counted]:
    x = yield from opening(images(spec), spec)
    for block in blocks(spec):
        x = yield from xception_block(x, block)
    if not spec.is_aligned:
        for channels in BEHIND:
            x = yield from separable(x, channels, between="nothing")
    yield classifier(x, spec.classes)


def opening(x: Maps, spec: XceptionSpec) -> Walk:
    """Yield the two convolutions before the first block."""
    padding = 1 if spec.is_aligned else 0
    for channels, stride in ((FIRST, 2), (STEM, 1)):
        x = yield from convolved(x, channels, 3, stride=stride, padding=padding)
        yield norm(x)
    return x


def xception_block(x: Maps, block: Block) -> Walk:
    """Yield separable convolutions, and the projection around them."""
    y, last = x, len(block.channels) - 1
    for number, channels in enumerate(block.channels[1:], start=1):
        stride = block.stride if block.aligned and number == last else 1
        y = yield from separable(
            y,
            channels,
            stride=stride,
            dilation=block.dilation,
            between="norm" if block.aligned else "nothing",
        )
    if block.stride > 1 and not block.aligned:
        y = pooled(y, 3, stride=block.stride, padding=1)
    if block.residual and (block.stride > 1 or block.in_channels != block.out_channels):
        yield from normed(x, block.out_channels, 1, stride=block.stride)
    return y
