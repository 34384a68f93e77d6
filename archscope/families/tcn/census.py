"""The layers of a TCN in closed form. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counts import convolution, linear
from archscope.families.tcn.spec import TcnSpec
from archscope.theory.census import Census, Counted
from archscope.theory.counts import weight_normalised


def census(spec: TcnSpec) -> Census:
    """Return what is counted of the levels and the linear layer."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: TcnSpec) -> Iterator[Counted]:
    width, channels, rows = spec.hidden_channels, spec.in_channels, spec.batch_size
    rows *= spec.input_size
    for _ in range(spec.levels):
        yield _convolution(rows, channels, width, spec.kernel_size)
        yield _convolution(rows, width, width, spec.kernel_size)
        if channels != width:
            yield convolution(rows, channels, width, (1,), bias=True)
        channels = width
    read = spec.batch_size if spec.reads == "last" else rows
    yield linear(read, width, spec.classes, bias=True)


def _convolution(rows: int, inputs: int, outputs: int, kernel: int) -> Counted:
    form = weight_normalised(positions=rows, inputs=inputs, outputs=outputs, kernel=kernel)
    return Counted(kind="conv 1d", form=form, outputs=rows * outputs)
