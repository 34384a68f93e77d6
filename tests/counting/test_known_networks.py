"""Whole networks that everybody knows, from a few lines of torch and from the families.

Parameters and multiply-accumulates of the vision networks: torchvision's model metadata; of the
language models: derived from their shapes and run, as counters in use disagree by up to 100x.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope.library import params


class ResidualBlock(nn.Module):
    """He et al. 2016: basic (two 3x3) or bottleneck (1x1, 3x3, 1x1, width times four)."""

    def __init__(self, inputs: int, width: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        outputs = width * (4 if bottleneck else 1)
        plan = (
            [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
            if bottleneck
            else [(inputs, width, 3, stride), (width, width, 3, 1)]
        )
        layers: list[nn.Module] = []
        for i, o, kernel, step in plan:
            layers += [nn.Conv2d(i, o, kernel, step, kernel // 2, bias=False), nn.BatchNorm2d(o)]
            layers += [nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers[:-1])
        self.down = (
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
            if stride != 1 or inputs != outputs
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.down(x))


def resnet(blocks: tuple[int, ...], *, bottleneck: bool) -> nn.Module:
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]
    inputs = 64
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        for number in range(count):
            stride = 2 if stage and number == 0 else 1
            layers.append(ResidualBlock(inputs, width, stride, bottleneck=bottleneck))
            inputs = width * (4 if bottleneck else 1)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))


class InvertedResidual(nn.Module):
    """Sandler et al. 2018: widen, filter each channel, narrow."""

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int) -> None:
        super().__init__()
        width = inputs * expand
        layers: list[nn.Module] = []
        if expand != 1:
            layers += [nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU6()]
        layers += [nn.Conv2d(width, width, 3, stride, 1, groups=width, bias=False)]
        layers += [nn.BatchNorm2d(width), nn.ReLU6()]
        layers += [nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.body = nn.Sequential(*layers)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.adds else self.body(x)


def mobilenet_v2() -> nn.Module:
    layers: list[nn.Module] = [
        nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6(),
    ]  # fmt: skip
    inputs = 32
    for expand, outputs, count, stride in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):  # fmt: skip
        for number in range(count):
            layers.append(InvertedResidual(inputs, outputs, stride if number == 0 else 1, expand))
            inputs = outputs
    layers += [nn.Conv2d(320, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6()]
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, 1000)
    )


class VisionTransformer(nn.Module):
    """Dosovitskiy et al. 2021, ViT-B/16 at 224."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 768, 16, 16)
        self.cls = nn.Parameter(torch.zeros(1, 1, 768))
        self.positions = nn.Parameter(torch.zeros(1, 197, 768))
        layer = nn.TransformerEncoderLayer(
            768, 12, 3072, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, 12, norm=nn.LayerNorm(768), enable_nested_tensor=False
        )
        self.head = nn.Linear(768, 1000)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.positions
        return self.head(self.encoder(x)[:, 0])


IMAGES = torch.zeros(1, 3, 224, 224)
VISION: dict[str, tuple[Any, int, int, int, int]] = {
    # parameters, multiply-accumulates, weighted layers, blocks
    "resnet18": (lambda: resnet((2, 2, 2, 2), bottleneck=False), 11_689_512, 1_814_073_344, 18, 8),
    "resnet50": (lambda: resnet((3, 4, 6, 3), bottleneck=True), 25_557_032, 4_089_184_256, 50, 16),
    # 3 layers in each of 17 blocks, one fewer in the first, and stem, last convolution, classifier
    "mobilenet_v2": (mobilenet_v2, 3_504_872, 300_774_272, 53, 17),
    # patches, 4 layers in each of 12 blocks, classifier
    "vit_b_16": (VisionTransformer, 86_567_656, 17_563_828_224, 50, 12),
}  # fmt: skip


@pytest.mark.parametrize("name", VISION)
def test_a_vision_network(name: str) -> None:
    build, parameters, macs, weighted, blocks = VISION[name]

    report = params(build(), IMAGES, strict=True)

    assert report.totals.trainable == parameters
    assert report.totals.macs == macs
    depths = {row.measure: row.value for row in report.section("depth").rows}
    assert depths["weighted layers"] == weighted
    assert depths["blocks"] == blocks


