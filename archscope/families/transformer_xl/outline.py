"""What a Transformer-XL looks at: its segment, and the memory before it."""

from __future__ import annotations

from archscope.families.transformer_xl.spec import TransformerXlSpec
from archscope.theory.attention import with_memory
from archscope.theory.outline import Attention, Outline


def outline(spec: TransformerXlSpec) -> Outline:
    """Return what a token sees of its own segment, and how far the memory reaches."""
    names = (f"blocks.{block}.attn" for block in range(spec.depth))
    return Outline(
        axes=1,
        attention=tuple(Attention(name=name, causal=True) for name in names),
        input_size=spec.seq_len,
        noun="token",
        remarks=(_remark(spec),) if spec.memory else (),
    )


def _remark(spec: TransformerXlSpec) -> str:
    reach = with_memory(spec.depth, spec.memory, segment=spec.seq_len)
    return (
        f"the table is of one segment; through memories of {spec.memory:,} positions, {spec.depth} "
        f"blocks deep, its first token depends on {reach.before:,} tokens before the segment"
    )
