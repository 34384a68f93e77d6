"""LeNet and its like: a few convolutions, then linear layers on all positions of the last map."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.lenet.census import census
from archscope.families.lenet.outline import outline
from archscope.families.lenet.spec import LeNetSpec, describe

FAMILY = Family(
    name="lenet",
    summary="LeNet-5 and others for MNIST-sized images: a few convolutions, pools, linear layers",
    spec=LeNetSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.lenet.network:LeNet",
    outline=outline,
    census=census,
    saved_activations="archscope.families.lenet.saved_activations:saved_activations",
    enters="data",
)
