"""The layers of a network of Inception modules in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks.counts import linear
from archscope.blocks.map_counts import Maps, Walk, classifier, convolved, images, norm, pooled
from archscope.families.inception.plan import (
    AUX_POOLED,
    AUXILIARY,
    Module,
    Step,
    parts,
    scaled,
)
from archscope.families.inception.spec import InceptionSpec
from archscope.theory.census import Census, Counted, repeated


def census(spec: InceptionSpec) -> Census:
    """Return what is counted of all layers and modules, and held by auxiliary classifiers."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: InceptionSpec) -> Iterator[Counted]:
    x = images(spec)
    heads = AUXILIARY[spec.version] if spec.auxiliary else {}
    for item in parts(spec):
        x = yield from _module(spec, x, item) if isinstance(item, Module) else _step(spec, x, item)
        if item.name in heads:  # which runs in training alone
            yield from repeated(_auxiliary(spec, x.channels), times=0, copies=1)
    yield classifier(x, spec.classes)


def _step(spec: InceptionSpec, x: Maps, step: Step) -> Walk:
    if step.kind != "conv":
        padding, ceil = step.padding, step.ceil_mode
        return pooled(x, step.kernel, stride=step.stride, padding=padding, ceil=ceil)
    channels, padding = scaled(spec, step.channels), step.padding
    x = yield from convolved(x, channels, step.kernel, stride=step.stride, padding=padding)
    yield norm(x)
    return x


def _module(spec: InceptionSpec, x: Maps, module: Module) -> Walk:
    channels, made = 0, x
    for branch in module.branches:
        made = x
        for fork in branch:
            outputs = []
            for step in fork:
                outputs.append((yield from _step(spec, made, step)))
            made = replace(outputs[0], channels=sum(output.channels for output in outputs))
        channels += made.channels
    return replace(made, channels=channels)


def _auxiliary(spec: InceptionSpec, channels: int) -> Iterator[Counted]:
    """Yield a classifier on an earlier map, which is pooled first."""
    batch, first = spec.batch_size, scaled(spec, 128)
    x = Maps(batch=batch, channels=channels, sizes=(AUX_POOLED[spec.version],) * 2)
    x = yield from convolved(x, first, 1)
    yield norm(x)
    if spec.version == "v1":
        hidden = scaled(spec, 1024)
        yield linear(batch, x.channels * AUX_POOLED["v1"] ** 2, hidden, bias=True)
        yield linear(batch, hidden, spec.classes, bias=True)
        return
    x = yield from convolved(x, scaled(spec, 768), 5, padding=0)
    yield norm(x)
    yield classifier(x, spec.classes)
