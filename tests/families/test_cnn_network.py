"""Convolution stacks on real tensors: shapes, causality, reach; and folded as unfolded."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope.analyses.rf.closed_form.answer import closed_form
from archscope.families.cnn import FAMILY
from archscope.families.cnn.spec import CnnSpec, plan

SMALL = {"in_channels": 4, "channels": (4,), "input_size": 16}


def _network(**fields: Any) -> nn.Module:
    torch.manual_seed(0)
    return FAMILY.network(CnnSpec(**{**SMALL, **fields})).double().eval()


def _reached(model: nn.Module, inputs: Tensor, output: int) -> list[int]:
    """Return the input positions that one output of a 1-D stack depends on."""
    inputs = inputs.clone().requires_grad_()
    model(inputs)[..., output].sum().backward()
    assert inputs.grad is not None
    return inputs.grad.abs().sum((0, 1)).nonzero().flatten().tolist()


def test_every_combination_has_the_shape_that_the_spec_says() -> None:
    choices = product(
        (1, 2, 3), (2, 3), (1, 2), (1, 2), ("standard", "depthwise-separable"), ("same", "valid")
    )
    for dims, kernel, dilation, stride, conv, padding in choices:
        spec = CnnSpec(
            **{**SMALL, "channels": (6, 8)},
            spatial_dims=dims,
            kernel_size=(kernel,),
            dilations=(dilation,),
            stride=(stride, 1),
            conv=conv,
            padding=padding,
            residual=True,
            norm="batchnorm",
        )
        out = FAMILY.network(spec)(torch.randn(2, 4, *[16] * dims))
        assert out.shape == (2, 8, *plan(spec)[-1].out_sizes)


@pytest.mark.parametrize("conv", ["standard", "depthwise-separable"])
@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("norm", ["none", "batchnorm"])
def test_a_causal_stack_never_sees_the_future(
    conv: str, residual: bool, kernel: int, norm: str
) -> None:
    model = _network(
        spatial_dims=1,
        causal=True,
        dilations=(1, 2, 4),
        kernel_size=(kernel,),
        conv=conv,
        residual=residual,
        norm=norm,
        activation="silu",
    )
    x = torch.randn(2, 4, 16, dtype=torch.float64)
    before = model(x)
    for place in range(16):
        changed = x.clone()
        changed[..., place] += 1
        after = model(changed)
        assert torch.equal(after[..., :place], before[..., :place])
        assert not torch.equal(after[..., place], before[..., place])


@pytest.mark.parametrize(
    ("dilations", "reached"),
    [
        ((1, 2, 4), list(range(3, 18))),  # 10 +- (1 + 2 + 4): all 15
        ((2, 2, 2), list(range(4, 17, 2))),  # every second of 10 +- 6
    ],
)
def test_dilations_are_where_the_spec_says(dilations: tuple[int, ...], reached: list[int]) -> None:
    model = _network(spatial_dims=1, dilations=dilations, input_size=21, activation="none")
    assert _reached(model, torch.randn(1, 4, 21).double(), 10) == reached


def test_a_causal_stack_reaches_as_far_back_as_wavenet() -> None:
    model = _network(
        spatial_dims=1, causal=True, kernel_size=(2,), dilations=(1, 2, 4), activation="none"
    )
    # 1 + (2 - 1) x (1 + 2 + 4) = 8 positions
    assert _reached(model, torch.randn(1, 4, 16).double(), 15) == list(range(8, 16))


def test_even_kernels_see_one_position_more_of_the_future() -> None:
    model = _network(spatial_dims=1, depth=1, kernel_size=(4,), activation="none")
    # 3 positions to pad: 1 before, 2 after
    assert _reached(model, torch.randn(1, 4, 16).double(), 8) == [7, 8, 9, 10]


def test_a_residual_is_the_identity_where_shapes_agree() -> None:
    model = _network(spatial_dims=1, depth=2, channels=(4, 6), residual=True, activation="none")
    first, second = model.blocks
    assert first.shortcut is None
    assert second.shortcut.kernel_size == (1,)
    x = torch.randn(1, 4, 16).double()
    torch.testing.assert_close(first(x), first.conv(x) + x)
    torch.testing.assert_close(second(x), second.conv(x) + second.shortcut(x))


def test_each_half_of_a_separable_convolution_has_its_norm_and_activation() -> None:
    model = _network(depth=1, conv="depthwise-separable", norm="batchnorm", activation="silu")
    block, silu = model.blocks[0], nn.functional.silu
    for norm in (block.norm, block.depthwise_norm):
        norm.running_mean.uniform_()
    x = torch.randn(1, 4, 16, 16, dtype=torch.float64)
    between = silu(block.depthwise_norm(block.depthwise(x)))
    torch.testing.assert_close(model(x), silu(block.norm(block.pointwise(between))))


def test_a_classifier_reads_the_mean_or_where_causal_the_last_position() -> None:
    x = torch.randn(2, 4, 16).double()
    for causal in (False, True):
        model = _network(spatial_dims=1, causal=causal, head="classifier", classes=3)
        features = x
        for block in model.blocks:
            features = block(features)
        pooled = features[..., -1] if causal else features.mean(-1)
        torch.testing.assert_close(model(x), model.classifier(pooled))


@pytest.mark.parametrize(
    ("fields", "built"),
    [
        ({"depth": 100}, ["0"]),
        ({"depth": 100, "channels": (8,)}, ["0", "1"]),
        ({"dilations": (1, 2, 1, 2)}, ["0", "1"]),
        ({"depth": 3, "padding": "valid"}, ["0", "1", "2"]),
        ({"channels": (4, 8, 4, 8)}, ["0", "1", "2", "3"]),
        ({"depth": 3, "stride": (2, 1, 1), "residual": True, "norm": "batchnorm"}, ["0", "1"]),
        ({"depth": 5, "conv": "depthwise-separable", "head": "classifier"}, ["0"]),
    ],
)
def test_folded_is_the_unfolded_stack_with_copies_left_out(fields: Any, built: list[str]) -> None:
    spec = CnnSpec(**{**SMALL, **fields})
    whole, folded = FAMILY.network(spec), FAMILY.subject(spec)
    assert [name for name, _ in folded.model.blocks.named_children()] == built
    once = sum(p.numel() for p in folded.model.parameters())
    for repeat in folded.repeats:
        block = folded.model.get_submodule(repeat.path)
        once += (len(repeat.copies) - 1) * sum(p.numel() for p in block.parameters())
    assert once == sum(p.numel() for p in whole.parameters())
    assert folded.inputs is not None
    with torch.device("meta"):
        assert (
            folded.model(*folded.inputs.args).shape
            == FAMILY.network(spec)(*folded.inputs.args).shape
        )


def test_what_goes_around_a_block_is_cut_to_its_middle() -> None:
    model = _network(spatial_dims=1, depth=1, padding="valid", residual=True, activation="none")
    (block,) = model.blocks
    x = torch.randn(1, 4, 16).double()
    # A kernel of 3 leaves off one position on either side.
    torch.testing.assert_close(model(x), block.conv(x) + x[..., 1:-1])

    strided = _network(
        spatial_dims=1, depth=1, kernel_size=(4,), stride=(2,), padding="valid", residual=True
    ).blocks[0]
    # 3 positions are left off: 1 before and 2 after; then every second of 13: (13 - 1) / 2 + 1.
    found = strided(x)
    torch.testing.assert_close(found, (strided.conv(x) + strided.shortcut(x[..., 1:-2])).relu())
    assert found.shape == (1, 4, 7)


@pytest.mark.parametrize(
    ("fields", "padded"),
    [
        ({"padding": ((1, "2+0"),)}, ((1, 1), (2, 0))),
        ({"padding_mode": "circular"}, ((1, 1), (1, 1))),
        ({"padding": "causal:same", "padding_mode": "replicate"}, ((2, 0), (1, 1))),
    ],
)
def test_each_axis_has_its_padding(fields: Any, padded: tuple[tuple[int, int], ...]) -> None:
    model = _network(depth=1, activation="none", **fields)
    (rows, columns), conv = padded, model.blocks[0].conv
    x = torch.randn(1, 4, 16, 16).double()
    mode = fields.get("padding_mode", "constant")
    around = nn.functional.pad(x, (*columns, *rows), mode=mode)
    expected = nn.functional.conv2d(around, conv.weight, conv.bias)
    torch.testing.assert_close(model(x), expected)


def test_a_transposed_causal_layer_sees_no_input_behind_its_output() -> None:
    fields = {"kernel_size": (5,), "upsample": (2,), "upsample_mode": "transposed"}
    model = _network(padding="causal", depth=1, activation="none", **fields)
    x = torch.randn(1, 4, 16).double()
    assert model(x).shape == (1, 4, 32)
    # Output u takes inputs i with 0 <= u - 2 i <= 4: of 8 those from 2 to 4.
    assert _reached(model, x, 8) == [2, 3, 4]


def test_norms_and_pools_are_torchs_own() -> None:
    for norm, kind in (("group", nn.GroupNorm), ("instance", nn.InstanceNorm2d)):
        model = _network(depth=1, norm=norm, pool=(3,), pool_stride=(2,), pool_ceil=True)
        x = torch.randn(1, 4, 16, 16).double()
        block, pool = model.blocks
        assert type(block.norm) is kind
        made = nn.functional.max_pool2d(block.norm(block.conv(x)).relu(), 3, 2, ceil_mode=True)
        torch.testing.assert_close(model(x), made)
        assert isinstance(pool, nn.MaxPool2d)
    over_channels = _network(depth=1, norm="layer").blocks[0].norm
    x = torch.randn(2, 4, 5, 6).double()
    torch.testing.assert_close(over_channels(x).mean(1), torch.zeros(2, 5, 6).double())


@pytest.mark.parametrize(
    ("fields", "ahead"),
    [
        ({"padding": "causal"}, 0),
        ({"padding": "causal", "padding_mode": "replicate"}, 0),
        ({"padding": "2+0", "spatial_dims": 1, "padding_mode": "reflect"}, None),
        ({"padding_mode": "circular", "spatial_dims": 1}, None),
        ({"norm": "instance", "spatial_dims": 1, "kernel_size": (1,)}, None),
    ],
)
def test_what_is_ahead_is_told_where_padding_and_norms_let_it(
    fields: Any, ahead: int | None
) -> None:
    answer = closed_form(FAMILY.outline(CnnSpec(**{**SMALL, "depth": 1, **fields})))

    assert answer.totals.ahead == ahead
