"""What a Transformer-XL looks at: its segment, and the memory before it."""

from __future__ import annotations

from archscope.blocks.attention_outline import attention_outline
from archscope.families.transformer_xl.spec import TransformerXlSpec, blocks
from archscope.theory.attention import with_memory
from archscope.theory.outline import Outline


def outline(spec: TransformerXlSpec) -> Outline:
    """Return what a token sees of its own segment, and how far the memory reaches."""
    remarks = (_remark(spec),) if spec.memory else ()
    return attention_outline(blocks(spec), causal=True, tokens=spec.seq_len, remarks=remarks)


def _remark(spec: TransformerXlSpec) -> str:
    before = with_memory(spec.depth, spec.memory, segment=spec.seq_len)
    return (
        f"the table is of one segment; through memories of {spec.memory:,} positions, {spec.depth} "
        f"blocks deep, its first token depends on {before:,} tokens before the segment"
    )
