"""Xception: depthwise-separable convolutions with residual paths."""

from archscope.families._assembly import assemble, images
from archscope.families.separable_residual.spec import (
    XceptionSpec,
    build,
    describe,
    outline,
    repeats,
)

FAMILY = assemble(
    name="separable-residual",
    summary="Xception: depthwise-separable convolutions in blocks with residual paths",
    spec=XceptionSpec,
    describe=describe,
    build=build,
    inputs=images,
    outline=outline,
    repeats=repeats,
)
