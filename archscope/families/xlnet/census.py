"""The layers of an XLNet in closed form. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counted import embedding, feed_forward, linear, norm, relative_attention
from archscope.families.xlnet.spec import XlnetSpec
from archscope.theory.census import Census, Counted, repeated


def census(spec: XlnetSpec) -> Census:
    """Return what is counted of the tables and the blocks."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: XlnetSpec) -> Iterator[Counted]:
    rows = spec.batch_size * spec.seq_len
    yield embedding(rows, spec.vocab_size, spec.d_model)
    second = embedding(1, 1, spec.d_model)  # of the second stream, which pre-training alone runs
    yield from repeated([second], times=0, copies=1)
    yield from repeated(_block(spec, rows), times=spec.depth, copies=spec.depth)


def _block(spec: XlnetSpec, rows: int) -> Iterator[Counted]:
    width, distances = spec.d_model, 2 * spec.seq_len
    for _ in "qkv":
        yield linear(rows, width, width, bias=False)
    yield linear(distances, width, width, bias=False)
    yield from relative_attention(
        batch=spec.batch_size,
        heads=spec.heads,
        queries=spec.seq_len,
        keys=spec.seq_len,
        distances=distances,
        width=width // spec.heads,
        segments=True,
        asked=spec.segments,
    )
    yield linear(rows, width, width, bias=False)
    yield norm(rows, width)
    yield from feed_forward(rows, width, spec.d_ff, activation="gelu", bias=True)
    yield norm(rows, width)
