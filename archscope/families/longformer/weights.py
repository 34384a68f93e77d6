"""The weights of a Longformer in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks import counts, shards
from archscope.families.longformer.spec import LongformerSpec
from archscope.theory.census import ATTENTION, Counted
from archscope.theory.mixing_counts import sliding_chunks
from archscope.theory.stages import Layer, Part, Stages


def weights(spec: LongformerSpec) -> Stages:
    """Return the tables, the blocks and the pooler."""
    tokens, width = spec.padded_length, spec.d_model
    rows = spec.batch_size * tokens
    places = counts.embedding(tokens, spec.max_positions or tokens, width)
    first = (
        shards.embedding("table of tokens", rows, spec.vocab_size, width),
        shards.whole("positions", places),
        shards.whole("token types", counts.embedding(1, 1, width)),
        shards.norm("norm of embeddings", rows, width),
    )
    block = Part(path="blocks.0", layers=tuple(_block(spec, rows)), block=True, out=rows * width)
    pooler = shards.linear("pooler", spec.batch_size, width, width, bias=True)
    return Stages(
        parts=(
            Part(path="embeddings", layers=first, out=rows * width),
            *[block] * spec.depth,
            Part(path="head", layers=(pooler,)),
        ),
        samples=spec.batch_size,
        tokens=spec.batch_size * spec.seq_len,
    )


def _block(spec: LongformerSpec, rows: int) -> Iterator[Layer]:
    width, heads, head = spec.d_model, spec.heads, spec.d_model // spec.heads
    form = sliding_chunks(
        batch=spec.batch_size,
        heads=heads,
        length=spec.padded_length,
        one_sided=spec.window // 2,
        width=head,
        global_tokens=spec.global_tokens,
    )
    for name in ("query", "key", "value"):
        yield shards.columns(name, rows, width, width, bias=True, units=heads, reads="attention")
    yield shards.product(Counted(kind=ATTENTION, form=form, outputs=rows * width), heads=heads)
    yield shards.rows("projection back", rows, width, width, bias=True, units=heads)
    yield from _global(spec, head)
    yield shards.norm("norm", rows, width)
    yield from shards.feed_forward(rows, width, spec.d_ff, activation="gelu", bias=True)
    yield shards.norm("norm", rows, width)


def _global(spec: LongformerSpec, head: int) -> Iterator[Layer]:
    """Yield attention of the first tokens to all; without such, what it holds is not run."""
    few, batch, width, heads = spec.global_tokens, spec.batch_size, spec.d_model, spec.heads
    for name, tokens in (("query", few), ("key", spec.seq_len), ("value", spec.seq_len)):
        made = shards.columns(
            f"global {name}", batch * tokens, width, width, bias=True, units=heads, reads=""
        )
        yield replace(made, counted=replace(made.counted, times=int(few > 0)))
    if few:
        products = counts.attention(
            batch=batch, heads=heads, queries=few, keys=spec.seq_len, key_width=head,
            value_width=head,
        )  # fmt: skip
        yield shards.product(products, heads=heads)
