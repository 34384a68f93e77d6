"""The layers of a one-stage detector in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from archscope.blocks.block_counts import residual
from archscope.blocks.map_counts import Maps, Walk, convolved, images, norm
from archscope.blocks.plan import list_of
from archscope.families.detection.spec import SIDES, DetectionSpec, resnet_spec
from archscope.families.resnet import spec as resnet
from archscope.families.resnet.census import stem
from archscope.theory.census import NORM, Census, Counted, repeated

Levels = Generator[Counted, None, list[Maps]]
"""Yields layers, returns the maps that come out, the finest first."""


def census(spec: DetectionSpec) -> Census:
    """Return what is counted of the backbone, the pyramid and both heads."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: DetectionSpec) -> Iterator[Counted]:
    maps = yield from _backbone(spec)
    levels = yield from _pyramid(spec, maps)
    outputs = [[spec.boxes * spec.classes], [spec.boxes * SIDES]]
    if spec.head == "fcos":
        outputs[1].append(spec.boxes)
    for lasts in outputs:
        for number, level in enumerate(levels):  # the same layers on every level
            yield from repeated(_head(spec, level, lasts), times=1, copies=int(number == 0))


def _backbone(spec: DetectionSpec) -> Levels:
    """Yield a ResNet, whose norms are not parameters where they are frozen."""
    inner = resnet_spec(spec)
    keeps = spec.norm != "frozen"
    x = yield from _kept(stem(images(spec), inner.stem_channels), keeps)
    stages = {}
    for block in resnet.blocks(inner):
        x = yield from _kept(residual(x, block), keeps)
        stages[list_of(block)] = x
    _, *maps = stages.values()
    return maps


def _kept(walk: Walk, norms: bool) -> Walk:
    """Yield the layers of a walk, norms among them or not."""
    while True:
        try:
            layer = next(walk)
        except StopIteration as end:
            made: Maps = end.value
            return made
        if norms or layer.kind != NORM:
            yield layer


def _pyramid(spec: DetectionSpec, maps: list[Maps]) -> Levels:
    levels = []
    for x in maps:
        inner = yield from convolved(x, spec.channels, 1, bias=True)
        levels.append((yield from convolved(inner, spec.channels, 3, bias=True)))
    x = maps[-1] if spec.p6_reads == "c5" else levels[-1]
    for _ in range(2):
        x = yield from convolved(x, spec.channels, 3, stride=2, bias=True)
        levels.append(x)
    return levels


def _head(spec: DetectionSpec, x: Maps, lasts: list[int]) -> Iterator[Counted]:
    normed = spec.has_head_norm
    for _ in range(spec.head_layers):
        x = yield from convolved(x, spec.channels, 3, bias=spec.head == "fcos" or not normed)
        if normed:
            yield norm(x)
    for channels in lasts:
        yield from convolved(x, channels, 3, bias=True)
