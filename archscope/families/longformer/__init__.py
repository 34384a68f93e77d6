"""Longformer: encoders for long sequences, with windows and a few tokens that see all."""

from archscope.blocks.examples import text
from archscope.families import Family, by_weights
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
    census=by_weights("archscope.families.longformer.weights:weights"),
    enters="table",
    saved_activations="archscope.families.longformer.saved_activations:saved_activations",
    weights="archscope.families.longformer.weights:weights",
)
