"""The weights of a Transformer in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import archscope.blocks.shards as divided
import archscope.families.transformer.arguments as arguments
import archscope.families.transformer.kinds as kinds
from archscope.blocks import counts
from archscope.blocks.plan import lists
from archscope.families.transformer.census import (
    linear_product,
    product,
    self_product,
    state_norms,
)
from archscope.families.transformer.spec import BlockPlan, TransformerSpec, blocks
from archscope.theory.census import Counted
from archscope.theory.stages import Division, Layer, Part, Stages

_TABLE = "table of tokens"


def weights(spec: TransformerSpec) -> Stages:
    """Return embeddings, blocks, norms and heads in the order in which they run."""
    source, target = spec.seq_len, spec.target_length
    return Stages(
        parts=tuple(_two_stacks(spec) if spec.has_two_stacks else _one_stack(spec)),
        samples=spec.batch_size,
        tokens=spec.batch_size * (source + target if spec.has_two_stacks else source),
        undivided=_undivided(spec),
    )


def _undivided(spec: TransformerSpec) -> str:
    for mixer in spec.mixer:
        if isinstance(mixer, kinds.DilatedConv):
            return "no scheme that is known divides the convolution in attention's place"
    return ""


def _one_stack(spec: TransformerSpec) -> Iterator[Part]:
    rows = spec.batch_size * spec.seq_len
    out = rows * spec.d_model
    yield Part(path="embeddings", layers=tuple(_embeddings(spec, spec.seq_len)), out=out)
    yield from _blocks(spec, tuple(blocks(spec)), spec.seq_len)
    yield Part(path="head", layers=tuple(_heads(spec, spec.seq_len)))


def _two_stacks(spec: TransformerSpec) -> Iterator[Part]:
    stacks, source, target = lists(blocks(spec)), spec.seq_len, spec.target_length
    out = spec.batch_size * source * spec.d_model
    yield Part(path="embeddings", layers=tuple(_embeddings(spec, source)), out=out)
    yield from _blocks(spec, stacks["encoder"], source)
    entering = (*_final_norm(spec, source), *_embeddings(spec, target, side="target "))
    both = out + spec.batch_size * target * spec.d_model
    yield Part(path="target embeddings", layers=entering, out=both)
    yield from _blocks(spec, stacks["decoder"], target, memory=source)
    yield Part(path="head", layers=tuple(_heads(spec, target)))


def _embeddings(spec: TransformerSpec, tokens: int, *, side: str = "") -> Iterator[Layer]:
    """Yield tables, their norm and projection; those of a tied target are the source's."""
    rows, width = spec.batch_size * tokens, spec.table_width
    own = side if not spec.tied else ""
    if spec.vocab_size:
        yield divided.embedding(_TABLE, rows, spec.vocab_size, width, weight=own + _TABLE)
    if isinstance(spec.positions, kinds.Learned):
        length = spec.positions.max_positions or tokens
        yield divided.whole("positions", counts.embedding(tokens, length, width))
    if spec.token_types:
        yield divided.whole("token types", counts.embedding(rows, spec.token_types, width))
    if spec.embedding_norm:
        yield _norm(spec, "norm of embeddings", rows, width)
    if spec.embedding_dim is not None:
        up = divided.linear(
            "projection of embeddings", rows, spec.embedding_dim, spec.d_model, bias=spec.bias
        )
        yield replace(up, weight=own + up.name)


def _blocks(
    spec: TransformerSpec, plan: Sequence[BlockPlan], tokens: int, memory: int = 0
) -> Iterator[Part]:
    """Yield the blocks of a stack, those that are alike as one object."""
    found: dict[BlockPlan, Part] = {}
    for block in plan:
        kind = replace(block, path="", repeatable=True)
        first = not found and _enters_as_data(spec)
        if kind not in found:
            found[kind] = _block(spec, block, tokens, memory)
        yield _of_data(found[kind]) if first else found[kind]


def _enters_as_data(spec: TransformerSpec) -> bool:
    """Return whether the first block of a stack reads features that nothing trained made."""
    made = spec.vocab_size or spec.token_types or spec.embedding_norm or spec.embedding_dim
    learned = isinstance(spec.positions, kinds.Learned)
    return not (made or learned) and isinstance(spec.norm_place, kinds.PostNorm)


def _of_data(block: Part) -> Part:
    """Return a block whose first products take what needs no gradient."""
    reads = next((each.division.reads for each in block.layers if each.division.reads), "")

    def takes_data(layer: Layer) -> bool:
        convolution = layer.name == "convolution" and layer.division.by == "whole"
        return convolution or layer.division.reads == reads != "feed-forward"

    layers = (
        replace(layer, trained_input=False) if takes_data(layer) else layer
        for layer in block.layers
    )
    return replace(block, layers=tuple(layers))


def _block(spec: TransformerSpec, block: BlockPlan, tokens: int, memory: int) -> Part:
    layers = _layers(spec, block, tokens, memory)
    if spec.shared_blocks:  # one set of weights, whichever run it is
        layers = (
            replace(layer, weight=f"{block.path} {number}") for number, layer in enumerate(layers)
        )
    return Part(
        path=block.path,
        layers=tuple(layers),
        block=True,
        out=spec.batch_size * (tokens + memory) * spec.d_model,
    )


def _layers(spec: TransformerSpec, block: BlockPlan, tokens: int, memory: int) -> Iterator[Layer]:
    rows, sandwich = spec.batch_size * tokens, isinstance(spec.norm_place, kinds.SandwichNorm)
    norms = [_norm(spec, "norm", rows, spec.d_model)] * (2 if sandwich else 1)
    yield from norms
    yield from _mixer(spec, block, tokens)
    if block.cross:
        yield from norms
        yield from _attention(spec, tokens, memory, product(spec, tokens, memory), cross=True)
    if not getattr(spec.norm_place, "shared_norm", False):
        yield from norms
    yield from _feed_forward(spec, block.experts, rows)


