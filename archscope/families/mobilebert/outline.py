"""What a MobileBERT looks at: all tokens."""

from __future__ import annotations

from archscope.blocks.attention_outline import attention_outline
from archscope.families.mobilebert.spec import MobileBertSpec, blocks
from archscope.theory.outline import Outline


def outline(spec: MobileBertSpec) -> Outline:
    """Return what a token sees: all tokens, from the first block on."""
    return attention_outline(blocks(spec), causal=False, tokens=spec.seq_len)
