"""SqueezeNet: fire modules, pointwise convolutions that squeeze before those that expand."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.squeezenet.census import census
from archscope.families.squeezenet.outline import outline
from archscope.families.squeezenet.spec import SqueezeNetSpec, describe, places

FAMILY = Family(
    name="squeezenet",
    summary="SqueezeNet 1.0 and 1.1: squeezed channels before parallel 1x1 and 3x3 convolutions",
    spec=SqueezeNetSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.squeezenet.network:SqueezeNet",
    blocks=places,
    outline=outline,
    census=census,
    saved_activations="archscope.families.squeezenet.saved_activations:saved_activations",
    enters="data",
)
