"""Inverted residual blocks as data: what MobileNetV2, MobileNetV3 and EfficientNet are made of.

No torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from archscope.blocks.residual_plan import residual_outline
from archscope.records import frozen
from archscope.theory.layers import Layer, conv
from archscope.theory.outline import Outline

Activation = Literal["relu", "relu6", "silu", "hardswish"]


@frozen
class Block:
    """A pointwise convolution to more channels, a depthwise one, a pointwise one to few."""

    path: str
    """Where it stands in the network, e.g. `features.3`."""
    in_channels: int
    """Channels of its input."""
    expanded: int
    """Channels of its depthwise convolution."""
    out_channels: int
    """Channels of its output."""
    kernel: int
    """Taps of the depthwise convolution along each axis."""
    stride: int
    """Positions of the input from output to output."""
    activation: Activation
    """What follows the first two convolutions."""
    dilation: int = 1
    """Positions from tap to tap."""
    squeezed: int = 0
    """Channels within squeeze-and-excitation; 0: there is none."""
    gate: Literal["sigmoid", "hardsigmoid"] = "sigmoid"
    """What turns the excitation into factors."""
    fused: bool = False
    """Whether one full convolution stands for the first pointwise and the depthwise one; where
    nothing expands, for all three."""

    @property
    def expands(self) -> bool:
        """Whether the first pointwise convolution is there."""
        return self.expanded != self.in_channels

    @property
    def projects(self) -> bool:
        """Whether the last pointwise convolution is there."""
        return self.expands or not self.fused

    @property
    def squeeze_place(self) -> int:
        """Modules before squeeze-and-excitation, or where it would stand."""
        return 1 if self.fused else 1 + self.expands

    @property
    def repeatable(self) -> bool:
        """Whether it returns the shape that it takes; the input is added where it does."""
        return self.stride == 1 and self.in_channels == self.out_channels


def rounded(channels: float, divisor: int = 8) -> int:
    """Return the multiple of `divisor` next to `channels`, never less than nine tenths of it.

    As in the authors' code of MobileNetV2 (Sandler et al. 2018), which EfficientNet and
    MobileNetV3 use too.

    >>> rounded(32 * 0.75), rounded(24 * 1.4), rounded(4)
    (24, 32, 8)
    """
    near = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * channels else near


def longest_path(block: Block) -> Iterator[Layer]:
    """Yield the convolutions of a block along one axis."""
    if block.expands and not block.fused:
        yield conv(1, name=f"{block.path}.block.0")
    yield conv(
        block.kernel,
        stride=block.stride,
        dilation=block.dilation,
        name=f"{block.path}.block.{block.squeeze_place - 1}",
    )
    if block.projects:
        last = block.squeeze_place + bool(block.squeezed)
        yield conv(1, name=f"{block.path}.block.{last}")


def squeeze_paths(blocks: Iterable[Block]) -> list[str]:
    """Return the squeeze-and-excitations among the blocks, by which outputs see everything."""
    return [f"{block.path}.block.{block.squeeze_place}" for block in blocks if block.squeezed]


def reads_all(blocks: Iterable[Block]) -> str:
    """Return the first squeeze-and-excitation, which lets outputs depend on the whole input."""
    return next(iter(squeeze_paths(blocks)), "")


def squeeze_remarks(blocks: Iterable[Block]) -> tuple[str, ...]:
    """Return what must be known of the squeeze-and-excitations among the blocks, if any."""
    return squeezes_in_words(squeeze_paths(blocks))


def squeezes_in_words(paths: Sequence[str]) -> tuple[str, ...]:
    """Return what must be known of squeeze-and-excitations at these paths, if any."""
    if not paths:
        return ()
    remark = (
        f"{len(paths)} squeeze-and-excitation modules, {paths[0]} the first "
        "of them, multiply each channel by a factor that all positions decide: through them every "
        "output depends on all of the input, and the table is of the paths beside them"
    )
    return (remark,)


def inverted_outline(layers: Iterable[Layer], blocks: Sequence[Block], input_size: int) -> Outline:
    """Return what a classifier of images looks at, with such blocks among its layers."""
    squeezes = squeeze_remarks(blocks)
    first = reads_all(blocks) or "avgpool"
    return residual_outline(layers, input_size, reads_all=first, remarks=squeezes)
