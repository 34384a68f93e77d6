"""Dilated residual networks for images: DRN-A, DRN-C and DRN-D, of output stride 8."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.blocks.plan import Step, stage
from archscope.blocks.residual_plan import EXPANSION, Block, Kind
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option

DILATED = ((16, 1, 1), (32, 2, 1), (64, 2, 1), (128, 2, 1), (256, 1, 2), (512, 1, 4), (512, 1, 2),
           (512, 1, 1))  # fmt: skip
"""Planes, stride and dilation of the levels of DRN-C and DRN-D (Yu et al. 2017, figure 5); the last
two take the dilation back, against gridding (section 4)."""
LEVELS = {"a": ((64, 1, 1), (128, 2, 1), (256, 1, 2), (512, 1, 4)), "c": DILATED, "d": DILATED}


@frozen
class DrnSpec:
    """The shape of a dilated residual network (Yu et al. 2017)."""

    arch: Literal["a", "c", "d"] = option(
        "d",
        "a: a dilated ResNet; c: max pool replaced, final levels without dilation; d: c simplified",
    )
    block: Literal["basic", "bottleneck"] = option(
        "basic",
        "basic: two 3x3 convolutions; bottleneck: 1x1, 3x3 and 1x1 with four times the "
        "output channels",
    )
    blocks: tuple[int, ...] = option(
        (1, 1, 2, 2, 2, 2, 1, 1), "blocks or convolutions of each level: 8 levels, or 4 for arch a",
        low=1, high=1000,
    )  # fmt: skip
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        levels = len(LEVELS[self.arch])
        if len(self.blocks) != levels:
            problem = f"gives {len(self.blocks)} levels; {{arch}} {self.arch} has {levels}"
            raise SpecError("blocks", listed(self.blocks), problem)


Part = Block | Step


def blocks(spec: DrnSpec) -> Iterator[Part]:
    """Yield the parts of all levels; the levels of a DRN-A are a ResNet's stages."""
    channels = LEVELS[spec.arch][0][0]
    for level in range(len(spec.blocks)):
        parts = tuple(_level(spec, level, channels))
        yield from parts
        channels = parts[-1].out_channels


def _level(spec: DrnSpec, level: int, channels: int) -> Iterator[Part]:
    planes, stride, dilation = LEVELS[spec.arch][level]
    is_outer = spec.arch != "a" and not 2 <= level <= 5
    kind: Kind = "basic" if is_outer else spec.block
    path, out = f"layer{level + 1}.0", planes * EXPANSION[kind]
    if spec.arch == "d" and is_outer:
        step = Step(
            path=path, in_channels=channels, out_channels=out, stride=stride, dilation=dilation
        )
        return stage(step, spec.blocks[level])
    # The authors' code leaves the first block of each stage of a DRN-A undilated.
    at_first = 1 if spec.arch == "a" else dilation
    block = Block(
        path=path,
        kind=kind,
        in_channels=channels,
        width=planes,
        out_channels=out,
        stride=stride,
        dilations=(at_first, at_first),
        residual=level < 6,
    )
    return stage(block, spec.blocks[level], dilations=(dilation, dilation))


def describe(spec: DrnSpec) -> tuple[str, ...]:
    """Return what tells it from others, in words."""
    levels = f"{spec.block} blocks {listed(spec.blocks)}"
    return f"drn-{spec.arch}", levels, f"{spec.classes} classes", images_in_words(spec)
