"""What Xception looks at: its convolutions and pools as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.residual_plan import residual_outline
from archscope.families.separable_residual.spec import XceptionSpec, blocks
from archscope.theory.layers import Layer, conv, pool
from archscope.theory.outline import Outline


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
