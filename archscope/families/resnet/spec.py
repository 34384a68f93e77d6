"""Residual networks for images: ResNet, ResNeXt, Wide ResNet, and dilated to a smaller stride."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.blocks.plan import stage
from archscope.blocks.residual_plan import EXPANSION, Block
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option

STAGES = 4
OUTPUT_STRIDES = (8, 16, 32)


@frozen
class ResNetSpec:
    """The shape of a residual network (He et al. 2016, table 1)."""

    block: Literal["basic", "bottleneck"] = option(
        "basic",
        "basic: two 3x3 convolutions; bottleneck: 1x1, 3x3 and 1x1 with four times the "
        "output channels",
    )
    blocks: tuple[int, ...] = option(
        (2, 2, 2, 2), "number of blocks of each of the four stages", low=1, high=1000
    )
    stem_channels: int = option(
        64, "channels of the first convolution; each stage doubles them", low=1, high=2**16
    )
    groups: int = option(1, "groups of a bottleneck's 3x3 convolution", low=1, high=2**16)
    group_width: int = option(
        64, "channels per group in the stage with 64 planes (torchvision: width_per_group)",
        low=1, high=2**16,
    )  # fmt: skip
    stride_in: Literal["conv1", "conv2"] = option(
        "conv2",
        "which convolution of a bottleneck has the stride: conv1 as published, conv2 as "
        "is now usual",
    )
    output_stride: int = option(
        32, "stride of the output relative to the input: 8, 16 or 32; dilation replaces the "
        "later strides",
        low=8, high=32,
    )  # fmt: skip
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if len(self.blocks) != STAGES:
            problem = "is not a list of 4 stages, e.g. 3,4,6,3"
            raise SpecError("blocks", listed(self.blocks), problem)
        if self.output_stride not in OUTPUT_STRIDES:
            raise SpecError("output_stride", self.output_stride, "is not 8, 16 or 32")
        if self.block == "basic" and (self.groups, self.group_width) != (1, 64):
            problem = "needs {block} bottleneck: the basic block has no grouped convolution"
            raise SpecError("groups", self.groups, problem)
        if self.stem_channels * self.group_width < 64:
            problem = f"leaves no channels in a group: {{stem_channels}} {self.stem_channels} / 64"
            raise SpecError("group_width", self.group_width, problem)


def blocks(spec: ResNetSpec) -> Iterator[Block]:
    """Yield the blocks of all stages in order."""
    channels, jump = spec.stem_channels, 4
    for number, count in enumerate(spec.blocks):
        planes = spec.stem_channels * 2**number
        width = planes
        if spec.block == "bottleneck":
            width = planes * spec.group_width // 64 * spec.groups
        wanted = 1 if number == 0 else 2
        stride = wanted if jump * wanted <= spec.output_stride else 1
        # As in torchvision, the block that no longer strides still has the dilation before it.
        before = 4 * 2 ** max(number - 1, 0) // jump
        jump *= stride
        after = 4 * 2**number // jump
        first = Block(
            path=f"layer{number + 1}.0",
            kind=spec.block,
            in_channels=channels,
            width=width,
            out_channels=planes * EXPANSION[spec.block],
            stride=stride,
            dilations=(before, before),
            groups=spec.groups,
            stride_in=spec.stride_in,
        )
        yield from stage(first, count, dilations=(after, after))
        channels = first.out_channels


def describe(spec: ResNetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = ["resnet", f"{spec.block} blocks {listed(spec.blocks)}"]
    if spec.stem_channels != 64:
        words.append(f"stem {spec.stem_channels}")
    if spec.groups > 1:
        words.append(f"{spec.groups} groups of {spec.group_width}")
    elif spec.group_width != 64:
        words.append(f"width {spec.group_width}")
    if spec.block == "bottleneck" and spec.stride_in == "conv1":
        words.append("stride in 1×1")
    if spec.output_stride != 32:
        words.append(f"output stride {spec.output_stride}")
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
