"""Xception: depthwise-separable convolutions with residual paths, also for dense maps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option

FIRST = 32
"""Channels of the first convolution (Chollet 2017, figure 5)."""
STEM = 64
"""Channels before the first block."""
STEM_STRIDE = 2
"""Positions of the input from output to output before the first block."""
EXIT = 1024
"""Channels of the exit flow's first block (Chollet 2017, figure 5)."""
BEHIND = (1536, 2048)
"""Channels of the separable convolutions behind the last block, where they are in none."""
LAST = (1536, 1536, 2048)
"""Channels of the three separable convolutions at the end of an aligned one."""
SMALLEST = 71
"""Height and width below which the unpadded stem and the pools leave nothing."""
OUTPUT_STRIDES = (8, 16, 32)


@frozen
class XceptionSpec:
    """The shape of Xception (Chollet 2017, figure 5), or of the one under DeepLabv3+."""

    layout: Literal["chollet", "aligned"] = option(
        "chollet", "chollet: a block with a stride has two convolutions and a pool; aligned: three "
        "convolutions, the last with the stride, and padding everywhere (Chen et al. "
        "2018, figure 4)",
    )  # fmt: skip
    entry_channels: tuple[int, ...] = option(
        (128, 256, 728), "channels of each block of the entry flow", low=1, high=2**16
    )
    entry_strides: tuple[int, ...] = option(
        (2, 2, 2), "stride of each block of the entry flow", low=1, high=2
    )
    middle_blocks: int = option(8, "blocks of the middle flow", low=0, high=10_000)
    output_stride: int = option(
        32, "stride of the output relative to the input: with the aligned layout 8, 16 or 32; "
        "dilation replaces the later strides", low=8, high=32,
    )  # fmt: skip
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(299, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if len(self.entry_strides) != len(self.entry_channels):
            problem = f"is not one number for each of the {len(self.entry_channels)} blocks of "
            problem += "{entry_channels}"
            raise SpecError("entry_strides", listed(self.entry_strides), problem)
        if self.layout == "chollet" and self.output_stride != self.jump:
            problem = f"is not {self.jump}, the stride of {{layout}} chollet, whose pools stride"
            raise SpecError("output_stride", self.output_stride, problem)
        if self.output_stride not in OUTPUT_STRIDES:
            raise SpecError("output_stride", self.output_stride, "is not 8, 16 or 32")
        if self.layout == "chollet" and self.input_size < SMALLEST:
            raise SpecError("input_size", self.input_size, f"is too small; give {SMALLEST} or more")

    @property
    def jump(self) -> int:
        """Input positions from output to output where nothing is dilated."""
        strides = sum(stride > 1 for stride in self.entry_strides)
        return int(STEM_STRIDE * 2 ** (strides + 1))

    @property
    def is_aligned(self) -> bool:
        """Whether it has the layout for dense maps."""
        return self.layout == "aligned"


@frozen
class Block:
    """Separable convolutions with a path around them, and a pool where it strides by one."""

    path: str
    """Where it stands in the network, e.g. `middle.3`."""
    channels: tuple[int, ...]
    """Channels of its input, then of the output of each separable convolution."""
    stride: int
    """Positions of the input from output to output: 1 or 2."""
    starts_with_relu: bool = True
    """Whether an activation stands before the first convolution too."""
    aligned: bool = False
    """Whether the last convolution strides, not a pool, and each depthwise one has a norm."""
    dilation: int = 1
    """Positions from tap to tap."""
    residual: bool = True
    """Whether there is a path around; without one, activations follow both halves of each."""
    tapped: bool = False
    """Whether what its last convolution reads is given out too."""

    @property
    def repeatable(self) -> bool:
        """Whether it returns the shape that it takes."""
        return self.stride == 1 and self.in_channels == self.out_channels and not self.tapped

    @property
    def in_channels(self) -> int:
        """Channels of its input."""
        return self.channels[0]

    @property
    def out_channels(self) -> int:
        """Channels of its output."""
        return self.channels[-1]


def blocks(spec: XceptionSpec) -> Iterator[Block]:
    """Yield the blocks of the entry, the middle and the exit flow."""
    yield from _aligned(spec) if spec.is_aligned else _chollet(spec)


def _chollet(spec: XceptionSpec) -> Iterator[Block]:
    channels = STEM
    entry = zip(spec.entry_channels, spec.entry_strides, strict=True)
    for number, (out, stride) in enumerate(entry):
        yield Block(
            path=f"entry.{number}",
            channels=(channels, out, out),
            stride=stride,
            starts_with_relu=number > 0,
        )
        channels = out
    for number in range(spec.middle_blocks):
        yield Block(path=f"middle.{number}", channels=(channels,) * 4, stride=1)
    yield Block(path="exit.0", channels=(channels, channels, EXIT), stride=2)


def _aligned(spec: XceptionSpec) -> Iterator[Block]:
    channels, jump, dilation = STEM, STEM_STRIDE, 1
    entry = list(zip(spec.entry_channels, spec.entry_strides, strict=True))
    plan = [(f"entry.{n}", (out,) * 3, stride) for n, (out, stride) in enumerate(entry)]
    middle = plan[-1][1]
    plan += [(f"middle.{n}", middle, 1) for n in range(spec.middle_blocks)]
    plan += [("exit.0", (middle[-1], EXIT, EXIT), 2), ("exit.1", LAST, 1)]
    for path, outputs, wanted in plan:
        stride = wanted if jump * wanted <= spec.output_stride else 1
        yield Block(
            path=path,
            channels=(channels, *outputs),
            stride=stride,
            aligned=True,
            dilation=dilation,
            residual=path != "exit.1",
        )
        # The block that no longer strides still has the dilation before it.
        channels, jump, dilation = outputs[-1], jump * stride, dilation * (wanted // stride)


def describe(spec: XceptionSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = ["xception" if spec.layout == "chollet" else "aligned xception"]
    if spec.entry_channels != (128, 256, 728) or spec.entry_strides != (2, 2, 2):
        words.append(
            f"entry blocks of {listed(spec.entry_channels)}, strides {listed(spec.entry_strides)}"
        )
    words.append(f"{spec.middle_blocks} middle blocks")
    if spec.output_stride != spec.jump:
        words.append(f"output stride {spec.output_stride}")
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
