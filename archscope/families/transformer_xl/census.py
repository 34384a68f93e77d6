"""The layers of a Transformer-XL in closed form. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counted import (
    embedding,
    feed_forward,
    linear,
    norm,
    own,
    relative_attention,
)
from archscope.families.transformer_xl.spec import TransformerXlSpec
from archscope.theory.census import Census, Counted, repeated


def census(spec: TransformerXlSpec) -> Census:
    """Return what is counted of the blocks, and of the tables, which may be held but not run."""
    runs = int(spec.scores)
    tables = repeated(_embedding(spec), times=runs, copies=1)
    head = repeated(_head(spec), times=runs, copies=1)
    blocks = repeated(_block(spec), times=spec.depth, copies=spec.depth)
    return Census(layers=(*tables, *blocks, *head))


def clusters(spec: TransformerXlSpec) -> list[tuple[int, int]]:
    """Return the tokens and the width of each cluster's table."""
    sizes = spec.cluster_sizes
    return [(size, spec.d_model // spec.div_val**n) for n, size in enumerate(sizes)]


def _embedding(spec: TransformerXlSpec) -> Iterator[Counted]:
    """Yield a table for each cluster, every one of which answers for every token."""
    rows = spec.batch_size * spec.seq_len
    for size, width in clusters(spec):
        yield embedding(rows, size, width)
        if spec.div_val > 1:
            yield linear(rows, width, spec.d_model, bias=False)


def _head(spec: TransformerXlSpec) -> Iterator[Counted]:
    """Yield scores of frequent tokens and of clusters, and of the tokens within each cluster."""
    rows, found = spec.batch_size * spec.seq_len, clusters(spec)
    for number, (size, width) in enumerate(found):
        if spec.div_val > 1:  # all but the first are the embedding's, the other way round
            yield linear(rows, spec.d_model, width, bias=False, tied=number > 0)
        if number == 0 and len(found) > 1:
            yield linear(rows, width, len(found) - 1, bias=True)
        yield linear(rows, width, size, bias=False, tied=True)
        yield own(size)


def _block(spec: TransformerXlSpec) -> Iterator[Counted]:
    batch, width, keys = spec.batch_size, spec.d_model, spec.seq_len + spec.memory
    rows, inner = batch * spec.seq_len, spec.heads * spec.head_width
    yield linear(batch * keys, width, 3 * inner, bias=False)
    yield linear(keys, width, inner, bias=False)
    yield from relative_attention(
        batch=batch,
        heads=spec.heads,
        queries=spec.seq_len,
        keys=keys,
        distances=keys,
        width=spec.head_width,
    )
    yield linear(rows, inner, width, bias=False)
    yield norm(rows, width)
    yield from feed_forward(rows, width, spec.d_ff, activation="relu", bias=True)
    yield norm(rows, width)
