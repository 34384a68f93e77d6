"""EfficientNet: one network of inverted residuals, scaled in width, depth and input size."""

from archscope.families._assembly import assemble, images
from archscope.families.efficientnet.spec import EfficientNetSpec, build, describe, outline, repeats

FAMILY = assemble(
    name="efficientnet",
    summary="EfficientNet: inverted residuals with squeeze-and-excitation, scaled from B0",
    spec=EfficientNetSpec,
    describe=describe,
    build=build,
    inputs=images,
    outline=outline,
    repeats=repeats,
)
