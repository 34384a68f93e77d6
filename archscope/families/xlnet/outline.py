"""What an XLNet looks at: all tokens."""

from __future__ import annotations

from archscope.families.xlnet.spec import XlnetSpec
from archscope.theory.outline import Attention, Outline


def outline(spec: XlnetSpec) -> Outline:
    """Return what a token sees: all tokens, from the first block on."""
    names = (f"blocks.{block}.attn" for block in range(spec.depth))
    return Outline(
        axes=1,
        attention=tuple(Attention(name=name, causal=False) for name in names),
        input_size=spec.seq_len,
        noun="token",
        remarks=(
            "in pre-training a mask hides from each token those that come later in a random order",
        ),
    )
