"""The layers of a ConvNeXt in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator

import archscope.blocks.counts as counted
from archscope.blocks.map_counts import Maps, classifier, convolved, images, norm
from archscope.blocks.plan import lists
from archscope.families.convnext.spec import EXPANSION, KERNEL, STEM, ConvNextSpec, blocks
from archscope.theory.census import OWN_PARAMETERS, Census, Counted, repeated
from archscope.theory.counts import normalisation


def census(spec: ConvNextSpec) -> Census:
    """Return what is counted of the stages and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: ConvNextSpec) -> Iterator[Counted]:
    x = yield from convolved(
        images(spec), spec.channels[0], STEM, stride=STEM, padding=0, bias=True
    )
    yield norm(x)
    for number, stage in enumerate(lists(blocks(spec)).values()):
        if number:
            yield norm(x)
            x = yield from convolved(x, stage[0].in_channels, 2, stride=2, padding=0, bias=True)
        count = len(stage)
        yield from repeated(_block(x, is_v1=spec.version == "v1"), times=count, copies=count)
    yield counted.norm(spec.batch_size, x.channels)
    yield classifier(x, spec.classes)


def _block(x: Maps, *, is_v1: bool) -> Iterator[Counted]:
    rows, width = x.positions, x.channels
    wide = EXPANSION * width
    yield from convolved(x, width, KERNEL, groups=width, bias=True)
    yield norm(x)
    yield counted.linear(rows, width, wide, bias=True)
    if not is_v1:
        yield counted.norm(rows, wide)
    yield counted.linear(rows, wide, width, bias=True)
    if is_v1:
        form = normalisation(width=width, weight=True, bias=False)
        yield Counted(kind=OWN_PARAMETERS, form=form, outputs=rows * width)
