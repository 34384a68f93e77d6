"""A Transformer's spec in words: what always matters, then what differs from the usual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archscope.families.transformer import TransformerSpec


def words(spec: TransformerSpec) -> Iterator[str]:
    """Yield the parts of the one line that describes `spec`."""
    yield spec.arch
    yield f"{spec.norm_place}-{'LN' if spec.norm == 'layernorm' else 'RMSNorm'}"
    yield _depth(spec)
    yield f"d_model {spec.d_model}"
    yield from _mixing(spec)
    yield f"d_ff {spec.hidden_width}"
    yield from _feed_forward(spec)
    yield f"vocab {spec.vocab_size:,}" if spec.vocab_size else "features in"
    yield from _unusual(spec)
    yield f"seq {spec.seq_len}" + (f" to {spec.target_len}" if spec.target_len else "")
    yield f"batch {spec.batch_size}"


def _depth(spec: TransformerSpec) -> str:
    both = spec.arch == "encoder-decoder"
    return f"depth {spec.depth}" + (f" + {spec.decoder_blocks}" if both else "")


def _mixing(spec: TransformerSpec) -> Iterator[str]:
    if spec.mixer == "dilated-conv":
        dilations = ",".join(map(str, spec.dilations or (1,)))
        yield f"dilated-conv {dilations} kernel {spec.taps}"
        return
    yield f"{spec.heads} heads" + (f" of {spec.head_dim}" if spec.head_dim else "")
    if spec.key_heads != spec.heads:
        yield f"{'MQA' if spec.key_heads == 1 else 'GQA'} {spec.key_heads} kv heads"
    if spec.window_keys:
        yield f"window {spec.window_keys}" + (
            f" dilation {spec.window_step}" if spec.window_step > 1 else ""
        )
    if spec.qk_norm:
        yield "QK norm"


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
    if not spec.bias:
        yield "qkv bias only" if spec.qkv_bias else "no bias"
    if spec.vocab_size and spec.head != "lm":
        yield "no head" if spec.head == "none" else "mlm head"
    if spec.classes:
        yield f"{spec.classes} classes"
