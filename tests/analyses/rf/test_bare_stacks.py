"""Stacks without a model: numbers by axis and by layer, pools, and paths around blocks."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, prod
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import archscope
from archscope import specs
from archscope.errors import SpecError, UsageError
from archscope.loaders.stack import StackSpec, sketch
from archscope.results import Report
from archscope.theory.layers import conv, transposed


def verdict(report: Report) -> Any:
    return report.notes[0]


def seen_by_torch(
    fields: dict[str, Any], totals: Any
) -> tuple[set[tuple[int, ...]], tuple[int, ...]]:
    """What a unit in the middle sees by its gradients, and which that is: one away from padding.

    All weights are 1 in float64, so that a gradient is zero only where there is no path.
    """
    made = sketch(specs.made(StackSpec, fields))
    assert made.whole is not None
    subject = made.whole()
    model = subject.whole().double()
    for parameter in model.parameters():
        torch.nn.init.ones_(parameter)
    shape = subject.inputs.args[0].shape
    x = torch.rand(shape, dtype=torch.float64, requires_grad=True)
    y = model(x)
    starts = zip(y.shape[2:], totals.start, totals.jump, strict=True)
    unit = tuple(max(size // 2, ceil(-start / jump)) for size, start, jump in starts)
    ends = zip(unit, totals.start, totals.jump, totals.receptive_field, strict=True)
    assume(all(u < size for u, size in zip(unit, y.shape[2:], strict=True)))
    assume(all(s + u * j + r <= n for (u, s, j, r), n in zip(ends, shape[2:], strict=True)))
    y[(0, 0, *unit)].backward()
    assert x.grad is not None
    return {tuple(place[2:]) for place in x.grad.nonzero().tolist()}, unit


@st.composite
def stacks(draw: st.DrawFn) -> dict[str, Any]:
    axes, layers = draw(st.integers(1, 2)), draw(st.integers(1, 3))

    def numbers(low: int, high: int) -> list[Any]:
        item = st.integers(low, high)
        if draw(st.booleans()):
            item = st.tuples(*[item] * axes)
        return draw(st.lists(item, min_size=layers, max_size=layers))

    fields: dict[str, Any] = {
        "spatial_dims": axes,
        "dilations": numbers(1, 3),
        "kernel_size": numbers(1, 3),
        "stride": numbers(1, 2),
        "convs_per_block": draw(st.integers(1, 2)),
        "residual": draw(st.booleans()),
    }
    if draw(st.booleans()):
        fields["pool"] = numbers(1, 2)
    if not fields["residual"] and draw(st.booleans()):
        words = st.sampled_from([0, 1, 2, "same", "valid", "3+0", "0+2"])
        fields["padding"] = draw(st.lists(words, min_size=layers, max_size=layers))
    return fields


@given(stacks())
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
def test_a_stack_sees_what_its_network_sees(fields: dict[str, Any]) -> None:
    report = archscope.receptive_field(**fields)
    totals = report.totals
    assume(totals.positions < 3_000)
    assert totals.start is not None
    assert totals.jump is not None
    seen, unit = seen_by_torch(fields, totals)

    assert totals.reached == len(seen)
    for axis in range(totals.axes):
        first = totals.start[axis] + unit[axis] * totals.jump[axis]
        along = {place[axis] for place in seen}
        assert (min(along), max(along)) == (first, first + totals.receptive_field[axis] - 1)
        assert totals.reached_1d[axis] == len(along)
    assert totals.is_full == (len(seen) == prod(totals.receptive_field))


def test_numbers_by_axis() -> None:
    report = archscope.receptive_field([1, 2, 4], kernel_size=[(3, 5), 3, (7, 1)])

    # 1 + 2 + 4 + 24 = 31 along the first axis, 1 + 4 + 4 = 9 along the second.
    assert report.totals.receptive_field == (31, 9)
    assert [row.kernel for row in report.section("layers").rows] == [(3, 5), (3, 3), (7, 1)]
    assert "kernel 3x5,3,7x1" in report.title
    for text in ("3x5,3,7x1", "3:5,3,7:1", "3×5/3/7×1"):
        assert archscope.receptive_field([1, 2, 4], kernel_size=text).totals == report.totals


def test_coverage_is_the_product_over_axes() -> None:
    # 2, 2, 2 see 7 of 13 along the first axis; 1, 2, 2 all of 1 + 4 (1 + 2 + 2) = 21.
    report = archscope.receptive_field(
        [(2, 1), 2, 2], kernel_size=[(3, 5)], stride=[1], spatial_dims=2
    )

    assert report.totals.reached_1d == (7, 21)
    assert (report.totals.reached, report.totals.positions) == (147, 273)
    assert report.totals.streams == (2, 1)
    details = verdict(report).details
    assert details[0] == (
        "Cause along the first axis: every dilation is a multiple of 2, so only every 2nd position "
        "along the first axis is sampled."
    )
    assert details[1].endswith("(2 along the first axis and 1 along the second axis).")
    # The second axis stays as it is: 1, 2, 3 have the sum of 2, 2, 2.
    assert details[2].startswith("Try --dilations 1,2,3x2: same 13×21 receptive field")
    tried = archscope.receptive_field([1, 2, (3, 2)], kernel_size=[(3, 5)])
    assert (tried.totals.coverage, tried.totals.receptive_field) == (1.0, (13, 21))


@pytest.mark.parametrize(("levels", "kernel"), [(8, 7), (4, 3), (3, 2)])
def test_residual_pairs_are_a_tcn(levels: int, kernel: int) -> None:
    report = archscope.receptive_field(
        [2**level for level in range(levels)],
        kernel_size=kernel,
        causal=True,
        residual=True,
        convs_per_block=2,
    )
    family = archscope.receptive_field("tcn", levels=levels, kernel_size=kernel)

    # Bai, Kolter & Koltun 2018, two convolutions a level: 1 + 2 (k - 1) (2^L - 1).
    assert report.totals.receptive_field == (1 + 2 * (kernel - 1) * (2**levels - 1),)
    assert report.totals.receptive_field == family.totals.receptive_field
    assert report.totals.ahead == 0
    assert {note.level for note in report.notes} == {"ok", "info"}
    assert len(report.section("layers").rows) == 2 * levels


def test_what_replaces_dilations_of_pairs_is_one_for_each_pair() -> None:
    report = archscope.receptive_field([2, 2], convs_per_block=2)

    # A pair of 3 taps sees 5 positions in a row; 1, 3: 1 + 4 + 12 = 17, as 2, 2 do.
    assert verdict(report).details[-1].startswith("Try --dilations 1,3: same 17×17")
    assert archscope.receptive_field([1, 3], convs_per_block=2).totals.coverage == 1.0


def test_outputs_look_back_as_far_as_what_goes_around_a_block() -> None:
    report = archscope.receptive_field(
        [1], kernel_size=[1], padding=["0+4"], spatial_dims=1, residual=True
    )

    # A kernel of 1 and 4 zeros behind; what goes around has 2 on either side: it reads u - 2.
    totals, (row,) = report.totals, report.section("rf.axes").rows
    assert (totals.look_back, totals.look_ahead) == ((2,), (0,))
    assert (row.tile_overlap, row.discard_before, row.discard_after) == (2, 2, 4)
    assert totals.buffer_positions is None


def test_paths_around_even_kernels_see_between_their_taps() -> None:
    report = archscope.receptive_field([2, 3], kernel_size=2, residual=True)

    # By the axis -1 0 1, of which 0 alone is around, then -1 0 2 of the map: hull 6. Over both
    # axes 4 + 1 places, each seen from 4 + 1, less those that fall together.
    assert report.totals.receptive_field == (6, 6)
    assert report.totals.reached == 22
    assert report.totals.complete
    assert "14 of 36 positions" in verdict(report).text


def test_pools_by_layer() -> None:
    report = archscope.receptive_field([1, 1, 1], pool=[1, 2, (3, 2)], pool_stride=[1, 2, 2])

    # 3, 5, pool 6; then 2 * 2 more: 10; pool of 3 or 2 at jump 2: 14 and 12.
    assert report.totals.receptive_field == (14, 12)
    assert report.totals.jump == (4, 4)
    names = [row.layer for row in report.section("layers").rows]
    assert names == ["conv1", "conv2", "pool2", "conv3", "pool3"]


def test_paddings_by_layer_side_and_axis() -> None:
    report = archscope.receptive_field([2, 4], padding=["4+0", (1, "valid")], spatial_dims=2)

    rows = report.section("layers").rows
    assert [(row.padding_before, row.padding_after) for row in rows] == [
        ((4, 4), (0, 0)),
        ((1, 0), (1, 0)),
    ]
    assert report.totals.start == (-5, -4)
    assert archscope.receptive_field([2, 4], padding="4+0,1:valid").totals == report.totals
    assert "padding 4+0,1:valid" in report.title


def test_an_input_by_axis() -> None:
    report = archscope.receptive_field([1, 2], stride=[(2, 1), 1], input_size=(80, 1000))

    assert report.section("layers").rows[-1].output_size == (40, 1000)
    assert report.totals.outputs == 40_000
    assert report.totals.blind == 0
    assert "input 80×1000" in report.title


def test_every_axis_is_cut_as_the_same_network_in_one_dimension() -> None:
    kernels, strides, dilations = [(3, 5), (3, 1), (7, 2)], [(2, 1), (1, 3), 1], [1, (2, 4), 1]
    whole = archscope.receptive_field(
        dilations, kernel_size=kernels, stride=strides, input_size=(40, 61)
    )

    for axis, (row, size) in enumerate(zip(whole.section("axes").rows, (40, 61), strict=True)):
        one = archscope.receptive_field(
            [item[axis] if isinstance(item, tuple) else item for item in dilations],
            kernel_size=[item[axis] for item in kernels],
            stride=[item[axis] if isinstance(item, tuple) else item for item in strides],
            spatial_dims=1,
            input_size=size,
        )
        alone = one.section("axes").rows[0]
        # Buffers are of sequences alone.
        assert row == replace(alone, axis=axis, unbuffered=row.unbuffered)


def test_layers_by_axis() -> None:
    report = archscope.receptive_field([conv(3), (conv(3), conv(5, dilation=2))])

    # 3 + 2 = 5 and 3 + 8 = 11.
    assert report.totals.receptive_field == (5, 11)


@pytest.mark.parametrize(
    ("layers", "size", "blind", "outputs"),
    [
        # Outputs 3 i and 3 i + 1 of 10 inputs: 20 of 9 * 3 + 2 = 29.
        ([transposed(2, stride=3)], 10, 9, 29),
        # 2 (i + t), t in 0..2: 12 even places of 9 * 2 + 4 + 1 = 23.
        ([transposed(3, stride=2, dilation=2)], 10, 11, 23),
        # Taps at i and i + 7 of 5 inputs: places 5 and 6 of 12 are between.
        ([transposed(2, dilation=7)], 5, 2, 12),
        # A convolution of 3 behind it sees a neighbour of each.
        ([transposed(2, stride=3), conv(3)], 10, 0, 29),
        # Taps 5 before and 5 after: of 4 inputs none.
        ([conv(2, dilation=10)], 4, 4, 4),
    ],
)
@pytest.mark.parametrize("axes", [1, 2])
def test_outputs_that_see_nothing(
    layers: list[Any], size: int, blind: int, outputs: int, axes: int
) -> None:
    report = archscope.receptive_field(layers, spatial_dims=axes, input_size=size)

    # An output sees nothing where it does so along any axis.
    expected = outputs**axes - (outputs - blind) ** axes
    assert (report.totals.blind, report.totals.outputs) == (expected, outputs**axes)
    assert ("see no position of the input" in verdict(report).text) == (blind > 0)
    assert (verdict(report).level == "warning") == (blind > 0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kernel_size": [(3, 5, 7)], "spatial_dims": 2}, "numbers for 3 axes, but spatial_dims"),
        ({"padding": [(7, 1)], "spatial_dims": 1}, "7\\+1 is 7 before and 1 after"),
        ({"padding": ["sane"]}, "Did you mean 'same'"),
        ({"padding": [-1]}, "-1 \\(item 1\\) is not in the range"),
        ({"padding": ["3+x"]}, "is not a number or one of"),
        ({"kernel_size": "3x"}, "3 and 5 on two axes"),
        ({"branches": [[6], [12]], "residual": True}, "is for a single path"),
        ({"branches": [[6], [12]], "pool": 2}, "is for a single path"),
        ({"depth": 2, "pool": [1, 2, 1]}, "gives 3 pools for depth 2; give 2 or fewer"),
        ({"input_size": (10, 10), "spatial_dims": 1}, "numbers for 2 axes"),
        ({"causal": True, "spatial_dims": 2}, "padding causal:same"),
        (
            {"dilations": [1], "kernel_size": [(3, 3, 3, 3)]},
            "has 4 numbers in an item; torch has 3",
        ),
    ],
)
def test_what_cannot_be_is_said(fields: dict[str, Any], message: str) -> None:
    dilations = fields.pop("dilations", "")
    with pytest.raises((SpecError, UsageError), match=message):
        archscope.receptive_field(dilations, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"dilations": [(1, 2), 2], "kernel_size": [(3, 2)], "stride": [(1, 2), 1]},
        {"dilations": [2, 3], "kernel_size": 2, "residual": True},
        {"dilations": [1, 2], "pool": [(1, 2), 1], "residual": True, "convs_per_block": 2},
        {"dilations": [1, 2], "padding": ["causal:same", "2+1:0+3"], "input_size": (20, 24)},
    ],
)
def test_it_is_verified(fields: dict[str, Any]) -> None:
    dilations = fields.pop("dilations")
    assert archscope.receptive_field(dilations, verify=True, **fields).totals.proof == "verified"
