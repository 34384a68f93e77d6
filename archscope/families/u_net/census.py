"""The layers of a U-Net in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks.map_counts import (
    Maps,
    Walk,
    convolved,
    images,
    norm,
    pooled,
    transposed,
)
from archscope.families.u_net.spec import Double, UnetSpec, down, up
from archscope.theory.census import Census, Counted


def census(spec: UnetSpec) -> Census:
    """Return what is counted of the paths down and up and of the last convolution."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: UnetSpec) -> Iterator[Counted]:
    x = images(spec)
    for level, plan in enumerate(down(spec)):
        x = pooled(x, 2, stride=2) if level else x
        x = yield from _double(spec, x, plan)
    for plan in up(spec):
        if spec.upsampling == "transposed":
            x = yield from transposed(x, plan.in_channels // 2, 2, stride=2)
        else:
            x = replace(x, sizes=tuple(2 * size for size in x.sizes))
        x = yield from _double(spec, replace(x, channels=plan.in_channels), plan)
    yield from convolved(x, spec.classes, 1, bias=True)


def _double(spec: UnetSpec, x: Maps, plan: Double) -> Walk:
    normed, padding = spec.norm == "batchnorm", 1 if spec.padding == "same" else 0
    for channels in (plan.within, plan.out_channels):
        x = yield from convolved(x, channels, 3, padding=padding, bias=not normed)
        if normed:
            yield norm(x)
    return x
