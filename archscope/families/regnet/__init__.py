"""RegNet: bottlenecks of grouped convolutions whose widths follow a quantised line."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.regnet.census import census
from archscope.families.regnet.outline import outline
from archscope.families.regnet.spec import RegNetSpec, blocks, describe

FAMILY = Family(
    name="regnet",
    summary="RegNet X and Y: bottlenecks with grouped convolutions, widths from a quantised line",
    spec=RegNetSpec,
    describe=describe,
    inputs=images,
    module="archscope.families.regnet.network:RegNet",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.regnet.saved_activations:saved_activations",
    enters="data",
)
