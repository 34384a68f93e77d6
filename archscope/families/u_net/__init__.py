"""U-Net: a path down and a path up, joined at each resolution."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.u_net.census import census
from archscope.families.u_net.outline import outline
from archscope.families.u_net.spec import UnetSpec, describe

FAMILY = Family(
    name="u-net",
    summary="U-Net: a contracting and an expanding path, joined by skip connections",
    spec=UnetSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.u_net.network:Unet",
    outline=outline,
    census=census,
    saved_activations="archscope.families.u_net.saved_activations:saved_activations",
    enters="data",
)
