"""A Transformer's spec in words: what always matters, then what differs from the usual."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import archscope.families.transformer.kinds as kinds
from archscope.families.transformer.spec import TransformerSpec
from archscope.specs import repeated


def describe(spec: TransformerSpec) -> Iterator[str]:
    """Yield what always matters, then what differs from the usual, in words."""
    yield spec.arch.word
    yield f"{spec.norm_place.word}-{'LN' if isinstance(spec.norm, kinds.LayerNorm) else 'RMSNorm'}"
    yield _depth(spec)
    yield f"d_model {spec.d_model}"
    if spec.embedding_dim:
        yield f"embeddings {spec.embedding_dim}"
    yield from _mixing(spec)
    yield f"d_ff {spec.hidden_width}"
    yield from _feed_forward(spec)
    yield f"vocab {spec.vocab_size:,}" if spec.vocab_size else "features in"
    yield from _unusual(spec)
    differs = spec.target_length != spec.seq_len
    yield f"seq {spec.seq_len}" + (f" to {spec.target_length}" if differs else "")
    yield f"batch {spec.batch_size}"


def _depth(spec: TransformerSpec) -> str:
    shared = " shared" if spec.shared_blocks else ""
    return "depth " + " + ".join(map(str, spec.stacks)) + shared


def _mixing(spec: TransformerSpec) -> Iterator[str]:
    if len(spec.mixer) > 1:
        turns = ", ".join(_runs(spec.mixer))
        yield turns + (" in turns" if max(spec.stacks) > len(spec.mixer) else "")
    elif not isinstance(spec.mixer[0], kinds.SelfAttention | kinds.DilatedConv):
        yield spec.mixer[0].word
    for mixer in dict.fromkeys(spec.mixer):
        match mixer:
            case kinds.DilatedConv():
                yield _convolution(spec, mixer)
            case kinds.StateSpace() | kinds.DualStateSpace():
                yield f"state {mixer.state_size} inner {mixer.expansion * spec.d_model}"
            case kinds.GatedDelta():
                yield f"{mixer.delta_heads} delta heads"
    if spec.mixes_by_heads:
        yield from _heads(spec)
    if spec.attends:
        yield from _attention(spec)


def _runs(mixers: tuple[kinds.Mixer, ...]) -> Iterator[str]:
    """Yield what follows in a list, e.g. `3 gated-delta`, `attention`."""
    for word, run in groupby(mixer.word for mixer in mixers):
        count = sum(1 for _ in run)
        yield word if count == 1 else f"{count} {word}"


def _convolution(spec: TransformerSpec, mixer: kinds.DilatedConv) -> str:
    kind = "depthwise dilated-conv" if mixer.depthwise else "dilated-conv"
    turns = max(spec.stacks) * spec.mixer.count(mixer) // len(spec.mixer)
    return f"{kind} {repeated(mixer.dilations, turns)} kernel {repeated(mixer.kernel_size, turns)}"


def _heads(spec: TransformerSpec) -> Iterator[str]:
    yield f"{spec.heads} heads" + (f" of {spec.head_dim}" if spec.head_dim else "")
    if spec.key_heads != spec.heads:
        yield f"{'MQA' if spec.key_heads == 1 else 'GQA'} {spec.key_heads} kv heads"
    if spec.qk_norm:
        yield "QK norm across heads" if spec.qk_norm_across else "QK norm"


def _attention(spec: TransformerSpec) -> Iterator[str]:
    if isinstance(spec.attention, kinds.Chunk):
        yield f"chunks of {spec.attention.chunk} but full every {spec.attention.full_every}"
    if spec.window_keys:
        yield " ".join(_window(spec))
    if getattr(spec.attention, "sinks", False):
        yield "sinks"
    if any(getattr(mixer, "output_gate", False) for mixer in spec.mixer):
        yield "output gate"


def _window(spec: TransformerSpec) -> Iterator[str]:
    yield f"window {spec.window_keys}"
    if spec.window_step > 1:
        yield f"dilation {spec.window_step}"
    if spec.masks_scores:
        yield "by mask"
    every = getattr(spec.attention, "full_every", None)
    if every:
        yield f"but full every {every}{_none_of(spec, every)}"


def _none_of(spec: TransformerSpec, every: int) -> str:
    """Return that no block is one of every so many, where the stacks are shorter."""
    longest = max(spec.stacks)
    return f" (none of {longest})" if every > longest else ""


def _feed_forward(spec: TransformerSpec) -> Iterator[str]:
    if spec.activation != "gelu":
        yield spec.activation
    if isinstance(spec.ffn, kinds.MixtureOfExperts):
        step = spec.ffn.moe_every
        every = f" every {step} blocks{_none_of(spec, step)}" if step > 1 else ""
        yield f"MoE {spec.ffn.experts} experts top-{spec.ffn.chosen}{every}"
        if spec.ffn.shared_ff:
            yield f"shared {spec.ffn.shared_ff}"
        if spec.ffn.dense_blocks:
            yield f"first {spec.ffn.dense_blocks} dense"


def _unusual(spec: TransformerSpec) -> Iterator[str]:
    if spec.vocab_size and not spec.tied:
        yield "untied"
    if not isinstance(spec.positions, kinds.Learned):
        none = isinstance(spec.positions, kinds.NoPositions)
        yield "no positions" if none else f"{spec.positions.word} positions"
    if not spec.has_two_stacks and spec.sees_only_past != isinstance(spec.arch, kinds.Decoder):
        yield "causal" if spec.sees_only_past else "not causal"
    if isinstance(spec.norm_place, kinds.PreNorm) and spec.norm_place.parallel:
        yield "parallel, one norm" if spec.norm_place.shared_norm else "parallel"
    yield from _biases(spec)
    if spec.vocab_size and not isinstance(spec.head, kinds.LanguageHead):
        yield "no head" if isinstance(spec.head, kinds.NoHead) else "mlm head"
    if spec.classes:
        yield f"{spec.classes} classes" + (" per token" if spec.classify == "token" else "")


def _biases(spec: TransformerSpec) -> Iterator[str]:
    norm_bias = getattr(spec.norm, "norm_bias", None)
    if not spec.bias:
        kept = (
            (spec.attn_bias, "attention"),
            (spec.qkv_bias and not spec.attn_bias, "qkv"),
            (norm_bias, "norm"),
        )
        words = [word for wanted, word in kept if wanted]
        yield f"{' and '.join(words)} bias only" if words else "no bias"
        return
    absent = (
        (spec.attn_bias is False, "no attention bias"),
        (spec.qkv_bias is False and spec.attn_bias is not False, "no qkv bias"),
        (norm_bias is False, "no norm bias"),
    )
    yield from (word for wanted, word in absent if wanted)
