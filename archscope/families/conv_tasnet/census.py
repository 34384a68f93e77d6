"""The layers of a Conv-TasNet in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counts import convolution, norm
from archscope.families.conv_tasnet.spec import ConvTasNetSpec, blocks
from archscope.theory.census import ACTIVATION, Census, Counted
from archscope.theory.counts import normalisation
from archscope.theory.layers import conv, output_size


def census(spec: ConvTasNetSpec) -> Census:
    """Return what is counted of the encoder, the masks and the decoder."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: ConvTasNetSpec) -> Iterator[Counted]:
    padded, taps = spec.input_size + spec.spare, (spec.filter_length,)
    window = conv(spec.filter_length, stride=spec.stride, padding=spec.stride)
    rows = spec.batch_size * output_size(window, padded)
    through, filters = spec.bottleneck_channels, spec.filters
    yield convolution(rows, 1, filters, taps)
    yield norm(rows, filters)
    yield convolution(rows, filters, through, (1,), bias=True)
    for block in blocks(spec):
        yield from _block(spec, rows, residual=block.residual)
    yield _slope(rows * through)
    yield convolution(rows, through, filters * spec.sources, (1,), bias=True)
    sounds = spec.batch_size * spec.sources
    yield convolution(sounds * padded, filters, 1, taps, read=rows * spec.sources)


def _block(spec: ConvTasNetSpec, rows: int, *, residual: bool) -> Iterator[Counted]:
    through, within, taps = spec.bottleneck_channels, spec.hidden_channels, (spec.kernel_size,)
    yield convolution(rows, through, within, (1,), bias=True)
    yield _slope(rows * within)
    yield norm(rows, within)
    yield convolution(rows, within, within, taps, groups=within, bias=True)
    yield _slope(rows * within)
    yield norm(rows, within)
    if residual:
        yield convolution(rows, within, through, (1,), bias=True)
    yield convolution(rows, within, through, (1,), bias=True)


def _slope(outputs: int) -> Counted:
    """Return an activation with one learnt slope (He et al. 2015, equation 1)."""
    form = normalisation(width=1, weight=True, bias=False)
    return Counted(kind=ACTIVATION, form=form, outputs=outputs)
