"""The weights of a DeepSeek network in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks import counts, shards
from archscope.families.deepseek.spec import DENSE, DeepSeekSpec, blocks
from archscope.theory.stages import Layer, Part, Stages


def weights(spec: DeepSeekSpec) -> Stages:
    """Return the table, the blocks, the last norm and the scores."""
    rows, width = spec.batch_size * spec.seq_len, spec.d_model
    kinds: dict[str, Part] = {}
    for block in blocks(spec):
        if block.kind not in kinds:
            layers = tuple(_block(spec, rows, block.kind))
            kinds[block.kind] = Part(path=block.path, layers=layers, block=True, out=rows * width)
    table = shards.embedding("table of tokens", rows, spec.vocab_size, width)
    last = (
        shards.norm("last norm", rows, width, bias=False),
        *shards.scores("scores", rows, width, spec.vocab_size),
    )
    return Stages(
        parts=(
            Part(path="embeddings", layers=(table,), out=rows * width),
            *(kinds[block.kind] for block in blocks(spec)),
            Part(path="head", layers=last),
        ),
        samples=spec.batch_size,
        tokens=rows,
    )


def _block(spec: DeepSeekSpec, rows: int, kind: str) -> Iterator[Layer]:
    width = spec.d_model
    yield shards.norm("norm", rows, width, bias=False)
    yield from _latent_attention(spec, rows)
    yield shards.norm("norm", rows, width, bias=False)
    if kind == DENSE:
        yield from shards.feed_forward(rows, width, spec.d_ff, activation="swiglu", bias=False)
        return
    yield from shards.mixture(
        rows, width, spec.expert_ff, experts=spec.experts, chosen=spec.top_k, activation="swiglu",
        bias=False,
    )  # fmt: skip
    if spec.shared_experts:
        wide = spec.shared_experts * spec.expert_ff
        yield from shards.feed_forward(rows, width, wide, activation="swiglu", bias=False)


def _latent_attention(spec: DeepSeekSpec, rows: int) -> Iterator[Layer]:
    """Yield attention from small vectors, which every card makes; heads are dealt out."""
    width, heads, asked = spec.d_model, spec.heads, spec.nope_dim + spec.rope_dim
    if spec.q_rank:
        yield shards.linear("query down", rows, width, spec.q_rank, bias=False)
        yield shards.norm("norm of queries", rows, spec.q_rank, bias=False)
    yield shards.columns(
        "query", rows, spec.q_rank or width, heads * asked, bias=False, units=heads, reads="query"
    )
    yield shards.linear("key and value down", rows, width, spec.kv_rank + spec.rope_dim, bias=False)
    yield shards.norm("norm of keys and values", rows, spec.kv_rank, bias=False)
    made = heads * (spec.nope_dim + spec.value_dim)
    yield shards.columns(
        "key and value", rows, spec.kv_rank, made, bias=False, units=heads, reads="key and value"
    )
    products = counts.attention(
        batch=spec.batch_size,
        heads=heads,
        queries=spec.seq_len,
        keys=spec.seq_len,
        key_width=asked,
        value_width=spec.value_dim,
    )
    yield shards.product(products, heads=heads)
    inner = heads * spec.value_dim
    yield shards.rows("projection back", rows, inner, width, bias=False, units=heads)
