"""What a CNN's spec says, refuses and derives; without torch."""

from __future__ import annotations

from typing import Any

import pytest

from archscope import specs
from archscope.blocks.plan import repeats
from archscope.errors import SpecError
from archscope.families.cnn import FAMILY
from archscope.families.cnn.spec import CnnSpec, describe, layers

REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"dilations": (1, 2, 4), "kernel_size": (3, 5)},
        "kernel_size: '3,5' gives 2 kernel sizes for 3 dilations; give 1 or 3.",
    ),
    (
        {"depth": 4, "dilations": (1, 2, 4)},
        "dilations: '1,2,4' gives 3 dilations for depth 4; give 1 or 4.",
    ),
    ({"channels": ()}, "channels: '' gives 0 channel counts for depth 3; give 1 or 3."),
    ({"dilations": (0,)}, "dilations: 0 (item 1) is not in the range"),
    ({"depth": 10_001}, "depth: 10001 is not in the range 1<=x<=10000."),
    ({"causal": True}, "causal: True needs one dimension, but spatial_dims is 2."),
    (
        {"spatial_dims": 1, "causal": True, "padding": "valid"},
        "causal: True needs padding same: its zeros stand for the past.",
    ),
    (
        {"residual": True, "padding": "valid"},
        "residual: True needs padding same: without it the sizes differ.",
    ),
    (
        {"conv": "depthwise-separable", "groups": (4,)},
        "groups: '4' must be 1 where conv is depthwise-separable.",
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
    assert spec.blocks == len(layers(spec)) == blocks


def test_layers_say_where_each_tap_stands() -> None:
    spec = specs.made(
        CnnSpec,
        {"channels": "8,16", "kernel_size": "3,4", "stride": "2,1", "dilations": "1,3"},
    )
    first, second = layers(spec)
    assert (first.in_channels, first.out_channels, first.pad_before, first.pad_after) == (
        3,
        8,
        1,
        1,
    )
    # reach of the second: (4 - 1) x 3 = 9, of which 4 before and 5 after
    assert (second.in_channels, second.pad_before, second.pad_after) == (8, 4, 5)
    # (224 + 2 - 2 - 1) // 2 + 1 = 112
    assert (first.out_size, second.in_size, second.out_size) == (112, 112, 112)


def test_causal_padding_all_comes_first() -> None:
    spec = CnnSpec(spatial_dims=1, causal=True, dilations=(1, 2, 4))
    assert [(layer.pad_before, layer.pad_after) for layer in layers(spec)] == [
        (2, 0),
        (4, 0),
        (8, 0),
    ]


def test_only_blocks_that_return_what_they_take_are_alike() -> None:
    def alike(**fields: Any) -> list[tuple[str, ...]]:
        return [repeat.copies for repeat in repeats(layers(CnnSpec(**fields)))]

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
    assert " · ".join(describe(CnnSpec(**fields))) == line


def test_every_field_has_help() -> None:
    assert all(field.help for field in specs.fields(FAMILY.spec))
