"""Swin Transformers: stages of attention within shifting windows, on ever smaller maps."""

from archscope.families._assembly import assemble, images
from archscope.families.swin.spec import SwinSpec, blocks_alike, build, describe

FAMILY = assemble(
    name="swin",
    summary="Swin Transformers: attention within shifting windows, on ever smaller maps",
    spec=SwinSpec,
    describe=describe,
    build=build,
    inputs=images,
    repeats=blocks_alike,
)
