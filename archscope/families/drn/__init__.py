"""Dilated residual networks for images: DRN-A, DRN-C and DRN-D, of output stride 8."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.drn.census import census
from archscope.families.drn.outline import outline
from archscope.families.drn.spec import DrnSpec, blocks, describe

FAMILY = Family(
    name="drn",
    summary="dilated residual networks for images: DRN-A, DRN-C, DRN-D",
    spec=DrnSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.drn.network:Drn",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.drn.saved_activations:saved_activations",
    enters="data",
)
