"""NAS-Bench-201: one of 15,625 cells, repeated in three stages."""

from archscope.blocks.examples import images
from archscope.families import Family
from archscope.families.nasbench201.census import census
from archscope.families.nasbench201.spec import NasBench201Spec, blocks, describe

FAMILY = Family(
    name="nasbench201",
    summary="NAS-Bench-201: any of 15,625 cells of six edges, repeated in three stages",
    spec=NasBench201Spec,
    describe=describe,
    inputs=images,
    module="archscope.families.nasbench201.network:NasBench201",
    blocks=blocks,
    census=census,
    saved_activations="archscope.families.nasbench201.saved_activations:saved_activations",
    enters="data",
)
