"""What an XLNet looks at: all tokens."""

from __future__ import annotations

from archscope.blocks.attention_outline import attention_outline
from archscope.families.xlnet.spec import XlnetSpec, blocks
from archscope.theory.outline import Outline


def outline(spec: XlnetSpec) -> Outline:
    """Return what a token sees: all tokens, from the first block on."""
    remark = "in pre-training a mask hides from each token those that come later in a random order"
    return attention_outline(blocks(spec), causal=False, tokens=spec.seq_len, remarks=(remark,))
