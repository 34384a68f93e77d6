"""Networks of the NAS benchmarks have what their authors print of them."""

from __future__ import annotations

from typing import Any

import pytest

from archscope.errors import SpecError
from archscope.families.nasbench101.census import census as graph_census
from archscope.families.nasbench101.spec import NasBench101Spec
from archscope.families.nasbench201.census import authors_flops, census
from archscope.families.nasbench201.spec import NasBench201Spec, nodes, written

FIRST = (
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+"
    "|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
)
CIFAR_100 = {"classes": 100}
IMAGENET_16 = {"classes": 120, "input_size": 16}
PUBLISHED = [
    # NATS-Bench, fake_torch_dir: what the benchmark holds of its architectures 0, 11 and 284.
    (FIRST, {}, 0.129306, 15.64737),
    (
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|",
        {},
        0.802426,
        113.95137,
    ),
    (
        "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|none~0|nor_conv_1x1~1|none~2|",
        {},
        0.101306,
        11.71521,
    ),
    # Bounds over the benchmark's 15,625 on its three data sets, read from
    # NAS-Bench-201-v1_1-096897 by MO-HPOBenchExperimentUtils.
    ("000000", {}, 0.073306, 7.78305),
    ("333333", {}, 1.531546, 220.11969),
    ("000000", CIFAR_100, 0.079156, 7.7889),
    ("333333", CIFAR_100, 1.537396, 220.12554),
    ("000000", IMAGENET_16, 0.080456, 1.9534),
    ("333333", IMAGENET_16, 1.538696, 55.03756),
]


@pytest.mark.parametrize(("cell", "data", "params", "flops"), PUBLISHED)
def test_a_cell_has_the_published_parameters_and_flops(
    cell: str, data: dict[str, int], params: float, flops: float
) -> None:
    spec = NasBench201Spec(cell=cell, **data)

    assert census(spec).params == round(params * 1e6)
    assert authors_flops(spec) == round(flops * 1e6)


def test_a_cell_is_said_by_digits_too() -> None:
    assert nodes("421211") == nodes(FIRST)
    assert written("421211") == FIRST


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("33313", "has 5 digits; a cell has six edges"),
        ("333139", "has '9', which is not one of none, skip_connect"),
        ("|none~0|+|none~0|none~1|", "has not the edges 0, 0 1 and 0 1 2"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~1|", "has not the edges"),
        ("|none~0|+|none~0|none~1|+|none~0|conv~1|none~2|", "has 'conv', which is not one of"),
    ],
)
def test_what_is_no_cell_is_refused(cell: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        NasBench201Spec(cell=cell)


CHAIN = "0111100/0010000/0001000/0000100/0000010/0000001/0000000"


def test_graphs_have_the_published_parameters() -> None:
    # NASBench.ipynb of google-research/nasbench asks for an Inception-like cell first, and prints
    # trainable_parameters 2694282. The most that the benchmark has is 49,979,274: five convolutions
    # of 3x3 in a row, and three edges more from the input, each with a projection.
    largest = NasBench101Spec(matrix=CHAIN, operators=("conv3x3-bn-relu",) * 5)

    assert graph_census(NasBench101Spec()).params == 2_694_282
    assert graph_census(largest).params == 49_979_274


def test_a_vertex_on_no_path_is_left_out() -> None:
    # Of input, two vertices and output; the second vertex leads nowhere.
    dead = NasBench101Spec(
        matrix="0110/0001/0000/0000", operators=("conv3x3-bn-relu", "conv1x1-bn-relu")
    )
    alone = NasBench101Spec(matrix="010/001/000", operators=("conv3x3-bn-relu",))

    assert graph_census(dead) == graph_census(alone)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"matrix": "01/0"}, "is not a matrix of 2 to 7 rows"),
        ({"matrix": "011/001/010"}, "does not lead to a later vertex"),
        ({"matrix": "010/000/000"}, "has no path from the first vertex to the last"),
        ({"matrix": "01111/00111/00011/00001/00000"}, "has 10 edges, more than 9"),
        ({"matrix": "010/001/000"}, "has 5 operators for 1 vertices"),
        ({"matrix": "010/001/000", "operators": (3,)}, "is not one of conv3x3-bn-relu"),
        ({"channels": 3}, "leaves a vertex no channels"),
    ],
)
def test_what_is_no_graph_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        NasBench101Spec(**given)
