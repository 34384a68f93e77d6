"""MobileNets: depthwise-separable convolutions (V1), inverted residuals (V2, V3)."""

from archscope.families._assembly import assemble, images
from archscope.families.mobilenet.spec import MobileNetSpec, build, describe, outline

FAMILY = assemble(
    name="mobilenet",
    summary="MobileNet V1 (depthwise-separable), V2 and V3 (inverted residuals)",
    spec=MobileNetSpec,
    describe=describe,
    build=build,
    inputs=images,
    outline=outline,
)
