"""What networks of attention without windows look at. No torch."""

from __future__ import annotations

from collections.abc import Iterable

from archscope.blocks.plan import Block
from archscope.theory.outline import Attention, Outline


def source_remark(tokens: int) -> str:
    """Return what must be known of a decoder's outline, of the tokens of its source."""
    return (
        "the table is of the decoder along its target; through cross-attention every target "
        f"token sees all {tokens:,} tokens of the source too"
    )


def attention_outline(
    plan: Iterable[Block], *, causal: bool, tokens: int, remarks: tuple[str, ...] = ()
) -> Outline:
    """Return what each of so many tokens sees through `attn` in the blocks of a plan."""
    return Outline(
        axes=1,
        attention=tuple(Attention(name=f"{block.path}.attn", causal=causal) for block in plan),
        input_size=tokens,
        noun="token",
        remarks=remarks,
    )
