"""What a dilated residual network looks at: its convolutions as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.residual_plan import Block, longest_path, residual_outline
from archscope.families.drn.spec import DrnSpec, blocks
from archscope.theory.layers import Layer, conv, pool
from archscope.theory.outline import Outline


def layers(spec: DrnSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions along one axis."""
    if spec.arch == "a":
        yield conv(7, stride=2, padding=3, name="conv1")
        yield pool(3, stride=2, padding=1, name="maxpool")
    else:
        yield conv(7, name="conv1")
    for part in blocks(spec):
        if isinstance(part, Block):
            yield from longest_path(part)
        else:
            name = f"{part.path}.conv"
            yield conv(3, stride=part.stride, dilation=part.dilation, name=name)


def outline(spec: DrnSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    return residual_outline(layers(spec), spec.input_size)
