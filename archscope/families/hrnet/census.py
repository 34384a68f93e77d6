"""The layers of an HRNet in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from archscope.blocks.block_counts import residual
from archscope.blocks.map_counts import Maps, Walk, classifier, convolved, images, norm, normed
from archscope.families.hrnet.spec import (
    HEAD,
    LAST,
    STEM,
    HrnetSpec,
    basics,
    bottleneck,
    stem,
)
from archscope.theory.census import Census, Counted, repeated


def census(spec: HrnetSpec) -> Census:
    """Return what is counted of the stem, the branches and the head."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: HrnetSpec) -> Iterator[Counted]:
    x = yield from normed(images(spec), STEM, 3, stride=2)
    x = yield from normed(x, STEM, 3, stride=2)
    for block in stem(spec):
        x = yield from residual(x, block)
    maps = [x]
    for branches, count in enumerate(spec.modules, start=2):
        coarsest = maps[-1]
        for number, (one, width) in enumerate(zip(maps, spec.widths, strict=False)):
            if one.channels != width:
                maps[number] = yield from normed(one, width, 3)
        maps.append((yield from normed(coarsest, spec.widths[branches - 1], 3, stride=2)))
        yield from repeated(_exchange(spec, maps), times=count, copies=count)
    yield from (_classifier if spec.head == "classification" else _segmenter)(spec, maps)


def _exchange(spec: HrnetSpec, maps: list[Maps]) -> Iterator[Counted]:
    """Yield each branch by itself, then what fits each to every other."""
    for branch, x in enumerate(maps):
        for block in basics(spec, "", branch):
            yield from residual(x, block)
    for target, other in enumerate(maps):
        for source, x in enumerate(maps):
            if source > target:
                yield from normed(x, other.channels, 1)
            for step in range(source, target):
                channels = other.channels if step == target - 1 else x.channels
                x = yield from normed(x, channels, 3, stride=2)


def _classifier(spec: HrnetSpec, maps: list[Maps]) -> Iterator[Counted]:
    found = []
    for branch, x in enumerate(maps):
        plan = bottleneck("", x.channels, HEAD * 2**branch)
        found.append((yield from residual(x, plan)))
    for one, other in pairwise(found):
        yield from _biased(one, other.channels, 3, stride=2)
    x = yield from _biased(found[-1], LAST, 1)
    yield classifier(x, spec.classes)


def _segmenter(spec: HrnetSpec, maps: list[Maps]) -> Iterator[Counted]:
    channels = sum(x.channels for x in maps)
    x = yield from _biased(replace(maps[0], channels=channels), channels, 1)
    yield from convolved(x, spec.classes, 1, bias=True)


def _biased(x: Maps, channels: int, kernel: int, *, stride: int = 1) -> Walk:
    """Yield a convolution with bias and its norm."""
    x = yield from convolved(x, channels, kernel, stride=stride, bias=True)
    yield norm(x)
    return x
