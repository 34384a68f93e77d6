"""Xception: depthwise-separable convolutions with residual paths."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.separable_residual.census import census
from archscope.families.separable_residual.outline import outline
from archscope.families.separable_residual.spec import XceptionSpec, blocks, describe

FAMILY = Family(
    name="separable-residual",
    summary="Xception: residual blocks of depthwise-separable convolutions",
    spec=XceptionSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.separable_residual.network:Xception",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.separable_residual.saved_activations:saved_activations",
    enters="data",
)
