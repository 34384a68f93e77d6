"""Vision Transformers: ViT and, without distillation, DeiT."""

from archscope.families._assembly import assemble, images
from archscope.families.vit.spec import VitSpec, blocks_alike, build, describe, outline

FAMILY = assemble(
    name="vit",
    summary="Vision Transformers: an image as a sequence of patches, ViT and DeiT",
    spec=VitSpec,
    describe=describe,
    build=build,
    inputs=images,
    outline=outline,
    repeats=blocks_alike,
)
