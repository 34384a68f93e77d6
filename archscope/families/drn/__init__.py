"""Dilated residual networks for images: DRN-A, DRN-C and DRN-D, of output stride 8."""

from archscope.families._assembly import assemble, images
from archscope.families.drn.spec import DrnSpec, build, describe, outline, repeats

FAMILY = assemble(
    name="drn",
    summary="dilated residual networks for images: DRN-A, DRN-C, DRN-D",
    spec=DrnSpec,
    describe=describe,
    build=build,
    inputs=images,
    outline=outline,
    repeats=repeats,
)
