"""The layers of a LeNet in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from archscope.blocks.counts import convolution, linear
from archscope.families.lenet.spec import LeNetSpec, layers, positions
from archscope.theory.census import Census, Counted
from archscope.theory.layers import output_size


def census(spec: LeNetSpec) -> Census:
    """Return what is counted of the convolutions and the linear layers."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: LeNetSpec) -> Iterator[Counted]:
    size, widths = spec.input_size, pairwise((spec.in_channels, *spec.channels))
    for layer in layers(spec):
        size = output_size(layer, size)
        if layer.kind == "conv":
            inputs, outputs = next(widths)
            rows, kernel = spec.batch_size * size**2, (layer.kernel, layer.kernel)
            yield convolution(rows, inputs, outputs, kernel, bias=True)
    flat = spec.channels[-1] * positions(spec) ** 2
    for inputs, outputs in pairwise((flat, *spec.hidden, spec.classes)):
        yield linear(spec.batch_size, inputs, outputs, bias=True)
