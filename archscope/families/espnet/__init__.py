"""ESPNet: pyramids of dilated convolutions, whose outputs are added up from small to large."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.espnet.census import census
from archscope.families.espnet.spec import EspnetSpec, blocks, describe

FAMILY = Family(
    name="espnet",
    summary="ESPNet: pyramids of dilated convolutions whose outputs are added up, for segmentation",
    spec=EspnetSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.espnet.network:Espnet",
    blocks=blocks,
    census=census,
    saved_activations="archscope.families.espnet.saved_activations:saved_activations",
    enters="data",
)
