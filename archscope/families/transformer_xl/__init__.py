"""Transformer-XL: decoders with relative attention and a memory of what they read before."""

from archscope.families._assembly import assemble
from archscope.families.transformer_xl.spec import (
    TransformerXlSpec,
    blocks_alike,
    build,
    describe,
    inputs,
    outline,
)

FAMILY = assemble(
    name="transformer-xl",
    summary="Transformer-XL: relative attention with a memory, adaptive tables",
    spec=TransformerXlSpec,
    describe=describe,
    build=build,
    inputs=inputs,
    outline=outline,
    repeats=blocks_alike,
)
