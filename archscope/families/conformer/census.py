"""The layers of a Conformer in closed form. No torch."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from archscope.blocks.counts import (
    attention,
    convolution,
    embedding,
    feed_forward,
    linear,
    norm,
    relative_attention,
)
from archscope.blocks.map_counts import Maps, convolved
from archscope.families.conformer.spec import KERNEL, STRIDE, ConformerSpec
from archscope.theory.census import RECURRENT, Census, Counted, repeated
from archscope.theory.mixing_counts import recurrent


def census(spec: ConformerSpec) -> Census:
    """Return what is counted of the convolutions before the blocks, of these and of the head."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: ConformerSpec) -> Iterator[Counted]:
    frames = yield from _subsampling(spec)
    yield from repeated(_block(spec, frames), times=spec.depth, copies=spec.depth)
    if spec.head == "ctc":
        yield linear(spec.batch_size * frames, spec.d_model, spec.classes, bias=True)
    elif spec.head == "transducer":
        yield from transducer(spec, frames)


def _subsampling(spec: ConformerSpec) -> Generator[Counted, None, int]:
    """Yield what leaves out every second frame and feature; return the frames that are left."""
    if not spec.strides:
        return spec.input_size
    x, channels = (
        Maps(batch=spec.batch_size, channels=1, sizes=(spec.input_size, spec.features)),
        spec.channels,
    )
    for number in range(spec.strides):
        separable = number > 0 and spec.subsampling_conv == "depthwise-separable"
        groups = channels if separable else 1
        x = yield from convolved(x, channels, KERNEL, stride=STRIDE, groups=groups, bias=True)
        if separable:
            x = yield from convolved(x, channels, 1, bias=True)
    frames, bins = x.sizes
    yield linear(spec.batch_size * frames, channels * bins, spec.d_model, bias=True)
    return frames


def _block(spec: ConformerSpec, frames: int) -> Iterator[Counted]:
    rows, width = spec.batch_size * frames, spec.d_model
    hidden = spec.d_ff or 4 * width
    yield from repeated([norm(rows, width)], times=5, copies=5)
    for _ in range(2):
        yield from feed_forward(rows, width, hidden, activation="silu", bias=spec.bias)
    yield from _attention(spec, frames)
    yield convolution(rows, width, 2 * width, (1,), bias=spec.bias)
    yield convolution(rows, width, width, (spec.kernel_size,), groups=width, bias=spec.bias)
    yield norm(rows, width)
    yield convolution(rows, width, width, (1,), bias=spec.bias)


def _attention(spec: ConformerSpec, frames: int) -> Iterator[Counted]:
    batch, width, head = spec.batch_size, spec.d_model, spec.d_model // spec.heads
    yield linear(batch * frames, width, 3 * width, bias=spec.bias)
    if spec.positions == "relative":
        distances = 2 * frames - 1
        yield linear(distances, width, width, bias=False)
        yield from relative_attention(
            batch=batch, heads=spec.heads, queries=frames, keys=frames, distances=distances,
            width=head,
        )  # fmt: skip
    else:
        yield attention(
            batch=batch, heads=spec.heads, queries=frames, keys=frames, key_width=head,
            value_width=head,
        )  # fmt: skip
    yield linear(batch * frames, width, width, bias=spec.bias)


def transducer(spec: ConformerSpec, frames: int) -> Iterator[Counted]:
    """Yield a recurrent network over the text, and what joins it with each frame."""
    texts, units = spec.batch_size * spec.target_len, spec.decoder_dim
    yield embedding(texts, spec.classes, spec.embedding_dim)
    form = recurrent(
        rows=texts, inputs=spec.embedding_dim, hidden=units, gates=4, layers=spec.decoder_depth,
        directions=1, bias=True,
    )  # fmt: skip
    yield Counted(kind=RECURRENT, form=form, outputs=texts * units * spec.decoder_depth)
    yield linear(spec.batch_size * frames, spec.d_model, spec.joint_dim, bias=True)
    yield linear(texts, units, spec.joint_dim, bias=True)
    yield linear(texts * frames, spec.joint_dim, spec.classes, bias=True)
