"""The layers of a T5 in closed form, from the plan of its blocks. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from archscope.blocks.counted import (
    attention,
    embedding,
    feed_forward,
    linear,
    mixture,
    norm,
    own,
)
from archscope.blocks.plan import Numbered, lists
from archscope.families.t5.spec import SPARSE, T5Spec, blocks
from archscope.theory.census import Census, Counted, repeated


def census(spec: T5Spec) -> Census:
    """Return what is counted of the table, both stacks and the scores."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: T5Spec) -> Iterator[Counted]:
    plan, batch, width = lists(blocks(spec)), spec.batch_size, spec.d_model
    source, target = spec.seq_len, spec.target_len
    yield embedding(batch * source, spec.vocab_size, width)
    yield from _stack(spec, plan["encoder.blocks"], source)
    again = embedding(batch * target, spec.vocab_size, width)
    yield from repeated([again], times=1, copies=0)
    yield from _stack(spec, plan["decoder.blocks"], target, source)
    yield linear(batch * target, width, spec.vocab_size, bias=False, tied=spec.tied)


def _stack(
    spec: T5Spec, plan: Sequence[Numbered], tokens: int, memory: int = 0
) -> Iterator[Counted]:
    """Yield blocks that share one relative bias, and a last norm."""
    yield own(spec.buckets * spec.heads)
    for kind, count in Counter(block.kind for block in plan).items():
        block = _block(spec, tokens, memory, sparse=kind == SPARSE)
        yield from repeated(block, times=count, copies=count)
    yield norm(spec.batch_size * tokens, spec.d_model, bias=False)


def _block(spec: T5Spec, tokens: int, memory: int, *, sparse: bool) -> Iterator[Counted]:
    rows, width = spec.batch_size * tokens, spec.d_model
    yield norm(rows, width, bias=False)
    yield from _attention(spec, tokens, tokens)
    if memory:
        yield norm(rows, width, bias=False)
        yield from _attention(spec, tokens, memory)
    yield norm(rows, width, bias=False)
    if sparse:
        yield from mixture(
            rows, width, spec.d_ff, experts=spec.experts, chosen=1, activation=spec.activation,
            bias=False,
        )  # fmt: skip
    else:
        yield from feed_forward(rows, width, spec.d_ff, activation=spec.activation, bias=False)


def _attention(spec: T5Spec, queries: int, keys: int) -> Iterator[Counted]:
    batch, width, inner = spec.batch_size, spec.d_model, spec.heads * spec.head_dim
    for tokens in (queries, keys, keys):
        yield linear(batch * tokens, width, inner, bias=False)
    yield attention(
        batch=batch,
        heads=spec.heads,
        queries=queries,
        keys=keys,
        key_width=spec.head_dim,
        value_width=spec.head_dim,
    )
    yield linear(batch * queries, inner, width, bias=False)
