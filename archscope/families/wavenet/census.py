"""The layers of a WaveNet in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counts import convolution
from archscope.families.wavenet.spec import WaveNetSpec, blocks
from archscope.theory.census import Census, Counted, repeated


def census(spec: WaveNetSpec) -> Census:
    """Return what is counted of the blocks and of the convolutions before and behind."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: WaveNetSpec) -> Iterator[Counted]:
    rows, skip, classes = spec.batch_size * spec.input_size, spec.skip_channels, spec.classes
    through, within, taps = spec.residual_channels, spec.dilation_channels, (spec.kernel_size,)
    yield convolution(rows, classes, through, taps, bias=True)
    block = (
        convolution(rows, through, 2 * within, taps, bias=True),
        convolution(rows, within, through, (1,), bias=True),
        convolution(rows, within, skip, (1,), bias=True),
    )
    count = sum(1 for _ in blocks(spec))
    yield from repeated(block, times=count, copies=count)
    yield convolution(rows, skip, skip, (1,), bias=True)
    yield convolution(rows, skip, classes, (1,), bias=True)
