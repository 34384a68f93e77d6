"""What a Mamba looks at: all that came before."""

from __future__ import annotations

from archscope.families.mamba.spec import MambaSpec, blocks
from archscope.theory.outline import Attention, Outline


def outline(spec: MambaSpec) -> Outline:
    """Return what a token sees: all before it, from the first block on, as through attention."""
    return Outline(
        axes=1,
        attention=tuple(
            Attention(name=f"{block.path}.mixer", causal=True) for block in blocks(spec)
        ),
        input_size=spec.seq_len,
        noun="token",
        remarks=(
            "each block is a recurrence, shown as attention to the past: what is seen of earlier "
            f"tokens has come through the {spec.state} numbers that each inner feature keeps",
        ),
    )
