"""EfficientNet: one network of inverted residuals, scaled in width, depth and input size."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.efficientnet.census import census
from archscope.families.efficientnet.outline import outline
from archscope.families.efficientnet.spec import EfficientNetSpec, blocks, describe

FAMILY = Family(
    name="efficientnet",
    summary="EfficientNet: scaled inverted residuals with squeeze-excitation; V2 fuses the first",
    spec=EfficientNetSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.efficientnet.network:EfficientNet",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.efficientnet.saved_activations:saved_activations",
    enters="data",
)
