"""What a training step keeps of a stack of convolutions, in symbols. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import prod

import archscope.blocks.saved_maps as maps
from archscope.blocks.map_counts import Maps
from archscope.families.cnn.plan import Layer, Step
from archscope.families.cnn.spec import CnnSpec, plan
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

READING = ("reflect", "replicate")
"""What padding holds that keeps what it was made of."""


def saved_activations(spec: CnnSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the layers and the classifier keep for the backward."""
    tape, layers, head = Tape({}, way), plan(spec), spec.classifier
    again = rerun(layers, way.every)
    given = Maps(batch=spec.batch_size, channels=spec.channels_in, sizes=spec.sizes)
    x = maps.made(tape, "input", given, holds="input", needs=False)
    for layer in layers:
        at = f"{layer.path}."
        inside = frozenset(path.removeprefix(at) for path in again if path.startswith(at))
        run = partial(_layer, layer=layer, again=inside)
        x = maps.block(tape, layer, run, x, again=layer.path in again, inside=inside)
    if head is not None:
        with tape.part(""):
            tape.keep("classifier", (x if head.reads_last else maps.mean(tape, "mean", x)).value)
    return tape.saved()


def rerun(layers: Sequence[Layer], every: int) -> frozenset[str]:
    """Return the paths of each so many-th block of those that recomputation takes for blocks.

    These are convolutions, or residual blocks of one convolution, whichever there is several of;
    where there is one of each, all that are not within another.
    """
    if not every:
        return frozenset()
    found = tuple(_candidates(layers))
    times = Counter(kind for _, kind in found)
    several = [path for path, kind in found if times[kind] > 1] or [path for path, _ in found]
    outer = [path for path in several if path.partition(".layers.")[0] not in {*several} - {path}]
    return frozenset(outer[every - 1 :: every])


def _candidates(layers: Sequence[Layer]) -> Iterator[tuple[str, str]]:
    for layer in layers:
        if layer.step.convolves:
            yield layer.path, "convolution"
        elif layer.inner:
            within = tuple(
                f"{layer.path}.{each.path}" for each in layer.inner if each.step.convolves
            )
            if len(within) < 2:
                yield layer.path, "residual"
            yield from ((path, "convolution") for path in within)


def _layer(
    tape: Tape, x: maps.Held, *, layer: Layer, at: str = "", again: frozenset[str] = frozenset()
) -> maps.Held:
    """Return what a layer makes; `again`: the paths within it of what runs again."""
    step = layer.step
    match step.kind:
        case "conv" | "transposed":
            return _convolution(tape, x, layer=layer, at=at)
        case "residual":
            return _residual(tape, x, layer=layer, again=again)
        case "max-pool":
            return _laid_out_as(x, maps.max_pooled_to(tape, at, x, layer.out_sizes))
        case "avg-pool":
            y = maps.mean_pooled_to(tape, at, x, layer.out_sizes)
            return _laid_out_as(x, y, where=len(y.maps.sizes) < 3)
        case "norm":
            return _normed(tape, at, x, step)
        case "activation":
            return _activated(tape, at, x, step)
    y = maps.like(tape, at, x, replace(x.maps, sizes=layer.out_sizes))
    return _laid_out_as(x, y, where=len(x.maps.sizes) > 1)


def _convolution(tape: Tape, x: maps.Held, *, layer: Layer, at: str) -> maps.Held:
    step, sides = layer.step, [axis.padding for axis in layer.along]
    first = _within(at, "depthwise" if step.separable else "conv")
    made = replace(x.maps, channels=layer.out_channels, sizes=layer.out_sizes)
    y = x
    if step.kind == "conv" and any(before != after for before, after in sides):
        y = _padded(tape, at, y, sides, step)
        sides = [(0, 0)] * len(sides)
    if step.mode != "zeros":
        y = _padded(tape, first, y, sides, step)
    channels = layer.in_channels if step.separable else layer.out_channels
    y = _convolved(tape, first, y, replace(made, channels=channels))
    if step.separable:
        y = _activated(tape, at, _normed(tape, _within(at, "depthwise_norm"), y, step), step)
        y = _convolved(tape, _within(at, "pointwise"), y, made)
    y = _normed(tape, _within(at, "norm"), y, step)
    if step.residual:
        y = _added(tape, y, _around(tape, x, layer, at))
    return _activated(tape, at, y, step)


def _residual(tape: Tape, x: maps.Held, *, layer: Layer, again: frozenset[str]) -> maps.Held:
    y = x
    for inner in layer.inner:
        run = partial(_layer, layer=inner, at=inner.path)
        is_rerun = inner.path in again
        y = maps.run_again(tape, inner.path, run, y) if is_rerun else run(tape, y)
    return _activated(tape, "", _added(tape, y, _around(tape, x, layer, "")), layer.step)


def _around(tape: Tape, x: maps.Held, layer: Layer, at: str) -> maps.Held:
    """Return what goes around a block: x, cut where its layers are, or a convolution of it."""
    if any(map(any, layer.cuts)):
        x = maps.padded(tape, at, x, [(-before, -after) for before, after in layer.cuts])
    if not layer.is_projected:
        return x
    made = replace(x.maps, channels=layer.out_channels, sizes=layer.out_sizes)
    return _convolved(tape, _within(at, "shortcut"), x, made)


def _convolved(tape: Tape, at: str, x: maps.Held, made: Maps) -> maps.Held:
    """Return what a convolution makes, which leaves channels last along two axes alone."""
    tape.keep(at, x.value)
    return _laid_out_as(x, maps.made(tape, at, made), where=len(made.sizes) == 2)


def _padded(
    tape: Tape, at: str, x: maps.Held, sides: Sequence[tuple[int, int]], step: Step
) -> maps.Held:
    """Return a copy with more around it, which torch makes with channels first along one axis."""
    y = maps.padded(tape, at, x, sides, reads=step.mode in READING)
    axes = len(sides)
    last = axes > 1 and step.mode != "circular" and (axes, step.mode) != (3, "reflect")
    return _laid_out_as(x, y, where=last)


def _added(tape: Tape, x: maps.Held, other: maps.Held) -> maps.Held:
    return _laid_out_as(x, maps.added(tape, x, other))


def _normed(tape: Tape, at: str, x: maps.Held, step: Step) -> maps.Held:
    match step.norm:
        case "batch":
            return maps.normed(tape, at, x)
        case "layer":
            y = maps.layer_normed(tape, at, _laid_out(tape, x, last=True))
            return replace(y, value=replace(y.value, view=True))
        case "group":
            if x.value.view:
                tape.unknown("how a group norm of channels that lie last copies is seen in a run")
            return maps.group_normed(tape, at, x, step.groups_of_norm(x.maps.channels))
        case "instance":
            return maps.instance_normed(tape, at, _laid_out(tape, x, last=False))
    return x


def _laid_out(tape: Tape, x: maps.Held, *, last: bool) -> maps.Held:
    """Return x with its channels last in memory, or first: a copy, unless they are so already."""
    if x.value.view == last or 1 in (x.maps.channels, prod(x.maps.sizes)):
        return x
    y = maps.like(tape, "copy", x, x.maps)
    return replace(y, value=replace(y.value, view=last))


def _laid_out_as(x: maps.Held, y: maps.Held, *, where: bool = True) -> maps.Held:
    """Return y with its channels last in memory where x has them last, and `where` that is so."""
    return replace(y, value=replace(y.value, view=x.value.view and where))


def _activated(tape: Tape, at: str, x: maps.Held, step: Step) -> maps.Held:
    return x if step.activation == "none" else maps.activated(tape, at, step.activation, x)


def _within(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
