"""VGG: convolutions of 3x3, a pool after each stage, and three linear layers."""

from archscope.families._assembly import assemble, images
from archscope.families.vgg.spec import VggSpec, build, describe, outline

FAMILY = assemble(
    name="vgg",
    summary="VGG: stages of 3x3 convolutions, a pool after each, three linear layers",
    spec=VggSpec,
    describe=describe,
    build=build,
    inputs=images,
    outline=outline,
)
