"""HRNet: branches of several resolutions side by side, which exchange their maps."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.hrnet.census import census
from archscope.families.hrnet.outline import outline
from archscope.families.hrnet.spec import HrnetSpec, blocks, describe

FAMILY = Family(
    name="hrnet",
    summary="HRNet V2: parallel branches of several resolutions that exchange features",
    spec=HrnetSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.hrnet.network:Hrnet",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.hrnet.saved_activations:saved_activations",
    enters="data",
)
