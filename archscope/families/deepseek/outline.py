"""What a DeepSeek network looks at: attention to the past."""

from __future__ import annotations

from archscope.blocks.attention_outline import attention_outline
from archscope.families.deepseek.spec import DeepSeekSpec, blocks
from archscope.theory.outline import Outline


def outline(spec: DeepSeekSpec) -> Outline:
    """Return what a token sees: all before it, from the first block on."""
    return attention_outline(blocks(spec), causal=True, tokens=spec.seq_len)
