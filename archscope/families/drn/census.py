"""The layers of a DRN in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.block_counts import residual
from archscope.blocks.map_counts import classifier, images, normed, pooled
from archscope.blocks.plan import Step
from archscope.families.drn.spec import DrnSpec, blocks
from archscope.theory.census import Census, Counted


def census(spec: DrnSpec) -> Census:
    """Return what is counted of the levels and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: DrnSpec) -> Iterator[Counted]:
    parts, is_resnet = tuple(blocks(spec)), spec.arch == "a"
    stride = 2 if is_resnet else 1
    x = yield from normed(images(spec), parts[0].in_channels, 7, stride=stride)
    x = pooled(x, 3, stride=2, padding=1) if is_resnet else x
    for part in parts:
        if isinstance(part, Step):
            strides = {"stride": part.stride, "dilation": part.dilation}
            x = yield from normed(x, part.out_channels, 3, **strides)
        else:
            x = yield from residual(x, part)
    yield classifier(x, spec.classes)
