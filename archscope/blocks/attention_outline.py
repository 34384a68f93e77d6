"""What networks of attention without windows look at. No torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from archscope.blocks.plan import Block
from archscope.theory.outline import Attention, Outline, Source


def encoder_decoder(encoder: Outline, decoder: Outline, cross: Iterable[str]) -> Outline:
    """Return what a network sees that is called with a source and a target.

    `cross` are the modules by which the decoder attends to all that the encoder makes.
    """
    of_source = replace(encoder, argument="0", input_name="source")
    source = Source(outline=of_source, readers=tuple(cross))
    return replace(decoder, argument="1", input_name="target", source=source)


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
