"""VGG: convolutions of 3x3, a pool after each stage, and three linear layers."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.vgg.census import census
from archscope.families.vgg.outline import outline
from archscope.families.vgg.spec import VggSpec, describe, places

FAMILY = Family(
    name="vgg",
    summary="VGG: stages of 3x3 convolutions with a pool after each, then three linear layers",
    spec=VggSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.vgg.network:Vgg",
    blocks=places,
    outline=outline,
    census=census,
    saved_activations="archscope.families.vgg.saved_activations:saved_activations",
    enters="data",
)
