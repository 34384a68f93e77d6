"""The layers of an ESPNet in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks.map_counts import (
    Maps,
    Walk,
    convolved,
    images,
    norm,
    normed,
    transposed,
)
from archscope.families.espnet.spec import EspnetSpec
from archscope.theory.census import ACTIVATION, Census, Counted
from archscope.theory.counts import normalisation


def census(spec: EspnetSpec) -> Census:
    """Return what is counted of the encoder and, if there is one, the decoder."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: EspnetSpec) -> Iterator[Counted]:
    (first, second, third), image = spec.channels, spec.in_channels
    x = yield from normed(images(spec), first, 3, stride=2)
    yield _slopes(x)
    fine = yield from _normed(x, first + image)
    x = yield from _pyramid(spec, fine, second, stride=2)
    for _ in range(spec.alpha2):
        x = yield from _pyramid(spec, x, second)
    middle = yield from _normed(x, 2 * second + image)
    x = yield from _pyramid(spec, middle, third, stride=2)
    for _ in range(spec.alpha3):
        x = yield from _pyramid(spec, x, third)
    x = yield from _normed(x, 2 * third)
    x = yield from convolved(x, spec.classes, 1)
    if spec.decoder:
        yield from _decoder(spec, fine, middle, x)


def _decoder(spec: EspnetSpec, fine: Maps, middle: Maps, coarse: Maps) -> Iterator[Counted]:
    classes = spec.classes
    yield from convolved(middle, classes, 1)
    yield norm(coarse)
    x = yield from transposed(coarse, classes, 2, stride=2, bias=False)
    x = yield from _normed(x, 2 * classes)
    x = yield from _pyramid(spec, x, classes)
    x = yield from transposed(x, classes, 2, stride=2, bias=False)
    x = yield from _normed(x, classes)
    x = yield from normed(replace(x, channels=fine.channels + classes), classes, 3)
    yield _slopes(x)
    yield from transposed(x, classes, 2, stride=2, bias=False)


def _pyramid(spec: EspnetSpec, x: Maps, channels: int, *, stride: int = 1) -> Walk:
    """Yield a convolution, dilated ones on its output, and a norm of them side by side."""
    count = len(spec.dilations)
    within = channels // count
    x = yield from convolved(x, within, 1 if stride == 1 else 3, stride=stride)
    for number, dilation in enumerate(spec.dilations):
        made = channels - within * (count - 1) if number == 0 else within
        yield from convolved(x, made, 3, dilation=dilation)
    x = yield from _normed(x, channels)
    return x


def _normed(x: Maps, channels: int) -> Walk:
    """Yield a norm, and an activation with a slope for each channel."""
    x = replace(x, channels=channels)
    yield norm(x)
    yield _slopes(x)
    return x


def _slopes(x: Maps) -> Counted:
    form = normalisation(width=x.channels, weight=True, bias=False)
    return Counted(kind=ACTIVATION, form=form, outputs=x.positions * x.channels)
