"""What a T5 looks at along its target."""

from __future__ import annotations

from archscope.families.t5.spec import T5Spec
from archscope.theory.outline import Attention, Outline


def outline(spec: T5Spec) -> Outline:
    """Return what a target token sees of the target."""
    return Outline(
        axes=1,
        attention=tuple(
            Attention(name=f"decoder.blocks.{block}.attn", causal=True)
            for block in range(spec.decoder_blocks)
        ),
        input_size=spec.target_len,
        noun="token",
        remarks=(
            f"the table is of the decoder along its target; through cross-attention every target "
            f"token sees all {spec.seq_len:,} tokens of the source too",
        ),
    )
