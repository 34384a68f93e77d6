"""MobileNets: depthwise-separable convolutions (V1), inverted residuals (V2, V3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.blocks.inverted_residual_plan import Activation, Block, rounded
from archscope.blocks.plan import Step
from archscope.records import frozen
from archscope.specs import check, option

V1 = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2),
      (1024, 1))  # fmt: skip
"""Output channels and stride of each separable convolution (Howard et al. 2017, table 1)."""
V2 = ((1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 3, 32, 3, 2), (6, 3, 64, 4, 2), (6, 3, 96, 3, 1),
      (6, 3, 160, 3, 2), (6, 3, 320, 1, 1))  # fmt: skip
"""Expansion, kernel, output channels, blocks and stride of each stage (Sandler et al. 2018, table
2)."""
MNASNET = ((1, 3, 16, 1, 1), (3, 3, 24, 3, 2), (3, 5, 40, 3, 2), (6, 5, 80, 3, 2), (6, 3, 96, 2, 1),
           (6, 5, 192, 4, 2), (6, 3, 320, 1, 1))  # fmt: skip
"""The same of MnasNet-B1 (Tan et al. 2019, without squeeze-and-excitation), as in torchvision."""
V3 = {
    "v3-large": (
        (3, 16, 16, False, False, 1), (3, 64, 24, False, False, 2), (3, 72, 24, False, False, 1),
        (5, 72, 40, True, False, 2), (5, 120, 40, True, False, 1), (5, 120, 40, True, False, 1),
        (3, 240, 80, False, True, 2), (3, 200, 80, False, True, 1), (3, 184, 80, False, True, 1),
        (3, 184, 80, False, True, 1), (3, 480, 112, True, True, 1), (3, 672, 112, True, True, 1),
        (5, 672, 160, True, True, 2), (5, 960, 160, True, True, 1), (5, 960, 160, True, True, 1),
    ),
    "v3-small": (
        (3, 16, 16, True, False, 2), (3, 72, 24, False, False, 2), (3, 88, 24, False, False, 1),
        (5, 96, 40, True, True, 2), (5, 240, 40, True, True, 1), (5, 240, 40, True, True, 1),
        (5, 120, 48, True, True, 1), (5, 144, 48, True, True, 1), (5, 288, 96, True, True, 2),
        (5, 576, 96, True, True, 1), (5, 576, 96, True, True, 1),
    ),
}  # fmt: skip
"""Kernel, expanded and output channels, squeeze-and-excitation, h-swish and stride of each block
(Howard et al. 2019, tables 1 and 2)."""
V3_HIDDEN = {"v3-large": 1280, "v3-small": 1024}
"""Features of the classifier's hidden layer (the same tables)."""


@frozen
class MobileNetSpec:
    """The shape of a MobileNet."""

    version: Literal["v1", "v2", "v3-small", "v3-large", "mnasnet"] = option(
        "v2",
        "v1: depthwise-separable convolutions; v2: inverted residuals; v3: those with "
        "squeeze-and-excitation; or those of MnasNet-B1",
    )
    width_mult: float = option(
        1.0, "factor that multiplies the channels of every layer (alpha in V1)", low=0.01, high=100
    )
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)


def stem_channels(spec: MobileNetSpec) -> int:
    """Return the channels of the first convolution."""
    if spec.version == "v1":
        return max(int(32 * spec.width_mult), 1)
    return rounded((16 if spec.version in V3 else 32) * spec.width_mult)


Part = Step | Block
"""A depthwise-separable convolution of V1, or an inverted residual."""


def blocks(spec: MobileNetSpec, *, output_stride: int = 32) -> Iterator[Part]:
    """Yield the blocks in order; of V2 and V3 dilations replace the strides beyond the given."""
    if spec.version == "v1":
        yield from _v1(spec)
    elif spec.version in V3:
        yield from _v3(spec, output_stride)
    else:
        yield from _v2(spec, output_stride)


def _v1(spec: MobileNetSpec) -> Iterator[Step]:
    channels = stem_channels(spec)
    for number, (wanted, stride) in enumerate(V1, start=1):
        out = max(int(wanted * spec.width_mult), 1)
        path = f"features.{number}"
        yield Step(path=path, in_channels=channels, out_channels=out, stride=stride)
        channels = out


def _v2(spec: MobileNetSpec, output_stride: int) -> Iterator[Block]:
    is_v2 = spec.version == "v2"
    channels, number, jump, dilation = stem_channels(spec), 0, 2, 1
    for expansion, kernel, wanted, count, wanted_stride in V2 if is_v2 else MNASNET:
        out = rounded(wanted * spec.width_mult)
        first_stride = wanted_stride if jump * wanted_stride <= output_stride else 1
        jump *= first_stride
        for index in range(count):
            number += 1
            yield Block(
                path=f"features.{number}",
                in_channels=channels,
                expanded=channels * expansion,
                out_channels=out,
                kernel=kernel,
                stride=first_stride if index == 0 else 1,
                activation="relu6" if is_v2 else "relu",
                dilation=dilation,
            )
            channels = out
            # As in a dilated ResNet, the block that no longer strides has the dilation before it.
            dilation *= wanted_stride // first_stride if index == 0 else 1


def _v3(spec: MobileNetSpec, output_stride: int) -> Iterator[Block]:
    channels, strides = stem_channels(spec), 2
    for number, (kernel, within, wanted, squeeze, hard, stride) in enumerate(V3[spec.version], 1):
        strides *= stride
        is_dilated = strides > output_stride
        expanded = rounded(within * spec.width_mult)
        activation: Activation = "hardswish" if hard else "relu"
        out = rounded(wanted * spec.width_mult)
        yield Block(
            path=f"features.{number}",
            in_channels=channels,
            expanded=expanded,
            out_channels=out,
            kernel=kernel,
            stride=1 if is_dilated else stride,
            activation=activation,
            dilation=2 if is_dilated else 1,
            squeezed=rounded(expanded // 4) if squeeze else 0,
            gate="hardsigmoid",
        )
        channels = out


def last_number(spec: MobileNetSpec) -> int:
    """Return the number of the last convolution, which V1 does not have, among the features."""
    return 1 + sum(1 for _ in blocks(spec))


def last_channels(spec: MobileNetSpec) -> int:
    """Return the channels that the classifier reads."""
    if spec.version == "mnasnet":
        return 1280
    if spec.version == "v2":  # a narrow network keeps all 1280
        return rounded(1280 * max(spec.width_mult, 1.0))
    *_, last = blocks(spec)
    return last.out_channels * (1 if spec.version == "v1" else 6)


def hidden_width(spec: MobileNetSpec) -> int:
    """Return the features of the classifier's hidden layer; 0: it has none."""
    return rounded(V3_HIDDEN[spec.version] * spec.width_mult) if spec.version in V3 else 0


def describe(spec: MobileNetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = ["mnasnet b1" if spec.version == "mnasnet" else f"mobilenet {spec.version}"]
    if spec.width_mult != 1:
        words.append(f"width {spec.width_mult:g}")
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
