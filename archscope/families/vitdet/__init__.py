"""ViTDet: a plain Vision Transformer with windows, and a feature pyramid of its last map."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.vitdet.census import census
from archscope.families.vitdet.outline import outline
from archscope.families.vitdet.spec import VitDetSpec, blocks, describe

FAMILY = Family(
    name="vitdet",
    summary="ViTDet: a Vision Transformer with windows and a simple feature pyramid; SAM's encoder",
    spec=VitDetSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.vitdet.network:VitDet",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.vitdet.saved_activations:saved_activations",
    enters="data",
)
