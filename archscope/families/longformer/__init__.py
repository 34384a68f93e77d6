"""Longformer: encoders for long sequences, with windows and a few tokens that see all."""

from archscope.families._assembly import assemble
from archscope.families.longformer.spec import (
    LongformerSpec,
    blocks_alike,
    build,
    describe,
    inputs,
    outline,
)

FAMILY = assemble(
    name="longformer",
    summary="Longformer: encoders with sliding windows and a few global tokens",
    spec=LongformerSpec,
    describe=describe,
    build=build,
    inputs=inputs,
    outline=outline,
    repeats=blocks_alike,
)
