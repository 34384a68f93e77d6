"""Layers in closed form, as the blocks beside it build them. No torch.

Rows are vectors that a layer takes: batch times positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from archscope.theory import counts, mixing_counts
from archscope.theory.census import (
    ATTENTION,
    EMBEDDING,
    EXPERTS,
    LINEAR,
    NORM,
    OWN_PARAMETERS,
    STATE_SPACE,
    Counted,
    convolution_kind,
    repeated,
)
from archscope.theory.counts import GATED, ClosedForm

Norms = Literal["none", "weightless", "weighted", "biased"]
"""What the norms on what a scan is made of have of their own."""


def linear(rows: int, inputs: int, outputs: int, *, bias: bool, tied: bool = False) -> Counted:
    """Return a linear layer; `tied`: its weight is another's."""
    form = counts.linear(rows=rows, inputs=inputs, outputs=outputs, bias=bias, tied=tied)
    return Counted(kind=LINEAR, form=form, outputs=rows * outputs)


@lru_cache(maxsize=4096)
def convolution(
    positions: int,
    inputs: int,
    outputs: int,
    kernel: tuple[int, ...],
    *,
    groups: int = 1,
    bias: bool = False,
    read: int | None = None,
) -> Counted:
    """Return a convolution that makes so many positions, of batch and space.

    A transposed one is told by the positions that it `read`.
    """
    transposed = read is not None
    form = counts.convolution(
        positions=positions if read is None else read,
        inputs=inputs,
        outputs=outputs,
        kernel=kernel,
        groups=groups,
        bias=bias,
    )
    kind = convolution_kind(kernel, inputs=inputs, groups=groups, transposed=transposed)
    return Counted(kind=kind, form=form, outputs=positions * outputs)


@lru_cache(maxsize=4096)
def norm(rows: int, width: int, *, weight: bool = True, bias: bool = True) -> Counted:
    """Return a norm of so many vectors."""
    form = counts.normalisation(width=width, weight=weight, bias=bias)
    return Counted(kind=NORM, form=form, outputs=rows * width)


def embedding(rows: int, words: int, width: int, *, trained: bool = True) -> Counted:
    """Return a table in which so many words are looked up."""
    form = counts.embedding(words=words, width=width)
    return Counted(kind=EMBEDDING, form=form, outputs=rows * width, frozen=not trained)


def own(parameters: int) -> Counted:
    """Return parameters that a module holds itself which is no layer."""
    form = ClosedForm(params="p", macs="0", symbols={"p": parameters})
    return Counted(kind=OWN_PARAMETERS, form=form, outputs=0)


def attention(
    *, batch: int, heads: int, queries: int, keys: int, key_width: int, value_width: int
) -> Counted:
    """Return both products of attention; `keys` are those that each query meets."""
    form = mixing_counts.attention(
        batch=batch,
        heads=heads,
        queries=queries,
        keys=keys,
        key_width=key_width,
        value_width=value_width,
    )
    return Counted(kind=ATTENTION, form=form, outputs=batch * heads * queries * value_width)


def attention_to(
    batch: int, queries: int, keys: int, width: int, heads: int, *, key_bias: bool = True
) -> Iterator[Counted]:
    """Yield attention with biases, each of its projections by itself."""
    for tokens, bias in ((queries, True), (keys, key_bias), (keys, True)):
        yield linear(batch * tokens, width, width, bias=bias)
    yield attention(
        batch=batch,
        heads=heads,
        queries=queries,
        keys=keys,
        key_width=width // heads,
        value_width=width // heads,
    )
    yield linear(batch * queries, width, width, bias=True)


def relative_attention(
    *,
    batch: int,
    heads: int,
    queries: int,
    keys: int,
    distances: int,
    width: int,
    segments: bool = False,
    asked: bool = False,
) -> Iterator[Counted]:
    """Yield the products of attention that scores distances too, and the vectors they add."""
    form = mixing_counts.relative_attention(
        batch=batch,
        heads=heads,
        queries=queries,
        keys=keys,
        distances=distances,
        width=width,
        segments=segments,
    )
    yield own(form.params_value)
    if segments and asked:  # the vectors of a query's own segment and of others, which are held
        held = counts.linear(rows=batch * heads * queries, inputs=width, outputs=2, bias=False)
        made = batch * heads * queries * 2
        yield Counted(kind=OWN_PARAMETERS, form=replace(held, params="0"), outputs=made)
    outputs = batch * heads * queries * width
    yield Counted(kind=ATTENTION, form=replace(form, params="0"), outputs=outputs)


def feed_forward(
    rows: int, width: int, hidden: int, *, activation: str, bias: bool
) -> Iterator[Counted]:
    """Yield the two linear layers of a feed-forward, three where it has a gate."""
    yield linear(rows, width, hidden, bias=bias)
    if activation in GATED:
        yield linear(rows, width, hidden, bias=bias)
    yield linear(rows, hidden, width, bias=bias)


