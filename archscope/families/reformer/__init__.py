"""Reformer: decoders with local and hashed attention, reversible blocks, axial positions."""

from archscope.blocks.examples import text
from archscope.families import Family, by_weights
from archscope.families.reformer.spec import ReformerSpec, blocks, describe

FAMILY = Family(
    name="reformer",
    summary="Reformer: local and hashed attention, reversible blocks, axial positions",
    spec=ReformerSpec,
    describe=describe,
    inputs=text,
    module="archscope.families.reformer.network:Reformer",
    blocks=blocks,
    census=by_weights("archscope.families.reformer.weights:weights"),
    saved_activations="archscope.families.reformer.saved_activations:saved_activations",
    weights="archscope.families.reformer.weights:weights",
    cache="archscope.families.reformer.cache:cache",
)
