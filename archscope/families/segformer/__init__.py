"""SegFormer: attention to fewer keys on ever smaller maps, and a decoder without convolutions."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.segformer.census import census
from archscope.families.segformer.outline import outline
from archscope.families.segformer.spec import SegformerSpec, blocks, describe

FAMILY = Family(
    name="segformer",
    summary="SegFormer: attention with reduced keys, on ever smaller maps, for segmentation",
    spec=SegformerSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.segformer.network:Segformer",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.segformer.saved_activations:saved_activations",
    enters="data",
)
