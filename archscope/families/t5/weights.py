"""The weights of a T5 in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.blocks import counts, shards
from archscope.blocks.plan import Numbered, lists
from archscope.families.t5.spec import SPARSE, T5Spec, blocks
from archscope.theory.stages import Layer, Part, Stages

_TABLE = "table of tokens"


def weights(spec: T5Spec) -> Stages:
    """Return the table, both stacks and the scores."""
    return Stages(
        parts=tuple(_parts(spec)),
        samples=spec.batch_size,
        tokens=spec.batch_size * (spec.seq_len + spec.target_len),
    )


def _parts(spec: T5Spec) -> Iterator[Part]:
    plan, batch, width = lists(blocks(spec)), spec.batch_size, spec.d_model
    source, target = batch * spec.seq_len, batch * spec.target_len
    table = shards.embedding(_TABLE, source, spec.vocab_size, width, weight=_TABLE)
    bias = shards.own("relative bias", spec.buckets * spec.heads, units=spec.heads)
    yield Part(path="embeddings", layers=(table, bias), out=source * width)
    yield from _stack(spec, plan["encoder.blocks"], spec.seq_len)
    again = shards.embedding(_TABLE, target, spec.vocab_size, width, weight=_TABLE)
    between = (shards.norm("last norm", source, width, bias=False), again, bias)
    yield Part(path="target embeddings", layers=between, out=(source + target) * width)
    yield from _stack(spec, plan["decoder.blocks"], spec.target_len, spec.seq_len)
    tied = _TABLE if spec.tied else ""
    scores = shards.scores("scores", target, width, spec.vocab_size, weight=tied)
    norm = shards.norm("last norm", target, width, bias=False)
    yield Part(path="head", layers=(norm, *scores))


def _stack(spec: T5Spec, plan: Sequence[Numbered], tokens: int, memory: int = 0) -> Iterator[Part]:
    """Yield the blocks of a stack, those that are alike as one object."""
    found: dict[str, Part] = {}
    for block in plan:
        if block.kind not in found:
            found[block.kind] = Part(
                path=block.path,
                layers=tuple(_block(spec, tokens, memory, sparse=block.kind == SPARSE)),
                block=True,
                out=spec.batch_size * (tokens + memory) * spec.d_model,
            )
        yield found[block.kind]


def _block(spec: T5Spec, tokens: int, memory: int, *, sparse: bool) -> Iterator[Layer]:
    rows, width = spec.batch_size * tokens, spec.d_model
    yield shards.norm("norm", rows, width, bias=False)
    yield from _attention(spec, tokens, tokens)
    if memory:
        yield shards.norm("norm", rows, width, bias=False)
        yield from _attention(spec, tokens, memory, cross=True)
    yield shards.norm("norm", rows, width, bias=False)
    if sparse:
        yield from shards.mixture(
            rows, width, spec.d_ff, experts=spec.experts, chosen=1, activation=spec.activation,
            bias=False,
        )  # fmt: skip
    else:
        yield from shards.feed_forward(
            rows, width, spec.d_ff, activation=spec.activation, bias=False
        )


def _attention(spec: T5Spec, queries: int, keys: int, *, cross: bool = False) -> Iterator[Layer]:
    products = counts.attention(
        batch=spec.batch_size,
        heads=spec.heads,
        queries=queries,
        keys=keys,
        key_width=spec.head_dim,
        value_width=spec.head_dim,
    )
    return shards.attention(
        batch=spec.batch_size,
        heads=spec.heads,
        kv_heads=spec.heads,
        queries=queries,
        keys=keys,
        width=spec.d_model,
        head_width=spec.head_dim,
        bias=(False, False, False),
        out_bias=False,
        products=products,
        memory=keys if cross else 0,
    )
