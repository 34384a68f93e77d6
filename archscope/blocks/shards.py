"""Layers in closed form as `counts` has them, with how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import archscope.blocks.counts as counted
from archscope.theory import counts, mixing_counts
from archscope.theory.census import ATTENTION, STATE_SPACE, Counted
from archscope.theory.counts import GATED
from archscope.theory.stages import Division, Layer


def columns(
    name: str,
    rows: int,
    inputs: int,
    outputs: int,
    *,
    bias: bool,
    units: int,
    reads: str,
    repeats: bool = False,
) -> Layer:
    """Return a linear layer whose outputs are dealt out, so many units of them."""
    division = Division(by="columns", units=units, reads=reads, repeats=repeats)
    layer = counted.linear(rows, inputs, outputs, bias=bias)
    return Layer(name=name, counted=layer, division=division, tensors=1 + bias)


def rows(name: str, rows: int, inputs: int, outputs: int, *, bias: bool, units: int) -> Layer:
    """Return a linear layer whose inputs are dealt out; each card has its bias whole."""
    division = Division(by="rows", units=units, whole=outputs if bias else 0)
    layer = counted.linear(rows, inputs, outputs, bias=bias)
    return Layer(name=name, counted=layer, division=division, tensors=1 + bias)


def whole(name: str, layer: Counted, *, tensors: int = 1, trained_input: bool = True) -> Layer:
    """Return a layer that every card has."""
    return Layer(name=name, counted=layer, tensors=tensors, trained_input=trained_input)


def linear(name: str, rows: int, inputs: int, outputs: int, *, bias: bool) -> Layer:
    """Return a linear layer that every card has."""
    return whole(name, counted.linear(rows, inputs, outputs, bias=bias), tensors=1 + bias)


def norm(name: str, rows: int, width: int, *, weight: bool = True, bias: bool = True) -> Layer:
    """Return a norm, which every card has."""
    layer = counted.norm(rows, width, weight=weight, bias=bias)
    return whole(name, layer, tensors=weight + bias)


def embedding(name: str, rows: int, words: int, width: int, *, weight: str = "") -> Layer:
    """Return a table whose words are dealt out."""
    division = Division(by="vocabulary", units=words)
    layer = counted.embedding(rows, words, width)
    return Layer(name=name, counted=layer, division=division, weight=weight)


def scores(
    name: str, rows: int, width: int, words: int, *, bias: bool = False, weight: str = ""
) -> tuple[Layer, ...]:
    """Return what scores words, which are dealt out; the bias beside a tied `weight` is apart."""
    division = Division(by="vocabulary", units=words, reads="scored")
    apart = bias and bool(weight)
    layer = counted.linear(rows, width, words, bias=bias and not apart)
    tensors = 1 + (bias and not apart)
    found = Layer(name=name, counted=layer, division=division, weight=weight, tensors=tensors)
    if not apart:
        return (found,)
    held = replace(division, reads="")
    return found, Layer(name=f"{name} bias", counted=counted.own(words), division=held)


def product(layer: Counted, *, heads: int) -> Layer:
    """Return the products of attention, which has no parameters and is dealt out by heads."""
    return Layer(
        name="attention products",
        counted=layer,
        division=Division(by="channels", units=heads, repeats=True),
        tensors=0,
    )


def feed_forward(
    rows_: int, width: int, hidden: int, *, activation: str, bias: bool, reads: str = "feed-forward"
) -> Iterator[Layer]:
    """Yield the two linear layers of a feed-forward, three where it has a gate."""
    names = ("gate", "up") if activation in GATED else ("up",)
    for name in names:
        yield columns(
            f"feed-forward {name}", rows_, width, hidden, bias=bias, units=hidden, reads=reads
        )
    yield rows("feed-forward down", rows_, hidden, width, bias=bias, units=hidden)


def mixture(
    rows_: int,
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
) -> Iterator[Layer]:
    """Yield a router, which every card has, its experts, and the one for all tokens."""
    yield linear("router", rows_, width, experts, bias=router_bias)
    matrices = 3 if activation in GATED else 2
    form = counts.experts(
        rows=rows_ * chosen,
        experts=experts,
        width=width,
        hidden=hidden,
        matrices=matrices,
        bias=bias,
    )
    yield Layer(
        name="experts",
        counted=Counted(kind="experts", form=form, outputs=rows_ * chosen * width),
        division=Division(
            by="experts",
            units=hidden,
            whole=experts * width if bias else 0,
            experts=experts,
            chosen=chosen,
            reads="experts",
        ),
        tensors=matrices * (1 + bias),
    )
    if shared:
        yield from feed_forward(
            rows_, width, shared, activation=activation, bias=bias, reads="shared expert"
        )
    if shared_gate:
        yield linear("gate of the shared expert", rows_, width, 1, bias=False)


def state_space(
    rows_: int,
    width: int,
    *,
    state: int,
    taps: int,
    expand: int,
    causal: bool,
    bias: bool,
    conv_bias: bool,
    rank: int | None = None,
    normed: counted.Norms = "none",
) -> Iterator[Layer]:
    """Yield Mamba's block without its norm, dealt out by inner features.

    Dao & Gu 2024 (Mamba-2, arXiv 2405.21060), section 8.1: the small vectors that steer the scan
    are a sum over all cards, a second one in each block.
    """
    inner, rank = expand * width, rank or mixing_counts.rank_of_steps(width)
    yield columns("in", rows_, width, 2 * inner, bias=bias, units=inner, reads="mixer")
    for _ in range(1 if causal else 2):
        yield from _scanned(rows_, inner, rank, state, taps, conv_bias, normed)
    yield rows("out", rows_, inner, width, bias=bias, units=inner)


def _scanned(
    rows_: int, inner: int, rank: int, state: int, taps: int, bias: bool, normed: counted.Norms
) -> Iterator[Layer]:
    by_channel = Division(by="channels", units=inner)
    conv = counted.convolution(rows_, inner, inner, (taps,), groups=inner, bias=bias)
    yield Layer(name="convolution", counted=conv, division=by_channel, tensors=1 + bias)
    parts = (rank, state, state)
    yield rows("steps and states", rows_, inner, sum(parts), bias=False, units=inner)
    if normed != "none":
        weight, shift = normed != "weightless", normed == "biased"
        for part in parts:
            yield norm("inner norm", rows_, part, weight=weight, bias=shift)
    yield columns("steps", rows_, rank, inner, bias=True, units=inner, reads="steps")
    form = mixing_counts.selective_scan(rows=rows_, inner=inner, state=state)
    scan = Counted(kind=STATE_SPACE, form=form, outputs=rows_ * inner)
    yield Layer(name="scan", counted=scan, division=by_channel, tensors=2)


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
) -> Iterator[Layer]:
    """Yield Mamba-2's block without its first norm, dealt out by heads.

    Dao & Gu 2024, section 8.1: each card makes what writes and reads the states of all heads, and
    the norm before the last projection is each card's own.
    """
    rows_, inner = batch * length, expand * width
    heads, shared = inner // head_dim, 2 * groups * state
    mixed = inner + shared
    made = counted.linear(rows_, width, inner + mixed + heads, bias=bias)
    by_head = Division(by="columns", units=heads, whole=shared * (width + bias), reads="mixer")
    yield Layer(name="in", counted=made, division=by_head, tensors=1 + bias)
    conv = counted.convolution(rows_, mixed, mixed, (taps,), groups=mixed, bias=conv_bias)
    by_channel = Division(by="channels", units=heads, whole=shared * (taps + conv_bias))
    yield Layer(name="convolution", counted=conv, division=by_channel, tensors=1 + conv_bias)
    form = mixing_counts.dual_scan(
        batch=batch,
        length=length,
        heads=heads,
        width=head_dim,
        state=state,
        chunk=chunk,
        groups=groups,
    )
    scan = Counted(kind=STATE_SPACE, form=form, outputs=rows_ * inner)
    by_head = Division(by="channels", units=heads)
    yield Layer(name="scan", counted=scan, division=by_head, tensors=3)
    inner_norm = counted.norm(rows_, inner, bias=False)
    yield Layer(name="inner norm", counted=inner_norm, division=by_head)
    yield rows("out", rows_, inner, width, bias=bias, units=heads)


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
) -> Iterator[Layer]:
    """Yield a gated delta net, dealt out by key heads, each with the value heads that it serves."""
    rows_, values = batch * length, heads * value_dim
    channels = 2 * key_heads * key_dim + values
    for name, outputs in (
        ("query, key, value and gate", channels + values),
        ("strength and fading", 2 * heads),
    ):
        yield columns(name, rows_, width, outputs, bias=bias, units=key_heads, reads="mixer")
    by_head = Division(by="channels", units=key_heads)
    conv = counted.convolution(rows_, channels, channels, (taps,), groups=channels, bias=bias)
    yield Layer(name="convolution", counted=conv, division=by_head, tensors=1 + bias)
    form = mixing_counts.gated_delta(
        batch=batch, heads=heads, length=length, key_width=key_dim, value_width=value_dim
    )
    rule = Counted(kind=ATTENTION, form=form, outputs=rows_ * values)
    yield Layer(name="delta rule", counted=rule, division=by_head, tensors=2)
    yield norm("inner norm", rows_ * heads, value_dim, bias=False)
    yield rows("out", rows_, values, width, bias=bias, units=key_heads)


def lightning_attention(
    batch: int, length: int, width: int, *, heads: int, head_dim: int, bias: bool
) -> Iterator[Layer]:
    """Yield lightning attention, dealt out by heads; its norm is each card's own."""
    rows_, inner = batch * length, heads * head_dim
    gates = columns("gates", rows_, width, inner, bias=bias, units=heads, reads="mixer")
    yield columns(
        "query, key and value", rows_, width, 3 * inner, bias=bias, units=heads, reads="mixer"
    )
    form = mixing_counts.lightning_attention(
        batch=batch, heads=heads, length=length, width=head_dim
    )
    yield product(Counted(kind=ATTENTION, form=form, outputs=rows_ * inner), heads=heads)
    inner_norm = counted.norm(rows_, inner, bias=False)
    by_head = Division(by="channels", units=heads)
    yield Layer(name="inner norm", counted=inner_norm, division=by_head)
    yield gates
    yield rows("out", rows_, inner, width, bias=bias, units=heads)


