"""The layers of a T5 in closed form, from the plan of its blocks. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from archscope.blocks.counts import (
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
    source = spec.seq_len
    yield embedding(spec.batch_size * source, spec.vocab_size, spec.d_model)
    yield from _stack(spec, lists(blocks(spec))["encoder.blocks"], source)
    yield from decoded(spec, memory=source)


def decoded(spec: T5Spec, *, memory: int) -> Iterator[Counted]:
    """Yield what the target runs through, of a source of so many tokens; its table is shared."""
    rows, width = spec.batch_size * spec.target_len, spec.d_model
    again = embedding(rows, spec.vocab_size, width)
    yield from repeated([again], times=1, copies=0)
    yield from _stack(spec, lists(blocks(spec))["decoder.blocks"], spec.target_len, memory)
    yield linear(rows, width, spec.vocab_size, bias=False, tied=spec.tied)


def _stack(
    spec: T5Spec, plan: Sequence[Numbered], tokens: int, memory: int | None = None
) -> Iterator[Counted]:
    """Yield blocks that share one relative bias, and a last norm; None: they read no memory."""
    yield own(spec.buckets * spec.heads)
    for kind, count in Counter(block.kind for block in plan).items():
        block = _block(spec, tokens, memory, sparse=kind == SPARSE)
        yield from repeated(block, times=count, copies=count)
    yield norm(spec.batch_size * tokens, spec.d_model, bias=False)


def _block(spec: T5Spec, tokens: int, memory: int | None, *, sparse: bool) -> Iterator[Counted]:
    rows, width = spec.batch_size * tokens, spec.d_model
    yield norm(rows, width, bias=False)
    yield from _attention(spec, tokens, tokens)
    if memory is not None:
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
