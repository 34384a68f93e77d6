"""The layers of a network of NAS-Bench-101 in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from archscope.blocks.map_counts import Maps, classifier, images, normed, pooled
from archscope.families.nasbench101.cell import Cell
from archscope.families.nasbench101.spec import NasBench101Spec, blocks, cell
from archscope.theory.census import Census, Counted, repeated


def census(spec: NasBench101Spec) -> Census:
    """Return what is counted of the stem, the cells and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: NasBench101Spec) -> Iterator[Counted]:
    x = yield from normed(images(spec), spec.channels, 3)
    for (stride, _, outputs), alike in groupby(
        blocks(spec), key=lambda step: (step.stride, step.in_channels, step.out_channels)
    ):
        count = len(list(alike))
        x = pooled(x, 2, stride=2, ceil=True) if stride > 1 else x
        found = cell(spec.matrix, spec.operators, outputs)
        yield from repeated(_cell(x, found, outputs), times=count, copies=count)
        x = replace(x, channels=outputs)
    yield classifier(x, spec.classes)


def _cell(x: Maps, found: Cell, outputs: int) -> Iterator[Counted]:
    for vertex in found.vertices:
        if vertex.reads_input:
            yield from normed(x, vertex.channels, 1)
        if vertex.kernel:
            inside = replace(x, channels=vertex.channels)
            yield from normed(inside, vertex.channels, vertex.kernel)
    if found.passes_input:
        yield from normed(x, outputs, 1)
