"""The weights of a wav2vec 2.0 in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks import counts, shards
from archscope.families.wav2vec2.spec import Wav2Vec2Spec, convolutions
from archscope.theory.census import Counted
from archscope.theory.counts import tap_normalised
from archscope.theory.stages import Layer, Part, Stages


def weights(spec: Wav2Vec2Spec) -> Stages:
    """Return the convolutions over sound, the blocks and the scores."""
    batch, width, frames = spec.batch_size, spec.d_model, spec.frames
    rows = batch * frames
    block = Part(
        path="blocks.0",
        layers=tuple(shards.vision_block(batch, frames, width, heads=spec.heads, hidden=spec.d_ff)),
        block=True,
        out=rows * width,
    )
    scores = [shards.linear("scores", rows, width, spec.classes, bias=True)] if spec.classes else []
    return Stages(
        parts=(
            Part(path="convolutions", layers=tuple(_front(spec, rows)), out=rows * width),
            *[block] * spec.depth,
            Part(path="head", layers=tuple(scores)),
        ),
        samples=batch,
    )


def _front(spec: Wav2Vec2Spec, rows: int) -> Iterator[Layer]:
    """Yield what makes vectors of sound, which every card has."""
    size, width = spec.input_size, spec.d_model
    for number, layer in enumerate(convolutions(spec)):
        size = (size - layer.kernel_size) // layer.stride + 1
        made = spec.batch_size * size
        conv = counts.convolution(
            made, layer.in_channels, layer.out_channels, (layer.kernel_size,), bias=spec.conv_bias
        )
        tensors = 1 + spec.conv_bias
        yield shards.whole("convolution", conv, tensors=tensors, trained_input=number > 0)
        if spec.conv_norm == "layer" or number == 0:
            yield shards.norm("norm", made, layer.out_channels)
    channels = convolutions(spec)[-1].out_channels
    yield shards.norm("norm", rows, channels)
    yield shards.linear("projection", rows, channels, width, bias=True)
    if spec.mask_embedding:
        mask = shards.own("mask", width)  # which pre-training alone reads
        yield replace(mask, counted=replace(mask.counted, times=0))
    yield shards.whole("convolution of positions", _positions(spec), tensors=3)
    yield shards.norm("norm", rows, width)


def _positions(spec: Wav2Vec2Spec) -> Counted:
    """Return the convolution that tells positions; an even kernel makes a frame too many."""
    width, kernel, groups = spec.d_model, spec.position_kernel, spec.position_groups
    rows = spec.batch_size * (spec.frames + 1 - kernel % 2)
    form = tap_normalised(positions=rows, width=width, groups=groups, kernel=kernel)
    kind = "grouped conv 1d" if groups > 1 else "conv 1d"
    return Counted(kind=kind, form=form, outputs=rows * width)
