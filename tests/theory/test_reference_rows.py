"""Every published or brute-forced row, every metric."""

import json
from pathlib import Path

import pytest

from archscope.theory.branches import union
from archscope.theory.gridding import gridding
from archscope.theory.layers import Layer, Stack, conv, dilated
from archscope.theory.paths import paths
from archscope.theory.window import window

DATA = Path(__file__).parents[1] / "data"
GRIDDING = json.loads((DATA / "gridding.json").read_text())["rows"]
FIELDS = {
    row["id"]: row for row in json.loads((DATA / "receptive_fields.json").read_text())["rows"]
}


def patchgan(layers: int) -> Stack:
    """pix2pix: `layers` convolutions of stride 2, then two of stride 1, all 4 wide, padding 1."""
    strides = (2,) * layers + (1, 1)
    return tuple(conv(4, stride=stride, padding=1) for stride in strides)


STACKS: dict[str, Stack] = {
    # 3x3 with rates 1, 1, 2, 4, 8, 16, 1, and a 1x1
    "yu_koltun_context": (*dilated((1, 1, 2, 4, 8, 16, 1)), conv(1)),
    "hdc_125": dilated((1, 2, 5)),
    "hdc_129": dilated((1, 2, 9)),
    "stack_222": dilated((2, 2, 2)),
    "stack_139": dilated((1, 3, 9)),
    # 1 + 8 + 0 + 4 = 13
    "srcnn_915": (conv(9), conv(1), conv(5)),
    # 1 + 20 * 2 = 41
    "vdsr20": dilated((1,) * 20),
    # 1 + 17 * 2 = 35
    "dncnn17": dilated((1,) * 17),
    # 1 + 2 * (1 + 2 + 3 + 4 + 3 + 2 + 1) = 33
    "ircnn7": dilated((1, 2, 3, 4, 3, 2, 1)),
    # 1 + 3 * (1 + 2 + 4 + 8 + 8) = 70
    "patchgan_70": patchgan(3),
    # 1 + 3 * (1 + 2 + 2) = 16
    "patchgan_16": patchgan(1),
    # 1 + (2^10 - 1) = 1024
    "wavenet10": dilated([2**i for i in range(10)], kernels=(2,), padding="causal"),
    # 1 + 3 * 1023 = 3070
    "wavenet3x10": dilated([2**i for i in range(10)] * 3, kernels=(2,), padding="causal"),
    # 1 + 2 * 6 * (2^8 - 1) = 3061
    "tcn_k7_l8": dilated([2 ** (i // 2) for i in range(16)], kernels=(7,), padding="causal"),
    # 10/5, four of 3/2, two of 2/2: 1 + 9 + 2 * (5 + 10 + 20 + 40) + 80 + 160 = 400
    "wav2vec2_feat": dilated(
        (1,) * 7, kernels=(10, 3, 3, 3, 3, 2, 2), strides=(5, 2, 2, 2, 2, 2, 2), padding="valid"
    ),
}


def test_every_row_has_its_stack() -> None:
    assert {*STACKS, "aspp_6_12_18"} == set(FIELDS)


@pytest.mark.parametrize("name", GRIDDING)
def test_gridding_row(name: str) -> None:
    expected = dict(GRIDDING[name])
    stack = tuple(
        Layer(kernel=kernel, stride=stride, dilation=dilation)
        for kernel, stride, dilation in expected.pop("layers_ksd")
    )
    row, counts = gridding(stack), paths(stack)
    assert counts.uniformity is not None
    found = {
        "hull": row.hull,
        "touched": row.touched,
        "coverage_1d": round(row.coverage or 0, 6),
        "coverage_2d": round((row.coverage or 0) ** 2, 6),
        "full": row.is_full,
        "max_gap": row.max_gap,
        "streams": row.streams,
        "input_use": row.input_use,
        "adjacent_overlap": round(row.adjacent_overlap or 0, 6),
        "path_sd": round(counts.sd, 6),
        "path_uniformity": round(counts.uniformity, 6),
        "path_min_max": [counts.smallest, counts.largest],
        "coupling_depth": row.coupling_depth,
        "solid_core": row.solid_core,
    }
    assert found == expected
    assert row.unknown == ()


@pytest.mark.parametrize("name", STACKS)
def test_receptive_field_row(name: str) -> None:
    expected, stack = FIELDS[name], STACKS[name]
    seen = window(stack)
    assert (seen.size, seen.jump, -(seen.start or 0)) == (
        expected["rf"],
        expected["eff_stride"],
        expected["eff_pad"],
    )
    assert round(gridding(stack).coverage or 0, 4) == expected["coverage_1d"]
    # The probed unit saw -P + uS to -P + uS + r - 1.
    first = (seen.start or 0) + expected["probe_unit"] * int(seen.jump)
    assert [first, first + seen.size - 1] == expected["probe_interval"]


def test_aspp_row() -> None:
    expected = FIELDS["aspp_6_12_18"]
    row = union([(dilated((rate,)),) * 2 for rate in (6, 12, 18)])
    axis = row.axes[0]
    assert (axis.hull, axis.jump, -axis.start) == (37, 1, 18)
    assert (axis.hull, axis.jump, -axis.start) == (
        expected["rf"],
        expected["eff_stride"],
        expected["eff_pad"],
    )
    assert round(axis.touched / axis.hull, 4) == expected["coverage_1d"]