def mixture(
    rows: int,
    width: int,
    hidden: int,
    *,
    experts: int,
    chosen: int,
    activation: str,
    bias: bool,
    router_bias: bool = False,
    shared: int = 0,
    shared_gate: bool = False,
) -> Iterator[Counted]:
    """Yield a router and its experts, `chosen` of which each row meets, and the one for all."""
    yield linear(rows, width, experts, bias=router_bias)
    form = counts.experts(
        rows=rows * chosen,
        experts=experts,
        width=width,
        hidden=hidden,
        matrices=3 if activation in GATED else 2,
        bias=bias,
    )
    yield Counted(kind=EXPERTS, form=form, outputs=rows * chosen * width)
    if shared:
        yield from feed_forward(rows, width, shared, activation=activation, bias=bias)
    if shared_gate:
        yield linear(rows, width, 1, bias=False)


def gated_delta(
    batch: int,
    length: int,
    width: int,
    *,
    heads: int,
    key_heads: int,
    key_dim: int,
    value_dim: int,
    taps: int,
    bias: bool,
) -> Iterator[Counted]:
    """Yield a gated delta net: its projections, its short convolution, its rule and its norm."""
    rows, values = batch * length, heads * value_dim
    channels = 2 * key_heads * key_dim + values
    yield linear(rows, width, channels + values, bias=bias)
    yield linear(rows, width, 2 * heads, bias=bias)
    yield convolution(rows, channels, channels, (taps,), groups=channels, bias=bias)
    form = mixing_counts.gated_delta(
        batch=batch, heads=heads, length=length, key_width=key_dim, value_width=value_dim
    )
    yield own(form.params_value)
    yield Counted(kind=ATTENTION, form=replace(form, params="0"), outputs=rows * values)
    yield norm(rows * heads, value_dim, bias=False)
    yield linear(rows, values, width, bias=bias)


def lightning_attention(
    batch: int, length: int, width: int, *, heads: int, head_dim: int, bias: bool
) -> Iterator[Counted]:
    """Yield lightning attention: its projections and gates, its product and its norm."""
    rows, inner = batch * length, heads * head_dim
    yield linear(rows, width, 3 * inner, bias=bias)
    form = mixing_counts.lightning_attention(
        batch=batch, heads=heads, length=length, width=head_dim
    )
    yield Counted(kind=ATTENTION, form=form, outputs=rows * inner)
    yield norm(rows, inner, bias=False)
    yield linear(rows, width, inner, bias=bias)
    yield linear(rows, inner, width, bias=bias)


def dual_state_space(
    batch: int,
    length: int,
    width: int,
    *,
    state: int,
    taps: int,
    expand: int,
    head_dim: int,
    groups: int,
    chunk: int,
    bias: bool,
    conv_bias: bool,
) -> Iterator[Counted]:
    """Yield Mamba-2's block without its first norm, which makes all that the scan takes at once."""
    rows, inner = batch * length, expand * width
    heads, mixed = inner // head_dim, inner + 2 * groups * state
    yield linear(rows, width, inner + mixed + heads, bias=bias)
    yield convolution(rows, mixed, mixed, (taps,), groups=mixed, bias=conv_bias)
    form = mixing_counts.dual_scan(
        batch=batch,
        length=length,
        heads=heads,
        width=head_dim,
        state=state,
        chunk=chunk,
        groups=groups,
    )
    yield Counted(kind=STATE_SPACE, form=form, outputs=rows * inner)
    yield norm(rows, inner, bias=False)
    yield linear(rows, inner, width, bias=bias)


def state_space(
    rows: int,
    width: int,
    *,
    state: int,
    taps: int,
    expand: int,
    causal: bool,
    bias: bool,
    conv_bias: bool,
    rank: int | None = None,
    normed: Norms = "none",
) -> Iterator[Counted]:
    """Yield Mamba's block without its norm; of one that is not causal two scans, one each way."""
    inner = expand * width
    yield linear(rows, width, 2 * inner, bias=bias)
    scanned = _scanned(
        rows, inner, rank or mixing_counts.rank_of_steps(width), state, taps, conv_bias, normed
    )
    directions = 1 if causal else 2
    yield from repeated(scanned, times=directions, copies=directions)
    yield linear(rows, inner, width, bias=bias)


def _scanned(
    rows: int, inner: int, rank: int, state: int, taps: int, bias: bool, normed: Norms
) -> Iterator[Counted]:
    parts = (rank, state, state)
    yield convolution(rows, inner, inner, (taps,), groups=inner, bias=bias)
    yield linear(rows, inner, sum(parts), bias=False)
    if normed != "none":
        weight, shift = normed != "weightless", normed == "biased"
        yield from (norm(rows, part, weight=weight, bias=shift) for part in parts)
    yield linear(rows, rank, inner, bias=True)
    form = mixing_counts.selective_scan(rows=rows, inner=inner, state=state)
    yield Counted(kind=STATE_SPACE, form=form, outputs=rows * inner)
