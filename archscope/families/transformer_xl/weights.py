"""The weights of a Transformer-XL in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from archscope.blocks import counts, shards
from archscope.families.transformer_xl.spec import TransformerXlSpec
from archscope.theory.stages import Division, Layer, Part, Stages


def weights(spec: TransformerXlSpec) -> Stages:
    """Return the tables, the blocks and the scores; tables may be held but not run."""
    rows, width = spec.batch_size * spec.seq_len, spec.d_model
    block = Part(path="blocks.0", layers=tuple(_block(spec)), block=True, out=rows * width)
    runs, made, *rest = int(spec.scores), *block.layers
    # Without tables the first block reads what needs no gradient.
    made = replace(made, trained_input=spec.scores)
    first = block if spec.scores else replace(block, layers=(made, *rest))
    return Stages(
        parts=(
            Part(path="embeddings", layers=_run(_embedding(spec), runs), out=rows * width),
            first,
            *[block] * (spec.depth - 1),
            Part(path="head", layers=_run(_head(spec), runs)),
        ),
        samples=spec.batch_size,
        tokens=rows,
    )


def _run(layers: Iterable[Layer], times: int) -> tuple[Layer, ...]:
    return tuple(replace(each, counted=replace(each.counted, times=times)) for each in layers)


def _clusters(spec: TransformerXlSpec) -> list[tuple[int, int]]:
    """Return the tokens and the width of each cluster's table."""
    sizes = spec.cluster_sizes
    return [(size, spec.d_model // spec.div_val**n) for n, size in enumerate(sizes)]


def _embedding(spec: TransformerXlSpec) -> Iterator[Layer]:
    """Yield a table for each cluster, every one of which answers for every token."""
    rows = spec.batch_size * spec.seq_len
    for number, (size, width) in enumerate(_clusters(spec)):
        yield shards.embedding(f"table {number}", rows, size, width, weight=f"table {number}")
        if spec.div_val > 1:
            up = shards.linear(f"projection {number}", rows, width, spec.d_model, bias=False)
            yield replace(up, weight=f"projection {number}")


def _head(spec: TransformerXlSpec) -> Iterator[Layer]:
    """Yield scores of frequent tokens and of clusters, and of the tokens within each cluster."""
    rows, found = spec.batch_size * spec.seq_len, _clusters(spec)
    for number, (size, width) in enumerate(found):
        if spec.div_val > 1:  # all but the first are the embedding's, the other way round
            down = shards.linear("projection down", rows, spec.d_model, width, bias=False)
            yield replace(down, weight=f"projection {number}" if number else "")
        if number == 0 and len(found) > 1:
            yield shards.linear("scores of clusters", rows, width, len(found) - 1, bias=True)
        yield from shards.scores("scores", rows, width, size, bias=True, weight=f"table {number}")


def _block(spec: TransformerXlSpec) -> Iterator[Layer]:
    batch, width, keys = spec.batch_size, spec.d_model, spec.seq_len + spec.memory
    rows, heads, inner = batch * spec.seq_len, spec.heads, spec.heads * spec.head_width
    yield shards.columns(
        "query, key and value", batch * keys, width, 3 * inner, bias=False, units=heads,
        reads="attention",
    )  # fmt: skip
    far = shards.columns("distances", keys, width, inner, bias=False, units=heads, reads="")
    yield replace(far, trained_input=False)
    vectors, *products = counts.relative_attention(
        batch=batch,
        heads=heads,
        queries=spec.seq_len,
        keys=keys,
        distances=keys,
        width=spec.head_width,
    )
    by_head = Division(by="channels", units=heads)
    yield Layer(name="vectors of attention", counted=vectors, division=by_head, tensors=2)
    for each in products:
        yield Layer(name="attention products", counted=each, division=by_head, tensors=0)
    yield shards.rows("projection back", rows, inner, width, bias=False, units=heads)
    yield shards.norm("norm", rows, width)
    yield from shards.feed_forward(rows, width, spec.d_ff, activation="relu", bias=True)
    yield shards.norm("norm", rows, width)
