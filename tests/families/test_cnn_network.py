"""Convolution stacks on real tensors: shapes, causality, reach; and folded as unfolded."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope.families.cnn import FAMILY
from archscope.families.cnn.spec import CnnSpec, layers

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
            residual=padding == "same",
            norm="batchnorm",
        )
        out = FAMILY.network(spec)(torch.randn(2, 4, *[16] * dims))
        assert out.shape == (2, 8, *[layers(spec)[-1].out_size] * dims)


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
