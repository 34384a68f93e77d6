"""Swin Transformers: stages of attention within shifting windows, on ever smaller maps."""

from archscope.blocks.examples import images
from archscope.families import Family, by_weights
from archscope.families.swin.spec import SwinSpec, blocks, describe

FAMILY = Family(
    name="swin",
    summary="Swin Transformers: attention within shifted windows, on ever smaller maps",
    spec=SwinSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.swin.network:Swin",
    blocks=blocks,
    census=by_weights("archscope.families.swin.weights:weights"),
    enters="data",
    weights="archscope.families.swin.weights:weights",
    saved_activations="archscope.families.swin.saved_activations:saved_activations",
)
