"""The layers of a stack of convolutions in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Literal

from archscope.blocks.counts import convolution, linear, norm
from archscope.families.cnn.plan import Layer, Step
from archscope.families.cnn.spec import CnnSpec, plan
from archscope.theory.census import Census, Counted


def census(spec: CnnSpec) -> Census:
    """Return what is counted of a stack, and of its classifier."""
    return Census(layers=tuple(_layers(spec)))


def enters(spec: CnnSpec) -> Literal["", "data"]:
    """Return `data` where one product alone reads the input as it comes, which needs no gradient.

    It is empty where a projection around a block reads it too, or a trained norm stands before.
    """
    return "" if _is_read_otherwise(plan(spec)) else "data"


def _is_read_otherwise(layers: Sequence[Layer]) -> bool | None:
    """Return whether the input is read so; None where no layer has weights."""
    for layer in layers:
        step = layer.step
        has_projection = layer.is_projected and (step.residual or bool(layer.inner))
        if has_projection or (step.kind == "norm" and step.norm != "instance"):
            return True
        if step.convolves:
            return False
        within = _is_read_otherwise(layer.inner) if layer.inner else None
        if within is not None:
            return within
    return None


def _layers(spec: CnnSpec) -> Iterator[Counted]:
    layers, head = plan(spec), spec.classifier
    for layer in layers:
        yield from _layer(layer, spec.batch_size)
    if head is not None:
        yield linear(spec.batch_size, layers[-1].out_channels, head.classes, bias=head.bias)


def _layer(layer: Layer, batch: int) -> Iterator[Counted]:
    match layer.step.kind:
        case "conv" | "transposed":
            yield from _block(layer, batch)
        case "residual":
            for inner in layer.inner:
                yield from _layer(inner, batch)
            yield from _shortcut(layer, batch)
        case "norm":
            yield from _norm(layer.step, layer.out_channels, batch * prod(layer.out_sizes))


def _block(layer: Layer, batch: int) -> Iterator[Counted]:
    """Yield a convolution, or both of a separable one, with its norms and the path around it."""
    step, made = layer.step, batch * prod(layer.out_sizes)
    transposed = step.kind == "transposed"
    channels = layer.in_channels if step.separable else layer.out_channels
    yield convolution(
        made,
        layer.in_channels,
        channels,
        step.kernel,
        groups=channels if step.separable else layer.groups,
        bias=step.bias,
        read=batch * prod(layer.in_sizes) if transposed else None,
    )
    if step.separable:
        yield from _norm(step, channels, made)
        one, groups = (1,) * len(step.kernel), layer.groups
        yield convolution(made, channels, layer.out_channels, one, groups=groups, bias=step.bias)
    yield from _norm(step, layer.out_channels, made)
    if step.residual:
        yield from _shortcut(layer, batch)


def _norm(step: Step, channels: int, positions: int) -> Iterator[Counted]:
    if step.norm != "none":
        weighs = step.norm != "instance"
        yield norm(positions, channels, weight=weighs, bias=weighs)


def _shortcut(layer: Layer, batch: int) -> Iterator[Counted]:
    """Yield the projection around a block, if it takes one."""
    if layer.is_projected:
        made, one = batch * prod(layer.out_sizes), (1,) * len(layer.out_sizes)
        yield convolution(made, layer.in_channels, layer.out_channels, one, bias=layer.step.bias)
