"""EfficientNet: one network of inverted residuals, scaled in width, depth and input size."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from archscope.blocks import alike as _alike
from archscope.blocks.inverted_residual_spec import (
    Block,
    longest_path,
    reads_all,
    remarks,
    rounded,
)
from archscope.families._assembly import images_in_words, kept
from archscope.specs import check, option
from archscope.subject import Repeat
from archscope.theory.layers import Layer, conv
from archscope.theory.outline import Outline

if TYPE_CHECKING:
    from torch import nn

STEM = 32
STAGES = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
          (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))  # fmt: skip
"""Expansion, kernel, stride, output channels and blocks of each stage of B0 (Tan & Le 2019,
table 1)."""
LAST = 4
"""Channels of the last convolution over those of the last stage: 1280 / 320."""


@dataclass(frozen=True, slots=True, kw_only=True)
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


def stem_channels(spec: EfficientNetSpec) -> int:
    """Return the channels of the first convolution."""
    return rounded(STEM * spec.width_mult)


def stages(spec: EfficientNetSpec) -> Iterator[tuple[Block, ...]]:
    """Yield the blocks of each stage."""
    channels = stem_channels(spec)
    for number, (expansion, kernel, first_stride, wanted, count) in enumerate(STAGES, start=1):
        out = rounded(wanted * spec.width_mult)
        stage = []
        for index in range(ceil(count * spec.depth_mult)):
            stage.append(
                Block(
                    path=f"features.{number}.{index}",
                    in_channels=channels,
                    expanded=rounded(channels * expansion),
                    out_channels=out,
                    kernel=kernel,
                    stride=first_stride if index == 0 else 1,
                    activation="silu",
                    squeezed=max(channels // 4, 1),
                )
            )
            channels = out
        yield tuple(stage)


def blocks(spec: EfficientNetSpec) -> tuple[Block, ...]:
    """Return the blocks of all stages in order."""
    return tuple(block for stage in stages(spec) for block in stage)


def layers(spec: EfficientNetSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions along one axis."""
    yield conv(3, stride=2, padding=1, name="features.0")
    for block in blocks(spec):
        yield from longest_path(block)
    yield conv(1, name=f"features.{len(STAGES) + 1}")


def outline(spec: EfficientNetSpec) -> Outline:
    """Return what the network looks at."""
    stack = tuple(layers(spec))
    return Outline(
        axes=2,
        layers=stack,
        input_size=spec.input_size,
        reads_all=reads_all(blocks(spec)),
        remarks=remarks(stack, blocks(spec)),
    )


def repeats(spec: EfficientNetSpec) -> tuple[Repeat, ...]:
    """Return the blocks that are alike."""
    return _alike.repeats(blocks(spec))


def build(spec: EfficientNetSpec, without: Set[str]) -> nn.Module:
    """Build the network, the blocks in `without` left out."""
    from archscope.families.efficientnet.network import EfficientNet

    plan = [kept(stage, without) for stage in stages(spec)]
    return EfficientNet(spec, plan, last=LAST * plan[-1][-1].out_channels)


def describe(spec: EfficientNetSpec) -> str:
    """Return the spec in one line."""
    scale = f"width {spec.width_mult:g} · depth {spec.depth_mult:g}"
    words = ("efficientnet", scale, f"{len(blocks(spec))} blocks", f"{spec.classes} classes")
    return " · ".join([*words, images_in_words(spec)])
