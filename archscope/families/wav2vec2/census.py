"""The layers of a wav2vec 2.0 in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counted import (
    convolution,
    feed_forward,
    linear,
    norm,
    own,
    self_attention,
)
from archscope.families.wav2vec2.spec import Wav2Vec2Spec, convolutions
from archscope.theory.census import Census, Counted, repeated
from archscope.theory.counts import tap_normalised


def census(spec: Wav2Vec2Spec) -> Census:
    """Return what is counted of the convolutions, the blocks and the scores."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: Wav2Vec2Spec) -> Iterator[Counted]:
    yield from _front(spec)
    batch, width, frames = spec.batch_size, spec.d_model, spec.frames
    rows, channels = batch * frames, convolutions(spec)[-1].out_channels
    yield norm(rows, channels)
    yield linear(rows, channels, width, bias=True)
    if spec.mask_embedding:
        yield own(width)
    yield positions_told(spec)
    yield norm(rows, width)
    yield from repeated(_block(spec, rows), times=spec.depth, copies=spec.depth)
    if spec.classes:
        yield linear(rows, width, spec.classes, bias=True)


def _front(spec: Wav2Vec2Spec) -> Iterator[Counted]:
    """Yield convolutions without padding, and the norms behind the first or behind all."""
    size = spec.input_size
    for number, layer in enumerate(convolutions(spec)):
        size = (size - layer.kernel_size) // layer.stride + 1
        rows, taps = spec.batch_size * size, (layer.kernel_size,)
        bias = spec.conv_bias
        yield convolution(rows, layer.in_channels, layer.out_channels, taps, bias=bias)
        if spec.conv_norm == "layer" or number == 0:
            yield norm(rows, layer.out_channels)


def positions_told(spec: Wav2Vec2Spec) -> Counted:
    """Return the convolution that tells positions; an even kernel makes a frame too many."""
    width, kernel, groups = spec.d_model, spec.position_kernel, spec.position_groups
    rows = spec.batch_size * (spec.frames + 1 - kernel % 2)
    form = tap_normalised(positions=rows, width=width, groups=groups, kernel=kernel)
    kind = "grouped conv 1d" if groups > 1 else "conv 1d"
    return Counted(kind=kind, form=form, outputs=rows * width)


def _block(spec: Wav2Vec2Spec, rows: int) -> Iterator[Counted]:
    yield norm(rows, spec.d_model)
    yield from self_attention(spec.batch_size, spec.frames, spec.d_model, spec.heads)
    yield norm(rows, spec.d_model)
    yield from feed_forward(rows, spec.d_model, spec.d_ff, activation="gelu", bias=True)
