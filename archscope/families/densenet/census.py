"""The layers of a DenseNet in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

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
from archscope.families.densenet.spec import DenseNetSpec, widths
from archscope.theory.census import Census, Counted


def census(spec: DenseNetSpec) -> Census:
    """Return what is counted of the dense blocks, the transitions and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: DenseNetSpec) -> Iterator[Counted]:
    x = yield from _stem(spec)
    for number, (layers, (_, _, kept)) in enumerate(
        zip(spec.blocks, widths(spec), strict=True), start=1
    ):
        for _ in range(layers):
            yield from _layer(x, spec)
            x = replace(x, channels=x.channels + spec.growth_rate)
        yield norm(x)  # of the transition, or of what follows the last block
        if number < len(spec.blocks):
            x = yield from convolved(x, kept, 1)
            x = pooled(x, 2, stride=2)
    yield classifier(x, spec.classes)


def _stem(spec: DenseNetSpec) -> Walk:
    x = images(spec)
    if spec.stem == "3x3":
        x = yield from convolved(x, spec.stem_channels, 3)
        return x
    x = yield from normed(x, spec.stem_channels, 7, stride=2)
    return pooled(x, 3, stride=2, padding=1)


def _layer(x: Maps, spec: DenseNetSpec) -> Iterator[Counted]:
    yield norm(x)
    if spec.bottleneck:
        x = yield from normed(x, spec.bottleneck * spec.growth_rate, 1)
    yield from convolved(x, spec.growth_rate, 3)
