"""What a ResNet looks at: its convolutions as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.residual_plan import longest_path, residual_outline
from archscope.families.resnet.spec import ResNetSpec, blocks
from archscope.theory.layers import Layer, conv, pool
from archscope.theory.outline import Outline


def layers(spec: ResNetSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions along one axis, up to the last stage."""
    yield conv(7, stride=2, padding=3, name="conv1")
    yield pool(3, stride=2, padding=1, name="maxpool")
    for block in blocks(spec):
        yield from longest_path(block)


def outline(spec: ResNetSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    return residual_outline(layers(spec), spec.input_size)
