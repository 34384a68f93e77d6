"""The layers of a Longformer in closed form. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counted import attention, embedding, feed_forward, linear, norm
from archscope.families.longformer.spec import LongformerSpec
from archscope.theory.census import ATTENTION, Census, Counted, repeated
from archscope.theory.mixing_counts import sliding_chunks


def census(spec: LongformerSpec) -> Census:
    """Return what is counted of the tables, the blocks and the pooler."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: LongformerSpec) -> Iterator[Counted]:
    tokens, width = spec.padded_length, spec.d_model
    rows = spec.batch_size * tokens
    yield embedding(rows, spec.vocab_size, width)
    yield embedding(tokens, spec.max_positions or tokens, width)
    yield embedding(1, 1, width)
    yield norm(rows, width)
    yield from repeated(_block(spec, rows), times=spec.depth, copies=spec.depth)
    yield linear(spec.batch_size, width, width, bias=True)


def _block(spec: LongformerSpec, rows: int) -> Iterator[Counted]:
    width, head = spec.d_model, spec.d_model // spec.heads
    yield from repeated([linear(rows, width, width, bias=True)], times=4, copies=4)  # q, k, v, back
    form = sliding_chunks(
        batch=spec.batch_size,
        heads=spec.heads,
        length=spec.padded_length,
        one_sided=spec.window // 2,
        width=head,
        global_tokens=spec.global_tokens,
    )
    yield Counted(kind=ATTENTION, form=form, outputs=rows * width)
    yield from _global(spec, head)
    yield norm(rows, width)
    yield from feed_forward(rows, width, spec.d_ff, activation="gelu", bias=True)
    yield norm(rows, width)


def _global(spec: LongformerSpec, head: int) -> Iterator[Counted]:
    """Yield attention of the first tokens to all; without such, what it holds is not run."""
    few, batch, width = spec.global_tokens, spec.batch_size, spec.d_model
    projections = (
        linear(batch * tokens, width, width, bias=True)
        for tokens in (few, spec.seq_len, spec.seq_len)
    )
    yield from repeated(projections, times=int(few > 0), copies=1)
    if few:
        yield attention(
            batch=batch, heads=spec.heads, queries=few, keys=spec.seq_len, key_width=head,
            value_width=head,
        )  # fmt: skip
