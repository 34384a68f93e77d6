"""ShuffleNet V2: half of the channels go around a block, then both halves are shuffled."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.shufflenet.census import census
from archscope.families.shufflenet.outline import outline
from archscope.families.shufflenet.spec import ShuffleNetSpec, blocks, describe

FAMILY = Family(
    name="shufflenet",
    summary="ShuffleNet V2: half of the channels bypass each block, then channels are shuffled",
    spec=ShuffleNetSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.shufflenet.network:ShuffleNet",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.shufflenet.saved_activations:saved_activations",
    enters="data",
)
