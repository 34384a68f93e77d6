"""Xception: depthwise-separable convolutions with residual paths."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archscope.blocks import alike as _alike
from archscope.blocks.residual_spec import residual_outline
from archscope.errors import SpecError
from archscope.families._assembly import images_in_words, kept
from archscope.specs import check, option
from archscope.subject import Repeat
from archscope.theory.layers import Layer, conv, pool
from archscope.theory.outline import Outline

if TYPE_CHECKING:
    from torch import nn

STEM = 64
"""Channels before the first block."""
ENTRY = (128, 256, 728)
"""Output channels of the entry flow's blocks (Chollet 2017, figure 5)."""
SMALLEST = 71
"""Height and width below which the unpadded stem and the pools leave nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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


def layers(spec: XceptionSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions and pools along one axis."""
    yield conv(3, stride=2, padding=0, name="conv1")
    yield conv(3, padding=0, name="conv2")
    for block in blocks(spec):
        for number in range(1, len(block.channels)):
            yield from _separable(f"{block.path}.conv{number}")
        if block.stride > 1:
            yield pool(3, stride=block.stride, padding=1, name=f"{block.path}.pool")
    yield from _separable("conv3")
    yield from _separable("conv4")


def _separable(name: str) -> Iterator[Layer]:
    yield conv(3, name=f"{name}.depthwise")
    yield conv(1, name=f"{name}.pointwise")


def outline(spec: XceptionSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    return residual_outline(layers(spec), spec.input_size)


def repeats(spec: XceptionSpec) -> tuple[Repeat, ...]:
    """Return the blocks that are alike."""
    return _alike.repeats(blocks(spec))


def build(spec: XceptionSpec, without: Set[str]) -> nn.Module:
    """Build the network, the blocks in `without` left out."""
    from archscope.families.separable_residual.network import Xception

    return Xception(spec, kept(blocks(spec), without))


def describe(spec: XceptionSpec) -> str:
    """Return the spec in one line."""
    words = ("xception", f"{spec.middle_blocks} middle blocks", f"{spec.classes} classes")
    return " · ".join([*words, images_in_words(spec)])
