"""The weights of an XLNet in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks import counts, shards
from archscope.families.xlnet.spec import XlnetSpec
from archscope.theory.stages import Division, Layer, Part, Stages


def weights(spec: XlnetSpec) -> Stages:
    """Return the tables and the blocks."""
    rows, width = spec.batch_size * spec.seq_len, spec.d_model
    second = replace(counts.embedding(1, 1, width), times=0)
    first = (
        shards.embedding("table of tokens", rows, spec.vocab_size, width),
        shards.whole("vector of the second stream", second),
    )
    block = Part(path="blocks.0", layers=tuple(_block(spec, rows)), block=True, out=rows * width)
    return Stages(
        parts=(Part(path="embeddings", layers=first, out=rows * width), *[block] * spec.depth),
        samples=spec.batch_size,
        tokens=rows,
    )


def _block(spec: XlnetSpec, rows: int) -> Iterator[Layer]:
    width, heads, distances = spec.d_model, spec.heads, 2 * spec.seq_len
    for name in ("query", "key", "value"):
        yield shards.columns(name, rows, width, width, bias=False, units=heads, reads="attention")
    far = shards.columns("distances", distances, width, width, bias=False, units=heads, reads="")
    yield replace(far, trained_input=False)
    products = counts.relative_attention(
        batch=spec.batch_size,
        heads=heads,
        queries=spec.seq_len,
        keys=spec.seq_len,
        distances=distances,
        width=width // heads,
        segments=True,
        asked=spec.segments,
    )
    _, *multiplied = products
    by_head = Division(by="channels", units=heads)
    places = shards.own("vectors of contents and places", 2 * width, units=heads)
    yield replace(places, tensors=2)
    kinds = shards.own("vectors of segments", 3 * width, units=heads)
    yield replace(kinds, counted=replace(kinds.counted, times=int(spec.segments)), tensors=2)
    for each in multiplied:
        yield Layer(name="attention products", counted=each, division=by_head, tensors=0)
    yield shards.rows("projection back", rows, width, width, bias=False, units=heads)
    yield shards.norm("norm", rows, width)
    yield from shards.feed_forward(rows, width, spec.d_ff, activation="gelu", bias=True)
    yield shards.norm("norm", rows, width)
