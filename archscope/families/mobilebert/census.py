"""The layers of a MobileBERT in closed form. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counts import attention, embedding, feed_forward, linear, norm
from archscope.families.mobilebert.spec import MobileBertSpec
from archscope.theory.census import Census, Counted, repeated


def census(spec: MobileBertSpec) -> Census:
    """Return what is counted of the tables, the blocks and the pooler."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: MobileBertSpec) -> Iterator[Counted]:
    rows, width = spec.batch_size * spec.seq_len, spec.d_model
    yield embedding(rows, spec.vocab_size, spec.embedding_dim)
    yield linear(rows, 3 * spec.embedding_dim, width, bias=True)
    yield embedding(spec.seq_len, spec.max_positions, width)
    yield embedding(rows, spec.token_types, width)
    yield norm(rows, width)
    yield from repeated(_block(spec, rows), times=spec.depth, copies=spec.depth)
    if spec.pooler:
        yield linear(spec.batch_size, width, width, bias=True)


def _block(spec: MobileBertSpec, rows: int) -> Iterator[Counted]:
    width, narrow = spec.d_model, spec.bottleneck
    yield linear(rows, width, narrow, bias=True)
    yield norm(rows, narrow)
    yield from _attention(spec, rows)
    yield norm(rows, narrow)
    for _ in range(spec.feed_forwards):
        yield from feed_forward(rows, narrow, spec.d_ff, activation="relu", bias=True)
        yield norm(rows, narrow)
    yield linear(rows, narrow, width, bias=True)
    yield norm(rows, width)


def _attention(spec: MobileBertSpec, rows: int) -> Iterator[Counted]:
    width, narrow, head = spec.d_model, spec.bottleneck, spec.bottleneck // spec.heads
    yield linear(rows, width, narrow, bias=True)
    yield norm(rows, narrow)
    for _ in ("query", "key"):
        yield linear(rows, narrow, narrow, bias=True)
    yield linear(rows, width, narrow, bias=True)
    yield attention(
        batch=spec.batch_size,
        heads=spec.heads,
        queries=spec.seq_len,
        keys=spec.seq_len,
        key_width=head,
        value_width=head,
    )
    yield linear(rows, narrow, narrow, bias=True)
