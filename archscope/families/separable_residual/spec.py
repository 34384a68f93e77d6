"""Xception: depthwise-separable convolutions with residual paths."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.examples import images_in_words
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option

STEM = 64
"""Channels before the first block."""
ENTRY = (128, 256, 728)
"""Output channels of the entry flow's blocks (Chollet 2017, figure 5)."""
SMALLEST = 71
"""Height and width below which the unpadded stem and the pools leave nothing."""


@frozen
class XceptionSpec:
    """The shape of Xception (Chollet 2017, figure 5)."""

    middle_blocks: int = option(8, "blocks of the middle flow", low=0, high=10_000)
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "outputs of the classifier", low=1, high=2**24)
    input_size: int = option(299, "height and width of the input", low=1, high=2**16)
    batch_size: int = option(1, "number of inputs", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if self.input_size < SMALLEST:
            raise SpecError("input_size", self.input_size, f"is too small; give {SMALLEST} or more")


@frozen
class Block:
    """Separable convolutions with a path around them, and a pool where it strides."""

    path: str
    """Where it stands in the network, e.g. `middle.3`."""
    channels: tuple[int, ...]
    """Channels of its input, then of the output of each separable convolution."""
    stride: int
    """Positions of the input from output to output: 1, or 2 by a pool."""
    starts_with_relu: bool = True
    """Whether an activation stands before the first convolution too."""

    @property
    def repeatable(self) -> bool:
        """Whether it returns the shape that it takes."""
        return self.stride == 1 and self.in_channels == self.out_channels

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
    channels = STEM
    for number, out in enumerate(ENTRY):
        yield Block(
            path=f"entry.{number}",
            channels=(channels, out, out),
            stride=2,
            starts_with_relu=number > 0,
        )
        channels = out
    for number in range(spec.middle_blocks):
        yield Block(path=f"middle.{number}", channels=(channels,) * 4, stride=1)
    yield Block(path="exit.0", channels=(channels, channels, 1024), stride=2)


def describe(spec: XceptionSpec) -> tuple[str, ...]:
    """Return what tells it from others, in words."""
    middle = f"{spec.middle_blocks} middle blocks"
    return "xception", middle, f"{spec.classes} classes", images_in_words(spec)
