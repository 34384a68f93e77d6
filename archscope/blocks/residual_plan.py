"""Residual blocks of 2-D networks as data: what ResNets, DRNs and their relatives are made of.

No torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from archscope.records import frozen
from archscope.theory.layers import Layer, Stack, conv
from archscope.theory.outline import Outline, skips_a_hole

Kind = Literal["basic", "bottleneck"]
EXPANSION: dict[Kind, int] = {"basic": 1, "bottleneck": 4}
"""Output channels of a block over its planes."""


@frozen
class Block:
    """Two convolutions of 3x3, or 1x1, 3x3 and 1x1, and a path around them."""

    path: str
    """Where it stands in the network, e.g. `layer1.0`."""
    kind: Kind
    """`basic` or `bottleneck`."""
    in_channels: int
    """Channels of its input."""
    width: int
    """Channels of its 3x3 convolutions."""
    out_channels: int
    """Channels of its output."""
    stride: int = 1
    """Positions of the input from output to output."""
    dilations: tuple[int, int] = (1, 1)
    """Positions from tap to tap: of both convolutions, of a bottleneck's the second."""
    groups: int = 1
    """Groups of channels of the 3x3 convolution of a bottleneck."""
    stride_in: Literal["conv1", "conv2"] = "conv2"
    """Which convolution of a bottleneck strides; of a basic block always the first."""
    residual: bool = True
    """Whether the input is added."""

    @property
    def repeatable(self) -> bool:
        """Whether it returns the shape that it takes; else the path around it has a convolution."""
        return self.stride == 1 and self.in_channels == self.out_channels

    @property
    def strides(self) -> tuple[int, int]:
        """Strides of the first two convolutions."""
        first = self.kind == "basic" or self.stride_in == "conv1"
        return (self.stride, 1) if first else (1, self.stride)


def longest_path(block: Block) -> Iterator[Layer]:
    """Yield the convolutions of a block along one axis."""
    is_basic = block.kind == "basic"
    (first, second), strides = block.dilations, block.strides
    taps, dilation = (3, first) if is_basic else (1, 1)
    yield conv(taps, stride=strides[0], dilation=dilation, name=f"{block.path}.conv1")
    yield conv(3, stride=strides[1], dilation=second, name=f"{block.path}.conv2")
    if not is_basic:
        yield conv(1, name=f"{block.path}.conv3")


def residual_outline(
    layers: Iterable[Layer],
    input_size: int,
    *,
    axes: int = 2,
    reads_all: str = "avgpool",
    remarks: tuple[str, ...] = (),
) -> Outline:
    """Return what a network looks at by its longest path, which sees what all others see."""
    stack = tuple(layers)
    return Outline(
        axes=axes,
        layers=stack,
        input_size=input_size,
        reads_all=reads_all,
        remarks=(residual_remark(stack), *remarks),
    )


def residual_remark(stack: Stack) -> str:
    """Return what must be known of the paths around the convolutions of `stack`.

    They add nothing: each convolution has a tap where the path around it looks.
    """
    if skips_a_hole(stack):
        raise ValueError("a path around a convolution sees a position that the convolution misses")
    return (
        "residual paths see the same positions, more often near the centre; path counts are those "
        "of the path through all convolutions"
    )
