"""ConvNeXt V1 and V2: depthwise convolutions of 7x7, pointwise layers of four times the width."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.convnext.census import census
from archscope.families.convnext.outline import outline
from archscope.families.convnext.spec import ConvNextSpec, blocks, describe

FAMILY = Family(
    name="convnext",
    summary="ConvNeXt V1 and V2: 7x7 depthwise convolutions and pointwise layers",
    spec=ConvNextSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.convnext.network:ConvNext",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.convnext.saved_activations:saved_activations",
    enters="data",
)
