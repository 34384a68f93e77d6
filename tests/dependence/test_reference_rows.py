"""Published receptive fields, by the graph of networks that are rebuilt here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from archscope.dependence.answer.receptive import receptive
from archscope.subject import Inputs

DATA = Path(__file__).parent.parent / "data" / "receptive_fields_of_networks.json"
ROWS = {row["id"]: row for row in json.loads(DATA.read_text(encoding="utf-8"))["rows"]}


def alexnet(net: Any, padding: int) -> nn.Module:
    return net.chain(
        net.conv(11, 4, padding), net.pool(3, 2), net.conv(5), net.pool(3, 2),
        *(net.conv(3) for _ in range(3)), net.pool(3, 2),
    )  # fmt: skip


def patchgan(net: Any, layers: int) -> nn.Module:
    """Isola et al. 2017: 4x4 convolutions, all but the last two of stride 2."""
    strides = [2] * layers + [1, 1]
    return net.chain(*(net.conv(4, stride, 1) for stride in strides))


def convnext_tiny(net: Any) -> nn.Module:
    """Liu et al. 2022: a 4x4 patch, 7x7 depthwise blocks, 2x2 between the stages."""
    layers: list[nn.Module] = [net.conv(4, 4, 0)]
    for number, count in enumerate((3, 3, 9, 3)):
        layers += [net.conv(2, 2, 0)] if number else []
        layers += [net.Residual(net.conv(7, depthwise=True)) for _ in range(count)]
    return net.chain(*layers)


def drn_d22(net: Any) -> nn.Module:
    """Yu et al. 2017: rates 1, 1, 1, 1, 2, 4, then 2 and 1 to take the gridding away again."""
    layers: list[nn.Module] = [net.conv(7), net.conv(3), net.conv(3, 2)]
    for rate, stride, before in ((1, 2, 1), (1, 2, 1), (2, 1, 2), (4, 1, 4)):
        first = net.Residual(net.conv(3, stride, dilation=before if rate > 1 else 1),
                             net.conv(3, dilation=rate), stride=stride)  # fmt: skip
        layers += [first, net.Residual(net.conv(3, dilation=rate), net.conv(3, dilation=rate))]
    return net.chain(*layers, net.conv(3, dilation=2), net.conv(3))


# ResNet-101 and 152 are left out, of the same blocks as those with 50; `make verify` runs them.
BUILD: dict[str, tuple[Callable[[Any], Any], int]] = {
    "alexnet_slim_pool5": (lambda net: alexnet(net, 0), 224),
    "alexnet_tv_features": (lambda net: alexnet(net, 2), 224),
    "vgg11_pool5": (lambda net: net.vgg((1, 1, 2, 2, 2)), 224),
    "vgg16_pool5": (lambda net: net.vgg((2, 2, 3, 3, 3)), 224),
    "vgg16_conv5_3": (lambda net: net.vgg((2, 2, 3, 3, 3), last_pool=False), 224),
    "fcn_vgg16_fc7": (
        lambda net: nn.Sequential(*net.vgg((2, 2, 3, 3, 3)), net.conv(7, 1, 0), net.conv(1)),
        512,
    ),
    "resnet18_tv": (lambda net: net.ResNet((2, 2, 2, 2), convs=2), 224),
    "resnet50_tv": (lambda net: net.ResNet((3, 4, 6, 3)), 224),
    "resnet50_slim": (
        lambda net: net.ResNet((3, 4, 6, 3), strides=(2, 2, 2, 1), late=True),
        224,
    ),
    "wide_dil_resnet50_os8": (
        lambda net: net.ResNet((3, 4, 6, 3), strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)),
        224,
    ),
    "mobilenet_v1": (lambda net: net.mobilenet_v1(), 224),
    "mobilenet_v2_tv": (lambda net: net.inverted(net.MOBILENET_V2, squeeze=False), 224),
    "efficientnet_b0_local": (lambda net: net.inverted(net.EFFICIENTNET_B0, squeeze=True), 224),
    "googlenet_tv": (lambda net: net.googlenet(), 224),
    "inception_v3_tv": (lambda net: net.inception_v3(), 299),
    "densenet121_tv": (lambda net: net.densenet121(), 224),
    "convnext_tiny_tv": (convnext_tiny, 224),
    "drn_d22": (drn_d22, 224),
    "yu_koltun_context": (lambda net: net.dilated(1, 1, 2, 4, 8, 16, 1), 65),
    "hdc_125": (lambda net: net.dilated(1, 2, 5), 33),
    "hdc_129": (lambda net: net.dilated(1, 2, 9), 33),
    "stack_222": (lambda net: net.dilated(2, 2, 2), 33),
    "stack_139": (lambda net: net.dilated(1, 3, 9), 33),
    "aspp_6_12_18": (lambda net: net.aspp(6, 12, 18), 65),
    "patchgan_70": (lambda net: patchgan(net, 3), 256),
    "patchgan_16": (lambda net: patchgan(net, 1), 64),
    "bagnet9": (lambda net: net.bagnet(1, 1, 0, 0), 128),
    "bagnet33": (lambda net: net.bagnet(1, 1, 1, 1), 160),
    "srcnn_915": (lambda net: net.chain(net.conv(9), net.conv(1), net.conv(5)), 33),
    "vdsr20": (lambda net: net.chain(*(net.conv(3) for _ in range(20))), 41),
    "dncnn17": (lambda net: net.chain(*(net.conv(3) for _ in range(17))), 40),
    "ircnn7": (lambda net: net.dilated(1, 2, 3, 4, 3, 2, 1), 48),
    "wavenet10": (lambda net: net.WaveNet(), 1500),
    "wavenet3x10": (lambda net: net.WaveNet(3), 3200),
    "tcn_k7_l8": (lambda net: net.tcn(7, 8), 3200),
    "wav2vec2_feat": (lambda net: net.wav2vec2_features(), 4000),
}


@pytest.mark.parametrize("name", BUILD)
def test_a_published_receptive_field(networks: ModuleType, name: str) -> None:
    build, size = BUILD[name]
    model, row = build(networks), ROWS[name]
    audio = name.startswith(("wave", "tcn", "wav2"))
    shape = (1, networks.WIDTH, size) if audio else (1, 3, size, size)

    found = receptive(model, Inputs(args=(torch.zeros(shape),)))

    assert found.is_whole
    for line in found.target.field.lines:
        assert line.hulls == (row["rf"], row["rf"])
        assert line.jump == row["eff_stride"]
        assert line.start == -row["eff_pad"]
        seen = line.sets[line.interior[0]]
        assert seen.bit_count() / row["rf"] == pytest.approx(row["coverage_1d"], abs=1e-3)


def test_a_unit_of_a_published_network_sees_the_published_interval(
    networks: ModuleType,
) -> None:
    row = ROWS["vgg16_pool5"]
    size, unit = row["probe_input"][-1], row["probe_unit"]
    model = networks.vgg((2, 2, 3, 3, 3))

    found = receptive(model, Inputs(args=(torch.zeros(1, 3, size, size),)), unit=(unit, unit))

    for axis in (0, 1):
        seen = found.target.field.row(axis, found.unit).sets[0]
        first = (seen & -seen).bit_length() - 1
        assert [first, seen.bit_length() - 1] == row["probe_interval"]
