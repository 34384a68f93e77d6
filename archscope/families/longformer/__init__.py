"""Longformer: encoders for long sequences, with windows and a few tokens that see all."""

from archscope.blocks.examples import text
from archscope.families import Family
from archscope.families.longformer.census import census
from archscope.families.longformer.outline import outline
from archscope.families.longformer.spec import LongformerSpec, blocks, describe

FAMILY = Family(
    name="longformer",
    summary="Longformer: encoders with sliding windows and a few global tokens",
    spec=LongformerSpec,
    describe=describe,
    inputs=text,
    module="archscope.families.longformer.network:Longformer",
    blocks=blocks,
    outline=outline,
    census=census,
    enters="table",
    weights="archscope.families.longformer.weights:weights",
)
