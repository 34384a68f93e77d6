"""EfficientNet: one network of inverted residuals, scaled in width, depth and input size."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from archscope.blocks.examples import images_in_words
from archscope.blocks.inverted_residual_plan import Block, rounded
from archscope.records import frozen
from archscope.specs import check, option

STEM = 32
"""Channels of the first convolution of B0."""
STAGES = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
          (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))  # fmt: skip
"""Expansion, kernel, stride, output channels and blocks of each stage of B0 (Tan & Le 2019,
table 1)."""
LAST = 4
"""Channels of the last convolution over those of the last stage: 1280 / 320."""


@frozen
class EfficientNetSpec:
    """The scale of an EfficientNet; the default is B0."""

    width_mult: float = option(1.0, "factor of the channels of every layer", low=0.01, high=100)
    depth_mult: float = option(1.0, "factor of the blocks of every stage", low=0.01, high=100)
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "outputs of the classifier", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input", low=1, high=2**16)
    batch_size: int = option(1, "number of inputs", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)


def blocks(spec: EfficientNetSpec) -> Iterator[Block]:
    """Yield the blocks of all stages in order."""
    channels = rounded(STEM * spec.width_mult)
    for number, (expansion, kernel, first_stride, wanted, count) in enumerate(STAGES, start=1):
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
                squeezed=max(channels // 4, 1),
            )
            channels = out


def describe(spec: EfficientNetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    scale = f"width {spec.width_mult:g} · depth {spec.depth_mult:g}"
    words = ("efficientnet", scale, f"{len(list(blocks(spec)))} blocks", f"{spec.classes} classes")
    return [*words, images_in_words(spec)]
