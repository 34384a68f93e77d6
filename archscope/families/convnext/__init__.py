"""ConvNeXt V1 and V2: depthwise convolutions of 7x7, pointwise layers of four times the width."""

from archscope.families._assembly import assemble, images
from archscope.families.convnext.spec import ConvNextSpec, build, describe, outline, repeats

FAMILY = assemble(
    name="convnext",
    summary="ConvNeXt V1 and V2: depthwise convolutions of 7x7 and pointwise layers",
    spec=ConvNextSpec,
    describe=describe,
    build=build,
    inputs=images,
    outline=outline,
    repeats=repeats,
)
