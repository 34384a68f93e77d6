"""The layers of a Transformer in closed form, from its spec and the plan of its blocks. No torch.

Rows are vectors that a layer takes: batch times tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import archscope.blocks.counts as counted
import archscope.families.transformer.arguments as arguments
import archscope.families.transformer.kinds as kinds
from archscope.blocks.counts import convolution, embedding, linear, own
from archscope.blocks.plan import lists
from archscope.families.transformer.spec import BlockPlan, TransformerSpec, blocks
from archscope.theory import mixing_counts
from archscope.theory.census import ATTENTION, Census, Counted, repeated


def census(spec: TransformerSpec) -> Census:
    """Return what is counted of embeddings, blocks, norms and heads."""
    return Census(layers=tuple(_encoder_decoder(spec) if spec.has_two_stacks else _stack(spec)))


def _stack(spec: TransformerSpec) -> Iterator[Counted]:
    yield from _embeddings(spec, spec.seq_len)
    yield from _blocks(spec, tuple(blocks(spec)), spec.seq_len)
    yield from _heads(spec, spec.seq_len)


def _encoder_decoder(spec: TransformerSpec) -> Iterator[Counted]:
    source, target = spec.seq_len, spec.target_length
    yield from _embeddings(spec, source)
    yield from _blocks(spec, lists(blocks(spec))["encoder"], source)
    yield from _final_norm(spec, source)
    yield from decoded(spec, tokens=target, memory=source)


def decoded(spec: TransformerSpec, *, tokens: int, memory: int) -> Iterator[Counted]:
    """Yield what so many tokens of an encoder-decoder's target run through, of so long a source."""
    yield from _embeddings(spec, tokens, shared=spec.tied)
    yield from _blocks(spec, lists(blocks(spec))["decoder"], tokens, memory=memory)
    yield from _heads(spec, tokens)


def _embeddings(spec: TransformerSpec, tokens: int, *, shared: bool = False) -> Iterator[Counted]:
    """Yield tables, their norm and projection; `shared`: those of tokens are the source's."""
    rows, width = spec.batch_size * tokens, spec.table_width
    copies = 0 if shared else 1
    if spec.vocab_size:
        table = embedding(rows, spec.vocab_size, width)
        yield from repeated([table], times=1, copies=copies)
    if isinstance(spec.positions, kinds.Learned):
        yield embedding(tokens, spec.positions.max_positions or tokens, width)
    if spec.token_types:
        yield embedding(rows, spec.token_types, width)
    if spec.embedding_norm:
        yield _norm(spec, rows, width)
    if spec.embedding_dim is not None:
        up = linear(rows, spec.embedding_dim, spec.d_model, bias=spec.bias)
        yield from repeated([up], times=1, copies=copies)


def _blocks(
    spec: TransformerSpec, plan: Sequence[BlockPlan], tokens: int, memory: int = 0
) -> Iterator[Counted]:
    """Yield the blocks of a stack, those that are alike once."""
    runs = Counter(replace(block, path="", repeatable=True) for block in plan)
    for block, times in runs.items():
        copies = 1 if spec.shared_blocks else times
        yield from repeated(_block(spec, block, tokens, memory), times=times, copies=copies)


def _block(spec: TransformerSpec, block: BlockPlan, tokens: int, memory: int) -> Iterator[Counted]:
    rows, sandwich = spec.batch_size * tokens, isinstance(spec.norm_place, kinds.SandwichNorm)
    norms = [_norm(spec, rows, spec.d_model)] * (2 if sandwich else 1)
    yield from norms
    yield from _mixer(spec, block, tokens)
    if block.cross:
        yield from norms
        yield from _attention(spec, tokens, memory, cross=True)
        yield product(spec, tokens, memory)
    if not getattr(spec.norm_place, "shared_norm", False):
        yield from norms
    yield from _feed_forward(spec, block.experts, rows)


def _norm(spec: TransformerSpec, rows: int, width: int) -> Counted:
    biased = isinstance(spec.norm, kinds.LayerNorm) and spec.norms_biased
    return counted.norm(rows, width, bias=biased)


def _mixer(spec: TransformerSpec, block: BlockPlan, tokens: int) -> Iterator[Counted]:
    match block.mixer:
        case kinds.DilatedConv(kernel_size=(taps,), depthwise=depthwise):
            rows, width = spec.batch_size * tokens, spec.d_model
            groups = width if depthwise else 1
            yield convolution(rows, width, width, (taps,), groups=groups, bias=spec.bias)
        case kinds.StateSpace() as mixer:
            yield from counted.state_space(
                spec.batch_size * tokens,
                spec.d_model,
                causal=block.causal,
                normed=state_norms(spec, mixer),
                **arguments.state_space(spec, mixer),
            )
        case kinds.DualStateSpace() as mixer:
            sizes = (spec.batch_size, tokens, spec.d_model)
            yield from counted.dual_state_space(*sizes, **arguments.dual_state_space(spec, mixer))
        case kinds.GatedDelta() as mixer:
            sizes = (spec.batch_size, tokens, spec.d_model)
            yield from counted.gated_delta(*sizes, **arguments.gated_delta(spec, mixer))
        case kinds.LightningAttention():
            sizes = (spec.batch_size, tokens, spec.d_model)
            yield from counted.lightning_attention(*sizes, **arguments.lightning(spec))
        case kinds.LinearAttention():
            yield from _attention(spec, tokens, tokens)
            yield linear_product(spec, tokens, causal=block.causal)
        case kinds.SelfAttention(output_gate=gate):
            yield from _attention(spec, tokens, tokens, output_gate=gate)
            yield self_product(spec, block, tokens)
            if getattr(spec.attention, "sinks", False):
                yield own(spec.heads)


