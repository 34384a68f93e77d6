"""What a DeepSeek network looks at: attention to the past."""

from __future__ import annotations

from archscope.families.deepseek.spec import DeepSeekSpec
from archscope.theory.outline import Attention, Outline


def outline(spec: DeepSeekSpec) -> Outline:
    """Return what a token sees: all before it, from the first block on."""
    names = (f"blocks.{block}.attn" for block in range(spec.depth))
    return Outline(
        axes=1,
        attention=tuple(Attention(name=name, causal=True) for name in names),
        input_size=spec.seq_len,
        noun="token",
    )
