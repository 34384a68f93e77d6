"""NAS-Bench-101: one of 423,624 cells, repeated in three stacks."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.nasbench101.census import census
from archscope.families.nasbench101.spec import NasBench101Spec, blocks, describe

FAMILY = Family(
    name="nasbench101",
    summary="NAS-Bench-101: any cell of up to seven vertices and nine edges, in three stacks",
    spec=NasBench101Spec,
    describe=describe,
    inputs=images,
    module="archscope.families.nasbench101.network:NasBench101",
    blocks=blocks,
    census=census,
    saved_activations="archscope.families.nasbench101.saved_activations:saved_activations",
    enters="data",
)
