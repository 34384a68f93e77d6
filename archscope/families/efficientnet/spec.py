"""EfficientNet: one network of inverted residuals, scaled in width, depth and input size."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.blocks.inverted_residual_plan import Block, rounded
from archscope.records import frozen
from archscope.specs import check, option

V1 = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
      (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))  # fmt: skip
"""Expansion, kernel, stride, output channels and blocks of each stage of B0 (Tan & Le 2019,
table 1)."""
V2 = {
    "v2-s": ((1, 3, 1, 24, 2), (4, 3, 2, 48, 4), (4, 3, 2, 64, 4), (4, 3, 2, 128, 6),
             (6, 3, 1, 160, 9), (6, 3, 2, 256, 15)),
    "v2-m": ((1, 3, 1, 24, 3), (4, 3, 2, 48, 5), (4, 3, 2, 80, 5), (4, 3, 2, 160, 7),
             (6, 3, 1, 176, 14), (6, 3, 2, 304, 18), (6, 3, 1, 512, 5)),
    "v2-l": ((1, 3, 1, 32, 4), (4, 3, 2, 64, 7), (4, 3, 2, 96, 7), (4, 3, 2, 192, 10),
             (6, 3, 1, 224, 19), (6, 3, 2, 384, 25), (6, 3, 1, 640, 7)),
}  # fmt: skip
"""The same of EfficientNetV2 (Tan & Le 2021, table 4, as in the authors' code)."""
FUSED = 3
"""Stages of V2 whose blocks are fused and have no squeeze-and-excitation: the first."""
LAST = 1280
"""Channels of the last convolution before scaling; in V1 four times those of the last stage."""


@frozen
class EfficientNetSpec:
    """The version and the scale of an EfficientNet; the default is B0."""

    version: Literal["v1", "v2-s", "v2-m", "v2-l"] = option(
        "v1", "the stages: those of B0, to be scaled, or of EfficientNetV2 S, M or L"
    )
    width_mult: float = option(
        1.0, "factor that multiplies the channels of every layer", low=0.01, high=100
    )
    depth_mult: float = option(
        1.0, "factor that multiplies the number of blocks of every stage", low=0.01, high=100
    )
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)


def stages(spec: EfficientNetSpec) -> tuple[tuple[int, int, int, int, int], ...]:
    """Return expansion, kernel, stride, output channels and blocks of each stage, unscaled."""
    return V1 if spec.version == "v1" else V2[spec.version]


def stem_channels(spec: EfficientNetSpec) -> int:
    """Return the channels of the first convolution; V2's first stage keeps them."""
    first = 32 if spec.version == "v1" else stages(spec)[0][3]
    return rounded(first * spec.width_mult)


def last_channels(spec: EfficientNetSpec) -> int:
    """Return the channels of the last convolution."""
    if spec.version == "v1":
        return LAST // V1[-1][3] * rounded(V1[-1][3] * spec.width_mult)
    return rounded(LAST * spec.width_mult)


def blocks(spec: EfficientNetSpec) -> Iterator[Block]:
    """Yield the blocks of all stages in order."""
    channels = stem_channels(spec)
    for number, (expansion, kernel, first_stride, wanted, count) in enumerate(stages(spec), 1):
        fused = spec.version != "v1" and number <= FUSED
        out = rounded(wanted * spec.width_mult)
        for index in range(ceil(count * spec.depth_mult)):
            yield Block(
                path=f"features.{number}.{index}",
                in_channels=channels,
                expanded=rounded(channels * expansion),
                out_channels=out,
                kernel=kernel,
                stride=first_stride if index == 0 else 1,
                activation="silu",
                squeezed=0 if fused else max(channels // 4, 1),
                fused=fused,
            )
            channels = out


def describe(spec: EfficientNetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    scale = f"width {spec.width_mult:g} · depth {spec.depth_mult:g}"
    name = "efficientnet" if spec.version == "v1" else f"efficientnet {spec.version}"
    words = (name, scale, f"{len(list(blocks(spec)))} blocks", f"{spec.classes} classes")
    return [*words, images_in_words(spec)]
