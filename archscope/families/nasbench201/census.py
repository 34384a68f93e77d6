"""The layers of a network of NAS-Bench-201 in closed form, from its plan. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

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
from archscope.blocks.plan import Step
from archscope.families.nasbench201.spec import NasBench201Spec, blocks, nodes
from archscope.theory.census import Census, Counted, repeated


def census(spec: NasBench201Spec) -> Census:
    """Return what is counted of the stem, the cells and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def authors_flops(spec: NasBench201Spec) -> int:
    """Return what the benchmark calls FLOPs: multiply-accumulates and the classifier's bias.

    The authors' counter adds up convolutions and linear layers, and each bias once for each output;
    the classifier's is the only one (AutoDL-Projects, flop_benchmark.py).
    """
    return census(spec).macs + spec.batch_size * spec.classes


def _layers(spec: NasBench201Spec) -> Iterator[Counted]:
    x = yield from normed(images(spec), spec.channels, 3)
    edges = [name for node in nodes(spec.cell) for name in node]
    for kind, alike in groupby(blocks(spec), key=lambda step: step.kind):
        same = list(alike)
        if kind == "reduction":
            x = yield from _reduction(x, same[0])
        else:
            yield from repeated(_cell(x, edges), times=len(same), copies=len(same))
    yield norm(x)
    yield classifier(x, spec.classes)


def _cell(x: Maps, edges: list[str]) -> Iterator[Counted]:
    """Yield the layers of its edges, those of one kind together."""
    for name, number in Counter(edges).items():
        if name.startswith("nor_conv"):
            alike = normed(x, x.channels, int(name[-1]))
            yield from repeated(alike, times=number, copies=number)


def _reduction(x: Maps, plan: Step) -> Walk:
    y = yield from normed(x, plan.out_channels, 3, stride=plan.stride)
    y = yield from normed(y, plan.out_channels, 3)
    around = pooled(x, plan.stride, stride=plan.stride)
    yield from convolved(around, plan.out_channels, 1)
    return y
