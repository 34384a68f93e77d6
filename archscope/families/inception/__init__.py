"""Inception: modules of parallel convolutions of unlike size, GoogLeNet and Inception v3."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.inception.census import census
from archscope.families.inception.outline import outline
from archscope.families.inception.spec import InceptionSpec, describe

FAMILY = Family(
    name="inception",
    summary="GoogLeNet and Inception v3: parallel convolutions of different sizes",
    spec=InceptionSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.inception.network:Inception",
    outline=outline,
    census=census,
    saved_activations="archscope.families.inception.saved_activations:saved_activations",
)