def attention(
    *,
    batch: int,
    heads: int,
    kv_heads: int,
    queries: int,
    keys: int,
    width: int,
    head_width: int,
    bias: tuple[bool, bool, bool],
    out_bias: bool,
    products: Counted,
    fused: bool = False,
    memory: int = 0,
    norms: tuple[Layer, ...] = (),
    output_gate: bool = False,
) -> Iterator[Layer]:
    """Yield projections to heads, norms of these, the products given, and the projection back.

    `memory`: tokens that keys and values come from where these are others than the queries'.
    `bias`: of queries, keys and values. `fused`: one layer makes all three. `output_gate`: another
    makes gates of what the heads answer.
    """
    asked, met = batch * queries, batch * (memory or keys)
    inner, narrow = heads * head_width, kv_heads * head_width
    here, there = ("asking", "asked") if memory else ("attention", "attention")
    if fused:
        yield columns(
            "query, key and value", asked, width, 3 * inner, bias=bias[0], units=heads, reads=here
        )
    else:
        yield columns("query", asked, width, inner, bias=bias[0], units=heads, reads=here)
        for name, has_bias in (("key", bias[1]), ("value", bias[2])):
            yield columns(
                name, met, width, narrow, bias=has_bias, units=kv_heads, reads=there, repeats=True
            )
    yield from norms
    yield product(products, heads=heads)
    if output_gate:
        yield columns("gates", asked, width, inner, bias=bias[0], units=heads, reads=here)
    yield rows("projection back", asked, inner, width, bias=out_bias, units=heads)


def own(name: str, parameters: int, *, units: int = 1, weight: str = "") -> Layer:
    """Return parameters that no layer holds; with `units` dealt out, e.g. one for each head."""
    division = Division(by="channels", units=units) if units > 1 else Division()
    return Layer(name=name, counted=counted.own(parameters), division=division, weight=weight)


def vision_block(
    batch: int, tokens: int, width: int, *, heads: int, hidden: int
) -> Iterator[Layer]:
    """Yield a block with norms before its parts and biases, its projections to heads one layer."""
    rows_, head = batch * tokens, width // heads
    products = counted.attention(
        batch=batch, heads=heads, queries=tokens, keys=tokens, key_width=head, value_width=head
    )
    yield norm("norm", rows_, width)
    yield from attention(
        batch=batch,
        heads=heads,
        kv_heads=heads,
        queries=tokens,
        keys=tokens,
        width=width,
        head_width=head,
        bias=(True, True, True),
        out_bias=True,
        products=products,
        fused=True,
    )
    yield norm("norm", rows_, width)
    yield from feed_forward(rows_, width, hidden, activation="gelu", bias=True)