def _norm(spec: TransformerSpec, name: str, rows: int, width: int) -> Layer:
    biased = isinstance(spec.norm, kinds.LayerNorm) and spec.norms_biased
    return divided.norm(name, rows, width, bias=biased)


def _mixer(spec: TransformerSpec, block: BlockPlan, tokens: int) -> Iterator[Layer]:
    match block.mixer:
        case kinds.DilatedConv(kernel_size=(taps,), depthwise=depthwise):
            rows, width = spec.batch_size * tokens, spec.d_model
            groups = width if depthwise else 1
            conv = counts.convolution(rows, width, width, (taps,), groups=groups, bias=spec.bias)
            yield divided.whole("convolution", conv, tensors=1 + spec.bias)
        case kinds.StateSpace() as mixer:
            yield from divided.state_space(
                spec.batch_size * tokens,
                spec.d_model,
                causal=block.causal,
                normed=state_norms(spec, mixer),
                **arguments.state_space(spec, mixer),
            )
        case kinds.DualStateSpace() as mixer:
            sizes = (spec.batch_size, tokens, spec.d_model)
            yield from divided.dual_state_space(*sizes, **arguments.dual_state_space(spec, mixer))
        case kinds.GatedDelta() as mixer:
            sizes = (spec.batch_size, tokens, spec.d_model)
            yield from divided.gated_delta(*sizes, **arguments.gated_delta(spec, mixer))
        case kinds.LightningAttention():
            sizes = (spec.batch_size, tokens, spec.d_model)
            yield from divided.lightning_attention(*sizes, **arguments.lightning(spec))
        case kinds.LinearAttention():
            products = linear_product(spec, tokens, causal=block.causal)
            yield from _attention(spec, tokens, tokens, products)
        case kinds.SelfAttention(output_gate=gate):
            products = self_product(spec, block, tokens)
            yield from _attention(spec, tokens, tokens, products, output_gate=gate)
            if getattr(spec.attention, "sinks", False):
                yield divided.own("sinks", spec.heads, units=spec.heads)


def _attention(
    spec: TransformerSpec,
    queries: int,
    keys: int,
    products: Counted,
    *,
    cross: bool = False,
    output_gate: bool = False,
) -> Iterator[Layer]:
    batch, head = spec.batch_size, spec.head_width
    return divided.attention(
        batch=batch,
        heads=spec.heads,
        kv_heads=spec.key_heads,
        queries=queries,
        keys=keys,
        width=spec.d_model,
        head_width=head,
        bias=(spec.projections_biased,) * 3,
        out_bias=spec.attention_biased,
        products=products,
        fused=spec.key_heads == spec.heads and not cross,
        memory=keys if cross else 0,
        norms=tuple(_head_norms(spec, batch * queries, batch * keys)),
        output_gate=output_gate,
    )


def _head_norms(spec: TransformerSpec, asked: int, met: int) -> Iterator[Layer]:
    """Yield the norms of queries and keys; those over all heads at once are dealt out with them."""
    if not spec.qk_norm:
        return
    every = (("norm of queries", asked, spec.heads), ("norm of keys", met, spec.key_heads))
    for name, rows, heads in every:
        if not spec.qk_norm_across:
            yield _norm(spec, name, rows * heads, spec.head_width)
            continue
        whole = _norm(spec, name, rows, heads * spec.head_width)
        repeats = name == "norm of keys"
        yield replace(whole, division=Division(by="channels", units=heads, repeats=repeats))


def _feed_forward(
    spec: TransformerSpec, experts: kinds.MixtureOfExperts | None, rows: int
) -> Iterator[Layer]:
    if experts is None:
        sizes = (rows, spec.d_model, spec.dense_width)
        return divided.feed_forward(*sizes, activation=spec.activation, bias=spec.bias)
    sizes = (rows, spec.d_model, spec.hidden_width)
    return divided.mixture(*sizes, **arguments.mixture(spec, experts))


def _heads(spec: TransformerSpec, tokens: int) -> Iterator[Layer]:
    """Yield the norm behind the last block, and what scores tokens and classes."""
    yield from _final_norm(spec, tokens)
    yield from _vocabulary_head(spec, spec.batch_size * tokens)
    rows = spec.batch_size * (tokens if spec.classify == "token" else 1)
    if spec.pooler:
        yield divided.linear("pooler", rows, spec.d_model, spec.d_model, bias=spec.bias)
    if spec.classes:
        yield divided.linear("classifier", rows, spec.d_model, spec.classes, bias=spec.bias)


def _final_norm(spec: TransformerSpec, tokens: int) -> Iterator[Layer]:
    if spec.ends_normalised:
        yield _norm(spec, "last norm", spec.batch_size * tokens, spec.d_model)


def _vocabulary_head(spec: TransformerSpec, rows: int) -> Iterator[Layer]:
    wanted, width = spec.vocabulary_head, spec.table_width
    if isinstance(wanted, kinds.NoHead):
        return
    masked = isinstance(wanted, kinds.MaskedHead)
    if masked or spec.embedding_dim is not None:
        yield divided.linear("dense layer of the head", rows, spec.d_model, width, bias=spec.bias)
    if masked:
        yield _norm(spec, "norm of the head", rows, width)
    bias = spec.bias if isinstance(wanted, kinds.MaskedHead) else wanted.head_bias
    tied = _TABLE if spec.tied else ""
    yield from divided.scores("scores", rows, width, spec.vocab_size, bias=bias, weight=tied)