def _attention(
    spec: TransformerSpec,
    queries: int,
    keys: int,
    *,
    cross: bool = False,
    output_gate: bool = False,
) -> Iterator[Counted]:
    """Yield the projections of attention, and the norms of its queries and keys."""
    batch, width, head = spec.batch_size, spec.d_model, spec.head_width
    asked, met = batch * queries, batch * keys
    inner, narrow = spec.heads * head, spec.key_heads * head
    if spec.key_heads == spec.heads and not cross:
        yield linear(asked, width, 3 * inner, bias=spec.projections_biased)
    else:
        yield linear(asked, width, inner, bias=spec.projections_biased)
        yield linear(met, width, narrow, bias=spec.projections_biased)
        yield linear(met, width, narrow, bias=spec.projections_biased)
    if spec.qk_norm:
        across = spec.qk_norm_across
        yield _norm(spec, asked if across else asked * spec.heads, inner if across else head)
        yield _norm(spec, met if across else met * spec.key_heads, narrow if across else head)
    if output_gate:
        yield linear(asked, width, inner, bias=spec.projections_biased)
    yield linear(asked, inner, width, bias=spec.attention_biased)


def keys_met(spec: TransformerSpec, block: BlockPlan, tokens: int) -> int:
    """Return the keys that each query of self-attention is multiplied with, masked or not."""
    if block.window is None or spec.masks_scores:
        return tokens
    step, window = spec.window_step, block.window
    whole = mixing_counts.window_covers(tokens, window=window, dilation=step, causal=block.causal)
    return tokens if whole else window


def self_product(spec: TransformerSpec, block: BlockPlan, tokens: int) -> Counted:
    """Return both products of a block's self-attention."""
    if block.chunk is None:
        return product(spec, tokens, keys_met(spec, block, tokens))
    found = product(spec, *mixing_counts.in_chunks(tokens, block.chunk))
    return replace(found, outputs=spec.batch_size * tokens * spec.heads * spec.head_width)


def product(spec: TransformerSpec, queries: int, keys: int) -> Counted:
    """Return both products of attention."""
    return counted.attention(
        batch=spec.batch_size,
        heads=spec.heads,
        queries=queries,
        keys=keys,
        key_width=spec.head_width,
        value_width=spec.head_width,
    )


def linear_product(spec: TransformerSpec, tokens: int, *, causal: bool) -> Counted:
    """Return the products of attention without a softmax."""
    form = mixing_counts.linear_attention(
        batch=spec.batch_size,
        heads=spec.heads,
        groups=spec.key_heads,
        queries=tokens,
        keys=tokens,
        key_width=spec.head_width,
        value_width=spec.head_width,
        causal=causal,
    )
    outputs = spec.batch_size * tokens * spec.heads * spec.head_width
    return Counted(kind=ATTENTION, form=form, outputs=outputs)


def state_norms(spec: TransformerSpec, mixer: kinds.StateSpace) -> counted.Norms:
    """Return what the norms on what a scan is made of have of their own."""
    if not mixer.state_norm:
        return "none"
    shifted = isinstance(spec.norm, kinds.LayerNorm) and spec.norms_biased
    return "biased" if shifted else "weighted"


def _feed_forward(
    spec: TransformerSpec, experts: kinds.MixtureOfExperts | None, rows: int
) -> Iterator[Counted]:
    if experts is None:
        return counted.feed_forward(
            rows, spec.d_model, spec.dense_width, activation=spec.activation, bias=spec.bias
        )
    sizes = (rows, spec.d_model, spec.hidden_width)
    return counted.mixture(*sizes, **arguments.mixture(spec, experts))


def _heads(spec: TransformerSpec, tokens: int) -> Iterator[Counted]:
    """Yield the norm behind the last block, and what scores tokens and classes."""
    yield from _final_norm(spec, tokens)
    yield from _vocabulary_head(spec, spec.batch_size * tokens)
    rows = spec.batch_size * (tokens if spec.classify == "token" else 1)
    if spec.pooler:
        yield linear(rows, spec.d_model, spec.d_model, bias=spec.bias)
    if spec.classes:
        yield linear(rows, spec.d_model, spec.classes, bias=spec.bias)


def _final_norm(spec: TransformerSpec, tokens: int) -> Iterator[Counted]:
    if spec.ends_normalised:
        yield _norm(spec, spec.batch_size * tokens, spec.d_model)


def _vocabulary_head(spec: TransformerSpec, rows: int) -> Iterator[Counted]:
    wanted, width = spec.vocabulary_head, spec.table_width
    if isinstance(wanted, kinds.NoHead):
        return
    masked = isinstance(wanted, kinds.MaskedHead)
    if masked or spec.embedding_dim is not None:
        yield linear(rows, spec.d_model, width, bias=spec.bias)
    if masked:
        yield _norm(spec, rows, width)
    bias = spec.bias if isinstance(wanted, kinds.MaskedHead) else wanted.head_bias
    yield linear(rows, width, spec.vocab_size, bias=bias, tied=spec.tied)
