"""Vision Transformers: ViT and, without distillation, DeiT."""

from archscope.blocks.examples import images
from archscope.families import Family, by_weights
from archscope.families.vit.outline import outline
from archscope.families.vit.spec import VitSpec, blocks, describe

FAMILY = Family(
    name="vit",
    summary="Vision Transformers: an image as a sequence of patches, ViT and DeiT",
    spec=VitSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.vit.network:Vit",
    blocks=blocks,
    outline=outline,
    census=by_weights("archscope.families.vit.weights:weights"),
    saved_activations="archscope.families.vit.saved_activations:saved_activations",
    weights="archscope.families.vit.weights:weights",
)
