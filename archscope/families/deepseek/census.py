"""The layers of a DeepSeek network in closed form, from the plan of its blocks. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from archscope.blocks.counted import attention, embedding, feed_forward, linear, mixture, norm
from archscope.families.deepseek.spec import DENSE, DeepSeekSpec, blocks
from archscope.theory.census import Census, Counted, repeated


def census(spec: DeepSeekSpec) -> Census:
    """Return what is counted of the table, the blocks and the scores."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: DeepSeekSpec) -> Iterator[Counted]:
    rows, width = spec.batch_size * spec.seq_len, spec.d_model
    yield embedding(rows, spec.vocab_size, width)
    for kind, count in Counter(block.kind for block in blocks(spec)).items():
        yield from repeated(_block(spec, rows, kind), times=count, copies=count)
    yield norm(rows, width, bias=False)
    yield linear(rows, width, spec.vocab_size, bias=False)


def _block(spec: DeepSeekSpec, rows: int, kind: str) -> Iterator[Counted]:
    width = spec.d_model
    yield norm(rows, width, bias=False)
    yield from _latent_attention(spec, rows)
    yield norm(rows, width, bias=False)
    if kind == DENSE:
        yield from feed_forward(rows, width, spec.d_ff, activation="swiglu", bias=False)
        return
    yield from mixture(
        rows, width, spec.expert_ff, experts=spec.experts, chosen=spec.top_k, activation="swiglu",
        bias=False,
    )  # fmt: skip
    if spec.shared_experts:
        wide = spec.shared_experts * spec.expert_ff
        yield from feed_forward(rows, width, wide, activation="swiglu", bias=False)


def _latent_attention(spec: DeepSeekSpec, rows: int) -> Iterator[Counted]:
    """Yield queries, keys and values from small vectors, their product, the projection back."""
    width, heads, asked = spec.d_model, spec.heads, spec.nope_dim + spec.rope_dim
    if spec.q_rank:
        yield linear(rows, width, spec.q_rank, bias=False)
        yield norm(rows, spec.q_rank, bias=False)
    yield linear(rows, spec.q_rank or width, heads * asked, bias=False)
    yield linear(rows, width, spec.kv_rank + spec.rope_dim, bias=False)
    yield norm(rows, spec.kv_rank, bias=False)
    yield linear(rows, spec.kv_rank, heads * (spec.nope_dim + spec.value_dim), bias=False)
    yield attention(
        batch=spec.batch_size,
        heads=heads,
        queries=spec.seq_len,
        keys=spec.seq_len,
        key_width=asked,
        value_width=spec.value_dim,
    )
    yield linear(rows, heads * spec.value_dim, width, bias=False)