def test_a_layer_whose_weight_is_computed_is_a_weighted_layer() -> None:
    normed = nn.utils.parametrizations
    model = nn.Sequential(
        normed.weight_norm(nn.Linear(4, 4)),
        nn.utils.spectral_norm(nn.Linear(4, 4)),
        normed.weight_norm(nn.Conv1d(2, 2, 1)),
    )
    found = (params(model, torch.zeros(1, 2, 4)), params("tcn"))

    depths = [r.section("depth").rows[1].value for r in found]
    assert depths == [3, 17], "of the TCN two in each of 8 blocks, normed by hand, and the last"


def test_fvcore_adds_its_estimates_to_flops_and_not_to_macs() -> None:
    report = params(resnet((2, 2, 2, 2), bottleneck=False), IMAGES)

    # what fvcore alone says of ResNet-18, batch norms and pooling included
    assert report.totals.flops == 1_819_065_856


LANGUAGE: dict[str, tuple[dict[str, Any], int, int | None]] = {
    "gpt2 at 128": ({"seq_len": 128, "max_positions": 1024}, 16_114_089_984, 124_439_808),
    "llama-2-7b at 128": (
        {
            "depth": 32, "d_model": 4096, "heads": 32, "d_ff": 11008, "vocab_size": 32000,
            "seq_len": 128, "norm": "rmsnorm", "activation": "swiglu", "positions": "rotary",
            "tied": False, "bias": False,
        },
        850_000_871_424,
        6_738_415_616,
    ),
    "t5-small, 128 to 32": (
        {
            "arch": "encoder-decoder", "depth": 6, "d_model": 512, "heads": 8, "d_ff": 2048,
            "vocab_size": 32128, "seq_len": 128, "target_len": 32, "norm": "rmsnorm",
            "activation": "relu", "positions": "none", "bias": False,
        },
        4_181_721_088,
        None,  # T5's relative position biases are parameters that this family does not have
    ),
    "a small mixtral": (
        {
            "depth": 2, "d_model": 256, "heads": 8, "kv_heads": 2, "d_ff": 512, "experts": 8,
            "top_k": 2, "vocab_size": 1000, "seq_len": 128, "norm": "rmsnorm",
            "activation": "swiglu", "positions": "rotary", "tied": False, "bias": False,
        },
        # head 32,768,000; experts 201,326,592; routers 524,288; attention 58,720,256
        293_339_136,
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LANGUAGE)
def test_a_language_model(name: str) -> None:
    fields, macs, parameters = LANGUAGE[name]

    totals = params("transformer", strict=True, **fields).totals

    assert totals.macs == macs
    if parameters is not None:
        assert totals.trainable == parameters


def test_the_small_mixtral_counts_the_same_on_data(count: Any) -> None:
    from archscope.library import build

    model = build("transformer", **LANGUAGE["a small mixtral"][0])
    found = count(model, torch.randint(1000, (1, 128)), execution="real")

    assert found.failure is None
    assert found.fvcore is not None
    assert sum(found.dispatcher.macs().values()) == 293_339_136
    assert sum(found.fvcore.macs.values()) == 293_339_136


def test_the_acceptance_figures() -> None:
    deep = params("transformer", depth=24).totals
    usual = params("transformer", depth=12).totals

    assert (deep.trainable, deep.macs) == (209_494_272, 252_124_594_176)
    assert (usual.trainable, usual.macs) == (124_439_808, 145_824_153_600)


class _Router(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.top_k, self.num_experts = 2, 8
        self.weight = nn.Parameter(torch.zeros(8, 4))


class _StackedExperts(nn.Module):
    """As transformers holds experts since version 5."""

    def __init__(self) -> None:
        super().__init__()
        self.num_experts = 8
        self.up = nn.Parameter(torch.zeros(8, 6, 4))
        self.up_bias = nn.Parameter(torch.zeros(8, 6))
        self.down = nn.Parameter(torch.zeros(8, 4, 6))


def test_a_token_uses_its_share_of_experts_that_are_stacked() -> None:
    layer = nn.ModuleDict({"gate": _Router(), "experts": _StackedExperts()})

    totals = params(nn.Sequential(layer, nn.Linear(4, 4)), flops=False).totals

    # 8*4 of the router, 8*(24 + 6 + 24) of experts, 4*4+4
    assert totals.trainable == 32 + 432 + 20
    assert totals.active == 32 + 432 * 2 // 8 + 20
