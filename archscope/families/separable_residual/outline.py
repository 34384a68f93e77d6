"""What an Xception looks at: its convolutions as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.residual_plan import residual_outline
from archscope.families.separable_residual.spec import Block, XceptionSpec, blocks
from archscope.theory.layers import Layer, conv, pool
from archscope.theory.outline import Outline


def layers(spec: XceptionSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions and pools along one axis."""
    padding = 1 if spec.is_aligned else 0
    yield conv(3, stride=2, padding=padding, name="conv1")
    yield conv(3, padding=padding, name="conv2")
    for block in blocks(spec):
        yield from _block(block)
    if not spec.is_aligned:
        yield from _separable("conv3")
        yield from _separable("conv4")


def _block(block: Block) -> Iterator[Layer]:
    last = len(block.channels) - 1
    for number in range(1, last + 1):
        stride = block.stride if block.aligned and number == last else 1
        yield from _separable(f"{block.path}.conv{number}", stride, block.dilation)
    if block.stride > 1 and not block.aligned:
        yield pool(3, stride=block.stride, padding=1, name=f"{block.path}.pool")


def _separable(name: str, stride: int = 1, dilation: int = 1) -> Iterator[Layer]:
    yield conv(3, stride=stride, dilation=dilation, padding=dilation, name=f"{name}.depthwise")
    yield conv(1, name=f"{name}.pointwise")


def outline(spec: XceptionSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    return residual_outline(layers(spec), spec.input_size)
