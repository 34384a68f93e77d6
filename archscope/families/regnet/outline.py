"""What a RegNet looks at: its convolutions as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.inverted_residual_plan import squeezes_in_words
from archscope.blocks.residual_plan import residual_outline
from archscope.families.regnet.spec import RegNetSpec, blocks
from archscope.theory.layers import Layer, conv
from archscope.theory.outline import Outline


def layers(spec: RegNetSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions along one axis."""
    yield conv(3, stride=2, padding=1, name="stem.0")
    for block in blocks(spec):
        yield conv(1, name=f"{block.path}.f.a")
        yield conv(3, stride=block.stride, name=f"{block.path}.f.b")
        yield conv(1, name=f"{block.path}.f.c")


def outline(spec: RegNetSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    squeezes = [f"{block.path}.f.se" for block in blocks(spec) if block.squeezed]
    return residual_outline(
        layers(spec),
        spec.input_size,
        reads_all=next(iter(squeezes), "avgpool"),
        remarks=squeezes_in_words(squeezes),
    )
