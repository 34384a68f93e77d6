"""What networks of attention without windows look at. No torch."""

from __future__ import annotations

from collections.abc import Iterable

from archscope.blocks.plan import Block
from archscope.theory.outline import Attention, Outline


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
