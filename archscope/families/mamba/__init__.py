"""Mamba and Mamba-2: decoders whose blocks are selective state spaces."""

from archscope.blocks.examples import text
from archscope.families import Family, by_weights
from archscope.families.mamba.outline import outline
from archscope.families.mamba.spec import MambaSpec, blocks, describe

FAMILY = Family(
    name="mamba",
    summary="Mamba and Mamba-2: decoders of selective state-space layers, without attention",
    spec=MambaSpec,
    describe=describe,
    inputs=text,
    module="archscope.families.mamba.network:Mamba",
    blocks=blocks,
    outline=outline,
    census=by_weights("archscope.families.mamba.weights:weights"),
    saved_activations="archscope.families.mamba.saved_activations:saved_activations",
    cache="archscope.families.mamba.cache:cache",
    weights="archscope.families.mamba.weights:weights",
)
