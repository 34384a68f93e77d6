"""A Transformer's spec in words: what always matters, then what differs from the usual."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.families.transformer.spec import TransformerSpec


def describe(spec: TransformerSpec) -> Iterator[str]:
    """Yield what always matters, then what differs from the usual, in words."""
    yield spec.arch
    yield f"{spec.norm_place}-{'LN' if spec.norm == 'layernorm' else 'RMSNorm'}"
    yield _depth(spec)
    yield f"d_model {spec.d_model}"
    if spec.embedding_dim:
        yield f"embeddings {spec.embedding_dim}"
    yield from _mixing(spec)
    yield f"d_ff {spec.hidden_width}"
    yield from _feed_forward(spec)
    yield f"vocab {spec.vocab_size:,}" if spec.vocab_size else "features in"
    yield from _unusual(spec)
    yield f"seq {spec.seq_len}" + (f" to {spec.target_len}" if spec.target_len else "")
    yield f"batch {spec.batch_size}"


def _depth(spec: TransformerSpec) -> str:
    both = spec.arch == "encoder-decoder"
    shared = " shared" if spec.shared_blocks else ""
    return f"depth {spec.depth}" + (f" + {spec.decoder_blocks}" if both else "") + shared


def _mixing(spec: TransformerSpec) -> Iterator[str]:
    if spec.mixer == "dilated-conv":
        dilations = ",".join(map(str, spec.dilations or (1,)))
        yield f"dilated-conv {dilations} kernel {spec.taps}"
        return
    yield f"{spec.heads} heads" + (f" of {spec.head_dim}" if spec.head_dim else "")
    if spec.key_heads != spec.heads:
        yield f"{'MQA' if spec.key_heads == 1 else 'GQA'} {spec.key_heads} kv heads"
    if spec.window_keys:
        yield " ".join(_window(spec))
    if spec.qk_norm:
        yield "QK norm"
    if spec.sinks:
        yield "sinks"


def _window(spec: TransformerSpec) -> Iterator[str]:
    yield f"window {spec.window_keys}"
    if spec.window_step > 1:
        yield f"dilation {spec.window_step}"
    if spec.masked_window:
        yield "by mask"
    if spec.full_every:
        yield f"but full every {spec.full_every}"


def _feed_forward(spec: TransformerSpec) -> Iterator[str]:
    if spec.activation != "gelu":
        yield spec.activation
    if spec.experts:
        yield f"MoE {spec.experts} experts top-{spec.experts_per_token}"


def _unusual(spec: TransformerSpec) -> Iterator[str]:
    if spec.vocab_size and not spec.tied:
        yield "untied"
    if spec.positions != "learned":
        yield "no positions" if spec.positions == "none" else f"{spec.positions} positions"
    if spec.arch != "encoder-decoder" and spec.sees_only_past != (spec.arch == "decoder"):
        yield "causal" if spec.sees_only_past else "not causal"
    if spec.parallel:
        yield "parallel, one norm" if spec.shared_norm else "parallel"
    yield from _biases(spec)
    if spec.vocab_size and spec.head != "lm":
        yield "no head" if spec.head == "none" else "mlm head"
    if spec.classes:
        yield f"{spec.classes} classes"


def _biases(spec: TransformerSpec) -> Iterator[str]:
    if not spec.bias:
        kept = (
            (spec.attn_bias, "attention"),
            (spec.qkv_bias and not spec.attn_bias, "qkv"),
            (spec.norm_bias, "norm"),
        )
        words = [word for wanted, word in kept if wanted]
        yield f"{' and '.join(words)} bias only" if words else "no bias"
        return
    absent = (
        (spec.attn_bias is False, "no attention bias"),
        (spec.qkv_bias is False and spec.attn_bias is not False, "no qkv bias"),
        (spec.norm_bias is False, "no norm bias"),
    )
    yield from (word for wanted, word in absent if wanted)
