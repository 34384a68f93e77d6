"""What a Longformer looks at: windows along its sequence."""

from __future__ import annotations

from archscope.families.longformer.spec import LongformerSpec
from archscope.theory.layers import conv
from archscope.theory.outline import Outline


def outline(spec: LongformerSpec) -> Outline:
    """Return what a token sees: windows, which see what convolutions of window + 1 taps see."""
    blocks = [conv(spec.window + 1, name=f"blocks.{block}.attn") for block in range(spec.depth)]
    filled = spec.padded_length - spec.seq_len
    if filled:
        fill, cut = (
            conv(1, padding=(0, n), name=name) for n, name in ((filled, "fill"), (-filled, "cut"))
        )
        blocks = [fill, *blocks, cut]
    return Outline(
        axes=1,
        layers=tuple(blocks),
        windowed=True,
        input_size=spec.seq_len,
        noun="token",
        partial=_partial(spec),
        remarks=("the pooled output reads the first token alone",),
    )


def _partial(spec: LongformerSpec) -> str:
    if not spec.global_tokens:
        return ""
    return (
        f"the table is of the windows alone; the first {spec.global_tokens:,} tokens see all and "
        "are seen by all, so that from the second block on every token depends on all tokens"
    )
