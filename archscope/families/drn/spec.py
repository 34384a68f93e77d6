"""Dilated residual networks for images: DRN-A, DRN-C and DRN-D, of output stride 8."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.blocks.residual_plan import (
    EXPANSION,
    Block,
    Kind,
)
from archscope.errors import SpecError
from archscope.specs import check, listed, option

CHANNELS = (16, 32, 64, 128, 256, 512, 512, 512)
"""Planes of the eight levels of DRN-C and DRN-D (Yu et al. 2017, figure 5)."""
STRIDES = (1, 2, 2, 2, 1, 1, 1, 1)
DILATIONS = (1, 1, 1, 1, 2, 4, 2, 1)
"""The last two levels take the dilation back, against gridding (section 4)."""
A_PLANES = (64, 128, 256, 512)
A_STRIDES = (1, 2, 1, 1)
A_DILATIONS = (1, 1, 2, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrnSpec:
    """The shape of a dilated residual network (Yu et al. 2017)."""

    arch: Literal["a", "c", "d"] = option(
        "d", "a: a ResNet dilated; c: pool replaced, levels without dilation last; d: c simplified"
    )
    block: Literal["basic", "bottleneck"] = option(
        "basic", "two convolutions of 3x3, or 1x1, 3x3 and 1x1 with four times the channels out"
    )
    blocks: tuple[int, ...] = option(
        (1, 1, 2, 2, 2, 2, 1, 1), "blocks or convolutions of each level: 8, of arch a 4",
        low=1, high=1000,
    )  # fmt: skip
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "outputs of the classifier", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input", low=1, high=2**16)
    batch_size: int = option(1, "number of inputs", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        levels = 4 if self.arch == "a" else 8
        if len(self.blocks) != levels:
            problem = f"gives {len(self.blocks)} levels; {{arch}} {self.arch} has {levels}"
            raise SpecError("blocks", listed(self.blocks), problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution:
    """A convolution of 3x3 with its norm and activation, where DRN-D has no residual block."""

    kind: Literal["convolution"] = "convolution"
    """What tells it from a residual block."""
    path: str
    """Where it stands in the network, e.g. `layer7.0`."""
    in_channels: int
    """Channels of its input."""
    out_channels: int
    """Channels of its output."""
    stride: int
    """Positions of the input from output to output."""
    dilation: int
    """Positions from tap to tap."""

    @property
    def repeatable(self) -> bool:
        """Whether it returns the shape that it takes."""
        return self.stride == 1 and self.in_channels == self.out_channels


Part = Block | Convolution


def blocks(spec: DrnSpec) -> Iterator[Part]:
    """Yield the parts of all levels; the levels of a DRN-A are a ResNet's stages."""
    if spec.arch == "a":
        yield from _dilated_resnet(spec)
        return
    channels = CHANNELS[0]
    for level, (count, planes) in enumerate(zip(spec.blocks, CHANNELS, strict=True)):
        kind: Kind = spec.block if 2 <= level <= 5 else "basic"
        is_outer = kind == "basic" and not 2 <= level <= 5
        if spec.arch == "d" and is_outer:
            yield from _convolutions(level, count, channels, planes)
        else:
            yield from _blocks(level, count, channels, planes, kind)
        channels = planes * EXPANSION[kind]


def _convolutions(level: int, count: int, channels: int, planes: int) -> Iterator[Part]:
    for number in range(count):
        yield Convolution(
            path=f"layer{level + 1}.{number}",
            in_channels=planes if number else channels,
            out_channels=planes,
            stride=1 if number else STRIDES[level],
            dilation=DILATIONS[level],
        )


def _blocks(level: int, count: int, channels: int, planes: int, kind: Kind) -> Iterator[Part]:
    out, dilation = planes * EXPANSION[kind], DILATIONS[level]
    for number in range(count):
        yield Block(
            path=f"layer{level + 1}.{number}",
            kind=kind,
            in_channels=out if number else channels,
            width=planes,
            out_channels=out,
            stride=1 if number else STRIDES[level],
            dilations=(dilation, dilation),
            residual=level < 6,
        )


def _dilated_resnet(spec: DrnSpec) -> Iterator[Part]:
    channels = 64
    for stage, count in enumerate(spec.blocks):
        out = A_PLANES[stage] * EXPANSION[spec.block]
        stride = A_STRIDES[stage]
        for number in range(count):
            yield Block(
                path=f"layer{stage + 1}.{number}",
                kind=spec.block,
                in_channels=out if number else channels,
                width=A_PLANES[stage],
                out_channels=out,
                stride=1 if number else stride,
                # The authors' code leaves the first block of each stage undilated.
                dilations=(A_DILATIONS[stage],) * 2 if number else (1, 1),
            )
        channels = out


def describe(spec: DrnSpec) -> str:
    """Return the spec in one line."""
    words = (f"drn-{spec.arch}", f"{spec.block} blocks {listed(spec.blocks)}")
    return " · ".join([*words, f"{spec.classes} classes", images_in_words(spec)])
