"""Networks of the NAS benchmarks have what their authors print of them."""

from __future__ import annotations

import pytest

from archscope.errors import SpecError
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
        ("333139", "has '9', which is none of none, skip_connect"),
        ("|none~0|+|none~0|none~1|", "has not the edges 0, 0 1 and 0 1 2"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~1|", "has not the edges"),
        ("|none~0|+|none~0|none~1|+|none~0|conv~1|none~2|", "has 'conv', which is none of"),
    ],
)
def test_what_is_no_cell_is_refused(cell: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        NasBench201Spec(cell=cell)
