"""What a CNN's spec says, refuses and derives; without torch."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from archscope import specs
from archscope.blocks.plan import repeats
from archscope.errors import SpecError
from archscope.families.cnn import FAMILY
from archscope.families.cnn.spec import CnnSpec, plan
from archscope.theory.layers import conv

REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"depth": 2, "dilations": (1, 2, 4)},
        "dilations: '1,2,4' gives 3 dilations for depth 2; give 2 or fewer.",
    ),
    ({"channels": ()}, "channels: '' gives no channel counts; give at least one, e.g. 3."),
    ({"dilations": (0,)}, "dilations: 0 (item 1) is not in the range"),
    ({"depth": 10_001}, "depth: 10001 is not in the range 1<=x<=10000."),
    (
        {"causal": True, "spatial_dims": 2},
        "causal: True needs one dimension, but spatial_dims is 2; padding causal:same is causal "
        "along the first axis alone.",
    ),
    (
        {"padding": "causal", "spatial_dims": 3},
        "padding: 'causal' needs one dimension, but spatial_dims is 3; padding causal:same:same ",
    ),
    (
        {"spatial_dims": 1, "causal": True, "padding": "valid"},
        "causal: True needs padding causal: the past is replaced by zeros.",
    ),
    ({"dilations": ((1, 2, 4), (1, 2))}, "dilations: '1x2' has numbers for 2 axes, but spatial_d"),
    (
        {"padding": ((1, 2),), "spatial_dims": 1},
        "padding: '1x2' has numbers for 2 axes, but spatial_dims is 1; give one for all or 1; 1+2 "
        "is 1 before and 2 after.",
    ),
    (
        {"causal": True, "norm": "group"},
        "norm: 'group' reads all positions, the future too, and the stack is causal",
    ),
    (
        {"causal": True, "padding_mode": "circular"},
        "padding_mode: 'circular' puts later positions before the first",
    ),
    (
        {"padding_mode": "reflect", "dilations": (8,), "input_size": 8},
        "padding_mode: 'reflect' has up to 7 positions to put around layer 1, which pads 8;",
    ),
    (
        {"upsample": (2,), "upsample_mode": "transposed", "stride": (2,)},
        "stride: '2' must be 1 at layer 1, which upsample enlarges as a transposed convolution.",
    ),
    (
        {"upsample": (2,), "upsample_mode": "transposed", "residual": True},
        "residual: True does not go around layer 1, which is transposed.",
    ),
    (
        {"pool": (2,), "pool_padding": (2,)},
        "pool_padding: 2 is more than half of what the pool behind layer 1 spans; up to 1 is allow",
    ),
    (
        {"norm": "group", "norm_groups": 5},
        "norm_groups: 5 does not divide the 64 channels of layer",
    ),
    (
        {"norm": "instance", "input_size": 1},
        "norm: 'instance' of one channel has no mean of the one position that layer 1 leaves;",
    ),
    (
        {"conv": "depthwise"},
        "channels: 64 is not a multiple of its 3 input channels, and layer 1 is depthwise.",
    ),
    (
        {"spatial_dims": 3, "input_size": 2**24},
        "input_size: 16777216 is too large: layer 1 has 302,231,454,903,657,293,676,544 elements",
    ),
    (
        {"groups": (2,)},
        "groups: 2 does not divide the 3 input channels of layer 1. Nearest: 1, 3.",
    ),
    (
        {"in_channels": 6, "channels": (16,), "groups": (6,)},
        "groups: 6 does not divide the 16 output channels of layer 1. Nearest: 4, 8.",
    ),
    (
        {"padding": "valid", "dilations": (1, 2, 4), "input_size": 14},
        "input_size: 14 is too small: layer 3 spans 9 positions and gets 8.",
    ),
]


@pytest.mark.parametrize(("fields", "message"), REFUSED)
def test_values_that_do_not_fit_are_refused_by_name(fields: Any, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        CnnSpec(**fields)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("fields", "blocks"),
    [
        ({}, 3),
        ({"depth": 5}, 5),
        ({"dilations": (1, 2, 4, 8)}, 4),
        ({"dilations": (2,)}, 3),
        ({"channels": (8, 16), "stride": (1, 2)}, 2),
        ({"depth": 1}, 1),
    ],
)
def test_depth_is_that_of_the_longest_list(fields: Any, blocks: int) -> None:
    spec = CnnSpec(**fields)
    assert spec.blocks == len(plan(spec)) == blocks


def test_layers_say_where_each_tap_stands() -> None:
    spec = specs.made(
        CnnSpec,
        {"channels": "8,16", "kernel_size": "3,4", "stride": "2,1", "dilations": "1,3"},
    )
    first, second = plan(spec)
    assert (first.in_channels, first.out_channels) == (3, 8)
    assert [axis.padding for axis in first.along] == [(1, 1), (1, 1)]
    # reach of the second: (4 - 1) x 3 = 9, of which 4 before and 5 after
    assert second.in_channels == 8
    assert [axis.padding for axis in second.along] == [(4, 5), (4, 5)]
    # (224 + 2 - 2 - 1) // 2 + 1 = 112
    assert first.out_sizes == second.in_sizes == second.out_sizes == (112, 112)


def test_an_item_may_have_a_number_for_each_axis() -> None:
    spec = specs.made(
        CnnSpec,
        {"kernel_size": "3x5,1", "padding": "valid:1+0", "stride": "1x2", "input_size": "32x64"},
    )
    first, second, *_ = plan(spec)
    # 32 - 2 = 30 of rows without padding; (64 + 1 - 4 - 1) // 2 + 1 = 31 of columns
    assert first.out_sizes == (30, 31)
    assert second.step.kernel == (1, 1)


def test_a_transposed_layer_makes_as_many_positions_as_it_is_asked_for() -> None:
    for kernel, rate, factor in product((1, 2, 3, 5), (1, 2), (1, 2, 3)):
        spec = CnnSpec(
            kernel_size=(kernel,),
            dilations=(rate,),
            upsample=((1, factor),),
            upsample_mode="transposed",
            input_size=8,
        )
        assert plan(spec)[-1].out_sizes == (8, 8 * factor**3)


def test_causal_padding_all_comes_first() -> None:
    for fields in ({"spatial_dims": 1, "causal": True}, {"padding": "causal"}):
        spec = CnnSpec(dilations=(1, 2, 4), **fields)
        assert [layer.along for layer in plan(spec)] == [
            (conv(3, dilation=rate, padding=(before, 0)),)
            for rate, before in ((1, 2), (2, 4), (4, 8))
        ]


def test_a_list_that_is_shorter_than_the_stack_begins_again() -> None:
    spec = CnnSpec(depth=5, dilations=(1, 2, 4), kernel_size=(3, 5))
    assert [layer.step.dilation[0] for layer in plan(spec)] == [1, 2, 4, 1, 2]
    assert [layer.step.kernel[0] for layer in plan(spec)] == [3, 5, 3, 5, 3]
    assert "kernel 3,5 repeated · dilations 1,2,4 repeated" in FAMILY.title(spec)
    assert CnnSpec(dilations=(1, 2, 4), kernel_size=(3, 5)).blocks == 3


def test_only_blocks_that_return_what_they_take_are_alike() -> None:
    def alike(**fields: Any) -> list[tuple[str, ...]]:
        return [repeat.copies for repeat in repeats(plan(CnnSpec(**fields)))]

    assert alike(depth=4) == [("blocks.1", "blocks.2", "blocks.3")]
    assert alike(in_channels=64, dilations=(1, 2, 1, 2)) == [
        ("blocks.0", "blocks.2"),
        ("blocks.1", "blocks.3"),
    ]
    assert alike(in_channels=64, depth=2, padding="valid") == []


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"dilations": (1, 2, 4)},
            "cnn · 2-D · depth 3 · channels 64 · kernel 3 · dilations 1,2,4 · input 3×224×224 · "
            "batch 1",
        ),
        (
            {
                "spatial_dims": 1,
                "causal": True,
                "residual": True,
                "conv": "depthwise-separable",
                "norm": "batchnorm",
                "bias": False,
                "head": "classifier",
                "activation": "none",
            },
            "causal cnn · 1-D · depth 3 · channels 64 · kernel 3 · depthwise-separable · residual "
            "· batchnorm · no activation · no bias · 1000 classes · input 3×224 · batch 1",
        ),
    ],
)
def test_a_spec_in_one_line(fields: Any, line: str) -> None:
    assert FAMILY.title(CnnSpec(**fields)) == line


def test_every_field_has_help() -> None:
    assert all(field.help for field in specs.fields(FAMILY.spec))
