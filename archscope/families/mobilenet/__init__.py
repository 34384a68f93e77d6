"""MobileNets: depthwise-separable convolutions (V1), inverted residuals (V2, V3)."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.mobilenet.census import census
from archscope.families.mobilenet.outline import outline
from archscope.families.mobilenet.spec import MobileNetSpec, blocks, describe

FAMILY = Family(
    name="mobilenet",
    summary="MobileNet V1 (depthwise-separable), V2, V3 and MnasNet (inverted residuals)",
    spec=MobileNetSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.mobilenet.network:MobileNet",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.mobilenet.saved_activations:saved_activations",
    enters="data",
)
